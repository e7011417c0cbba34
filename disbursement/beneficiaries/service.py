"""Importing a register: staged, compared set-wise, taken over in one transaction.

Good rows in and bad rows back as a workbook with a reason column, or all or nothing, as the
officer chooses. The same file again changes nothing (its SHA-256), nor does a newly exported file
with the same rows (a digest per row); a changed row changes its case and keeps what was before, a
changed account is a new destination that waits out its cooling-off.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection

from disbursement.beneficiaries import columns, rights
from disbursement.beneficiaries.comparing import (
    COMPARISONS,
    REFUSED,
    add_faults,
    follow_people,
    match_people,
    one,
)
from disbursement.beneficiaries.openings import hold_unopened
from disbursement.beneficiaries.payers import definition
from disbursement.beneficiaries.programme_rows import Programme
from disbursement.beneficiaries.reader import Encoding, open_table
from disbursement.beneficiaries.staging import (
    Staged,
    Stager,
    audit,
    begin_stage,
    clear_stage,
    refused_rows,
)
from disbursement.documents.refused import refused_xlsx
from disbursement.entitlements import store
from disbursement.entitlements.merit_bulk import LINE
from disbursement.platform import files, ids
from disbursement.platform.clock import month_of, stamp, today
from disbursement.platform.context import Context
from disbursement.platform.database import alone
from disbursement.platform.errors import RefusedError
from disbursement.platform.schema import refresh_statistics
from ledger.bulk import bulk_insert
from ledger.definitions import SubQuery, define_subs
from ledger.sql import text

Mode = Literal["good", "all"]
COOLING_OFF_DAYS = 7
COOLING_OFF_SETTING = "cooling_off_days"
"""Setting per payer ('' = whole cell): days before a changed account is used."""


@dataclass(frozen=True)
class ImportReport:
    """What an import did, in rows; `people`, `cases`, `destinations` are newly made ones.

    `held`: holds raised by this file. `errors`: the workbook with the refused rows. `lump_sums`:
    amounts of meritorious service paid once; its monthly cases count among `cases`.
    """

    rows_read: int
    taken: int
    refused: int
    unchanged: int
    changed: int
    people: int
    cases: int
    destinations: int
    held: int
    errors: str | None
    sha256: str
    repeated: bool = False
    lump_sums: int = 0


def import_register(
    ctx: Context,
    path: Path,
    *,
    mode: Mode,
    actor: str,
    payer: str | None = None,
    out_dir: Path | None = None,
    encoding: Encoding = "utf-8",
) -> ImportReport:
    """Import a register file (docs/register-format.md).

    `mode` 'good' takes the good rows and gives the bad ones back under `out_dir` (default: beside
    the file); 'all' takes everything or nothing. `payer` limits it to one commune. Raises
    RefusedError where the file cannot be read whole or holds nothing; refused rows do not raise.
    """
    with open_table(path, columns.REGISTER, encoding=encoding) as source:
        sha = files.sha256_of(path)
        with ctx.cell.read() as conn:
            if (known := _known_file(conn, sha)) is not None:
                return known
        import_id = begin_stage(ctx)
        with ctx.cell.read() as conn:
            merits = rights.programme_of(ctx, conn, LINE)
        stager = Stager(ctx, source, import_id, only_payer=payer, merits=merits)
        try:
            stager.run()
            return _take(ctx, path, sha, stager, mode, actor, out_dir or path.parent)
        finally:
            stager.staged.spool.close()
            with ctx.cell.begin() as conn:
                clear_stage(conn, import_id)


def _known_file(conn: Connection, sha: bytes) -> ImportReport | None:
    """Return the report of a file that was taken whole before: nothing to do."""
    row = conn.execute(
        text(
            "SELECT rows_read FROM import_file WHERE kind = 'register' AND sha256 = :s "
            "AND rows_refused = 0"
        ),
        {"s": sha},
    ).first()
    if row is None:
        return None
    rows = int(row[0])
    return ImportReport(rows, 0, 0, rows, 0, 0, 0, 0, 0, None, sha.hex(), repeated=True)


# ---- comparing ------------------------------------------------------------------------------


def _take(
    ctx: Context, path: Path, sha: bytes, stager: Stager, mode: Mode, actor: str, folder: Path
) -> ImportReport:
    """Compare the staged rows with each other and the register, and take them over.

    What is given back is written before anything is committed: no room for it, nothing taken.
    """
    staged = stager.staged
    with ctx.cell.begin() as conn:
        alone(conn, "register")
        if (known := _known_file(conn, sha)) is not None:  # while this one was read
            return known
        values = {"i": staged.import_id, "programme": LINE}
        match_people(conn, values)
        add_faults(conn, values, COMPARISONS)
        merits = stager.merits if one(conn, _MERITS, values) else None
        if merits is not None:
            rights.compare(conn, values, merits, own_file=False)
        refused = int(one(conn, REFUSED, values))
        errors = give_back(conn, ctx, stager, folder, path) if refused else None
        if refused and (mode == "all" or refused == staged.rows_read):
            return ImportReport(staged.rows_read, 0, refused, 0, 0, 0, 0, 0, 0, errors, sha.hex())
        follow_people(conn, values)
        report = _flip(conn, ctx, sha, staged, refused, actor, merits)
        refresh_statistics(
            conn, "person", "benefit_case", "destination", "profile", "unit_profile", "hold",
            "list_unit", "list_right",
        )  # fmt: skip
        _record(conn, ctx, path, sha, staged, report, actor)
        return replace(report, errors=errors)


# ---- taking over ----------------------------------------------------------------------------


def _flip(
    conn: Connection,
    ctx: Context,
    sha: bytes,
    staged: Staged,
    refused: int,
    actor: str,
    merits: Programme | None,
) -> ImportReport:
    day = today(ctx.clock)
    at = stamp(ctx.clock)
    values: dict[str, Any] = {
        "i": staged.import_id,
        "programme": LINE,
        "seq": ids.block(conn, "change", 1),
        "at": at,
        "by": actor,
        "today": day.isoformat(),
    }
    people = _people(conn, ctx, sha, values)
    changed = _change_cases(conn, values)
    cases = conn.execute(text(_MORE_CASES), values).rowcount
    cases += conn.execute(text(_CASES), values).rowcount
    destinations = _destinations(conn, ctx, values)
    conn.execute(text(_OPENINGS), values)
    conn.execute(text(_OPENING_MONTHS), values)
    held = _holds(conn, values)
    _spans(conn, values, month_of(day))
    right = rights.Rights()
    if merits is not None:
        right = rights.take(conn, ctx, sha, values, merits)
    held += hold_unopened(conn, ctx, actor, only_opened=True)
    good = int(one(conn, _GOOD, values))
    taken = cases + changed + right.rows
    return ImportReport(
        staged.rows_read, taken, refused, good - taken, changed + right.changed + right.replaced,
        people, cases + right.cases, destinations, held, None, sha.hex(), lump_sums=right.months,
    )  # fmt: skip


def _people(conn: Connection, ctx: Context, sha: bytes, values: dict[str, Any]) -> int:
    people = conn.execute(text(_PEOPLE), values).rowcount
    if people:
        define_subs(
            conn, definition(conn, ctx, f"register/{values['i']}", sha),
            SubQuery(_SUBS, {"i": values["i"]}),
        )  # fmt: skip
    return people


def take_people(conn: Connection, ctx: Context, sha: bytes, import_id: int, actor: str) -> int:
    """Enter the new people of a staged file with destination and holds, no case; count them."""
    values: dict[str, Any] = {
        "i": import_id,
        "seq": ids.block(conn, "change", 1),
        "at": stamp(ctx.clock),
        "by": actor,
        "today": today(ctx.clock).isoformat(),
    }
    people = _people(conn, ctx, sha, values)
    conn.execute(text(_FIRST_DESTINATIONS), values)
    _holds(conn, values)
    return people


_MERITS = (
    "SELECT count(*) FROM import_row WHERE import_id = :i AND state = 0 AND programme = :programme"
)
_GOOD = "SELECT count(*) FROM import_row WHERE import_id = :i AND state = 0"

_PEOPLE = """
INSERT INTO person (id, payer_id, identity_kind, identity_enc, identity_blind, identity_last4,
  name, name_search, birth_from, birth_to, sex, commune_code, reference, seq)
