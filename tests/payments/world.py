"""A sent month on a real ledger, and a bank's pen: pain.002 and camt.053 files to the byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from bank_adapters.transports import FileDrop
from disbursement.jobs import sender
from disbursement.payments.answer import AnswerResult
from disbursement.payments.intake import take_answer
from disbursement.platform.clock import today
from disbursement.platform.context import Context
from disbursement.runs import service
from tests.runs.test_month import K6, SP, budget, sign_all
from tests.runs.world import PAYER, PROVIDER, Person, World, add_people

ACCOUNT = "10000001"
TRANSIT = f"transit.{PAYER}.{PROVIDER}"
ADVANCE = f"advance.{PAYER}.{PROVIDER}"
PAYABLE = f"payable.{PAYER}"
SUSPENSE = f"suspense.{PAYER}"
FEE = f"fee.{PAYER}"
PEOPLE = [Person(date(1975 + n, 3, 1), K6) for n in range(6)] + [
    Person(date(1949, 1, 1), SP, kind="cash"),
    Person(date(1948, 1, 1), SP, kind="cash"),
]
_numbers = count(1)


@dataclass(frozen=True)
class Row:
    """One attempt as the bank was told it."""

    e2e: str
    amount: int
    payment_id: int
    person_id: int
    batch_id: int
    n: int


@dataclass
class Month:
    """A month whose files are at the bank; `rows` of the one bank batch, in order."""

    world: World
    batch_id: int
    message_id: str
    rows: list[Row]
    total: int
    drawn: int
    cash_batch: int
    sequence: int = 0
    balance: int = 0
    taken: list[AnswerResult] = field(default_factory=list)

    def take(self, data: bytes, actor: str = "worker") -> AnswerResult:
        result = take_answer(self.world.ctx, data, source_name="answer.xml", actor=actor)
        self.taken.append(result)
        return result

    def statement(self, entries: Sequence[Any] = (), **more: Any) -> bytes:
        """Write the next statement of the account, and remember its closing balance.

        The clock moves on to its day: no statement is taken of a day that is still to come.
        """
        day = more.get("day", date(2026, 10, 5))
        if day > today(self.world.clock):
            self.world.clock.set(day, hour=19)
        self.sequence += 1
        data = camt053(entries, sequence=self.sequence, opening=self.balance, **more)
        self.balance += sum(e.amount if e.side == "CRDT" else -e.amount for e in entries)
        return data

    def states(self) -> list[str]:
        """Return the last news of every row of the bank batch ('' where none), in order."""
        return [
            self.world.one(
                "SELECT state FROM attempt_news WHERE batch_id = :b AND n = :n "
                "ORDER BY seq DESC LIMIT 1",
                b=r.batch_id,
                n=r.n,
            )
            or ""
            for r in self.rows
        ]


def open_roster(conn: Connection, ctx: Context, batch_id: int) -> None:
    """Hand a cash batch to the desk with the product's own function."""
    from disbursement.fallback.service import open_rosters

    open_rosters(conn, ctx, [batch_id])


def no_roster(_conn: Connection, _ctx: Context, _batch_id: int) -> None:
    """For tests in which the desk plays no part."""


def sent_month(
    world: World, folder: Path, people: Sequence[Person] = PEOPLE, roster: Any = no_roster
) -> Month:
    """Prepare, sign, draw and send October; the clock then stands at 5 October."""
    add_people(world, list(people))
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    sign_all(world)
    drawn = 0
    for list_id, total in world.rows("SELECT id, total_vnd FROM pay_list ORDER BY id"):
        service.draw(
            world.ctx, list_id, voucher=f"RDT{list_id}", day=date(2026, 9, 24), amount_vnd=total,
            actor="chi",
        )  # fmt: skip
        drawn += total
    sender.drain(world.ctx, lambda provider: FileDrop(folder / provider), roster)
    world.clock.set(date(2026, 10, 5))
    return month_of(world, drawn)


def month_of(world: World, drawn: int = 0) -> Month:
    """Read the one bank batch of October with its rows."""
    batch_id, message_id, total = world.rows(
        "SELECT id, message_id, total_vnd FROM batch WHERE rail = 'bank' ORDER BY id"
    )[0]
    rows = [
        Row(*r)
        for r in world.rows(
            "SELECT r.end_to_end_id, r.amount_vnd, r.payment_id, r.sub_id, r.batch_id, r.n "
            "FROM batch_row r WHERE r.batch_id = :b ORDER BY r.n",
            b=batch_id,
        )
    ]
    cash = world.one("SELECT min(id) FROM batch WHERE rail = 'cash'") or 0
    return Month(world, batch_id, message_id, rows, total, drawn, cash)


# --- the bank's pen ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """One booked entry of a statement."""

    side: str
    amount: int
    e2e: str = ""
    reason: str = ""
    text: str = ""
    charges: int = 0
    status: str = "BOOK"
    pmtinf: str = ""
    instr: str = ""


