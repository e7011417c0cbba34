"""What `statement inspect` says of a bank's file: figures as the file has them, or why not."""

from __future__ import annotations

import csv
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bank_adapters.camt import read_camt
from bank_adapters.inspect import inspect_answer
from tests.bank_adapters.build import balance, entry, report, statement, status

SAMPLES = Path(__file__).parents[2] / "../shared/samples"
MANIFEST = SAMPLES / "manifest.csv"
READ = ("camt.052", "camt.053", "camt.054", "mt940", "mt942", "pain.002")


def sample_rows() -> list[dict[str, str]]:
    if not MANIFEST.exists():
        return [{"file": "none", "kind": ""}]  # skipped with the reason
    with MANIFEST.open(encoding="utf-8") as source:
        return list(csv.DictReader(source))


ROWS = sample_rows()


def added(texts: list[str]) -> dict[str, Decimal]:
    """Add up sums as `inspect` writes them; '' is the currency of a plain amount."""
    total: dict[str, Decimal] = {}
    for text in texts:
        for part in text.split("|"):
            code, _, amount = part.rpartition("=")
            if Decimal(amount):
                total[code] = total.get(code, Decimal(0)) + Decimal(amount)
    return total


@pytest.mark.skipif(not MANIFEST.exists(), reason="shared/samples is not beside this checkout")
@pytest.mark.parametrize("given", ROWS, ids=[r["file"] for r in ROWS])
def test_every_sample_agrees_with_its_manifest(given: dict[str, str]) -> None:
    about = inspect_answer(SAMPLES / given["file"])
    json.dumps(about)
    assert about["kind"] == given["kind"]
    if given["kind"] not in READ:
        assert (about["complete"], about["importable"]) == (False, False)
        return
    assert about["complete"] is True
    detail = json.loads(given["detail"])
    if given["kind"] == "pain.002":
        assert about["group_status"] == detail["group_status"]
        assert about["batches"] == [
            {"id": b["id"], "status": b["sts"], "reasons": b["rsn"]}
            for b in detail["payment_infos"]
        ]
        assert about["transactions"] == [
            {"end_to_end_id": t["e2e"], "instruction_id": t["instr"], "status": t["sts"],
             "reasons": t["rsn"]}
            for t in detail["transactions"]
        ]  # fmt: skip
        return
    statements = about["statements"]
    assert len(statements) == int(given["statements"])
    assert sum(s["entries"] for s in statements) == int(given["entries"])
    assert [s["account"] for s in statements] == detail["accounts"]
    for side in ("credits", "debits"):
        assert added([s[side] for s in statements]) == added([given[side] or "0"]), side
    for name, one in (("opening", statements[0]), ("closing", statements[-1])):
        wanted = Decimal(given[name]) if given[name] else None
        assert (Decimal(one[name]) if one[name] else None) == wanted, name
    if given["balanced"].startswith("no("):
        assert [(s["balanced"], Decimal(s["difference"])) for s in statements] == [
            ("no", Decimal(given["balanced"][3:-1]))
        ]
        assert about["importable"] is False
    elif given["balanced"].startswith("yes"):
        assert {s["balanced"] for s in statements} == {"yes"}
    elif given["balanced"] == "n/a":
        assert {s["balanced"] for s in statements} == {"unknown"}


# --- MT940 and MT942 ------------------------------------------------------------------------------


def mt(
    entries: str = ":61:2611051105D810000,NTRFDS25000000000001//FT1\r\n:86:CHI TRA\r\n",
    *,
    opening: str = "C261105VND2000000,",
    closing: str = "C261105VND1190000,",
    head: str = ":20:S1\r\n:25:10000001\r\n:28C:1/1\r\n",
    end: str = "-\r\n",
) -> bytes:
    return f"{head}:60F:{opening}\r\n{entries}:62F:{closing}\r\n{end}".encode()


def one(data: bytes) -> dict[str, Any]:
    about = inspect_answer(data)
    assert about["complete"], about["errors"]
    (statement,) = about["statements"]
    return statement


