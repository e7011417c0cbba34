"""A version laid over the tables: what it changes to the dong, and each thing it is refused for."""

from __future__ import annotations

from datetime import date

import pytest

from disbursement.platform.errors import RefusedError
from disbursement.programmes.rate_checks import check
from disbursement.programmes.rate_diff import AmountChange, compare
from disbursement.programmes.rates import shipped_rates
from disbursement.programmes.versions import (
    KEYS,
    Confirmation,
    Tables,
    compose,
    rate_set,
    read_change,
    row_digest,
    row_name,
    shipped,
    unconfirmed,
)
from tests.programmes.decrees import (
    BASES,
    DECREE,
    INSTRUMENTS,
    MERIT,
    RATES,
    decree,
    ended,
    instrument,
    level,
    shipped_row,
    table,
)


def laid(*files: tuple[str, bytes], whole: bool = False) -> Tables:
    return compose(shipped(), [read_change(files, whole=whole)])


def refused(*files: tuple[str, bytes], whole: bool = False) -> str:
    before = dict(shipped().files)
    with pytest.raises(RefusedError) as error:
        check(laid(*files, whole=whole))
    assert dict(shipped().files) == before
    return error.value.sentence


def test_the_tables_that_ship_are_in_order_and_stay_as_they_are() -> None:
    assert check(shipped()).sha256 == shipped_rates().sha256
    assert rate_set(compose(shipped(), [])) is shipped_rates()
    assert set(shipped().files) == set(KEYS)


def test_a_file_of_the_same_rows_changes_nothing() -> None:
    for name, content in shipped().files.items():
        tables = laid(("x.csv", content))
        assert tables.rows(name) == shipped().rows(name)
        assert compare(shipped(), tables).rows == ()
        assert compare(shipped(), tables).amounts == ()


def test_a_decree_counts_by_both_axes() -> None:
    rates = check(laid(*decree()))
    before, after = date(2026, 11, 19), date(2026, 11, 20)
    amounts = {
        (month, day): rates.view(month, day).base("SA_BASE", "25").amount_vnd
        for month in (202609, 202610, 202612)
        for day in (before, after)
    }
    assert amounts == {
        (202609, before): 540_000,
        (202609, after): 540_000,
        (202610, before): 540_000,
        (202610, after): 600_000,
        (202612, before): 540_000,
        (202612, after): 600_000,
    }


def test_the_diff_says_months_amounts_and_what_ends() -> None:
    diff = compare(shipped(), laid(*decree()))
    assert [(r.table, r.row, r.what) for r in diff.rows] == [
        (INSTRUMENTS, DECREE, "added"),
        (BASES, "SA_BASE/VN/2026-07-01", "ended"),
        (BASES, "SA_BASE/VN/2026-10-01", "added"),
    ]
    assert diff.rows[1].cells == {
        "effective_to": ("", "2026-09-30"),
        "ended_by": ("", DECREE),
    }
    assert len(diff.amounts) == 1 + 18
    levels = [a for a in diff.amounts if a.kind == "level"]
    assert levels == [
        AmountChange("level", "SA_BASE", "VN", 202610, None, 540_000, 600_000, "seen")
    ]
    k6 = [a for a in diff.amounts if a.code == "K6 S 16-60"]
    assert k6 == [AmountChange("rate", "K6 S 16-60", "VN", 202610, None, 810_000, 900_000, "seen")]
    assert diff.lowered(202612) == ()


def test_a_local_level_counts_only_above_the_central_one() -> None:
    local = shipped_row(BASES, base_code="SA_BASE", territory="01")
    new = {**local, "territory": "25", "effective_from": "2026-10-01", "amount_vnd": "530000"}
    city = instrument(instrument="NQ-25", territory="25")
    new |= {"instrument": "NQ-25", "legal_in_force_from": "2026-11-20"}
    under = laid(("a.csv", table(INSTRUMENTS, city)), ("b.csv", table(BASES, new)))
    assert check(under).view(202612, date.max).base("SA_BASE", "25").amount_vnd == 540_000
    assert compare(shipped(), under).amounts == ()
    over = laid(
        ("a.csv", table(INSTRUMENTS, city)),
        ("b.csv", table(BASES, {**new, "amount_vnd": "700000"})),
    )
    assert compare(shipped(), over).amounts == (
        AmountChange("level", "SA_BASE", "25", 202610, None, 540_000, 700_000, "secondary"),
    )
    view = check(over).view(202612, date.max)
    assert view.base("SA_BASE", "25").amount_vnd == 700_000
    assert view.base("SA_BASE", "24").amount_vnd == 540_000


def test_a_lower_amount_is_seen_as_such() -> None:
    diff = compare(shipped(), laid(*decree(new={"amount_vnd": "520000"})))
    lowered = diff.lowered(202611)
    assert ("SA_BASE", 202610, 540_000, 520_000) in {
        (a.code, a.from_month, a.old_vnd, a.new_vnd) for a in lowered
    }
    assert diff.lowered(202609) == ()


