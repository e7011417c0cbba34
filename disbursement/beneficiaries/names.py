"""Is the account in the payee's name: checks, the payer's threshold, the queue and its decisions.

The score is pure (bank_adapters/names.py); here it becomes a check that stays: what was compared,
by whose answer, with which threshold. A score below the threshold waits for a person, who accepts
with a document or refuses; until then the account is not paid to. Nothing is accepted silently:
what the threshold accepts is a row as well. Rows are added, never changed; the newest counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from bank_adapters.names import NameMatch, compare_names
from disbursement.beneficiaries.columns import Column, ColumnSet
from disbursement.beneficiaries.reader import open_table
from disbursement.beneficiaries.rules import CellReader, Cells
from disbursement.beneficiaries.staging import audit
from disbursement.platform import files, ids
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import NotAllowedError, NotFoundError, NotNowError, RefusedError
from disbursement.programmes.service import APPROVERS, PROPOSERS, officer, said
from ledger.bulk import bulk_insert
from ledger.sql import text

THRESHOLD = 95
"""Case, marks, tone places, d for đ, i for y pass; another order or a missing word waits."""
THRESHOLD_SETTING = "name_threshold"
LOWEST = 70
"""No payer may accept by machine what scores less: below it a name is somebody else's as often."""

ANSWERS = ColumnSet(
    "tên chủ tài khoản theo tổ chức chi trả",
    (
        Column("reference", "Mã tra cứu", required=True),
        Column("last4", "4 số cuối tài khoản", "digits"),
        Column("holder", "Tên chủ tài khoản", required=True),
    ),
    page="docs/accounts.md",
)


class Asked(NamedTuple):
    """A holder's name to be compared: whose account, what the provider calls the holder."""

    payer_id: int
    person_id: int
    destination_id: int
    ours: str
    theirs: str


@dataclass(frozen=True)
class NameRow:
    """A check as the queue shows it; no full account number is in it."""

    id: int
    payer: str
    reference: str
    ours: str
    theirs: str
    account_last4: str
    bank_code: str
    score: int
    rules: tuple[str, ...]
    why_vi: str
    threshold: int
    state: str
    source: str
    checked_at: str
    decided_by: str
    document: str


PAYEE = (
    "CASE WHEN d.owner_relation = 'self' THEN p.name ELSE coalesce((SELECT min(c.payee_name) "
    "FROM benefit_case c WHERE c.person_id = p.id AND c.payee_relation = d.owner_relation "
    "AND c.payee_name <> ''), d.owner_name) END"
)
"""Whose name must stand on the account `d` of `p`: the person's own, or a case's payee's."""
NEWEST = "(SELECT max(z.id) FROM name_check z WHERE z.destination_id = d.id)"
"""The id of the check that counts, of a destination `d`."""


# --- thresholds ----------------------------------------------------------------------------------


def thresholds(conn: Connection) -> tuple[int, Mapping[str, int]]:
    """Return the cell's threshold and those of single payers, by code."""
    found = {
        str(payer): int(value)
        for payer, value in conn.execute(
            text("SELECT payer, value FROM setting WHERE name = :n"), {"n": THRESHOLD_SETTING}
        )
    }
    return found.pop("", THRESHOLD), found


