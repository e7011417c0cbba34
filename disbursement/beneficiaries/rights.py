"""Taking over rows that are rights and not cases: units, months, and what they replace.

A unit (person, part of a decision, household, death) is owed a covered month once; its sub stands
in the book apart from social assistance. Used by the files of list programmes and by the register's
own rows of meritorious service.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from disbursement.beneficiaries import merit_cases, merit_deaths
from disbursement.beneficiaries.comparing import add_faults, analyze, one
from disbursement.beneficiaries.payers import define_payer_accounts, definition
from disbursement.beneficiaries.programme_rows import Programme
from disbursement.entitlements import store
from disbursement.entitlements.list_due import LISTED, PERSONAL
from disbursement.platform import ids
from disbursement.platform.clock import today
from disbursement.platform.context import Context
from disbursement.programmes.approved import approved
from disbursement.programmes.list_rates import FILE, MERITORIOUS, load_list_rates
from ledger.bulk import bulk_insert
from ledger.definitions import SubQuery, define_subs
from ledger.sql import text

HOUSEHOLD = "quarterly_household"
_GIVEN = "FROM import_row r JOIN import_paid a ON a.import_id = r.import_id AND a.n = r.n "
_MONTH = "substr(CAST({c} AS text), 5, 2) || '/' || substr(CAST({c} AS text), 1, 4)"


def _unit(alias: str, *, household: bool) -> str:
    """Return SQL for the unit of a row, as list_unit.unit holds it."""
    if household:
        return f"'h' || {alias}.payer_id || '/' || {alias}.clause"
    return (
        f"CASE WHEN {alias}.clause LIKE '%/%' THEN 'd' || {alias}.clause "
        f"ELSE 'p' || {alias}.person_id || '/' || {_part(alias)} END"
    )


def _part(alias: str) -> str:
    """Return SQL for what a unit is of; the monthly merits of a person are one unit."""
    return f"CASE WHEN {_listed(alias)} THEN replace({alias}.clause, '/', '.') ELSE '' END"


def _listed(alias: str) -> str:
    """Return SQL that tells rows with months of their own from monthly merits and cases."""
    return f"substr({alias}.facts, 1, {len(LISTED)}) = '{LISTED}'"


def _own(alias: str) -> str:
    """Return SQL for the rows of the programme in question that name their months."""
    return f"{alias}.programme = :programme AND {_listed(alias)}"


def _comparisons(*, household: bool, decided: bool, own_file: bool) -> list[tuple[int, str]]:
    """Return (number, SELECT of row number and sentence) of what a list may not say twice.

    `own_file`: a list's, whose rows name a destination without changing it; the register's change.
    """
    same = "q.payer_id = r.payer_id" if household else "q.who_blind = r.who_blind"
    who = "hộ" if household else "người"
    month = _MONTH.format(c="min(a.cover)")
    known = (
        f"{_GIVEN} JOIN list_unit u ON u.programme = r.programme "
        f"AND u.unit = {_unit('r', household=household)} "
        "JOIN list_right x ON x.sub_id = u.sub_id AND x.cover = a.cover "
        f"JOIN profile f ON f.id = x.profile_id WHERE r.import_id = :i AND {_own('r')} "
        # The same decision again changes nothing; a gift or a quarter names no decision of its own.
        f"AND NOT ({int(decided)} = 1 AND f.facts = r.facts "
        "AND x.decision_number = r.decision_number AND x.decision_date = r.decision_date) "
    )
    out = [
        (
            201,
            f"SELECT r.n, 'Dòng ' || r.n || ': {who} này đã có ở dòng ' || min(q.n) || ' cho tháng "
            f"' || {month} || '; một tháng chỉ chi một lần, bỏ một dòng.' {_GIVEN} "
            f"JOIN import_row q ON q.import_id = r.import_id AND {same} AND q.clause = r.clause "
            f"AND q.n < r.n AND {_own('q')} "
            "JOIN import_paid b ON b.import_id = q.import_id AND b.n = q.n "
            f"AND b.cover = a.cover WHERE r.import_id = :i AND {_own('r')} GROUP BY r.n",
        ),
        (
            202,
            f"SELECT r.n, 'Dòng ' || r.n || ': {who} này đã có trong danh sách cho tháng ' || "
            f"{month} || ' theo ' || min(x.decision_number) || '; bỏ dòng này, hoặc ghi số quyết "
            f"định đó ở cột Thay quyết định số.' {known} "
            "AND coalesce(r.end_cause, '') <> x.decision_number GROUP BY r.n",
        ),
        (
            203,
            f"SELECT r.n, 'Dòng ' || r.n || ': không có tháng ' || {month} || ' theo quyết định ' "
            f"|| min(r.end_cause) || ' để thay; sửa số hoặc tháng.' {_GIVEN} "
            f"WHERE r.import_id = :i AND {_own('r')} AND r.end_cause IS NOT NULL "
            "AND NOT EXISTS (SELECT 1 "
            "FROM list_unit u JOIN list_right x ON x.sub_id = u.sub_id AND x.cover = a.cover "
            f"WHERE u.programme = r.programme AND u.unit = {_unit('r', household=household)} "
            "AND x.decision_number IN (r.end_cause, r.decision_number)) GROUP BY r.n",
        ),
    ]
    if own_file:
        out.append(
            (
                204,
                "SELECT r.n, 'Dòng ' || r.n || ': người này đã có nơi nhận khác trong sổ; đổi nơi "
                "nhận bằng danh sách đối tượng (`register import`), rồi nhập lại.' "
                "FROM import_row r JOIN destination d ON d.person_id = r.person_id "
                "AND d.version = (SELECT "
                "max(e.version) FROM destination e WHERE e.person_id = r.person_id) "
                "WHERE r.import_id = :i AND r.known = 1 AND d.digest <> r.dest_digest",
            )
        )
    if household:
        out.append(
            (
                205,
                "SELECT r.n, 'Dòng ' || r.n || ': hộ này đang do người khác nhận trong sổ; đối "
                "chiếu mã hộ, hoặc để người đó nhận.' FROM import_row r "
                "JOIN list_unit u ON u.programme = r.programme "
                f"AND u.unit = {_unit('r', household=True)} "
                "WHERE r.import_id = :i AND (r.known = 0 OR u.person_id <> r.person_id)",
            )
        )
    return out


@dataclass(frozen=True)
class Rights:
    """What was taken over: new units, months new and replaced, monthly merits new and changed."""

    units: int = 0
    months: int = 0
    replaced: int = 0
    cases: int = 0
    changed: int = 0

    @property
    def rows(self) -> int:
        """Return how many rows of merit brought something."""
        return self.months + self.replaced + self.cases + self.changed


def programme_of(ctx: Context, conn: Connection, code: str) -> Programme:
    """Return a list programme by code or budget line, as approved. Raises NotFoundError."""
    lists = load_list_rates(approved(conn, today(ctx.clock)).files[FILE])
    rows = lists.find(code)
    return Programme(rows[0].code, rows)


def compare(
    conn: Connection, values: dict[str, Any], programme: Programme, *, own_file: bool
) -> None:
    """Refuse what the programme's rows may not say; `values`: `i` (import), `programme` (line)."""
    merits = programme.shape == MERITORIOUS
    if merits:
        merit_deaths.resolve(conn, values)
        add_faults(conn, values, merit_cases.COMPARISONS)
        merit_cases.check_changes(conn, values)
    household, decided = programme.shape == HOUSEHOLD, merits or programme.shape in PERSONAL
    add_faults(conn, values, _comparisons(household=household, decided=decided, own_file=own_file))