def line(mark: str, amount: str = "5,00", rest: str = "NMSCNONREF") -> str:
    return f":61:261105{mark}{amount}{rest}\r\n"


@pytest.mark.parametrize(
    ("mark", "to_us", "from_us"),
    [
        ("C", "5.00", "0"), ("D", "0", "5.00"), ("RC", "0", "5.00"), ("RD", "5.00", "0"),
        ("EC", "5.00", "0"), ("ED", "0", "5.00"), ("CR", "5.00", "0"), ("DR", "0", "5.00"),
        ("RCR", "0", "5.00"), ("RDR", "5.00", "0"), ("DD", "0", "5.00"), ("CD", "5.00", "0"),
        ("CK", "5.00", "0"), ("DN", "0", "5.00"), ("D ", "0", "5.00"),
    ],
)  # fmt: skip
def test_sides_and_the_letter_of_the_funds(mark: str, to_us: str, from_us: str) -> None:
    got = one(mt(line(mark), opening="C261105EUR10,00", closing="C261105EUR15,00"))
    assert (got["entries"], got["credits"], got["debits"]) == (1, to_us, from_us)
    assert got["balanced"] == ("yes" if to_us != "0" else "no")


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("9,", "9"), ("9,5", "9.5"), ("0000000009,50", "9.50"), ("9", "9"), ("9.50", "9.50"),
        ("1.234,50", "1234.50"), ("1,234.50", "1234.50"), ("1.234.567,8", "1234567.8"),
        ("0,125", "0.125"), (",5", "0.5"), (",", None), ("1.234", None), ("1,234,567", None), ("9,5,0", None),
        ("1.23,4.5", None), ("-9,50", None), ("", None), ("9e3", None), ("9'000", None),
    ],
)  # fmt: skip
def test_amounts_read_in_one_way_only(written: str, amount: str | None) -> None:
    about = inspect_answer(mt(line("D", written)))
    (got,) = about["statements"]
    if amount is None:
        assert (about["complete"], about["importable"]) == (False, False)
        assert about["errors"][0]["line"] == 5
        assert got["entries"] == 0
    else:
        assert about["complete"]
        assert got["debits"] == amount


@pytest.mark.parametrize(
    ("dates", "read"),
    [
        ("261105", True), ("2611051105", True), ("20261105", True), ("202611051105", True),
        ("261105    ", True), ("261105 1105", True), ("2611051399", True), ("260230", True),
        ("240229", True), ("261305", False), ("260931", False), ("260001", False),
        ("260232", False), ("2611", False),
    ],
)  # fmt: skip
def test_dates(dates: str, read: bool) -> None:
    about = inspect_answer(mt(f":61:{dates}D810000,NMSC\r\n"))
    assert about["complete"] is read, about
    if not read:
        assert about["errors"][0]["line"] == 5
    if dates == "260230":
        assert "dòng 5" in about["warnings"][0]


@pytest.mark.parametrize(
    "end", ["-\r\n", "-", "", "-}", "-}{5:{CHK:0123456789AB}}\r\n", "-\x03", "- \r\n", "\r\n\r\n"]
)
def test_ends_of_a_message(end: str) -> None:
    assert one(mt(end=end))["balanced"] == "yes"