def set_threshold(ctx: Context, value: int, *, payer: str, document: str, actor: str) -> None:
    """Set the score from which a name is accepted by machine; '' for the whole cell.

    Raises RefusedError `threshold` outside LOWEST to 100 or without a document, NotFoundError
    `payer`, NotAllowedError `role`.
    """
    if not LOWEST <= value <= 100:
        raise RefusedError(
            "threshold", f"Ngưỡng khớp tên phải từ {LOWEST} đến 100, không phải {value}."
        )
    words = said(document, "--document")
    officer(ctx, actor, APPROVERS, payer or "*")
    with ctx.cell.begin() as conn:
        if (
            payer
            and not conn.execute(text("SELECT 1 FROM payer WHERE code = :c"), {"c": payer}).first()
        ):
            raise NotFoundError("payer", f"Không có đơn vị chi trả mã {payer}; kiểm tra mã xã.")
        conn.execute(
            text(
                "INSERT INTO setting (name, payer, value, document, set_by, set_at) "
                "VALUES (:n, :p, :v, :d, :u, :t) ON CONFLICT (name, payer) DO UPDATE SET "
                "value = :v, document = :d, set_by = :u, set_at = :t"
            ),
            {
                "n": THRESHOLD_SETTING, "p": payer, "v": str(value), "d": words, "u": actor,
                "t": stamp(ctx.clock),
            },
        )  # fmt: skip
        audit(conn, ctx, actor, "names.threshold", payer, {"value": value, "document": words})


# --- checking ------------------------------------------------------------------------------------


def check_names(
    conn: Connection, ctx: Context, asked: Iterable[Asked], source: str
) -> dict[str, int]:
    """Compare names and keep the checks; return how many were accepted and how many wait."""
    usual, own = thresholds(conn)
    payers = {int(i): str(c) for i, c in conn.execute(text("SELECT id, code FROM payer"))}
    at = stamp(ctx.clock)
    rows: list[tuple[Any, ...]] = []
    counts = {"accepted": 0, "pending": 0}
    for one in asked:
        limit = own.get(payers[one.payer_id], usual)
        match: NameMatch = compare_names(one.ours, one.theirs)
        state = "accepted" if match.score >= limit else "pending"
        counts[state] += 1
        rows.append((*one, match.score, " ".join(match.rules), limit, source, state, at, "", ""))
    first = ids.block(conn, "name_check", len(rows)) if rows else 0
    bulk_insert(
        conn,
        "name_check",
        ("id", "payer_id", "person_id", "destination_id", "ours", "theirs", "score", "rules",
         "threshold", "source", "state", "checked_at", "decided_by", "document"),
        [(first + n, *row) for n, row in enumerate(rows)],
    )  # fmt: skip
    return counts


def check_again(conn: Connection, ctx: Context) -> dict[str, int]:
    """Compare anew, before a list, where the payee's name is no longer the one compared.

    A correction of the register may settle a check, or undo one that was accepted.
    """
    rows = conn.execute(
        text(
            f"SELECT p.payer_id, p.id, d.id, {PAYEE}, n.theirs FROM name_check n "
            "JOIN destination d ON d.id = n.destination_id JOIN person p ON p.id = n.person_id "
            f"WHERE n.id = {NEWEST} AND n.ours <> {PAYEE} ORDER BY n.id"
        )
    ).all()
    asked = [Asked(int(r[0]), int(r[1]), int(r[2]), str(r[3]), str(r[4])) for r in rows]
    return check_names(conn, ctx, asked, "register") if asked else {"accepted": 0, "pending": 0}


def import_answers(ctx: Context, path: Path, *, provider: str, actor: str) -> dict[str, int]:
    """Read what a provider calls the holders of accounts on the register; compare each.

    All rows or none. Raises RefusedError naming row and column (nothing is kept), NotFoundError
    `provider`, NotAllowedError `role`.
    """
    officer(ctx, actor, PROPOSERS)
    given: list[tuple[int, str, str, str]] = []
    with open_table(path, ANSWERS) as source:
        reader = CellReader(source.header, today(ctx.clock))
        for chunk in source.chunks:
            for n, cells in chunk.rows():
                row = Cells(reader, n, cells)
                one = (n, row.text("reference", need=True), row.text("last4"),
                       row.text("holder", need=True, longest=200))  # fmt: skip
                if row.faults:
                    raise first_fault(row)
                given.append(one)
    with ctx.cell.begin() as conn:
        known_provider(conn, provider)
        asked = _asked(conn, given)
        files.keep_evidence(ctx.settings.files / "evidence", path.read_bytes())
        counts = check_names(conn, ctx, asked, f"provider:{provider}")
        audit(conn, ctx, actor, "names.import", provider, {"rows": len(given), **counts})
    return {"rows": len(given), **counts}


