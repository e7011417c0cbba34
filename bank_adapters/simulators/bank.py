"""A simulated bank: the counterparty of the demo and of the tests, never of a payer.

It reads pain.001 with a small parser of its own, keeps its own journal of what it was told to pay
(the oracle for "never twice"), its own balances, and answers with pain.002 and camt.053 as a real
bank would: late, in part, or not at all, according to a seeded failure profile. What it is asked to
give back (camt.055) it answers with camt.029. The same seed, the same files, the same answers.
"""

from __future__ import annotations

import hashlib
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from xml.sax.saxutils import escape

from lxml import etree

from bank_adapters.codes import read_data
from bank_adapters.simulators.cancellation import Cancellation, read_cancellation, resolution

WHOLE = 100_000


@dataclass(frozen=True)
class FailureProfile:
    """How often what goes wrong, in 100,000ths: of payments, and of files for the last two.

    Read from data/simulator_profiles.csv, which names its sources; published failure rates are in
    data/failure_rates.csv. None is known for Vietnam.
    """

    name: str
    fates: tuple[tuple[int, str, str], ...]
    """(upper bound of the draw, fate, code): rejected, returned, late, never; else paid."""
    double_row: int
    lost_file: int


def load_profiles() -> dict[str, FailureProfile]:
    """Return the failure profiles by name: clean, steady, first-run, stress."""
    parts: dict[str, list[tuple[str, str, int]]] = {}
    for row in read_data("simulator_profiles.csv"):
        parts.setdefault(row["profile"], []).append(
            (row["fate"], row["code"], int(row["per_100000"]))
        )
    found: dict[str, FailureProfile] = {}
    for name, rows in parts.items():
        bound = 0
        fates: list[tuple[int, str, str]] = []
        files = {"double_row": 0, "lost_file": 0}
        for fate, code, share in rows:
            if fate in files:
                files[fate] = share
            elif share:
                bound += share
                fates.append((bound, fate, code))
        found[name] = FailureProfile(name, tuple(fates), files["double_row"], files["lost_file"])
    return found


PROFILES: Mapping[str, FailureProfile] = load_profiles()

