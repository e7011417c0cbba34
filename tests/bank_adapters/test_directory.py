"""Dated changes of the bank directory: read, laid over, compared; contradictions and their end."""

from __future__ import annotations

from datetime import date

import pytest

from bank_adapters.banks import BankRefused, shipped
from bank_adapters.directory import (
    DirectoryRefused,
    check,
    compare,
    lay_over,
    on_day,
    read_changes,
)

HEAD = "kind,name_vi,short_name,vietqr_code,napas_bin,valid_from,valid_to,confidence,source"
VIETTEL = "mobile_money,Viettel Money,Viettel Money,VTLMONEY,971005,,,high,công văn thử 1"
VNPT = "mobile_money,VNPT Money,VNPT Money,VNPTMONEY,971011,,,high,công văn thử 2"
DAY = date(2026, 11, 26)


def rows(*lines: str, head: str = HEAD, origin: str = "version:1"):
    return read_changes("doi.csv", "\n".join((head, *lines)).encode(), origin)


def test_sources_that_swap_two_codes_are_found_by_comparing_them() -> None:
    found = shipped().contradictions
    assert {c for k in found for c in k.codes} == {"971005", "971011"}
    assert {k.system for k in found} == {"napas_bin"}
    assert {name for k in found for name, _, _ in k.claims} == {"Viettel Money", "VNPT Money"}
    for name in ("Viettel Money", "VNPT Money"):
        assert shipped().doubt(shipped().find(name))
    assert not shipped().doubt(shipped().find("BFTVVNVX"))


def test_one_settled_provider_frees_itself_alone_and_both_free_both() -> None:
    one = lay_over(shipped(), rows(VIETTEL))
    assert one.doubt(one.find("Viettel Money")) == ""
    assert one.find("971005").short_name == "Viettel Money"
    assert one.doubt(one.find("VNPT Money"))
    assert one.contradictions
    both = lay_over(one, rows(VNPT, origin="version:2"))
    assert both.contradictions == ()
    assert both.doubt(both.find("VNPT Money")) == ""


def test_an_entry_of_low_confidence_settles_nothing() -> None:
    found = lay_over(shipped(), rows(VIETTEL.replace("high", "medium")))
    assert found.doubt(found.find("Viettel Money")).startswith("sources conflict")


def test_two_settled_entries_never_share_a_code() -> None:
    found = lay_over(shipped(), rows(VIETTEL, VNPT.replace("971011", "971005")))
    with pytest.raises(
        DirectoryRefused, match="971005 được ghi cho cả Viettel Money và VNPT Money"
    ):
        check(found, DAY)
    check(lay_over(shipped(), rows(VIETTEL, VNPT)), DAY)


def test_a_dated_entry_ends_the_one_before_it_on_the_day_before() -> None:
    new = "bank,Ngân hàng Thử,VPBank,VPB,970999,2027-01-01,,high,công văn thử"
    found = lay_over(shipped(), rows(new))
    before, after = on_day(found, date(2026, 12, 31)), on_day(found, date(2027, 1, 1))
    assert before.find("VPBank").napas_bin == "970432"
    assert after.find("VPBank").napas_bin == "970999"
    with pytest.raises(BankRefused):
        after.find("970432")
    ended = "bank,Ngân hàng Thử,VPBank,VPB,970999,2027-01-01,2027-06-30,high,công văn thử"
    later = on_day(lay_over(shipped(), rows(ended)), date(2027, 7, 1))
    assert later.find("VPBank").napas_bin == "970432"


def test_what_changes_is_told_cell_by_cell() -> None:
    (change,) = compare(shipped(), rows(VIETTEL))
    assert change.what == "changed"
    assert change.cells["confidence"] == ("low", "high")
    assert "napas_bin" not in change.cells
    (new,) = compare(shipped(), rows("wallet,Ví Thử,Ví Thử,,971999,,,medium,tự đặt"))
    assert (new.what, new.cells["napas_bin"]) == ("new", ("", "971999"))


@pytest.mark.parametrize(
    ("line", "head", "said"),
    [
        (VIETTEL.replace("971005", "97100"), HEAD, "dòng 2, cột napas_bin: '97100' phải là 6 chữ"),
        (VIETTEL.replace("mobile_money", "phone"), HEAD, "dòng 2: kind: 'phone'"),
        (VIETTEL.replace("công văn thử 1", ""), HEAD, "dòng 2, cột source: để trống"),
        (VIETTEL.replace("high", "sure"), HEAD, "dòng 2, cột confidence"),
        (VIETTEL.replace(",,,", ",2026-13-01,,"), HEAD, "valid_from: '2026-13-01' không phải ngày"),
        (VIETTEL.replace(",,,", ",2026-02-01,2026-01-01,"), HEAD, "cột valid_to: trước valid_from"),
        (VIETTEL + ",more", HEAD, "dòng 2: số ô khác số cột"),
        (VIETTEL, HEAD + ",swift", "cột 'swift' không đúng"),
        (VIETTEL, HEAD.replace(",source", ",note"), "cột 'source' không đúng"),
        (f"{VIETTEL}\n{VIETTEL}", HEAD, "hai dòng có thời gian chồng nhau"),
        ("", HEAD, "phải có từ 1 đến"),
    ],
)
def test_a_wrong_file_is_refused_by_row_and_column(line: str, head: str, said: str) -> None:
    with pytest.raises(DirectoryRefused) as refused:
        rows(line, head=head)
    assert said in refused.value.sentence
    assert refused.value.sentence.startswith("doi.csv")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"x" * 5_000_001, b'kind\n"a'])
def test_what_is_no_csv_is_refused(content: bytes) -> None:
    with pytest.raises(DirectoryRefused):
        read_changes("doi.csv", content, "")