@pytest.mark.parametrize(
    ("head", "end"),
    [
        ("\ufeff:20:S1\r\n:25:1\r\n", ""),
        ("\x01:20:S1\r\n:25:1\r\n", "-\x03"),
        (":940:\r\n:20:S1\r\n:25:1\r\n", ""),
        ("ABNANL2A\r\n940\r\nABNANL2A\r\n:20:S1\r\n:25:1\r\n", "-"),
        ("An example.\r\n- - - -\r\n\r\n:20:S1\r\n:21:NONREF\r\n:25:1\r\n", "-"),
        ("{1:F01BFTVVNVXAXXX0001000001}{2:I940BFTVVNVXXXXXN}{4:\r\n:20:S1\r\n:25:1\r\n", "-}"),
        ("{1:F01BFTVVNVXAXXX0001000001}{2:O9401200261105BFTVVNVX}{3:{108:X}}{4:\r\n:20:S1\r\n"
         ":25:1\r\n", "-}{5:{MAC:00}{CHK:11}}{S:{SAC:}}$"),
        ("{4::20:S1\r\n:25:1\r\n", "-}"),
        (":25:1\r\n:20:S1\r\n", "-"),
    ],
)  # fmt: skip
def test_heads_and_frames(head: str, end: str) -> None:
    got = one(mt(head=head, end=end))
    assert (got["id"], got["account"], got["balanced"]) == ("S1", "1", "yes")


def test_line_ends_and_sets_of_characters() -> None:
    data = mt(":61:261105D810000,NMSC\r\n:86:B\xe1o L\xe3nh\r\n")
    wanted = one(data)
    assert wanted["balanced"] == "yes"
    assert one(data.replace(b"\r\n", b"\n")) == wanted
    assert one(data.replace(b"\r\n", b"\r")) == wanted
    assert one(data.decode().encode("latin-1")) == wanted
    assert one(data.decode().encode("utf-16")) == wanted
    assert one(data.decode().encode("utf-8-sig")) == wanted
    cut = inspect_answer(data.decode().encode("utf-16")[:-1])
    assert (cut["complete"], cut["statements"]) == (False, [])


def test_text_that_looks_like_a_tag_is_text() -> None:
    entries = (
        ":61:2611051105D810000,NTRFNONREF//FT1\r\nso bo sung rat dai\r\n"
        ":86:166?00CHI?20EREF+DS25000000000001?21SVWZ+2026-11-05T13\r\n"
        ":12:11 MA:KO:NR:401\r\n:KO:NR:2\r\n-}khong phai cuoi\r\n- van con\r\n"
    )
    assert one(mt(entries))["balanced"] == "yes"


def test_pages_and_messages_that_follow_one_another() -> None:
    first = mt(closing="C261105VND1190000,")
    after = mt(line("C", "10000,"), opening="C261106VND1190000,", closing="C261106VND1200000,")
    about = inspect_answer(first + after)
    assert [s["continuous"] for s in about["statements"]] == ["unknown", "yes"]
    assert about["importable"]
    gap = inspect_answer(first + after.replace(b"1190000", b"1190001"))
    assert [s["continuous"] for s in gap["statements"]] == ["unknown", "no"]
    assert (gap["complete"], gap["importable"]) == (True, False)
    pages = (
        b":20:S1\n:25:1\n:28C:1/1\n:60F:C261105VND10,\n:61:261105D4,NMSC\n:62M:C261105VND6,\n-\n"
        b":20:S1\n:25:1\n:28C:1/2\n:60M:C261105VND6,\n:61:261105D5,NMSC\n:62F:C261105VND1,\n-\n"
    )
    about = inspect_answer(pages)
    assert [s["balanced"] for s in about["statements"]] == ["yes", "yes"]
    assert about["statements"][1]["continuous"] == "yes"


def test_a_balance_may_leave_out_its_currency_after_the_first() -> None:
    got = one(mt(closing="C2611051190000,"))
    assert (got["currency"], got["closing"], got["balanced"]) == ("VND", "1190000", "yes")