_TABLES = """
CREATE TABLE IF NOT EXISTS account (number TEXT PRIMARY KEY, balance INTEGER NOT NULL,
  sequence INTEGER NOT NULL, closing INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS message (id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, debtor TEXT NOT NULL,
  count INTEGER NOT NULL, total INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS told (end_to_end TEXT NOT NULL, message TEXT NOT NULL,
  debtor TEXT NOT NULL, amount INTEGER NOT NULL, fate TEXT NOT NULL, code TEXT NOT NULL,
  paid INTEGER NOT NULL DEFAULT 0, back INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS told_id ON told (end_to_end);
CREATE INDEX IF NOT EXISTS told_open ON told (debtor, fate, paid, back);
CREATE TABLE IF NOT EXISTS booked (account TEXT NOT NULL, n INTEGER NOT NULL, side TEXT NOT NULL,
  amount INTEGER NOT NULL, end_to_end TEXT NOT NULL, code TEXT NOT NULL, text TEXT NOT NULL,
  stated INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (account, n)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Holder:
    """The true holder of an account at the bank."""

    name: str
    closed: bool = False


@dataclass(frozen=True)
class Instruction:
    """One payment as the bank read it; amount in dong."""

    end_to_end: str
    amount: int
    account: str
    name: str


def plain(name: str) -> str:
    """Return a name the way the bank compares it: upper case, no marks, single spaces."""
    marks = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    kept = "".join(c for c in marks if not unicodedata.combining(c))
    return " ".join(kept.upper().split())


FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "lost_answer": "no pain.002 is written",
        "duplicate": "the same answer comes twice, under another name and message id",
        "contradiction": "the first payment is said to be settled, then rejected",
        "late_return": "everything that is paid comes back with the late returns",
        "cut": "the answer is cut in the middle",
    }
)
"""What a bank may do wrong on purpose, beside what its profile does by chance."""


class SimulatedBank:
    """One bank with its books in `folder`/bank.db; takes files from `folder`/out, answers to /in.

    `truth` gives the holder of each payee account; an account that is not in it exists and has
    the name in the order. A bank that does not keep its promises pays what it said it had
    cancelled. Amounts in dong.
    """

    def __init__(
        self,
        folder: Path,
        *,
        profile: str = "steady",
        seed: int = 1,
        truth: Mapping[str, Holder] | None = None,
        keeps_promises: bool = True,
        faults: Iterable[str] = (),
    ) -> None:
        self.faults = frozenset(faults)
        if unknown := self.faults - set(FAULTS):
            raise ValueError(f"no such fault of a bank: {min(unknown)}")
        self.keeps_promises = keeps_promises
        self.folder, self.profile, self.seed = folder, PROFILES[profile], seed
        self.truth = truth or {}
        (folder / "out").mkdir(parents=True, exist_ok=True)
        (folder / "in").mkdir(exist_ok=True)
        self._taken: set[tuple[str, int, int]] = set()
        self.db = sqlite3.connect(folder / "bank.db", isolation_level=None, check_same_thread=False)
        # A simulator need not survive a power cut; it must survive being killed.
        self.db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + _TABLES)

    def close(self) -> None:
        """Close the bank's books."""
        self.db.close()

    # --- money in -----------------------------------------------------------------------------

    def credit(self, account: str, amount: int, words: str) -> None:
        """Book money that arrives on a deposit account (the draw from the treasury)."""
        self.db.execute("BEGIN")
        self._account(account)
        self._book(account, [("CRDT", amount, "NOTPROVIDED", "", words)])
        self.db.execute("COMMIT")

    def knows(self, account: str, words: str) -> bool:
        """Tell whether an entry with these words was booked on the account before."""
        row = self.db.execute(
            "SELECT 1 FROM booked WHERE account = ? AND text = ? LIMIT 1", (account, words)
        )
        return row.fetchone() is not None

    def debit(self, account: str, amount: int, words: str) -> None:
        """Book money that leaves otherwise: sent back to the treasury, or paid out at desks."""
        self.db.execute("BEGIN")
        self._account(account)
        self._book(account, [("DBIT", amount, "NOTPROVIDED", "", words)])
        self.db.execute("COMMIT")

    # --- orders in, pain.002 out ------------------------------------------------------------------

    def take_orders(self, day: date) -> int:
        """Read every new file in the drop folder and answer it; return how many payments.

        Requests to give payments back are answered too and count none.
        """
        taken = 0
        for path in sorted((self.folder / "out").glob("*.xml")):
            found = path.stat()
            mark = (path.name, found.st_size, found.st_mtime_ns)
            if mark in self._taken:
                continue
            self._taken.add(mark)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if self.db.execute("SELECT 1 FROM message WHERE sha256 = ?", (digest,)).fetchone():
                continue
            asked = read_cancellation(path)
            if asked is not None:
                self._give_back(asked, digest, day)
            else:
                taken += self._take(path, digest, day)
        return taken

    def _give_back(self, asked: Cancellation, digest: str, day: date) -> None:
        self.db.execute("BEGIN")
        rows = [(e2e, *self._stop(e2e, asked.original)) for e2e in asked.orders]
        self.db.execute("INSERT INTO message VALUES (?, ?, '', 0, 0)", (asked.message, digest))
        self._write(f"camt029-{asked.message}.xml", resolution(asked, rows, day))
        self.db.execute("COMMIT")

    def _stop(self, end_to_end: str, message: str) -> tuple[str, str]:
        """Cancel a payment that is not paid yet; return what is said of it and why."""
        told = self.db.execute(
            "SELECT fate, paid, back FROM told WHERE end_to_end = ? AND message = ? "
            "ORDER BY rowid LIMIT 1",
            (end_to_end, message),
        ).fetchone()
        if told is None:
            return "RJCR", "NOOR"
        fate, paid, back = told
        if fate in ("rejected", "cancelled"):
            return "RJCR", "ARJT"
        if paid:
            return "RJCR", "ARDT" if back else "PTNA"
        if self.keeps_promises:
            self.db.execute(
                "UPDATE told SET fate = 'cancelled' WHERE end_to_end = ? AND message = ?",
                (end_to_end, message),
            )
        return "ACCR", ""

    def _take(self, path: Path, digest: str, day: date) -> int:
        message, debtor, orders = read_orders(path)
        self.db.execute("BEGIN")
        known = self.db.execute("SELECT 1 FROM message WHERE id = ?", (message,)).fetchone()
        if known:
            self._answer(message, day, "RJCT", [("", "RJCT", "DU01")], suffix=digest[:6])
            self.db.execute("COMMIT")
            return 0
        self._account(debtor)
        rows = [(o, *self._fate(o)) for o in orders]
        self.db.executemany(
            "INSERT INTO told (end_to_end, message, debtor, amount, fate, code) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            ((o.end_to_end, message, debtor, o.amount, fate, code) for o, fate, code in rows),
        )
        self.db.execute(
            "INSERT INTO message VALUES (?, ?, ?, ?, ?)",
            (message, digest, debtor, len(orders), sum(o.amount for o in orders)),
        )
        refused = [(o.end_to_end, "RJCT", code) for o, fate, code in rows if fate == "rejected"]
        if self._share(f"double:{message}") < self.profile.double_row and refused:
            refused.append(refused[0])
        status = "ACSP" if not refused else "RJCT" if len(refused) == len(orders) else "PART"
        lost = self._share(f"lost:{message}") < self.profile.lost_file
        if not lost and "lost_answer" not in self.faults:
            self._answer(message, day, status, refused)
            if "duplicate" in self.faults:
                self._answer(message, day, status, refused, suffix="-2")
            if "contradiction" in self.faults:
                order = orders[0].end_to_end
                self._answer(message, day, "PART", [(order, "ACSC", "")], suffix="-3")
                self._answer(message, day, "PART", [(order, "RJCT", "AC04")], suffix="-4")
        self.db.execute("COMMIT")
        return len(orders)

    def _share(self, key: str) -> int:
        digest = hashlib.sha256(f"{self.seed}:{key}".encode()).digest()
        return int.from_bytes(digest[:4], "big") % WHOLE

    def _fate(self, order: Instruction) -> tuple[str, str]:
        """Decide what becomes of a payment: (fate, code); the same order always the same."""
        holder = self.truth.get(order.account)
        if holder is not None and holder.closed:
            return "rejected", "AC04"
        if holder is not None and plain(holder.name) != plain(order.name):
            return "rejected", "BE01"
        if self.db.execute(
            "SELECT 1 FROM told WHERE end_to_end = ? LIMIT 1", (order.end_to_end,)
        ).fetchone():
            return "rejected", "AM05"
        draw = self._share(order.end_to_end)
        for bound, fate, code in self.profile.fates:
            if draw < bound:
                return fate, code
        return ("returned", "AC04") if "late_return" in self.faults else ("paid", "")

    def _answer(
        self,
        message: str,
        day: date,
        status: str,
        rows: Iterable[tuple[str, str, str]],
        suffix: str = "",
    ) -> None:
        listed = list(rows)
        group_reason = (
            f"<StsRsnInf><Rsn><Cd>{listed[0][2]}</Cd></Rsn></StsRsnInf>"
            if listed and not listed[0][0]
            else ""
        )
        body = "".join(
            f"<TxInfAndSts><OrgnlEndToEndId>{e2e}</OrgnlEndToEndId><TxSts>{state}</TxSts>"
            + (f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>" if code else "")
            + "</TxInfAndSts>"
            for e2e, state, code in listed
            if e2e
        )
        batch = (
            f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{message}-1</OrgnlPmtInfId>{body}"
            "</OrgnlPmtInfAndSts>"
            if body
            else ""
        )
        name = f"pain002-{message}{suffix}.xml"
        self._write(
            name,
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.12"><CstmrPmtStsRpt>'
            f"<GrpHdr><MsgId>R{message}{suffix}</MsgId>"
            f"<CreDtTm>{day.isoformat()}T10:00:00Z</CreDtTm></GrpHdr>"
            f"<OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId>"
            f"<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>{status}</GrpSts>{group_reason}"
            f"</OrgnlGrpInfAndSts>{batch}</CstmrPmtStsRpt></Document>",
        )

    # --- statements ---------------------------------------------------------------------------

    def settle(self, *, late: bool = False) -> None:
        """Book the debits of what is paid; with `late`, returns and the delayed ones as well."""
        self.db.execute("BEGIN")
        fates = "('paid', 'returned')" if not late else "('paid', 'returned', 'late')"
        for account, rows in self._grouped(
            "SELECT debtor, end_to_end, amount, code FROM told WHERE paid = 0 "
            f"AND fate IN {fates} ORDER BY debtor, rowid"
        ):
            self._book(account, [("DBIT", a, e2e, "", "") for e2e, a, _ in rows])
        self.db.execute(f"UPDATE told SET paid = 1 WHERE paid = 0 AND fate IN {fates}")
        if late:
            for account, rows in self._grouped(
                "SELECT debtor, end_to_end, amount, code FROM told WHERE paid = 1 AND back = 0 "
                "AND fate = 'returned' ORDER BY debtor, rowid"
            ):
                self._book(account, [("CRDT", a, e2e, code, "RETURN") for e2e, a, code in rows])
            self.db.execute("UPDATE told SET back = 1 WHERE paid = 1 AND fate = 'returned'")
        self.db.execute("COMMIT")

    def _grouped(self, query: str) -> Iterator[tuple[str, list[tuple[str, int, str]]]]:
        rows: dict[str, list[tuple[str, int, str]]] = {}
        for debtor, e2e, amount, code in self.db.execute(query):
            rows.setdefault(debtor, []).append((e2e, amount, code))
        yield from rows.items()

    def statements(self, day: date) -> list[str]:
        """Write a camt.053 for every account, moved or not; return the file names."""
        out = []
        accounts = self.db.execute(
            "SELECT number, sequence, closing, balance FROM account ORDER BY number"
        ).fetchall()
        for number, sequence, opening, closing in accounts:
            name = f"camt053-{number}-{sequence + 1:04d}.xml"
            self._statement(name, number, sequence + 1, opening, closing, day)
            out.append(name)
        return out

    def _statement(
        self, name: str, number: str, sequence: int, opening: int, closing: int, day: date
    ) -> None:
        rows = self.db.execute(
            "SELECT n, side, amount, end_to_end, code, text FROM booked "
            "WHERE account = ? AND stated = 0 ORDER BY n",
            (number,),
        )
        iso = day.isoformat()
        entries = "".join(_entry(number, iso, *row) for row in rows)
        ident = f"S{number}-{sequence:04d}"
        self._write(
            name,
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
            f"<GrpHdr><MsgId>M{ident}</MsgId><CreDtTm>{iso}T18:00:00Z</CreDtTm></GrpHdr>"
            f"<Stmt><Id>{ident}</Id><ElctrncSeqNb>{sequence}</ElctrncSeqNb>"
            f"<CreDtTm>{iso}T18:00:00Z</CreDtTm>"
            f"<FrToDt><FrDtTm>{iso}T00:00:00+07:00</FrDtTm>"
            f"<ToDtTm>{iso}T23:59:59+07:00</ToDtTm></FrToDt>"
            f"<Acct><Id><Othr><Id>{number}</Id></Othr></Id><Ccy>VND</Ccy></Acct>"
            f"{_balance('OPBD', opening, iso)}{_balance('CLBD', closing, iso)}{entries}"
            "</Stmt></BkToCstmrStmt></Document>",
        )
        self.db.execute("BEGIN")
        self.db.execute("UPDATE booked SET stated = 1 WHERE account = ? AND stated = 0", (number,))
        self.db.execute(
            "UPDATE account SET sequence = ?, closing = ? WHERE number = ?",
            (sequence, closing, number),
        )
        self.db.execute("COMMIT")

    # --- books --------------------------------------------------------------------------------

    def _account(self, number: str) -> None:
        self.db.execute("INSERT OR IGNORE INTO account VALUES (?, 0, 0, 0)", (number,))

    def _book(self, account: str, rows: list[tuple[str, int, str, str, str]]) -> None:
        first = self.db.execute(
            "SELECT coalesce(max(n), 0) + 1 FROM booked WHERE account = ?", (account,)
        ).fetchone()[0]
        self.db.executemany(
            "INSERT INTO booked (account, n, side, amount, end_to_end, code, text) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((account, first + i, *row) for i, row in enumerate(rows)),
        )
        change = sum(r[1] if r[0] == "CRDT" else -r[1] for r in rows)
        self.db.execute(
            "UPDATE account SET balance = balance + ? WHERE number = ?", (change, account)
        )

    def _write(self, name: str, body: str) -> None:
        part = self.folder / "in" / f".{name}.part"
        data = body.encode()
        if "cut" in self.faults and name.startswith("pain002"):
            data = data[: len(data) // 2]
        part.write_bytes(data)
        part.rename(self.folder / "in" / name)

    # --- the oracle ---------------------------------------------------------------------------

    def paid_twice(self) -> list[str]:
        """Return the ids that this bank was told more than once and paid more than once."""
        rows = self.db.execute(
            "SELECT end_to_end FROM told WHERE paid = 1 GROUP BY end_to_end HAVING count(*) > 1"
        )
        return [r[0] for r in rows]

    def paid_for(self, message: str) -> int:
        """Return what was debited and not returned of one file, in dong."""
        row = self.db.execute(
            "SELECT coalesce(sum(amount), 0) FROM told WHERE message = ? AND paid = 1 AND back = 0",
            (message,),
        )
        return int(row.fetchone()[0])

    def paid(self, account: str) -> tuple[int, int]:
        """Return (debited and not returned, balance) of a deposit account, in dong."""
        debit = self.db.execute(
            "SELECT coalesce(sum(amount), 0) FROM told WHERE debtor = ? AND paid = 1 AND back = 0",
            (account,),
        ).fetchone()[0]
        balance = self.db.execute(
            "SELECT coalesce(max(balance), 0) FROM account WHERE number = ?", (account,)
        ).fetchone()[0]
        return int(debit), int(balance)


def read_orders(path: Path) -> tuple[str, str, list[Instruction]]:
    """Read a pain.001 the bank's own way: message id, debtor account, payments.

    Raises ValueError where count or sum are not the header's.
    """
    message = debtor = ""
    count = total = -1
    orders: list[Instruction] = []
    for _, element in etree.iterparse(
        str(path),
        events=("end",),
        tag=("{*}GrpHdr", "{*}DbtrAcct", "{*}CdtTrfTxInf"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
    ):
        name, space = _local(element), f"{{{etree.QName(element).namespace}}}"
        if name == "GrpHdr":
            texts = {_local(c): c.text or "" for c in element}
            message, count = texts["MsgId"], int(texts["NbOfTxs"])
            total = int(texts["CtrlSum"])
        elif name == "DbtrAcct":
            debtor = _text(element, f"{space}Id/{space}Othr/{space}Id")
        else:
            orders.append(
                Instruction(
                    _text(element, f"{space}PmtId/{space}EndToEndId"),
                    int(_text(element, f"{space}Amt/{space}InstdAmt")),
                    _text(element, f"{space}CdtrAcct/{space}Id/{space}Othr/{space}Id"),
                    _text(element, f"{space}Cdtr/{space}Nm"),
                )
            )
            element.clear()
    if count != len(orders) or total != sum(o.amount for o in orders):
        raise ValueError(f"{path.name}: count or sum differ from the header")
    return message, debtor, orders


def _text(element: etree._Element, path: str) -> str:
    return element.findtext(path) or ""


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _balance(code: str, amount: int, day: str) -> str:
    side = "CRDT" if amount >= 0 else "DBIT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="VND">{abs(amount)}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
        f"<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _entry(
    account: str, day: str, n: int, side: str, amount: int, end_to_end: str, code: str, words: str
) -> str:
    reference = f"{account}-{n}"
    back = f"<RtrInf><Rsn><Cd>{code}</Cd></Rsn></RtrInf>" if code else ""
    text = f"<RmtInf><Ustrd>{escape(words)}</Ustrd></RmtInf>" if words else ""
    return (
        f'<Ntry><NtryRef>{n}</NtryRef><Amt Ccy="VND">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt>"
        f"<AcctSvcrRef>{reference}</AcctSvcrRef>"
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn>"
        "</BkTxCd><NtryDtls><TxDtls><Refs>"
        f"<EndToEndId>{end_to_end}</EndToEndId></Refs>"
        f'<Amt Ccy="VND">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{text}{back}'
        "</TxDtls></NtryDtls></Ntry>"
    )
