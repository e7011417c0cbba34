from __future__ import annotations

import csv
import io

import pytest

from disbursement.platform.errors import NotFoundError, RefusedError
from disbursement.programmes.communes import commune, communes, communes_of, province, provinces
from disbursement.programmes.open_points import Settings, open_point, open_points
from disbursement.programmes.rates import data_file


def rows(name):
    return list(csv.DictReader(io.StringIO(data_file(name).decode())))


def test_communes_are_unique_sourced_and_lie_in_known_provinces():
    raw = rows("communes_2026.csv")
    assert len(raw) == len({r["commune_code"] for r in raw}) == len(communes()) == 3321
    assert {r["province_code"] for r in raw} == set(provinces())
    for r in raw:
        assert len(r["commune_code"]) == 5
        assert r["commune_code"].isdigit()
        assert r["source"]
        assert r["confidence"]


def test_each_province_has_as_many_communes_as_it_says():
    assert len(provinces()) == 34
    for code, p in provinces().items():
        assert len(communes_of(code)) == p.communes, code
    assert sum(p.communes for p in provinces().values()) == 3321
    assert province("25").name == "Phú Thọ"
    assert len(communes_of("25")) == 148


def test_codes_are_text():
    assert commune("00004").full_name == "Phường Ba Đình"
    assert commune("00004").province.code == "01"
    for wrong in ("4", "0004", "99999", ""):
        with pytest.raises(NotFoundError, match="5 chữ số"):
            commune(wrong)
    for wrong in ("1", "02", "2"):
        with pytest.raises(NotFoundError, match="2 chữ số"):
            province(wrong)


def test_local_levels_belong_to_known_provinces():
    for r in (*rows("base_levels.csv"), *rows("instruments.csv")):
        assert r["territory"] == "VN" or r["territory"] in provinces()


def test_open_points_are_complete():
    raw = rows("open_points.csv")
    assert len(raw) == len(open_points())
    for p in open_points().values():
        assert p.sentence_vi
        assert p.sentence_en
        assert p.citation
        assert p.source
        assert (p.setting == "") == (p.choices == ())
        if p.setting:
            assert p.default == "hold"
            assert getattr(Settings(), p.setting) == p.default
            assert p.setting in p.sentence_vi


def test_settings_take_their_choices_only():
    with pytest.raises(RefusedError, match="hold, full"):
        Settings(sp_with_lower_pension="half")
    assert Settings().sha256() != Settings(merit_with_sa="both").sha256()
    assert open_point("left_before_rise").choices == ("hold", "old_level", "rerate")