@pytest.mark.parametrize(
    "data",
    [
        mt().replace(b":62F:", b":62G:"),
        mt(end="").replace(b":62F:C261105VND1190000,", b""),
        mt(head="{1:F01BFTVVNVXAXXX0001000001}{4:\r\n:20:S1\r\n:25:1\r\n", end=""),
        mt(opening="C261105VND2000000,\r\n:25:OTHER"),
        mt(opening="X261105VND2000000,"),
        mt(closing="C261105VND1190000,00,0"),
        mt(":61:HELLO\r\n"),
        mt(":61:261105X5,NMSC\r\n"),
        mt(":61:261105D810000,NMSC\r\n:66F:C261105VND5,\r\n"),
        mt(head=":20:S1\r\n:25:1\r\n:60F:C261105VND1,\r\n:20:S2\r\n:25:1\r\n"),
        mt(head="") + mt(),
        b"{1:F01BFTVVNVXAXXX0001000001}{2:I103BFTVVNVXXXXXN}{4:\r\n:20:P1\r\n:32A:261105VND5,\r\n-}",
        b":20:P1\r\n:23B:CRED\r\n:32A:261105VND5,\r\n:59:/10000001\r\nA\r\n-\r\n",
    ],
)
def test_what_cannot_be_read_is_said(data: bytes) -> None:
    about = inspect_answer(data)
    assert (about["complete"], about["importable"]) == (False, False)
    assert all(e["message"] for e in about["errors"])


MT942 = (
    b":20:R1\r\n:25:10000001\r\n:28C:1/1\r\n:34F:VND0,\r\n:13D:2611051200+0700\r\n"
    b":61:261105C7,NMSCNONREF\r\n:61:261105D5,NMSCNONREF\r\n:86:x\r\n"
    b":90D:1VND5,\r\n:90C:1VND7,\r\n-\r\n"
)


def test_a_mark_ends_a_statement_without_a_closing_balance() -> None:
    data = mt().replace(b":62F:C261105VND1190000,", b":86:x\r\n:28C:2\r\n:99F:what")
    about = inspect_answer(data)
    assert about["complete"]
    assert about["statements"][0]["balanced"] == "unknown"
    assert "99F" in about["warnings"][0]


def test_an_interim_report_and_its_totals() -> None:
    about = inspect_answer(MT942)
    assert (about["kind"], about["importable"]) == ("mt942", True)
    (got,) = about["statements"]
    assert (got["entries"], got["credits"], got["debits"]) == (2, "7", "5")
    assert (got["opening"], got["closing"], got["balanced"]) == (None, None, "unknown")
    for old, new in ((b"90D:1VND5", b"90D:2VND5"), (b"90C:1VND7", b"90C:1VND8")):
        about = inspect_answer(MT942.replace(old, new))
        assert (about["complete"], about["importable"]) == (True, False)
    about = inspect_answer(MT942.replace(b"90C:1VND7,", b"90C:XVND7,"))
    assert about["complete"] is False


CUTS = {
    "mt940": mt(":61:261105D810000,25NMSC\r\n:86:CHI TRA\r\n", opening="C261105EUR2000000,50",
                closing="C261105EUR1190000,25") * 2,
    "mt942": MT942 * 2,
    "camt.053": statement(entry() + entry("540000", e2e="B"), 2_000_000, 650_000),
    "pain.002": report(status("A") + status("B", "ACSP", "")),
    "utf-16": mt().decode().encode("utf-16"),
}  # fmt: skip


@pytest.mark.parametrize("kind", CUTS)
def test_cut_at_any_byte_nothing_is_silently_wrong(kind: str) -> None:
    """A cut file is not complete, or it ends behind a whole statement and has its figures."""
    data = CUTS[kind]
    whole = inspect_answer(data)
    assert whole["importable"] or kind == "mt940"  # the second one does not continue the first
    for end in range(len(data.rstrip())):
        about = inspect_answer(data[:end])
        assert about["complete"] or about["errors"], end
        assert about["complete"] or not about["importable"], end
        if about["complete"]:
            assert kind in {"mt940", "mt942", "utf-16"}, end
            count = len(about["statements"])
            assert about["statements"] == whole["statements"][:count], end
            started = data[:end].count(b":20:") + data[:end].decode("utf-16", "ignore").count(
                ":20:"
            )
            assert count == started, end


# --- XML ------------------------------------------------------------------------------------------