def take(
    conn: Connection, ctx: Context, sha: bytes, values: dict[str, Any], programme: Programme
) -> Rights:
    """Take the programme's good rows over: units, months, monthly merits, accounts."""
    units = _units(conn, ctx, sha, values, household=programme.shape == HOUSEHOLD)
    months, replaced = _rights(conn, values)
    merits = programme.shape == MERITORIOUS
    cases, changed = merit_cases.take(conn, ctx, values) if merits else (0, 0)
    _accounts(conn, ctx, values)
    return Rights(units, months, replaced, cases, changed)


# --- taking over ---------------------------------------------------------------------------------


def _units(
    conn: Connection, ctx: Context, sha: bytes, values: dict[str, Any], *, household: bool
) -> int:
    """Define the units that the file names for the first time, each a sub of the book."""
    conn.execute(text("DROP TABLE IF EXISTS work_unit_new"))
    kind = "bytea" if conn.dialect.name == "postgresql" else "blob"
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_unit_new (sub_id bigint, person_id bigint, "
            f"payer_id bigint, unit text, part text, unit_key {kind})"
        )
    )
    unit = _unit("r", household=household)
    conn.execute(
        text(
            "INSERT INTO work_unit_new SELECT row_number() OVER (ORDER BY min(r.n)), "
            f"min(r.person_id), min(r.payer_id), {unit}, min({_part('r')}), NULL "
            "FROM import_row r WHERE r.import_id = :i AND r.state = 0 "
            "AND r.programme = :programme AND NOT EXISTS ("
            "SELECT 1 FROM list_unit u WHERE u.programme = r.programme "
            f"AND u.unit = {unit}) GROUP BY {unit}"
        ),
        values,
    )
    count = int(one(conn, "SELECT count(*) FROM work_unit_new", {}))
    if not count:
        return 0
    base = ids.block(conn, "sub", count) - 1
    conn.execute(
        text(
            "UPDATE work_unit_new SET sub_id = sub_id + :b, unit_key = (SELECT p.identity_blind "
            "FROM person p WHERE p.id = work_unit_new.person_id)"
        ),
        {"b": base},
    )
    analyze(conn, "work_unit_new")
    line = values["programme"]
    group = f"'LIST.{line}' || CASE WHEN part = '' THEN '' ELSE '.' || part END"
    whose = "'household', sub_id" if household else "'person', person_id"
    group = f"'LIST.{line}'" if household else group
    define_subs(
        conn,
        definition(conn, ctx, f"programme/{values['i']}", sha),
        SubQuery(
            f"SELECT sub_id AS id, {whose.split(',', maxsplit=1)[0]} AS unit_kind, "
            f"{whose.split(',')[1]} AS unit_id, unit_key, {group} AS owed_group, "
            "'state' AS source FROM work_unit_new"
        ),
    )
    conn.execute(
        text(
            "INSERT INTO list_unit (sub_id, person_id, payer_id, programme, unit) "
            "SELECT sub_id, person_id, payer_id, :programme, unit FROM work_unit_new"
        ),
        {"programme": line},
    )
    return count