SELECT person_id, payer_id, identity_kind, identity_enc, who_blind, identity_last4,
  name, name_search, birth_from, birth_to, sex, commune_code, reference, :seq
FROM import_row WHERE import_id = :i AND state = 0 AND known = 0
"""

_SUBS = """
SELECT person_id AS id, 'person' AS unit_kind, person_id AS unit_id,
  coalesce(unit_key, who_blind) AS unit_key, 'SOC' AS owed_group, 'state' AS source
FROM import_row WHERE import_id = :i AND state = 0 AND known = 0
"""

_CASES = """
INSERT INTO benefit_case (id, person_id, payer_id, programme, clause, facts, decision_number,
  decision_date, decision_signer, start_month, end_month, end_cause, opening_month, payee_name,
  payee_relation, payee_document, row_digest, import_id, seq)
SELECT r.case_id, r.person_id, r.payer_id, r.programme, r.clause, r.facts, r.decision_number,
  r.decision_date, r.decision_signer, r.start_month, r.end_month, r.end_cause, r.opening_month,
  r.payee_name, r.payee_relation, r.payee_document, r.row_digest, :i, :seq
FROM import_row r WHERE r.import_id = :i AND r.state = 0 AND r.programme <> :programme
  AND r.known <> 1
"""

# Apart from the new people's: a SELECT that reads what it inserts into is kept in memory first.
_MORE_CASES = _CASES.replace(
    "r.known <> 1",
    "r.known = 1 AND NOT EXISTS (SELECT 1 FROM benefit_case c WHERE c.person_id = r.person_id "
    "AND c.programme = r.programme AND c.clause = r.clause)",
)

_KEEP_CHANGE = """
INSERT INTO case_change (case_id, import_id, facts, decision_number, decision_date,
  decision_signer, start_month, payee_name, payee_relation, payee_document, row_digest, seq,
  changed_at, changed_by)