PLAIN = statement(entry() + entry("540000", "CRDT", e2e="B"), 2_000_000, 1_730_000)


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        b"\xef\xbb\xbf" + PLAIN,
        b"\r\n  " + PLAIN.replace(b"\n", b"\r\n") + b"\x1a",
        PLAIN.replace(b' xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"', b""),
        PLAIN.replace(b"camt.053.001.08", b"camt.053.001.99"),
        PLAIN.replace(b"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08", b"urn:x"),
        PLAIN.replace(b"<Stmt>", b"<!-- <Ntry> --><Stmt><?pi x?>"),
        PLAIN.replace(b"<Id>S1</Id>", b"<Id><![CDATA[S1]]></Id>"),
        PLAIN.replace(b"BkToCstmrStmt", b"BkToCstmrStmtV01"),
        PLAIN.replace(b"UTF-8", b"ISO-8859-1").replace(b"CHI", b"\xe1\xe9"),
        PLAIN.replace(b"UTF-8", b"windows-1250"),
        PLAIN.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        PLAIN.decode().replace("UTF-8", "utf-16").encode("utf-16-be").join([b"\xfe\xff", b""]),
        PLAIN.replace(b'<?xml version="1.0" encoding="UTF-8"?>\n', b""),
        PLAIN.replace(b"<Document", b'<s:E xmlns:s="urn:s"><s:B><Document').replace(
            b"</Document>", b"</Document></s:B></s:E>"
        ),
        PLAIN.replace(b"<Document xmlns=", b"<n:Document xmlns:n=")
        .replace(b"</Document", b"</n:Document")
        .replace(b"BkToCstmrStmt>", b"n:BkToCstmrStmt>")
        .replace(b"</n:n:", b"</n:"),
    ],
    ids=range(16),
)
def test_the_same_statement_in_every_dress(data: bytes) -> None:
    about = inspect_answer(data)
    assert about["importable"], about
    (got,) = about["statements"]
    assert (got["id"], got["account"], got["currency"]) == ("S1", "10000001", "VND")
    assert (got["entries"], got["credits"], got["debits"]) == (2, "540000", "810000")
    assert (got["opening"], got["closing"], got["balanced"]) == ("2000000", "1730000", "yes")


def test_two_documents_in_one_file_and_none() -> None:
    later = statement(entry("730000"), 1_730_000, 1_000_000).replace(b">S1<", b">S2<")
    about = inspect_answer(PLAIN + b"\xef\xbb\xbf" + later)
    assert about["importable"], about
    assert [(s["id"], s["continuous"]) for s in about["statements"]] == [
        ("S1", "unknown"), ("S2", "yes"),
    ]  # fmt: skip
    cut = PLAIN[: PLAIN.index(b"<Stmt>")] + b"</BkToCstmrStmt></Document>"
    about = inspect_answer(cut)
    assert (about["kind"], about["complete"], about["importable"]) == ("camt.053", True, False)
    assert about["statements"] == []


def test_lines_are_those_of_the_file_in_every_document_of_it() -> None:
    broken = PLAIN.replace(b">540000<", b">5,40<")
    (error,) = inspect_answer(broken)["errors"]
    assert broken.split(b"\n")[error["line"] - 1].count(b">5,40<") == 1
    for before in (PLAIN + b"\n\n", PLAIN, b"\n\n", b"\xef\xbb\xbf\n"):
        data = before + broken
        (error,) = inspect_answer(data)["errors"]
        assert data.split(b"\n")[error["line"] - 1].count(b">5,40<") == 1
    bare = broken.partition(b"?>\n")[2]
    data = b"<AppHdr>\n<BizMsgIdr>M1</BizMsgIdr>\n</AppHdr>\n" + bare
    (error,) = inspect_answer(data)["errors"]
    assert data.split(b"\n")[error["line"] - 1].count(b">5,40<") == 1