def _rights(conn: Connection, values: dict[str, Any]) -> tuple[int, int]:
    """Write the rights, keep what is replaced, renew spans and marks; (months, replaced)."""
    _profiles(conn, values)
    conn.execute(text("DROP TABLE IF EXISTS work_right_new"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_right_new AS SELECT u.sub_id, a.cover, w.profile_id, "
            "r.decision_number, r.decision_date, r.decision_signer, CASE WHEN x.sub_id IS NULL "
            "THEN 0 ELSE 1 END AS old FROM import_row r "
            "JOIN import_paid a ON a.import_id = r.import_id AND a.n = r.n "
            "JOIN work_profile w ON w.facts = r.facts "
            "JOIN list_unit u ON u.programme = r.programme AND u.unit IN "
            "('p' || r.person_id || '/' || r.clause, 'h' || r.payer_id || '/' || r.clause, "
            "'d' || r.clause) "
            "LEFT JOIN list_right x ON x.sub_id = u.sub_id AND x.cover = a.cover "
            f"WHERE r.import_id = :i AND r.state = 0 AND {_own('r')} AND (x.sub_id IS NULL "
            "OR x.profile_id <> w.profile_id OR x.decision_number <> r.decision_number)"
        ),
        values,
    )
    analyze(conn, "work_right_new")
    replaced = conn.execute(
        text(
            "INSERT INTO list_right_change (sub_id, cover, profile_id, decision_number, "
            "decision_date, decision_signer, import_id, replaced_by) SELECT x.sub_id, x.cover, "
            "x.profile_id, x.decision_number, x.decision_date, x.decision_signer, x.import_id, :i "
            "FROM list_right x JOIN work_right_new w ON w.sub_id = x.sub_id AND w.cover = x.cover"
        ),
        values,
    ).rowcount
    conn.execute(
        text(
            "DELETE FROM list_right WHERE EXISTS (SELECT 1 FROM work_right_new w "
            "WHERE w.sub_id = list_right.sub_id AND w.cover = list_right.cover)"
        )
    )
    months = conn.execute(
        text(
            "INSERT INTO list_right (sub_id, cover, profile_id, decision_number, decision_date, "
            "decision_signer, import_id) SELECT sub_id, cover, profile_id, decision_number, "
            "decision_date, decision_signer, :i FROM work_right_new"
        ),
        values,
    ).rowcount
    touched = "SELECT sub_id FROM work_right_new"
    conn.execute(text(f"DELETE FROM unit_profile WHERE sub_id IN ({touched})"))
    conn.execute(
        text(
            "INSERT INTO unit_profile (sub_id, from_month, to_month, payer_id, profile_id) "
            "SELECT x.sub_id, x.cover, x.cover, u.payer_id, x.profile_id FROM list_right x "
            f"JOIN list_unit u ON u.sub_id = x.sub_id WHERE x.sub_id IN ({touched})"
        )
    )
    store.mark_dirty(
        conn,
        "SELECT sub_id, min(cover) AS from_month, 'list' AS why FROM work_right_new "
        "GROUP BY sub_id",
    )
    return months - replaced, replaced


def _profiles(conn: Connection, values: dict[str, Any]) -> None:
    """Store the profiles the file needs, and say which is which (`work_profile`)."""
    facts = [
        str(f)
        for f in conn.execute(
            text(
                "SELECT DISTINCT r.facts FROM import_row r WHERE r.import_id = :i AND r.state = 0 "
                f"AND {_own('r')}"
            ),
            values,
        ).scalars()
    ]
    digests = {f: hashlib.sha256(f.encode()).digest() for f in facts}
    stored = store.ProfileIds(conn)
    stored.learn(conn, {digest: f for f, digest in digests.items()})
    conn.execute(text("DROP TABLE IF EXISTS work_profile"))
    conn.execute(
        text("CREATE TEMPORARY TABLE work_profile (facts text PRIMARY KEY, profile_id bigint)")
    )
    rows = [(f, stored[digest]) for f, digest in digests.items()]
    bulk_insert(conn, "work_profile", ("facts", "profile_id"), rows)
    analyze(conn, "work_profile")


def _accounts(conn: Connection, ctx: Context, values: dict[str, Any]) -> None:
    """Define the accounts of the programme's budget line for the payers that pay it now."""
    payers = conn.execute(
        text(
            "SELECT DISTINCT y.id, y.code FROM list_unit u JOIN payer y ON y.id = u.payer_id "
            "WHERE u.programme = :programme ORDER BY y.id"
        ),
        {"programme": values["programme"]},
    ).all()
    define_payer_accounts(conn, ctx, [(int(i), str(c)) for i, c in payers])
