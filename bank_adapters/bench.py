"""Speed and memory of writing and reading bank files, on made-up rows.

`bench_files(count, folder)` writes a pain.001 of `count` payments, checks it against its schema,
and reads back a camt.053 and a pain.002 of as many entries (about 690 and 200 bytes each, as real
banks write them). The counterparts in `benchmarks/` run peers on the same files.
"""

from __future__ import annotations

import dataclasses
import resource
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from bank_adapters import pain001
from bank_adapters.answers import parse
from bank_adapters.contract import BatchHeader, PaymentRow
from bank_adapters.profiles import Profile, load_profile
from bank_adapters.xsd import validate_file

DAY = date(2026, 11, 5)
DEPOSIT = "10000001"
_OPEN = '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:'


def bench_files(count: int, folder: Path) -> dict[str, Any]:
    """Write and read files of `count` payments in `folder`; return seconds, rates and memory.

    Shape: {payments, stages: {render|xsd|read_statement|read_status: {seconds, cpu_seconds, rows,
    rows_per_s, bytes, memory_mb}}, peak_rss_mb}; `memory_mb` is by how much the stage raised this
    process's peak.
    """
    order, statement, status = (folder / name for name in ("order.xml", "camt.xml", "status.xml"))
    write_statement(statement, count)
    write_status(status, count)
    stages = {
        "render": _stage(count, lambda: _render(order, count), order),
        "xsd": _stage(count, lambda: validate_file(order, "pain.001.001.09"), order),
        "read_statement": _stage(count, lambda: read_statement(statement, count), statement),
        "read_status": _stage(count, lambda: _read_status(status, count), status),
    }
    return {"payments": count, "stages": stages, "peak_rss_mb": _peak_kb() // 1024}


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


def write_status(path: Path, count: int) -> None:
    """Write a pain.002.001.12 that rejects every payment."""
    with path.open("w", encoding="utf-8") as out:
        out.write(
            f'{_OPEN}pain.002.001.12"><CstmrPmtStsRpt><GrpHdr><MsgId>R1</MsgId>'
            "<CreDtTm>2026-11-05T10:00:00+07:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts>"
            "<OrgnlMsgId>B1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
            "<GrpSts>PART</GrpSts></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts>"
            "<OrgnlPmtInfId>B1-1</OrgnlPmtInfId>\n"
        )
        for row in payment_rows(count):
            out.write(
                f"<TxInfAndSts><OrgnlInstrId>{row.end_to_end_id}</OrgnlInstrId>"
                f"<OrgnlEndToEndId>{row.end_to_end_id}</OrgnlEndToEndId><TxSts>RJCT</TxSts>"
                "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts>\n"
            )
        out.write("</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>\n")


def order(count: int) -> tuple[Profile, BatchHeader]:
    """Return profile and header of one file that holds `payment_rows(count)`."""
    # The profile's limits per file are those of a bank; here one file holds everything.
    profile = dataclasses.replace(
        load_profile("iso-vn-1"), max_payments_per_file=count, max_bytes_per_file=1 << 40
    )
    header = BatchHeader(
        message_id="B1",
        payment_info_id="B1-1",
        created_at="2026-10-23T01:00:00Z",
        execution_date=DAY,
        debtor_name="UBND XA THU",
        debtor_account=DEPOSIT,
        debtor_bic="ICBVVNVX",
        category_purpose="SSBE",
        purpose="SSBE",
        count=count,
        total_vnd=sum(amount(n) for n in range(1, count + 1)),
    )
    return profile, header


def read_statement(path: Path, count: int) -> None:
    """Read a statement as the product does and look at every entry of it.

    Raises AssertionError where `count` entries do not add up to the statement's debits.
    """
    (statement,) = parse(path).statements()
    total = sum(entry.amount_vnd for entry in statement.entries)
    if (len(statement.entries), total) != (count, statement.debit_vnd):
        raise AssertionError("the statement was not read whole")


def _render(path: Path, count: int) -> None:
    profile, header = order(count)
    with path.open("wb") as out:
        pain001.render(profile, header, payment_rows(count), out)


def _read_status(path: Path, count: int) -> None:
    rejected = sum(item.status == "RJCT" for item in parse(path).statuses())
    if rejected != count:
        raise AssertionError("the status report was not read whole")


def _stage(count: int, work: Callable[[], None], path: Path) -> dict[str, Any]:
    before, start, cpu = _peak_kb(), time.perf_counter(), time.process_time()
    work()
    cpu, seconds = time.process_time() - cpu, time.perf_counter() - start
    return {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu, 3),
        "rows": count,
        "rows_per_s": int(count / seconds),
        "bytes": path.stat().st_size,
        "memory_mb": (_peak_kb() - before) // 1024,
    }


def _peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