def test_several_currencies_reversals_and_statuses_as_written() -> None:
    data = statement(
        entry("10.50", "DBIT", ccy="EUR", after="<RvslInd>true</RvslInd>")
        + entry("40.00", "DBIT", ccy="USD")
        + entry("3.00", "CRDT", ccy="EUR", status="PDNG")
    )
    about = inspect_answer(data)
    (got,) = about["statements"]
    assert (got["entries"], got["debits"], got["credits"]) == (3, "EUR=10.50|USD=40.00", "3.00")
    assert (got["balanced"], got["difference"]) == ("no", "-50.50")
    assert (about["complete"], about["importable"]) == (True, False)


def test_an_amount_without_currency_is_in_that_of_the_account() -> None:
    data = PLAIN.replace(b'<Ntry><Amt Ccy="VND">810000', b"<Ntry><Amt>810000")
    assert inspect_answer(data)["statements"][0]["debits"] == "810000"


def test_a_business_header_may_stand_before_its_document() -> None:
    xmlns = b"urn:iso:std:iso:20022:tech:xsd:head.001.001.02"
    bare = PLAIN.partition(b"?>\n")[2]
    for name in (b"AppHdr", b"h:AppHdr"):
        opens = name + b' xmlns:h="' + xmlns + b'"'
        head = b"<" + opens + b">\n<BizMsgIdr>M1</BizMsgIdr>\n</" + name + b">\n"
        for data in (head + bare, b'<?xml version="1.0"?>\n' + head + bare, head + PLAIN):
            about = inspect_answer(data)
            assert about["importable"], about
            assert about["statements"] == inspect_answer(PLAIN)["statements"]
    assert inspect_answer(head + head + bare)["complete"] is False


def test_the_day_is_read_where_the_time_is_odd() -> None:
    old = b"2026-11-04T17:00:00Z"
    assert old in PLAIN
    end = b"2026-11-05T23:59:59+07:00"
    assert end in PLAIN
    for odd in (b"2026-11-05T00:00:00:000", b"2026-11-05T2-05T23:59:59+07:00", b"2026-11-05T"):
        assert inspect_answer(PLAIN.replace(old, odd))["importable"]
        assert inspect_answer(PLAIN.replace(end, odd))["importable"]
    days = {
        read_camt(PLAIN.replace(end, b"2026-11-06T00:00:00" + odd)).statements[0].to_date
        for odd in (b"", b":000", b".000", b"+07:00")
    }
    assert days == {date(2026, 11, 5)}  # midnight ends the day before
    about = inspect_answer(PLAIN.replace(old, b"2026-11-35T00:00:00"))
    assert (about["complete"], about["importable"]) == (True, False)


def test_a_balance_in_another_currency_closes_nothing() -> None:
    two = balance("OPBD", 5, "USD") + balance("CLBD", 7, "USD")
    more = PLAIN.replace(b"<Ntry>", two.encode() + b"<Ntry>", 1)
    (got,) = inspect_answer(more)["statements"]
    assert (got["opening"], got["closing"], got["balanced"]) == ("2000000", "1730000", "yes")
    flipped = PLAIN.replace(b'Ccy="VND">1730000', b'Ccy="USD">1730000')
    about = inspect_answer(flipped)
    (got,) = about["statements"]
    assert (got["currency"], got["balanced"], got["difference"]) == ("VND", "unknown", None)
    assert (about["complete"], about["importable"]) == (True, False)


def test_a_balance_of_the_day_closes_no_report() -> None:
    report_of_day = PLAIN.replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt").replace(b"Stmt>", b"Rpt>")
    report_of_day = report_of_day.replace(b".053.", b".052.").replace(b"CLBD", b"ITBD")
    for data in (report_of_day, report_of_day.replace(b">1730000<", b">1730001<")):
        about = inspect_answer(data)
        (got,) = about["statements"]
        assert (got["opening"], got["closing"], got["balanced"]) == ("2000000", None, "unknown")
        assert (about["kind"], about["importable"]) == ("camt.052", True)
    assert "lệch" in about["warnings"][0]
    page = PLAIN.replace(b"CLBD", b"ITBD")
    assert inspect_answer(page)["statements"][0]["closing"] is None
    pages = b"<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>"
    about = inspect_answer(page.replace(b"</Id><Elct", b"</Id>" + pages + b"<Elct"))
    assert about["statements"][0]["balanced"] == "yes"
    assert (about["complete"], about["importable"]) == (True, False)  # a page of several


