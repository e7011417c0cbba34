"""Our own strict reading: exact figures from good files, nothing at all from bad ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bank_adapters.answers import parse, whole_vnd
from bank_adapters.contract import RefusedFile
from tests.bank_adapters.build import balance, entry, report, statement, status

TWO = statement(entry() + entry("540000", e2e="DS25000000000002"), 2_000_000, 650_000)


def refused(data: bytes) -> RefusedFile:
    with pytest.raises(RefusedFile) as caught:
        parse(data)
    error = caught.value
    assert error.what
    assert error.do
    assert "Chưa ghi nhận gì" in error.sentence
    return error


# --- statements ---------------------------------------------------------------------------------


def test_a_statement_is_read_exactly() -> None:
    answer = parse(TWO)
    assert (answer.kind, answer.version, answer.message_id) == ("camt.053", "camt.053.001.08", "M1")
    assert answer.created_at == "2026-11-05T18:00:00+07:00"
    assert answer.warnings == ()
    (one,) = answer.statements()
    assert (one.id, one.sequence, one.account, one.currency) == ("S1", 1, "10000001", "VND")
    assert (one.opening_vnd, one.closing_vnd) == (2_000_000, 650_000)
    assert (one.credit_vnd, one.debit_vnd) == (0, 1_350_000)
    # 17:00Z is midnight in Asia/Ho_Chi_Minh.
    assert (one.from_date, one.to_date) == (date(2026, 11, 5), date(2026, 11, 5))
    first, second = one.entries
    assert (first.n, first.side, first.amount_vnd, first.status) == (1, "DBIT", 810_000, "BOOK")
    assert first.end_to_end_id == "DS25000000000001"
    assert first.booking_date == date(2026, 11, 5)
    assert (second.n, second.amount_vnd, second.is_return) == (2, 540_000, False)
    assert len(one.entries) == 2
    assert list(one.entries) == [first, second]  # can be walked again
    with pytest.raises(TypeError):
        answer.statuses()


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        # A period up to a midnight ends with the day before it, in Vietnam's time.
        ("2026-11-05T00:00:00+07:00", "2026-11-06T00:00:00+07:00", 5, 5),
        ("2026-11-04T17:00:00Z", "2026-11-07T17:00:00Z", 5, 7),
        ("2026-11-05T00:00:00", "2026-11-06T00:00:00.000", 5, 5),
        # One midnight twice, and plain days, mean the day they name.
        ("2026-11-05T00:00:00", "2026-11-05T00:00:00", 5, 5),
        ("2026-11-05T00:00:00+07:00", "2026-11-06T00:00:01+07:00", 5, 6),
    ],
)
def test_a_period_up_to_midnight_does_not_reach_the_day_that_begins(
    start: str, end: str, first: int, last: int
) -> None:
    data = TWO.replace(b"2026-11-04T17:00:00Z", start.encode()).replace(
        b"2026-11-05T23:59:59+07:00", end.encode()
    )
    (one,) = parse(data).statements()
    assert (one.from_date, one.to_date) == (date(2026, 11, first), date(2026, 11, last))


def test_a_path_reads_like_bytes(tmp_path: Path) -> None:
    path = tmp_path / "s.xml"
    path.write_bytes(TWO)
    assert list(parse(path).statements()[0].entries) == list(parse(TWO).statements()[0].entries)


def test_a_return_less_charges() -> None:
    inside = (
        '<Amt Ccy="VND">810000</Amt>'
        '<Chrgs><TtlChrgsAndTaxAmt Ccy="VND">3300</TtlChrgsAndTaxAmt></Chrgs>'
        "<RltdPties><CdtrAcct><Id><Othr><Id>1900000001</Id></Othr></Id></CdtrAcct>"
        "<DbtrAcct><Id><Othr><Id>10000001</Id></Othr></Id></DbtrAcct></RltdPties>"
        "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"
    )
    (one,) = parse(statement(entry("806700", "CRDT", inside=inside), 0, 806_700)).statements()
    (back,) = one.entries
    assert (back.side, back.amount_vnd, back.charges_vnd) == ("CRDT", 806_700, 3_300)
    assert (back.is_return, back.reason_code, back.code_set) == (True, "AC04", "return")
    assert back.counterparty_account == "1900000001"
    assert "1900000001" not in repr(back)


def test_returns_by_transaction_code_by_reversal_and_with_proprietary_reason() -> None:
    code = (
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>RRTN</SubFmlyCd></Fmly></Domn>"
        "</BkTxCd>"
    )
    rows = (
        entry("1", "CRDT", after=code)
        + entry("2", "CRDT", after="<RvslInd>true</RvslInd>")
        + entry("3", "CRDT", inside="<RtrInf><Rsn><Prtry>R09</Prtry></Rsn></RtrInf>")
        + entry("4", "CRDT", inside="<RtrInf><AddtlInf>?</AddtlInf></RtrInf>", e2e="NOTPROVIDED")
        + entry("5", "CRDT")
    )
    (one,) = parse(statement(rows, 0, 15)).statements()
    assert [(e.is_return, e.reason_code) for e in one.entries] == [
        (True, None),
        (True, None),
        (True, "R09"),
        (True, None),
        (False, None),
    ]
    assert [e.end_to_end_id for e in one.entries][3] is None


def batch(amounts: list[str], total: str, declared: str = "", *, with_amounts: bool = True) -> str:
    details = "".join(
        f"<TxDtls><Refs><EndToEndId>DS2500000000000{n}</EndToEndId></Refs>"
        + (f'<Amt Ccy="VND">{a}</Amt>' if with_amounts else "")
        + "</TxDtls>"
        for n, a in enumerate(amounts, 1)
    )
    count = f"<NbOfTxs>{declared}</NbOfTxs>" if declared else ""
    return (
        f'<Ntry><Amt Ccy="VND">{total}</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts>'
        "<BookgDt><DtTm>2026-11-05T17:30:00Z</DtTm></BookgDt><NtryDtls>"
        f"<Btch><PmtInfId>DS25B1-1</PmtInfId>{count}</Btch>{details}</NtryDtls></Ntry>"
    )


def test_a_batch_booking_with_details_comes_one_by_one() -> None:
    (one,) = parse(statement(entry("5") + batch(["1", "2"], "3", "2"), 8, 0)).statements()
    got = [(e.n, e.amount_vnd, e.batch_of, e.end_to_end_id) for e in one.entries]
    assert got == [
        (1, 5, None, "DS25000000000001"),
        (2, 1, 2, "DS25000000000001"),
        (3, 2, 2, "DS25000000000002"),
    ]
    assert {e.payment_info_id for e in one.entries if e.batch_of} == {"DS25B1-1"}
    assert one.debit_vnd == 8
    # 17:30Z on the 5th is the 6th in Asia/Ho_Chi_Minh (F41)
    assert [e.booking_date for e in one.entries][1] == date(2026, 11, 6)


def test_a_batch_booking_without_details_is_one_entry() -> None:
    (one,) = parse(statement(batch([], "810", "30"), 810, 0)).statements()
    (booking,) = one.entries
    assert (booking.amount_vnd, booking.payment_info_id, booking.batch_count) == (
        810,
        "DS25B1-1",
        30,
    )
    assert (booking.end_to_end_id, booking.batch_of) == (None, None)


def test_details_without_amounts_stay_one_booking_and_say_so() -> None:
    answer = parse(statement(batch(["", ""], "3", "2", with_amounts=False), 3, 0))
    (booking,) = answer.statements()[0].entries
    assert (booking.amount_vnd, booking.end_to_end_id, booking.batch_count) == (3, None, 2)
    assert answer.warnings == (
        "chi tiết của một bút toán gộp không có số tiền (dòng 6)",
        "tệp không đúng lược đồ camt.053.001.08 ở phần tử Sts, vẫn đọc được",
    )


def test_pending_entries_do_not_move_the_balance() -> None:
    (one,) = parse(statement(entry("7", status="PDNG") + entry("5"), 5, 0)).statements()
    assert [(e.amount_vnd, e.status) for e in one.entries] == [(7, "PDNG"), (5, "BOOK")]
    assert one.debit_vnd == 5


def test_overdrawn_balances_are_negative() -> None:
    (one,) = parse(statement(entry("5"), 2, -3)).statements()
    assert (one.opening_vnd, one.closing_vnd) == (2, -3)


def test_prefixes_envelopes_dialects_and_several_documents() -> None:
    inner = TWO.split(b"?>", 1)[1]
    assert len(parse(b"<Envelope><Body>" + inner + b"</Body></Envelope>").statements()) == 1
    bare = TWO.replace(b' xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"', b"")
    assert parse(bare).version == "camt.053"
    two = parse(b"<All>" + inner + inner + b"</All>")
    assert len(two.statements()) == 2
    one_after_another = parse(TWO + TWO)
    assert [len(s.entries) for s in one_after_another.statements()] == [2, 2]
    prefixed = (
        TWO.decode().split("?>", 1)[1].replace("</", "</n:").replace("<", "<n:")
        .replace("<n:/n:", "</n:").replace("xmlns=", "xmlns:n=")
    )  # fmt: skip
    assert parse(prefixed.encode()).statements()[0].debit_vnd == 1_350_000


@pytest.mark.parametrize(
    "declaration",
    [
        '<?xml version="1.0" encoding="ISO-8859-1"?>',
        "<?xml version='1.0' encoding='windows-1252'?>",
        "<?xml version='1.0'?>",
        "\n  ",
        "",
        "\ufeff<?xml version='1.0' encoding='utf-8'?>",
        "\ufeff",
    ],
)
def test_declared_encodings(declaration: str) -> None:
    answer = parse(statement(entry("5"), 5, 0, declaration=declaration))
    assert answer.statements()[0].debit_vnd == 5


def test_text_in_latin_1_is_read() -> None:
    inside = "<RmtInf><Ustrd>Ngân hàng</Ustrd><Ustrd>trả</Ustrd></RmtInf>".replace("trả", "tra")
    data = statement(entry("5", inside=inside), 5, 0).decode()
    data = data.replace("UTF-8", "ISO-8859-1").encode("iso-8859-1")
    assert next(iter(parse(data).statements()[0].entries)).text == "Ngân hàng tra"


# --- refused ------------------------------------------------------------------------------------


def test_every_cut_is_refused() -> None:
    body = TWO.rstrip()
    for length in range(len(body)):
        refused(body[:length])


def test_every_cut_of_a_status_report_is_refused() -> None:
    body = report(
        "<OrgnlPmtInfAndSts><OrgnlPmtInfId>DS25B1-1</OrgnlPmtInfId>"
        + status("DS25000000000001")
        + "</OrgnlPmtInfAndSts>",
        "<GrpSts>PART</GrpSts>",
    ).rstrip()
    for length in range(len(body)):
        refused(body[:length])


def test_a_cut_whose_closing_tags_were_repaired_is_refused() -> None:
    rows = [entry(e2e=f"DS25{n:012d}") for n in range(9)]
    whole = statement("".join(rows), 9 * 810_000, 0)
    assert parse(whole).statements()[0].debit_vnd == 9 * 810_000
    for kept in range(9):
        error = refused(statement("".join(rows[:kept]), 9 * 810_000, 0))
        assert error.code == "balance_differs"


@pytest.mark.parametrize(
    "amount",
    ["810,000", "810.000", "8.1e5", "810000.5", "1 000", "-5", "+5", "", "٣", "0x10", "1_0", "1."],
)
def test_amounts_have_a_closed_grammar(amount: str) -> None:
    error = refused(statement(entry(amount), 810_000, 0))
    # "810.000" is a decimal number: 810 dong, and then the balance is wrong.
    assert error.code in {"amount", "fraction", "entry_unreadable", "balance_differs"}
    assert (error.code == "balance_differs") == (amount == "810.000")


def test_an_amount_with_markup_inside_is_refused() -> None:
    assert refused(statement(entry("81<x/>0000"), 810_000, 0)).code == "amount"


def test_whole_dong() -> None:
    assert [whole_vnd(t) for t in ("0", "810000", "810000.00", "007")] == [0, 810_000, 810_000, 7]
    for text in ("810000.50", "1" * 16, "1.000001", "²"):
        with pytest.raises(RefusedFile):
            whole_vnd(text)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (statement(entry("5"), 6, 0), "balance_differs"),
        (statement(entry("5", ccy="EUR"), 5, 0), "currency"),
        (statement(entry("5"), 5, 0).replace(b"VND", b"USD"), "currency"),
        (statement(entry("5.50"), 5, 0), "fraction"),
        (statement(entry("5", side="OUT"), 5, 0), "entry_unreadable"),
        (statement(entry("5", day="<Dt>05/11/2026</Dt>"), 5, 0), "date"),
        (statement(entry("5", day="<Dt>2026-02-30</Dt>"), 5, 0), "date"),
        (statement(batch(["1", "3"], "3"), 3, 0), "details_differ"),
        (statement(batch(["1", "2"], "3", "3"), 3, 0), "details_count"),
        (statement(entry("5", inside='<Amt Ccy="VND">6</Amt>'), 5, 0), "details_differ"),
        (statement("", 0, 0).replace(b"OPBD", b"XXXX"), "statement_incomplete"),
        (statement("", 0, 0).replace(b"CLBD", b"XXXX"), "statement_incomplete"),
        (statement("", 0, 0).replace(b"<Id>10000001</Id>", b""), "statement_incomplete"),
        (statement("", 0, 0).replace(b"<Id>S1</Id>", b""), "statement_incomplete"),
        (b"", "not_an_answer"),
        (b"hello", "not_an_answer"),
        (b"<Document><CstmrCdtTrfInitn/></Document>", "not_an_answer"),
        (b"<Document><BkToCstmrStmt/></Document>", "no_statement"),
        (b"<Document><CstmrPmtStsRpt/></Document>", "no_status"),
        (TWO[:-20] + b"<", "xml_broken"),
        (TWO + b"<Document/>", "xml_broken"),
        (TWO.replace(b"BOOK", b"BO\x00OK", 1), "encoding"),
        (TWO.replace(b"BOOK", b"BO\xe1OK", 1), "xml_broken"),
        (TWO.replace(b"BOOK", b"&what;", 1), "xml_broken"),
        (TWO.replace(b"UTF-8", b"UTF-16"), "encoding"),
        (TWO.replace(b"UTF-8", b"windows-1258"), "encoding"),
        (b"\xff\xfe" + TWO.decode().encode("utf-16-le"), "encoding_contradiction"),
        (b"\xef\xbb\xbf" + TWO.replace(b"UTF-8", b"ISO-8859-1"), "encoding_contradiction"),
    ],
)
def test_bad_files_are_refused_with_a_code(data: bytes, code: str) -> None:
    assert refused(data).code == code


def test_declared_totals_must_hold() -> None:
    rows = entry("5") + entry("6", side="CRDT")
    good = (
        "<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries><Sum>11</Sum></TtlNtries>"
        "<TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>6.00</Sum></TtlCdtNtries>"
        "<TtlDbtNtries><NbOfNtries>01</NbOfNtries><Sum>5</Sum></TtlDbtNtries></TxsSummry>"
    )
    assert parse(statement(rows, 0, 1, extra=good)).statements()[0].credit_vnd == 6
    for old, new, code in (
        (">2<", ">3<", "count_differs"),
        (">11<", ">12<", "sum_differs"),
        (">6.00<", ">5<", "sum_differs"),
        (">01<", ">x<", "count_differs"),
    ):
        assert refused(statement(rows, 0, 1, extra=good.replace(old, new))).code == code


def test_one_page_of_several_is_refused() -> None:
    page = "<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>"
    assert refused(statement("", 0, 0, extra=page)).code == "paged"
    page = "<StmtPgntn><PgNb>1</PgNb><LastPgInd>true</LastPgInd></StmtPgntn>"
    assert parse(statement("", 0, 0, extra=page)).statements()[0].closing_vnd == 0


def test_kinds_are_not_mixed() -> None:
    inner = TWO.split(b"?>", 1)[1]
    other = inner.replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt").replace(b"Stmt>", b"Rpt>")
    assert refused(b"<All>" + inner + other + b"</All>").code == "mixed_kinds"


def test_a_file_above_the_limit_is_not_read() -> None:
    with pytest.raises(RefusedFile) as caught:
        parse(TWO, most_bytes=len(TWO) - 1)
    assert caught.value.code == "file_too_large"


def test_a_refusal_names_the_line() -> None:
    error = refused(statement(entry("5") + entry("x"), 5, 0))
    assert (error.code, error.line) == ("amount", 7)
    assert "(dòng 7)" in error.sentence


# --- hostile ------------------------------------------------------------------------------------

LAUGHS = (
    '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>'
)
EXTERNAL = '<!DOCTYPE d SYSTEM "file:///etc/passwd">'
PARAMETER = '<!DOCTYPE d [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>'


@contextmanager
def no_doors() -> Iterator[list[str]]:
    """Record every file or socket opened inside; parsing bytes needs none (F26)."""
    opened: list[str] = []
    active = True

    def hook(event: str, args: tuple[object, ...]) -> None:
        if active and (event in {"open", "os.open"} or event.startswith("socket.")):
            opened.append(f"{event} {args[:1]}")

    sys.addaudithook(hook)
    try:
        yield opened
    finally:
        active = False


@pytest.mark.parametrize("doctype", [LAUGHS, EXTERNAL, PARAMETER, "<!DOCTYPE Document>"])
def test_a_doctype_is_refused_before_parsing(doctype: str) -> None:
    data = statement(entry("5"), 5, 0, declaration=f"<?xml version='1.0'?>\n{doctype}")
    with no_doors() as opened:
        assert refused(data).code == "doctype"
        assert refused(data.replace(b"<?xml version='1.0'?>", b"<!-- " + b"x" * 3_000_000 + b"-->")
                       ).code == "doctype"  # fmt: skip
    assert opened == []


def test_parsing_opens_no_file_and_no_socket() -> None:
    outside = (
        "<AddtlStmtInf xmlns:xi='http://www.w3.org/2001/XInclude' "
        "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' "
        "xsi:schemaLocation='urn:x http://127.0.0.1:9/x.xsd'>"
        "<xi:include href='file:///etc/passwd'/></AddtlStmtInf>"
    )
    data = statement(entry("5"), 5, 0, extra=outside)
    parse(data)  # imports, data files
    with no_doors() as opened:
        assert parse(data).statements()[0].debit_vnd == 5
    assert opened == []


@pytest.mark.parametrize(
    "extra",
    [
        "<a>" * 100_000 + "</a>" * 100_000,
        "<a>" + "x" * 11_000_000 + "</a>",
        f"<{'n' * 60_000}/>",
    ],
    ids=["depth", "text", "name"],
)
def test_limits_of_the_parser_stay_on(extra: str) -> None:
    assert refused(statement(entry("5"), 5, 0, extra=extra)).code == "xml_broken"


def test_200_000_attributes_are_read_or_refused_but_never_hang() -> None:
    extra = "<a " + " ".join(f"a{n}='1'" for n in range(200_000)) + "/>"
    data = statement(entry("5"), 5, 0, extra=extra)
    try:
        debit = parse(data).statements()[0].debit_vnd
    except RefusedFile:
        assert refused(data).code == "xml_broken"
    else:
        assert debit == 5


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_one_changed_byte_never_changes_the_money_silently(data: st.DataObject) -> None:
    """Replace one byte: the file is refused, or every figure is the one of the good file.

    Texts and ids may read differently (no sum covers them); sides, amounts and balances may not.
    """
    at = data.draw(st.integers(0, len(TWO) - 1))
    value = data.draw(st.integers(0, 255))
    changed = TWO[:at] + bytes([value]) + TWO[at + 1 :]
    try:
        answer = parse(changed)
    except RefusedFile:
        return
    (one,) = answer.statements()
    assert one.opening_vnd is not None
    assert one.closing_vnd == one.opening_vnd - sum(
        e.amount_vnd if e.side == "DBIT" else -e.amount_vnd
        for e in one.entries
        if e.status == "BOOK"
    )


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_rubbish_is_refused(data: bytes) -> None:
    refused(data)


# --- status reports -----------------------------------------------------------------------------


def test_three_levels_in_order() -> None:
    data = report(
        "<OrgnlPmtInfAndSts><OrgnlPmtInfId>DS25B1-1</OrgnlPmtInfId><PmtInfSts>PART</PmtInfSts>"
        + status("DS25000000000001", more='<OrgnlTxRef><Amt><InstdAmt Ccy="VND">810000.00'
                 "</InstdAmt></Amt></OrgnlTxRef>")
        + status("DS25000000000002", "ACSP", "")
        + "</OrgnlPmtInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>DS25B1-2</OrgnlPmtInfId>"
        "<PmtInfSts>RJCT</PmtInfSts><StsRsnInf><Rsn><Cd>AM04</Cd></Rsn><AddtlInf>Het</AddtlInf>"
        "<AddtlInf>tien</AddtlInf></StsRsnInf></OrgnlPmtInfAndSts>",
        "<GrpSts>PART</GrpSts>",
    )  # fmt: skip
    answer = parse(data)
    assert (answer.kind, answer.message_id, answer.original_message_id) == (
        "pain.002",
        "R1",
        "DS25B1",
    )
    got = [
        (s.level, s.payment_info_id, s.end_to_end_id, s.status, s.reason_code, s.reason_text,
         s.amount_vnd)
        for s in answer.statuses()
    ]  # fmt: skip
    assert got == [
        ("file", None, None, "PART", None, "", None),
        ("batch", "DS25B1-1", None, "PART", None, "", None),
        ("transaction", "DS25B1-1", "DS25000000000001", "RJCT", "AC04", "", 810_000),
        ("transaction", "DS25B1-1", "DS25000000000002", "ACSP", None, "", None),
        ("batch", "DS25B1-2", None, "RJCT", "AM04", "Het tien", None),
    ]
    assert {s.original_msg_id for s in answer.statuses()} == {"DS25B1"}
    with pytest.raises(TypeError):
        answer.statements()


def test_statuses_and_ids_are_optional_and_codes_are_kept() -> None:
    data = report(
        "<OrgnlPmtInfAndSts>"
        "<TxInfAndSts><OrgnlInstrId>I1</OrgnlInstrId></TxInfAndSts>"
        "<TxInfAndSts><OrgnlEndToEndId>NOTPROVIDED</OrgnlEndToEndId><TxSts>ZZZZ</TxSts>"
        "<StsRsnInf><Rsn><Prtry>X-1</Prtry></Rsn></StsRsnInf>"
        "<StsRsnInf><Rsn><Cd>NARR</Cd></Rsn></StsRsnInf></TxInfAndSts></OrgnlPmtInfAndSts>"
    )
    one, two = parse(data).statuses()
    assert (one.status, one.end_to_end_id, one.instr_id) == (None, None, "I1")
    assert (two.status, two.end_to_end_id, two.reason_code) == ("ZZZZ", None, "X-1")
    assert two.more_reasons == ("NARR",)


def declared(**counts: int) -> str:
    return "".join(
        f"<NbOfTxsPerSts><DtldNbOfTxs>{n}</DtldNbOfTxs><DtldSts>{s}</DtldSts></NbOfTxsPerSts>"
        for s, n in counts.items()
    )


def group_of(*rows: str, head: str = "") -> str:
    return f"<OrgnlPmtInfAndSts>{head}{''.join(rows)}</OrgnlPmtInfAndSts>"


@pytest.mark.parametrize(
    ("group", "inside", "good"),
    [
        (declared(RJCT=1, ACSP=9), group_of(status("A")), True),
        (declared(RJCT=2, ACSP=8), group_of(status("A")), False),
        (declared(RJCT=1), group_of(status("A"), status("B")), False),
        (declared(ACSP=1), group_of(status("A", "ACSP", ""), status("B", "ACSP", "")), False),
        ("<GrpSts>RJCT</GrpSts>" + declared(RJCT=9), "", True),
        ("", group_of(head="<PmtInfSts>RJCT</PmtInfSts>" + declared(RJCT=4)), True),
        ("", group_of(status("A"), head="<PmtInfSts>PART</PmtInfSts>" + declared(RJCT=2)), False),
        ("", group_of(status("A"), head=declared(RJCT=1)), True),
        (declared(RJCT=4), group_of(head="<PmtInfSts>RJCT</PmtInfSts>"), True),
    ],
)
def test_counts_per_status_must_agree_with_the_list(group: str, inside: str, good: bool) -> None:
    data = report(inside, group)
    if good:
        assert parse(data).original_message_id == "DS25B1"
    else:
        assert refused(data).code == "count_differs"


def test_a_status_report_in_another_currency_is_refused() -> None:
    ref = '<OrgnlTxRef><Amt><InstdAmt Ccy="{}">{}</InstdAmt></Amt></OrgnlTxRef>'
    assert refused(report(group_of(status("A", more=ref.format("EUR", "5"))))).code == "currency"
    assert refused(report(group_of(status("A", more=ref.format("VND", "5.5"))))).code == "fraction"


def test_balances_may_be_interim_in_an_intraday_report() -> None:
    data = statement(entry("5"), 5, 0).replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt")
    data = data.replace(b"Stmt>", b"Rpt>").replace(b"CLBD", b"ITBD").replace(b".053.", b".052.")
    answer = parse(data)
    (one,) = answer.statements()
    assert (answer.kind, one.opening_vnd, one.closing_vnd) == ("camt.052", 5, 0)
    assert balance("OPBD", 5).encode() in data


def test_a_notification_has_no_balances() -> None:
    data = statement(entry("5"), 5, 0).replace(b"BkToCstmrStmt", b"BkToCstmrDbtCdtNtfctn")
    data = data.replace(b"Stmt>", b"Ntfctn>").replace(b".053.", b".054.")
    for code, amount in (("OPBD", 5), ("CLBD", 0)):
        data = data.replace(balance(code, amount).encode(), b"")
    answer = parse(data)
    (one,) = answer.statements()
    assert (answer.kind, one.opening_vnd, one.closing_vnd, one.debit_vnd) == (
        "camt.054",
        None,
        None,
        5,
    )


def mt940(*amounts: str) -> bytes:
    lines = "".join(
        f":61:2610051005D{amount}NTRFDS25{n:012d}//A{n}\r\n:86:CHI TRA\r\n"
        for n, amount in enumerate(amounts, 1)
    )
    return (
        ":20:STARTUMS\r\n:25:10000001\r\n:28C:00001/001\r\n:60F:C261004VND1000000,\r\n"
        f"{lines}:62F:C261005VND0,\r\n-\r\n"
    ).encode()


def test_an_mt940_is_read_in_whole_dong_wherever_its_amounts_have_a_comma() -> None:
    (one,) = parse(mt940("400000,", "300000,00", "300000,")).statements()
    assert [(e.amount_vnd, e.booking_date, e.line) for e in one.entries] == [
        (400_000, date(2026, 10, 5), 5),
        (300_000, date(2026, 10, 5), 7),
        (300_000, date(2026, 10, 5), 9),
    ]
    assert [e.end_to_end_id for e in one.entries] == [f"DS25{n:012d}" for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("amounts", "line"),
    [
        (("400000,00", "299999,50", "300000,50"), 7),
        (("400000,", "300000,", "299999,5", "0,5"), 9),
        (("999999,999999", "0,000001"), 5),
    ],
)
def test_the_first_fraction_of_an_mt940_refuses_it_with_its_line(
    amounts: tuple[str, ...], line: int
) -> None:
    with pytest.raises(RefusedFile) as refused:
        parse(mt940(*amounts))
    assert (refused.value.code, refused.value.line) == ("fraction", line)
