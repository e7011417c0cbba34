"""Made-up payments, and the bank files made of them, for measuring writers and readers.

About 690 bytes an entry of a camt.053 and 80 of an MT940, as real banks write them. What is
measured with them is in disbursement/bench/files.py and, beside peers, in `benchmarks/`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from bank_adapters.answers import parse
from bank_adapters.contract import BatchHeader, PaymentRow
from bank_adapters.profiles import Profile, load_profile

DAY = date(2026, 11, 5)
DEPOSIT = "10000001"
_OPEN = '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:'


def amount(n: int) -> int:
    """Amount of payment `n` in đồng."""
    return 540_000 + n % 7 * 1_000


def payment_rows(count: int) -> Iterator[PaymentRow]:
    """Yield `count` made-up payments."""
    for n in range(1, count + 1):
        ref = f"DS25{n:012d}"
        yield PaymentRow(
            n, ref, amount(n), "BFTVVNVX", f"19{n:08d}", "NGUYEN VAN THU", f"{ref} CHI TRA", ref
        )


def write_statement(path: Path, count: int) -> None:
    """Write a camt.053.001.08 with one debit per payment."""
    total = sum(amount(n) for n in range(1, count + 1))
    with path.open("w", encoding="utf-8") as out:
        out.write(
            f'{_OPEN}camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId>'
            "<CreDtTm>2026-11-05T18:00:00+07:00</CreDtTm></GrpHdr><Stmt><Id>S1</Id>"
            "<ElctrncSeqNb>1</ElctrncSeqNb><CreDtTm>2026-11-05T18:00:00+07:00</CreDtTm>"
            f"<Acct><Id><Othr><Id>{DEPOSIT}</Id></Othr></Id><Ccy>VND</Ccy></Acct>\n"
        )
        for code, balance in (("OPBD", total), ("CLBD", 0)):
            out.write(
                f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
                f'<Amt Ccy="VND">{balance}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
                f"<Dt><Dt>{DAY}</Dt></Dt></Bal>\n"
            )
        for row in payment_rows(count):
            out.write(
                f'<Ntry><NtryRef>{row.n}</NtryRef><Amt Ccy="VND">{row.amount_vnd}</Amt>'
                "<CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
                f"<BookgDt><Dt>{DAY}</Dt></BookgDt><ValDt><Dt>{DAY}</Dt></ValDt>"
                f"<AcctSvcrRef>FT{row.n:012d}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly>"
                "<Cd>ICDT</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls>"
                f"<Refs><PmtInfId>B1-1</PmtInfId><InstrId>{row.end_to_end_id}</InstrId>"
                f"<EndToEndId>{row.end_to_end_id}</EndToEndId></Refs>"
                f'<Amt Ccy="VND">{row.amount_vnd}</Amt><RltdPties>'
                f"<Cdtr><Pty><Nm>{row.name}</Nm></Pty></Cdtr>"
                f"<CdtrAcct><Id><Othr><Id>{row.account}</Id></Othr></Id></CdtrAcct></RltdPties>"
                f"<RmtInf><Ustrd>{row.text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\n"
            )
        out.write("</Stmt></BkToCstmrStmt></Document>\n")


def write_mt940(path: Path, count: int) -> None:
    """Write an MT940 with one debit per payment."""
    total = sum(amount(n) for n in range(1, count + 1))
    with path.open("w", encoding="ascii", newline="") as out:
        out.write(
            f":20:STARTUMS\r\n:25:{DEPOSIT}\r\n:28C:00001/001\r\n:60F:C{DAY:%y%m%d}VND{total},\r\n"
        )
        for row in payment_rows(count):
            out.write(
                f":61:{DAY:%y%m%d%m%d}D{row.amount_vnd},NTRF{row.end_to_end_id}//FT{row.n:012d}\r\n"
                f":86:{row.text}\r\n"
            )
        out.write(f":62F:C{DAY:%y%m%d}VND0,\r\n-\r\n")


def order(count: int) -> tuple[Profile, BatchHeader]:
    """Return profile and header of one file that holds `payment_rows(count)`."""
    # The profile's limits per file are those of a bank; here one file holds everything.
    profile = dataclasses.replace(
        load_profile("iso-vn-1"), max_payments_per_file=count, max_bytes_per_file=1 << 40
    )
    total = sum(amount(n) for n in range(1, count + 1))
    return profile, header("B1", count, total, "SSBE")


def header(message_id: str, count: int, total_vnd: int, purpose: str = "") -> BatchHeader:
    """Return the header of a file of made-up payments; a table has no purpose."""
    return BatchHeader(
        message_id=message_id,
        payment_info_id=f"{message_id}-1",
        created_at="2026-10-23T01:00:00Z",
        execution_date=DAY,
        debtor_name="UBND XA THU",
        debtor_account=DEPOSIT,
        debtor_bic="ICBVVNVX",
        category_purpose=purpose,
        purpose=purpose,
        count=count,
        total_vnd=total_vnd,
    )


def read_statement(path: Path, count: int) -> None:
    """Read a camt.053 or MT940 as the product does and look at every entry of it.

    Raises AssertionError where `count` entries do not add up to the statement's debits.
    """
    (statement,) = parse(path).statements()
    total = sum(entry.amount_vnd for entry in statement.entries)
    if (len(statement.entries), total) != (count, statement.debit_vnd):
        raise AssertionError("the statement was not read whole")