SELECT c.id, :i, c.facts, c.decision_number, c.decision_date, c.decision_signer, c.start_month,
  c.payee_name, c.payee_relation, c.payee_document, c.row_digest, c.seq, :at, :by
FROM import_row r JOIN benefit_case c ON c.person_id = r.person_id
  AND c.programme = r.programme AND c.clause = r.clause
WHERE r.import_id = :i AND r.state = 0 AND r.known = 1 AND c.row_digest <> r.row_digest
"""

_CHANGE_CASES = """
UPDATE benefit_case SET facts = r.facts, decision_number = r.decision_number,
  decision_date = r.decision_date, decision_signer = r.decision_signer,
  start_month = r.start_month, end_month = r.end_month, end_cause = r.end_cause,
  payee_name = r.payee_name, payee_relation = r.payee_relation,
  payee_document = r.payee_document, row_digest = r.row_digest, import_id = :i, seq = :seq
FROM import_row r WHERE r.import_id = :i AND r.state = 0 AND r.known = 1
  AND benefit_case.person_id = r.person_id AND benefit_case.programme = r.programme
  AND benefit_case.clause = r.clause AND benefit_case.row_digest <> r.row_digest
"""

# What compare has to look at again: from the earlier of the old and the new start.
_DIRTY_CHANGED = """
SELECT c.person_id AS sub_id, min(CASE WHEN h.start_month < c.start_month THEN h.start_month
  ELSE c.start_month END) AS from_month, 'change' AS why
FROM case_change h JOIN benefit_case c ON c.id = h.case_id
WHERE h.import_id = :i GROUP BY c.person_id
"""

_DIRTY_NEW = """
SELECT c.person_id AS sub_id, min(c.start_month) AS from_month, 'new case' AS why
FROM benefit_case c JOIN payer y ON y.id = c.payer_id
WHERE c.import_id = :i AND c.seq = :seq AND (c.start_month >= y.go_live_month
  OR c.opening_month IS NOT NULL OR EXISTS (
    SELECT 1 FROM benefit_case o WHERE o.person_id = c.person_id AND o.import_id <> :i))
