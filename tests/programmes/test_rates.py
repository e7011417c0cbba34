"""The rate tables: complete, sourced, free of overlap; the loader says what is wrong and where."""

from __future__ import annotations

import csv
import io
from datetime import date
from fractions import Fraction

import pytest

from disbursement.platform.errors import OurFaultError, RefusedError
from disbursement.programmes.rates import CLAUSE_AGES, data_file, load_rates, shipped_rates

NAMES = ("instruments.csv", "social_assistance_rates.csv", "base_levels.csv")
RATES = shipped_rates()
SEP, OCT = date(2026, 9, 24), date(2026, 10, 23)


def files(**changes: tuple[int, str, str]) -> dict[str, bytes]:
    """The shipped files; `rates=(line, column, value)` changes one cell."""
    out = {name: data_file(name) for name in NAMES}
    for short, (number, column, value) in changes.items():
        name = next(n for n in NAMES if short in n)
        rows = list(csv.DictReader(io.StringIO(out[name].decode())))
        rows[number - 2][column] = value
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        out[name] = text.getvalue().encode()
    return out


def test_every_row_has_its_source_citation_and_confidence():
    assert (len(RATES.rates), len(RATES.bases), len(RATES.instruments)) == (68, 12, 11)
    for row in (*RATES.rates, *RATES.bases, *RATES.instruments.values()):
        assert row.citation
        assert row.source
        assert row.confidence in {"seen", "quoted", "secondary", "inference", "uncertain"}


def test_every_monthly_clause_has_rates_of_both_decrees():
    now = {c: {r.code[:4] for r in rows} for c, rows in RATES.view(202611, OCT).monthly.items()}
    before = set(RATES.view(202506, SEP).monthly)
    assert set(now) == set(CLAUSE_AGES) - {"K5b20", "K5c"}
    assert before == set(CLAUSE_AGES) - {"SP"}
    assert all(codes == {"SA26"} for c, codes in now.items() if c != "SP")


def test_bands_of_a_clause_meet_without_gap_or_overlap():
    for law_on in (SEP, OCT):
        for month in (202107, 202507, 202606, 202607, 202609, 202610):
            for clause, rows in RATES.view(month, law_on).monthly.items():
                for degree in {r.degree for r in rows}:
                    band = [r for r in rows if r.degree == degree]
                    ends = [r.age_to for r in band[:-1]]
                    assert ends == [r.age_from for r in band[1:]], (clause, month)


@pytest.mark.parametrize(
    ("month", "law_on", "base", "province", "amount"),
    [
        (202610, SEP, "SA_BASE", "25", 500_000),
        (202610, OCT, "SA_BASE", "25", 540_000),
        (202607, OCT, "SA_BASE", "25", 540_000),
        (202606, OCT, "SA_BASE", "25", 500_000),
        (202406, OCT, "SA_BASE", "25", 360_000),
        (202610, SEP, "SA_BASE", "01", 650_000),
        (202512, OCT, "SA_BASE", "01", 500_000),
        (202610, SEP, "SP_BASE", "08", 530_000),
        (202610, OCT, "SP_BASE", "08", 540_000),
        (202611, OCT, "SP_BASE", "22", 700_000),
        (202611, OCT, "SP_BASE", "31", 700_000),
        (202611, OCT, "SP_BASE", "79", 650_000),
        (202611, OCT, "SA_BASE", "31", 540_000),
    ],
)
def test_base_levels_on_both_time_axes(month, law_on, base, province, amount):
    assert RATES.view(month, law_on).base(base, province).amount_vnd == amount


def test_an_instrument_left_out_neither_sets_nor_ends():
    view = RATES.view(202611, OCT, frozenset({"335/2026/NĐ-CP"}))
    assert view.base("SA_BASE", "25").amount_vnd == 500_000
    assert {r.code for r in view.monthly["K5a"]} == {"SA21.K5A.60_79", "SA21.K5A.GE80"}


def test_a_month_before_the_tables_is_our_fault_not_zero():
    with pytest.raises(OurFaultError, match="SP_BASE"):
        RATES.view(202506, OCT).base("SP_BASE", "25")


def test_the_digest_is_of_the_bytes():
    assert load_rates(files()).sha256 == RATES.sha256
    changed = load_rates(files(base_levels=(5, "note", "x")))
    assert changed.sha256 != RATES.sha256
    assert changed.id == f"SASP-{changed.sha256[:12]}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rates": (2, "coefficient", "1,5x")}, "dòng 2, cột coefficient: '1,5x'"),
        ({"rates": (2, "coefficient", "")}, "cột coefficient"),
        ({"rates": (2, "effective_from", "01/07/2026")}, "cột effective_from: '01/07/2026'"),
        ({"rates": (2, "effective_from", "2026-07-02")}, "trọn tháng"),
        ({"rates": (2, "effective_from", "")}, "cột effective_from"),
        ({"rates": (2, "legal_in_force_from", "2026-10-06")}, "khác ngày hiệu lực"),
        ({"rates": (2, "age_to_years_exclusive", "5")}, "5 tuổi không phải mốc"),
        ({"rates": (3, "age_from_years", "16")}, "không lớn hơn"),
        ({"rates": (2, "clause", "K9")}, "'K9' không nằm trong"),
        ({"rates": (2, "clause", "SP")}, "không thuộc chương trình SA"),
        ({"rates": (2, "citation", "")}, "cột citation: để trống"),
        ({"rates": (2, "instrument", "1/2000")}, "chưa có văn bản '1/2000' trong instruments.csv"),
        ({"rates": (2, "effective_to", "2026-12-31")}, "phải đi cùng nhau"),
        ({"rates": (35, "effective_to", "2020-12-31")}, "trước ngày bắt đầu"),
        ({"rates": (3, "rate_code", "SA26.K1.LT4")}, "đã có ở dòng trước"),
        ({"rates": (2, "amount_rule", "minimum")}, "amount_rule"),
        ({"rates": (3, "age_from_years", "")}, "cùng áp dụng"),
        ({"base": (4, "effective_to", "2026-07-31")}, "chồng nhau"),
        ({"base": (5, "amount_vnd", "0")}, "lớn hơn 0"),
        ({"base": (5, "amount_vnd", "540.000")}, "không phải số nguyên"),
        ({"instruments": (2, "general_rise", "perhaps")}, "cột general_rise"),
        ({"instruments": (2, "confidence", "sure")}, "cột confidence"),
        ({"instruments": (3, "instrument", "136/2013/NĐ-CP")}, "đã có ở dòng trước"),
    ],
)
def test_a_wrong_cell_is_named(change, said):
    with pytest.raises(RefusedError) as error:
        load_rates(files(**change))
    assert said in error.value.sentence
    assert ".csv" in error.value.sentence


def test_wrong_files_are_named():
    without = {k: v for k, v in files().items() if k != "base_levels.csv"}
    with pytest.raises(RefusedError, match=r"thiếu tệp base_levels\.csv"):
        load_rates(without)
    with pytest.raises(RefusedError, match="không phải UTF-8"):
        load_rates({**files(), "base_levels.csv": "mức".encode("utf-16")})
    with pytest.raises(RefusedError, match="không có dòng nào"):
        load_rates({**files(), "base_levels.csv": b"base_code\n"})
    with pytest.raises(RefusedError, match="thiếu cột này"):
        load_rates({**files(), "base_levels.csv": b"base_code\nSA_BASE\n"})


def test_coefficients_are_exact():
    assert {r.coefficient for r in RATES.rates if r.clause} == {
        Fraction(1),
        Fraction(3, 2),
        Fraction(2),
        Fraction(5, 2),
        Fraction(3),
    }