def first_fault(row: Cells) -> RefusedError:
    """Return the refusal of a file for its first wrong cell: where, what, what to do."""
    return refused_rows([f"{fault.where}: {fault.sentence}" for fault in row.faults[:1]])


def known_provider(conn: Connection, code: str) -> tuple[int, str, str]:
    """Return id, rail and bank code of a provider. Raises NotFoundError `provider`."""
    row = conn.execute(
        text("SELECT id, rail, bic FROM provider WHERE code = :c"), {"c": code}
    ).first()
    if row is None:
        raise NotFoundError(
            "provider",
            f"Không có tổ chức chi trả mã {code[:20]}; xem `disburse payer list`, ghi hợp đồng "
            "trước.",
        )
    return int(row[0]), str(row[1]), str(row[2] or "")


def _asked(conn: Connection, given: list[tuple[int, str, str, str]]) -> list[Asked]:
    accounts, faults = accounts_of(conn, [row[:3] for row in given])
    if faults:
        raise refused_rows(faults)
    return [
        Asked(one.payer_id, one.person_id, one.destination_id, one.ours, row[3])
        for one, row in zip(accounts, given, strict=True)
    ]


class Account(NamedTuple):
    """The account that a person of the register is paid to now; `ours` is the name it must have."""

    payer_id: int
    payer: str
    person_id: int
    destination_id: int
    ours: str


def accounts_of(
    conn: Connection, given: Sequence[tuple[int, str, str]]
) -> tuple[list[Account], list[str]]:
    """Find the accounts that rows (number, reference, last four digits or '') name.

    Returns them in the rows' order, and what is wrong with rows, each naming its row; no account
    stands for a wrong row.
    """
    conn.execute(text("DROP TABLE IF EXISTS work_name"))
    conn.execute(text("CREATE TEMPORARY TABLE work_name (n integer, reference text, last4 text)"))
    bulk_insert(conn, "work_name", ("n", "reference", "last4"), given)
    rows = conn.execute(
        text(
            f"SELECT w.n, w.last4, p.payer_id, y.code, p.id, d.id, {PAYEE}, d.account_last4 "
            "FROM work_name w LEFT JOIN person p ON p.reference = w.reference "
            "LEFT JOIN payer y ON y.id = p.payer_id "
            "LEFT JOIN destination d ON d.person_id = p.id AND d.kind <> 'cash' AND d.version = "
            "(SELECT max(e.version) FROM destination e WHERE e.person_id = p.id) ORDER BY w.n"
        )
    ).all()
    seen: set[int] = set()
    out, faults = [], []
    for n, last4, payer_id, payer, person, destination, ours, ends in rows:
        why = ""
        if person is None:
            why = "không có mã tra cứu này trong sổ; kiểm tra lại mã"
        elif destination is None:
            why = "người này không có tài khoản trong sổ; ghi nơi nhận trước"
        elif last4 and last4 != ends:
            why = "bốn số cuối khác tài khoản trong sổ; đối chiếu lại"
        elif destination in seen:
            why = "mã tra cứu lặp lại; bỏ dòng trùng"
        if why:
            faults.append(f"Dòng {n}: {why}.")
            continue
        seen.add(destination)
        out.append(Account(int(payer_id), str(payer), int(person), int(destination), str(ours)))
    return out, faults


_SHOWN = 5


def refused_rows(faults: Sequence[str]) -> RefusedError:
    """Return the refusal of a file for its rows: the first few of what is wrong, and how many."""
    more = f" Và {len(faults) - _SHOWN} lỗi khác." if len(faults) > _SHOWN else ""
    return RefusedError("row", f"{' '.join(faults[:_SHOWN])}{more} Chưa nhận dòng nào.")