GROUP BY c.person_id
"""


def _change_cases(conn: Connection, values: dict[str, Any]) -> int:
    kept = conn.execute(text(_KEEP_CHANGE), values).rowcount
    if kept:
        conn.execute(text(_CHANGE_CASES), values)
    return kept


_FIRST_DESTINATIONS = """
INSERT INTO destination (id, person_id, version, kind, bank_code, account_enc, account_blind,
  account_last4, owner_name, owner_relation, usable_from, source, digest)
SELECT destination_id, person_id, 1, dest_kind, bank_code, account_enc, account_blind,
  account_last4, owner_name, owner_relation, :today, 'register', dest_digest
FROM import_row WHERE import_id = :i AND state = 0 AND known = 0
"""

_NEW_DESTINATIONS = """
INSERT INTO destination (id, person_id, version, kind, bank_code, account_enc, account_blind,
  account_last4, owner_name, owner_relation, usable_from, source, digest)
SELECT r.destination_id, r.person_id, d.version + 1, r.dest_kind, r.bank_code, r.account_enc,
  r.account_blind, r.account_last4, r.owner_name, r.owner_relation,
  coalesce(w.usable_from, :usable), 'register', r.dest_digest
FROM import_row r
JOIN destination d ON d.person_id = r.person_id AND d.version = (
  SELECT max(e.version) FROM destination e WHERE e.person_id = r.person_id)
LEFT JOIN work_cooling w ON w.payer_id = r.payer_id
WHERE r.import_id = :i AND r.state = 0 AND r.known = 1
  AND (d.digest IS NULL OR d.digest <> r.dest_digest)
  AND NOT EXISTS (SELECT 1 FROM work_twice t WHERE t.n = r.n AND t.good_n <> r.n)
"""


def _destinations(conn: Connection, ctx: Context, values: dict[str, Any]) -> int:
    made = conn.execute(text(_FIRST_DESTINATIONS), values).rowcount
    usable, own = first_usable(conn, today(ctx.clock))
    conn.execute(text("DROP TABLE IF EXISTS work_cooling"))
    conn.execute(
        text("CREATE TEMPORARY TABLE work_cooling (payer_id bigint PRIMARY KEY, usable_from text)")
    )
    bulk_insert(conn, "work_cooling", ("payer_id", "usable_from"), sorted(own.items()))
    return made + conn.execute(text(_NEW_DESTINATIONS), {**values, "usable": usable}).rowcount


def first_usable(conn: Connection, day: date) -> tuple[str, dict[int, str]]:
    """Return from when a destination changed on `day` is used: usually, and by payer id."""
    settings = conn.execute(
        text(
            "SELECT y.id, s.value FROM setting s LEFT JOIN payer y ON y.code = s.payer "
            "WHERE s.name = :n"
        ),
        {"n": COOLING_OFF_SETTING},
    ).all()
    usual = next((int(v) for payer, v in settings if payer is None), COOLING_OFF_DAYS)
    own = {
        int(payer): (day + timedelta(days=int(days))).isoformat()
        for payer, days in settings
        if payer is not None
    }
    return (day + timedelta(days=usual)).isoformat(), own


_OPENINGS = """
INSERT INTO opening (person_id, cover, amount_vnd, programme, import_id, journal_id)
SELECT r.person_id, m.cover, m.amount_vnd, r.programme, :i, NULL
FROM import_paid m JOIN import_row r ON r.import_id = :i AND r.n = m.n
WHERE m.import_id = :i AND r.state = 0 AND r.programme <> :programme
ON CONFLICT (person_id, cover) DO NOTHING
"""

# One opening month per person: every case that starts before go-live is compared from there.
_OPENING_MONTHS = """
UPDATE benefit_case SET opening_month = (
  SELECT min(o.cover) FROM opening o WHERE o.person_id = benefit_case.person_id)
WHERE benefit_case.import_id = :i AND benefit_case.seq = :seq
  AND benefit_case.start_month < (
    SELECT y.go_live_month FROM payer y WHERE y.id = benefit_case.payer_id)
  AND EXISTS (SELECT 1 FROM opening o WHERE o.person_id = benefit_case.person_id)