def test_a_whole_table_takes_rows_away() -> None:
    rows = [r for r in shipped().rows(BASES) if r["territory"] != "08"]
    tables = laid(("x.csv", table(BASES, *rows)), whole=True)
    check(tables)
    (change,) = compare(shipped(), tables).rows
    assert (change.row, change.what) == ("SP_BASE/08/2025-07-01", "removed")


def test_a_document_confirms_a_row_as_it_was_and_no_other() -> None:
    row = shipped_row(MERIT, rate_code="PRE45.TL", version="NCC26")
    assert (row["confidence"], row["amount_vnd"]) == ("derived", "3366000")
    name = row_name(MERIT, row)
    known = Confirmation(MERIT, {name: row_digest(row)}, "NĐ 321/2026 Phụ lục I")
    tables = compose(shipped(), [known])
    sure = next(r for r in tables.rows(MERIT) if row_name(MERIT, r) == name)
    assert sure["confidence"] == "seen"
    assert sure["source"].endswith("; xác nhận: NĐ 321/2026 Phụ lục I")
    assert len(unconfirmed(shipped())) - len(unconfirmed(tables)) == 1
    other = read_change([("x.csv", table(MERIT, {**row, "amount_vnd": "3367000"}))])
    assert len(unconfirmed(compose(shipped(), [other, known]))) == len(unconfirmed(shipped()))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        # an overlap: the row before has no end
        ([("v.csv", table(INSTRUMENTS, instrument())), ("m.csv", table(BASES, level()))],
         "m.csv, dòng 2: SA_BASE của VN chồng với dòng tính từ 2026-07-01; ghi thêm dòng đó với "
         "effective_to = 2026-09-30 và ended_by = 400/2026/NĐ-CP."),
        # an overlap by one month
        (decree(old={"effective_to": "2026-10-31"}), "muc-chuan.csv, dòng 3: SA_BASE của VN chồng"),
        # a gap of one month
        (decree(old={"effective_to": "2026-08-31"}),
         "muc-chuan.csv, dòng 3: SA_BASE bị hở từ 2026-09-01 đến 2026-09-30"),
        # an end with nothing after it
        ([("v.csv", table(INSTRUMENTS, instrument())), ("m.csv", table(BASES, ended()))],
         "m.csv, dòng 2: "),
        # floats
        (decree(new={"amount_vnd": "600000.0"}),
         "muc-chuan.csv, dòng 3, cột amount_vnd: '600000.0' không phải số nguyên"),
        (decree(new={"amount_vnd": "6e5"}), "dòng 3, cột amount_vnd: '6e5'"),
        (decree(new={"amount_vnd": "-600000"}), "dòng 3, cột amount_vnd: '-600000'"),
        (decree(new={"amount_vnd": "600.000"}), "dòng 3, cột amount_vnd: '600.000'"),
        (decree(new={"amount_vnd": "600001"}), "muc-chuan.csv, dòng 3: SA26.K1.LT4 × 600001"),
        # dates in the wrong order
        (decree(old={"effective_to": "2026-06-30"}),
         "muc-chuan.csv, dòng 2, cột effective_to: trước ngày bắt đầu"),
        (decree(new={"effective_from": "2026-09-01"}, old={"effective_to": "2026-08-31"}),
         "muc-chuan.csv, dòng 3: ngày 2026-09-01 trước ngày tính tiền 2026-10-01"),
        (decree(new={"effective_from": "2026-10-02"}), "dòng 3, cột effective_from: mức tháng"),
        (decree(new={"effective_from": "01/10/2026"}), "'01/10/2026' không phải ngày"),
        (decree(new={"legal_in_force_from": "2026-11-21"}), "khác ngày hiệu lực"),
        # unknown codes
        (decree(new={"instrument": "401/2026/NĐ-CP"}),
         "muc-chuan.csv, dòng 3, cột instrument: chưa có văn bản '401/2026/NĐ-CP' trong instr"),
        (decree(new={"base_code": "SA_BAZE"}), "dòng 3: không mức nào dùng 'SA_BAZE'"),
        (decree(new={"territory": "99"}), "muc-chuan.csv, dòng 3: '99' không phải mã tỉnh"),
        (decree(new={"scheme": "XX"}), "dòng 3, cột scheme: 'XX' không nằm trong"),
        (decree(new={"confidence": "sure"}), "dòng 3, cột confidence: 'sure'"),
        (decree(new={"citation": ""}), "dòng 3, cột citation: để trống"),
        ([("r.csv", table(RATES, {**shipped_row(RATES, rate_code="SA26.K2"), "clause": "K9"}))],
         "r.csv, dòng 2, cột clause: 'K9' không nằm trong"),
        ([("r.csv", table(RATES, {**shipped_row(RATES, rate_code="SA26.K2"), "base_code": "B"}))],
         "r.csv, dòng 2: không có mức chuẩn trung ương 'B'"),
        # two rows of one clause in one month
        ([("r.csv", table(RATES, {**shipped_row(RATES, rate_code="SA26.K8"), "rate_code": "SA26.K8B"}))],
         "r.csv, dòng 2: SA26.K8B chồng với SA26.K8"),
        ([("r.csv", table(RATES, {**shipped_row(RATES, rate_code="SA26.F.FUNERAL"),
                                  "rate_code": "SA27.F.FUNERAL"}))],
         "r.csv, dòng 2: SA2"),
        # ages that do not meet
        ([("r.csv", table(RATES, {**shipped_row(RATES, rate_code="SA26.K6.S.ELDER"),
                                  "age_from_years": ""}))], "r.csv, dòng 2: "),
        ([("r.csv", table(RATES, {**shipped_row(RATES, rate_code="SA26.K1.GE4"),
                                  "age_to_years_exclusive": "", "age_from_years": "16"}))],
         "r.csv, dòng 2: SA26.K1.LT4 đến 4 tuổi, SA26.K1.GE4 từ 16 tuổi: hở tuổi"),
        # tables of fixed amounts
        ([("n.csv", table(MERIT, {**shipped_row(MERIT, rate_code="PRE45.TL", version="NCC26"),
                                  "amount_vnd": "3366000.5"}))],
         "n.csv, dòng 2, cột amount_vnd: '3366000.5' không phải số đồng nguyên"),
        ([("n.csv", table(MERIT, {**shipped_row(MERIT, rate_code="PRE45.TL", version="NCC26"),
                                  "rate_code": "PRE46"}))],
         "n.csv, dòng 2, cột rate_code: không có mã 'PRE46'"),
        ([("n.csv", table(MERIT, {**shipped_row(MERIT, rate_code="PRE45.TL", version="NCC26"),
                                  "effective_from": "2026-10-01"}))],
         "n.csv, dòng 2, cột effective_to: PRE45.TL chồng nhau từ 2026-10-01"),
        ([("n.csv", table(MERIT, {**shipped_row(MERIT, rate_code="PRE45.TL", version="NCC24"),
                                  "effective_to": "2026-05-31"}))],
         "n.csv, dòng 2, cột effective_from: PRE45.TL bị hở từ 2026-06-01 đến 2026-06-30"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_whole_with_row_and_reason(
    files: list[tuple[str, bytes]], said: str
) -> None:
    assert said in refused(*files)


def test_a_level_that_goes_away_is_a_gap() -> None:
    rows = [r for r in shipped().rows(BASES) if r["effective_from"] != "2026-07-01"]
    assert "bị hở" in refused(("x.csv", table(BASES, *rows)), whole=True)


def test_a_clause_that_rests_is_a_gap() -> None:
    rows = [dict(r) for r in shipped().rows(RATES)]
    for row in rows:
        if row["rate_code"] == "SA26.K8":
            row["effective_from"] = "2026-09-01"
    said = refused(("x.csv", table(RATES, *rows)))
    assert "x.csv, dòng" in said
    assert "K8 bị hở: tháng 202607 không có mức nào" in said


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([("x.csv", b"")], "x.csv: không có dòng nào"),
        ([("x.csv", b"a,b\n1,2\n")], "x.csv: tiêu đề không phải của bảng nào"),
        ([("x.csv", "mức".encode("utf-16"))], "không phải UTF-8"),
        ([("x.csv", b'instrument,"title\n')], "không đọc được CSV"),
        ([("x.csv", b"x" * (4 * 1024 * 1024 + 1))], "lớn hơn 4 MB"),
        ([("x.csv", table(BASES, level()).replace(b",scheme", b",plan"))], "thiếu cột scheme"),
        ([("x.csv", table(BASES, level()).replace(b",note\n", b",note,more\n"))], "cột 'more'"),
        ([("x.csv", table(BASES, level())[:-1] + b",,\n")], "x.csv, dòng 2: 16 ô"),
        ([("x.csv", table(BASES, level(), level()))], "x.csv, dòng 3: 'SA_BASE/VN/2026-10-01' đã"),
        ([("x.csv", table(BASES, level())), ("y.csv", table(BASES, ended()))], "cùng là bảng"),
        ([("x.csv", table(BASES, level())), ("x.csv", table(BASES, ended()))], "Hai tệp cùng tên"),
        ([], "Chưa có tệp nào"),
    ],
)  # fmt: skip
def test_what_is_no_rate_file_is_refused(files: list[tuple[str, bytes]], said: str) -> None:
    assert said in refused(*files)