def test_no_digit_of_a_sum_is_rounded() -> None:
    fine = "123456789012345678.12345678901234567"
    data = statement(entry(fine, "CRDT", ccy="EUR") + entry("0.5", "CRDT", ccy="EUR"))
    (got,) = inspect_answer(data)["statements"]
    assert got["credits"] == "123456789012345678.62345678901234567"


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.replace(b"<Stmt>", b"<X><Stmt>").replace(b"</Stmt>", b"</Stmt></X>"),
        PLAIN.replace(b"<Stmt>", b"<Stmt><X><Ntry/></X>"),
        PLAIN.replace(b">540000<", b">5,400.00<"),
        PLAIN.replace(b">540000<", b">-5<"),
        PLAIN.replace(b"<CdtDbtInd>CRDT</CdtDbtInd><Sts>", b"<Sts>"),
        PLAIN.replace(b"<Document", b'<!DOCTYPE x [<!ENTITY a "b">]><Document'),
        PLAIN.replace(b"UTF-8", b"UTF-7"),
        PLAIN.replace(b"</Stmt>", b"</Stnt>"),
        PLAIN + PLAIN.replace(b"Stmt", b"Rpt").replace(b"BkToCstmrRpt", b"BkToCstmrAcctRpt"),
        b"<Document><pain.001.001.03/></Document>",
        b"PK\x03\x04",
        b"",
        b"\x00" * 100,
        b"\xff\xfe",
    ],
    ids=range(14),
)
def test_what_is_no_statement_says_so(data: bytes) -> None:
    about = inspect_answer(data)
    assert (about["complete"], about["importable"]) == (False, False)
    assert about["errors"]
    assert about["errors"][0]["message"]
    json.dumps(about)


def test_too_large_is_refused_before_reading(tmp_path: Path) -> None:
    path = tmp_path / "big.xml"
    with path.open("wb") as out:
        out.write(PLAIN)
        out.truncate(3 << 30)  # a sparse file: reading it would take long, refusing it does not
    about = inspect_answer(path)
    assert (about["kind"], about["complete"]) == ("unknown", False)
    assert "byte" in about["errors"][0]["message"]
    assert inspect_answer(PLAIN, most_bytes=100)["complete"] is False


def test_every_transaction_has_its_element_and_every_level_its_reasons() -> None:
    inside = (
        "<OrgnlPmtInfAndSts><OrgnlPmtInfId>P1</OrgnlPmtInfId><PmtInfSts>PART</PmtInfSts>"
        "<StsRsnInf><Rsn><Prtry>X9</Prtry></Rsn></StsRsnInf>"
        + status("A")
        + "<TxInfAndSts><TxSts><Cd>PDNG</Cd></TxSts></TxInfAndSts>"
        + "<TxInfAndSts><StsRsnInf><Rsn>NARR</Rsn></StsRsnInf></TxInfAndSts></OrgnlPmtInfAndSts>"
        + "<OrgnlPmtInfAndSts><OrgnlPmtInfId>P2</OrgnlPmtInfId></OrgnlPmtInfAndSts>"
    )
    about = inspect_answer(report(inside, "<GrpSts>PART</GrpSts>"))
    assert (about["group_status"], about["complete"]) == ("PART", True)
    assert about["batches"] == [
        {"id": "P1", "status": "PART", "reasons": ["X9"]},
        {"id": "P2", "status": None, "reasons": []},
    ]
    assert [(t["end_to_end_id"], t["status"], t["reasons"]) for t in about["transactions"]] == [
        ("A", "RJCT", ["AC04"]), (None, "PDNG", []), (None, None, ["NARR"]),
    ]  # fmt: skip
    assert about["statements"] == []