"""


def _holds(conn: Connection, values: dict[str, Any]) -> int:
    count = int(one(conn, "SELECT count(*) FROM import_hold WHERE import_id = :i", values))
    if not count:
        return 0
    first = ids.block(conn, "hold", count)
    return conn.execute(
        text(
            "INSERT INTO hold (id, payer_id, person_id, kind, reason, detail, raised_at, "
            "raised_by, fact_digest) SELECT :first - 1 + row_number() OVER (ORDER BY h.n, "
            "h.reason), r.payer_id, r.person_id, h.kind, h.reason, h.detail, :at, :by, "
            "h.fact_digest FROM import_hold h JOIN import_row r ON r.import_id = :i "
            "AND r.n = h.n WHERE h.import_id = :i AND r.state = 0 "
            "ON CONFLICT (person_id, reason, fact_digest) DO NOTHING"
        ),
        {**values, "first": first},
    ).rowcount


_PLAIN_SPANS = """
INSERT INTO unit_profile (sub_id, from_month, to_month, payer_id, profile_id)
SELECT r.person_id, s.from_month, s.to_month, r.payer_id, s.profile_id
FROM import_span s JOIN import_row r ON r.import_id = :i AND r.n = s.n
WHERE s.import_id = :i AND r.state = 0 AND r.known = 0
  AND r.n NOT IN (SELECT n FROM work_twice)
"""

# People whose spans depend on more than one row, or on what was there before.
_RENEWED = """
SELECT r.person_id FROM import_row r WHERE r.import_id = :i AND r.state = 0
  AND (r.known = 2 OR (r.known = 0 AND r.n IN (SELECT n FROM work_twice)))
UNION
SELECT c.person_id FROM benefit_case c JOIN import_row r ON r.import_id = :i
  AND r.person_id = c.person_id AND r.known = 1 AND r.state = 0
WHERE c.import_id = :i AND c.seq = :seq
"""


def _spans(conn: Connection, values: dict[str, Any], month: int) -> None:
    conn.execute(text(_PLAIN_SPANS), values)
    if store.work_renew(conn, _RENEWED, values):
        store.renew(conn, month=month)
    store.mark_dirty(conn, _DIRTY_CHANGED, values)
    store.mark_dirty(conn, _DIRTY_NEW, values)


def _record(
    conn: Connection,
    ctx: Context,
    path: Path,
    sha: bytes,
    staged: Staged,
    report: ImportReport,
    actor: str,
) -> None:
    conn.execute(
        text(
            "INSERT INTO import_file (id, kind, sha256, name, rows_read, rows_taken, "
            "rows_refused, imported_at, imported_by) VALUES (:i, 'register', :s, :n, :r, :t, "
            ":f, :at, :by) ON CONFLICT (kind, sha256) DO UPDATE SET rows_taken = "
            "import_file.rows_taken + excluded.rows_taken, rows_refused = excluded.rows_refused"
        ),
        {
            "i": staged.import_id, "s": sha, "n": path.name[:100], "r": report.rows_read,
            "t": report.taken, "f": report.refused, "at": stamp(ctx.clock), "by": actor,
        },
    )  # fmt: skip
    audit(conn, ctx, actor, "register.import", sha.hex(), asdict(report))


# ---- giving back ----------------------------------------------------------------------------


def give_back(conn: Connection, ctx: Context, stager: Stager, folder: Path, path: Path) -> str:
    """Write the refused rows as they came, with a reason column, ready to be mended."""
    target = folder / f"{path.stem}-khong-nhan.xlsx"
    with files.atomic(target) as out:
        refused_xlsx(
            stager.source.header.names,
            refused_rows(conn, stager.staged.import_id, stager.staged.spool),
            stamp(ctx.clock),
            out,
        )
    return str(target)


def require_taken(report: ImportReport) -> None:
    """Raise RefusedError where nothing of the file could be taken (for exit codes)."""
    if report.refused and not report.taken and not report.unchanged:
        raise RefusedError(
            "rows_refused",
            f"Không nhận dòng nào: {report.refused} dòng có lỗi, xem {report.errors}; sổ không "
            "thay đổi.",
        )