def debit(row: Row, amount: int | None = None) -> Entry:
    return Entry("DBIT", row.amount if amount is None else amount, row.e2e)


def back(row: Row, reason: str = "AC04", amount: int | None = None, charges: int = 0) -> Entry:
    return Entry("CRDT", row.amount if amount is None else amount, row.e2e, reason, charges=charges)


def pain002(
    message_id: str,
    rows: Sequence[tuple[Any, ...]] = (),
    *,
    group: str = "",
    reason: str = "",
    msg_id: str | None = None,
) -> bytes:
    """Rows: (e2e, status, reason code) or with the amount as fourth."""
    body = ""
    for e2e, status, code, *amount in rows:
        ref = "".join(
            f'<OrgnlTxRef><Amt><InstdAmt Ccy="VND">{a}</InstdAmt></Amt></OrgnlTxRef>'
            for a in amount
        )
        body += (
            f"<TxInfAndSts><OrgnlEndToEndId>{e2e}</OrgnlEndToEndId><TxSts>{status}</TxSts>"
            + (f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>" if code else "")
            + f"{ref}</TxInfAndSts>"
        )
    inner = (
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{message_id}-1</OrgnlPmtInfId>{body}"
        "</OrgnlPmtInfAndSts>"
        if body
        else ""
    )
    status = f"<GrpSts>{group}</GrpSts>" if group else ""
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>" if reason else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>'
        f"<GrpHdr><MsgId>{msg_id or f'R{next(_numbers)}'}</MsgId>"
        "<CreDtTm>2026-10-05T10:00:00+07:00</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{message_id}</OrgnlMsgId>"
        f"<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{status}{why}"
        f"</OrgnlGrpInfAndSts>{inner}</CstmrPmtStsRpt></Document>"
    ).encode()


def camt053(
    entries: Sequence[Entry],
    *,
    sequence: int,
    opening: int,
    account: str = ACCOUNT,
    day: date = date(2026, 10, 5),
    closing: int | None = None,
    ident: str | None = None,
    msg_id: str | None = None,
    currency: str = "VND",
) -> bytes:
    end = opening + sum(
        (e.amount if e.side == "CRDT" else -e.amount) for e in entries if e.status == "BOOK"
    )
    end = end if closing is None else closing
    body = "".join(_entry(n, e, day, currency) for n, e in enumerate(entries, 1))
    number = ident or f"S{account}-{sequence}"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>{msg_id or f'M{number}'}</MsgId>"
        f"<CreDtTm>{day}T18:00:00+07:00</CreDtTm></GrpHdr>"
        f"<Stmt><Id>{number}</Id><ElctrncSeqNb>{sequence}</ElctrncSeqNb>"
        f"<CreDtTm>{day}T18:00:00+07:00</CreDtTm>"
        f"<FrToDt><FrDtTm>{day}T00:00:00+07:00</FrDtTm><ToDtTm>{day}T23:59:59+07:00</ToDtTm>"
        f"</FrToDt><Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>{currency}</Ccy></Acct>"
        f"{_balance('OPBD', opening, day, currency)}{_balance('CLBD', end, day, currency)}{body}"
        "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _balance(code: str, amount: int, day: date, currency: str) -> str:
    side = "CRDT" if amount >= 0 else "DBIT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="{currency}">{abs(amount)}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
        f"<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _entry(n: int, e: Entry, day: date, currency: str) -> str:
    rtr = f"<RtrInf><Rsn><Cd>{e.reason}</Cd></Rsn></RtrInf>" if e.reason else ""
    words = f"<RmtInf><Ustrd>{e.text}</Ustrd></RmtInf>" if e.text else ""
    kept = (
        f'<Chrgs><TtlChrgsAndTaxAmt Ccy="{currency}">{e.charges}</TtlChrgsAndTaxAmt></Chrgs>'
        if e.charges
        else ""
    )
    pmtinf = f"<PmtInfId>{e.pmtinf}</PmtInfId>" if e.pmtinf else ""
    instr = f"<InstrId>{e.instr}</InstrId>" if e.instr else ""
    return (
        f'<Ntry><NtryRef>{n}</NtryRef><Amt Ccy="{currency}">{e.amount}</Amt>'
        f"<CdtDbtInd>{e.side}</CdtDbtInd><Sts><Cd>{e.status}</Cd></Sts>"
        f"<BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>A{day:%m%d}{n}</AcctSvcrRef>"
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn>"
        f"</BkTxCd><NtryDtls><TxDtls><Refs>{pmtinf}{instr}"
        f"<EndToEndId>{e.e2e or 'NOTPROVIDED'}</EndToEndId></Refs>"
        f'<Amt Ccy="{currency}">{e.amount}</Amt><CdtDbtInd>{e.side}</CdtDbtInd>'
        f"{kept}{words}{rtr}</TxDtls></NtryDtls></Ntry>"
    )