# --- the queue -----------------------------------------------------------------------------------

_QUEUE = f"""
SELECT n.id, y.code, p.reference, n.ours, n.theirs, d.account_last4, d.bank_code, n.score, n.rules,
  n.threshold, n.state, n.source, n.checked_at, n.decided_by, n.document
FROM name_check n JOIN person p ON p.id = n.person_id JOIN payer y ON y.id = p.payer_id
JOIN destination d ON d.id = n.destination_id
WHERE n.id = {NEWEST} AND (:state = '' OR n.state = :state) AND (:payer = '' OR y.code = :payer)
AND (:id = 0 OR n.id = :id) ORDER BY y.code, n.score, n.id
"""


def queue(ctx: Context, *, payer: str = "", state: str = "pending") -> list[NameRow]:
    """Return the checks that count in a state ('' = all), the lowest score of a payer first."""
    with ctx.cell.read() as conn:
        return _rows(conn, payer=payer, state=state)


def _rows(conn: Connection, *, payer: str = "", state: str = "", check: int = 0) -> list[NameRow]:
    found = conn.execute(text(_QUEUE), {"payer": payer, "state": state, "id": check})
    out = []
    for row in found:
        rules = tuple(row[8].split())
        why = NameMatch(int(row[7]), rules).words_vi
        values: list[Any] = [*row[:8], rules, why, *row[9:]]
        out.append(NameRow(*values))
    return out


def decide(ctx: Context, check: int, *, accept: bool, document: str, actor: str) -> NameRow:
    """Accept or refuse a name that waits, by a person who checks, with the paper it rests on.

    Raises NotFoundError `name_check`, NotNowError `name_decided` where it does not wait,
    RefusedError `text` without a document, NotAllowedError `role`, `same_person` where the actor
    is the payee.
    """
    words = said(document, "--document")
    with ctx.cell.read() as conn:
        found = _rows(conn, check=check)
        older = conn.execute(text("SELECT 1 FROM name_check WHERE id = :n"), {"n": check}).first()
    if not found and older is not None:
        raise NotNowError("name_decided", f"Kết quả đối chiếu số {check} không còn chờ ai.")
    if not found:
        raise NotFoundError(
            "name_check", f"Không có kết quả đối chiếu tên số {check}; xem `accounts names list`."
        )
    who = officer(ctx, actor, APPROVERS, found[0].payer)
    with ctx.cell.begin() as conn:
        ids.block(conn, "name_decision", 1)  # one decision at a time
        now = _rows(conn, check=check)
        if not now or now[0].state != "pending":
            raise NotNowError("name_decided", f"Kết quả đối chiếu số {check} không còn chờ ai.")
        _not_own(check, who.full_name, now[0])
        new = ids.block(conn, "name_check", 1)
        conn.execute(
            text(
                "INSERT INTO name_check (id, payer_id, person_id, destination_id, ours, theirs, "
                "score, rules, threshold, source, state, checked_at, decided_by, document) "
                "SELECT :i, payer_id, person_id, destination_id, ours, theirs, score, rules, "
                "threshold, source, :s, :t, :u, :d FROM name_check WHERE id = :n"
            ),
            {
                "i": new, "s": "accepted" if accept else "refused", "t": stamp(ctx.clock),
                "u": actor, "d": words, "n": check,
            },
        )  # fmt: skip
        audit(conn, ctx, actor, "names.decide", str(check), {"accept": accept, "document": words})
        return _rows(conn, check=new)[0]


def _not_own(check: int, full_name: str, row: NameRow) -> None:
    """Refuse an officer who decides on an account that stands in the officer's own name."""
    if compare_names(full_name, row.theirs).score >= THRESHOLD:
        raise NotAllowedError(
            "same_person",
            f"Tài khoản của kết quả số {check} đứng tên giống người quyết định; cần người khác.",
        )
