"""Checks before a list is closed: find, hold, and write on the list what was found.

Each rule (check_rules.py) looks at the payers under preparation with a few set-wise queries and
returns facts. A fact raises a hold once: its digest is part of the hold's key, so what a person
resolved is shown as resolved and comes back only when the facts are others. Nothing is lifted here.

Reads the work tables of prepare.py (`work_payer`, `work_dest`, `work_diff`); leaves
`work_finding`, from which each list gets its rows.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection

from disbursement.identity.service import citizen_blind
from disbursement.platform import ids
from disbursement.platform.clock import add_months, show_month, stamp
from disbursement.platform.context import Context
from disbursement.runs.check_cash import uncollected
from disbursement.runs.check_identity import identity_mismatch
from disbursement.runs.check_people import age_category, duplicate_person
from disbursement.runs.check_rules import Rule, check_rules, read_limits
from disbursement.runs.check_scope import Fact, Note, Scope, among, digest
from ledger.bulk import bulk_insert
from ledger.sql import text

SIGNING_ROLES = ("preparer", "checker", "second_signer", "first_signer")
"""Roles whose holder decides about a list: their own money on it is a conflict of interest."""


def _death(scope: Scope) -> Iterator[Fact | Note]:
    """Show the holds that a register's answer raised (national/raising.py), as they stand."""
    rows = scope.conn.execute(
        text(
            "SELECT h.person_id, h.payer_id, h.fact_digest, h.detail FROM hold h "
            "WHERE h.reason = 'dead' AND h.payer_id IN (SELECT payer_id FROM work_payer)"
        )
    )
    for person, payer, died_on, detail in rows:
        yield Fact(int(person), int(payer), str(died_on), str(detail))


# Others on the account count wherever in the cell they are paid; `work_dest` has the payers asked.
_SHARED = """
SELECT d.account_blind, d.person_id, d.payer_id, d.account_last4, d.owner_relation, 1 AS here
FROM work_dest d WHERE d.account_blind IN (SELECT x.account_blind FROM work_dest x
  WHERE x.account_blind IS NOT NULL GROUP BY x.account_blind HAVING count(*) > 1)
"""
_SHARED_ELSEWHERE = """
SELECT d.account_blind, o.person_id, p.payer_id, o.account_last4, o.owner_relation, 0 AS here
FROM work_dest d JOIN destination o ON o.account_blind = d.account_blind
  AND o.person_id <> d.person_id
JOIN person p ON p.id = o.person_id AND p.died_on IS NULL
  AND p.payer_id NOT IN (SELECT payer_id FROM work_payer)
WHERE d.owner_relation = 'self' AND o.owner_relation = 'self'
  AND o.version = (SELECT max(e.version) FROM destination e
  WHERE e.person_id = o.person_id AND e.usable_from <= :day)
"""


def _shared_account(scope: Scope) -> Iterator[Fact | Note]:
    """Find an account that is the own account of several people; recorded relations explain it."""
    owners: dict[bytes, dict[int, Any]] = defaultdict(dict)
    for row in scope.conn.execute(text(_SHARED)):
        owners[bytes(row.account_blind)][int(row.person_id)] = row
    if not scope.whole_cell:
        abroad: dict[bytes, dict[int, Any]] = defaultdict(dict)
        for row in scope.conn.execute(text(_SHARED_ELSEWHERE), {"day": scope.day.isoformat()}):
            abroad[bytes(row.account_blind)][int(row.person_id)] = row
        for blind, people in _here(scope, [b for b in abroad if b not in owners]):
            owners[blind].update(people)
        for blind, found in abroad.items():
            owners[blind].update(found)
    for blind, people in sorted(owners.items()):
        own = sorted(p for p, row in people.items() if row.owner_relation == "self")
        if len(own) < 2:
            continue
        facts = digest(blind.hex(), own)
        last4 = people[own[0]].account_last4
        for person in own:
            if people[person].here:
                yield Fact(
                    person, int(people[person].payer_id), facts,
                    f"Tài khoản ****{last4} dùng cho {len(own)} người mà không ghi quan hệ.",
                    tuple(p for p in own if p != person),
                )  # fmt: skip


def _here(scope: Scope, blinds: Sequence[bytes]) -> Iterator[tuple[bytes, dict[int, Any]]]:
    """Read who of the payers asked uses accounts that somebody elsewhere uses too."""
    for blind in blinds:
        rows = scope.conn.execute(
            text(
                "SELECT account_blind, person_id, payer_id, account_last4, owner_relation, "
                "1 AS here FROM work_dest WHERE account_blind = :b"
            ),
            {"b": blind},
        )
        yield blind, {int(r.person_id): r for r in rows}


_PROXY_NAMES = f"""
SELECT c.payer_id, c.payee_name, c.person_id FROM benefit_case c
JOIN work_payer w ON w.payer_id = c.payer_id
WHERE c.payee_relation <> 'self' AND c.payee_name <> '' AND {Scope.IN_FORCE}
  AND c.person_id NOT IN (SELECT d.person_id FROM work_dest d
    WHERE d.account_blind IS NOT NULL AND d.owner_relation <> 'self')
"""
_PROXY_ACCOUNTS = """
SELECT d.account_blind, d.person_id, d.payer_id, d.account_last4 FROM work_dest d
WHERE d.owner_relation <> 'self' AND d.account_blind IN (SELECT x.account_blind FROM work_dest x
  WHERE x.account_blind IS NOT NULL AND x.owner_relation <> 'self' GROUP BY x.account_blind
  HAVING count(*) > :least)
"""


def _proxy_many(scope: Scope) -> Iterator[Fact | Note]:
    """Find a payee for more people than the limit: by account, or by name within the commune.

    The name speaks only where the payee is handed the money: names are few, and namesakes with an
    account each are told apart by it.
    """
    groups: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    said: dict[tuple[str, str], str] = {}
    for payer, name, person in scope.conn.execute(text(_PROXY_NAMES), {"m": scope.month}):
        key = ("name", f"{payer}:{' '.join(name.casefold().split())}")
        groups[key][int(person)] = int(payer)
        said[key] = f"người nhận thay cùng họ tên {name}"
    least = min((scope.limits.of("proxy_many", p) for p in scope.payers), default=0)
    for row in scope.conn.execute(text(_PROXY_ACCOUNTS), {"least": least}):
        key = ("account", bytes(row.account_blind).hex())
        groups[key][int(row.person_id)] = int(row.payer_id)
        said[key] = f"tài khoản người nhận thay ****{row.account_last4}"
    done: set[int] = set()
    for key, people in sorted(groups.items()):
        for person, payer in sorted(people.items()):
            limit = scope.limits.of("proxy_many", payer)
            if len(people) <= limit or person in done:
                continue
            done.add(person)
            yield Fact(
                person, payer, digest(*key, sorted(people)),
                f"Một người nhận thay cho {len(people)} người (quá {limit}): {said[key]}.",
                tuple(p for p in sorted(people) if p != person),
            )  # fmt: skip


_OFFICER_ACCOUNTS = """
SELECT d.person_id, d.payer_id, d.account_last4, u.username, o.id FROM officer_account o
JOIN work_dest d ON d.account_blind = o.account_blind
JOIN payer y ON y.id = d.payer_id
JOIN app_user u ON u.username = o.username AND u.active = 1
WHERE o.withdrawn_at IS NULL AND EXISTS (SELECT 1 FROM user_role r WHERE r.user_id = u.id
  AND r.scope IN ('*', y.code) AND r.role IN ({roles})) ORDER BY d.person_id, u.username
"""
_OFFICER_PEOPLE = """
SELECT p.id, p.payer_id, u.username FROM work_staff s
JOIN app_user u ON u.person_id = s.staff_id
JOIN person p ON p.identity_blind = s.blind
JOIN payer y ON y.id = p.payer_id JOIN work_payer w ON w.payer_id = p.payer_id
WHERE u.active = 1 AND EXISTS (SELECT 1 FROM user_role r WHERE r.user_id = u.id
  AND r.scope IN ('*', y.code) AND r.role IN ({roles})) ORDER BY p.id, u.username
"""
_ROLES = ", ".join(f"'{r}'" for r in SIGNING_ROLES)


def _officer_account(scope: Scope) -> Iterator[Fact | Note]:
    """Find money on its way to an account that an officer of this payer declared as their own."""
    seen: set[int] = set()
    for row in scope.conn.execute(text(_OFFICER_ACCOUNTS.format(roles=_ROLES))):
        if row.person_id not in seen:
            seen.add(int(row.person_id))
            yield Fact(
                int(row.person_id), int(row.payer_id), digest(row.username, row.id),
                f"Tiền vào tài khoản ****{row.account_last4} của cán bộ {row.username}, người có "
                "quyền lập, kiểm tra hoặc ký danh sách này.",
            )  # fmt: skip


def _officer_person(scope: Scope) -> Iterator[Fact | Note]:
    """Find an officer of this payer who is on the list."""
    _work_staff(scope)
    seen: set[int] = set()
    for person, payer, username in scope.conn.execute(text(_OFFICER_PEOPLE.format(roles=_ROLES))):
        if person not in seen:
            seen.add(int(person))
            yield Fact(
                int(person), int(payer), digest(username),
                f"Người hưởng là cán bộ {username}, người có quyền lập, kiểm tra hoặc ký danh "
                "sách này.",
            )  # fmt: skip


def _work_staff(scope: Scope) -> None:
    """Fill `work_staff`: the active staff under the blind index that the register uses."""
    conn = scope.conn
    staff = conn.execute(
        text(
            "SELECT DISTINCT s.id, s.identity_enc FROM staff_person s "
            "JOIN app_user u ON u.person_id = s.id AND u.active = 1"
        )
    ).all()
    blob = "bytea" if conn.dialect.name == "postgresql" else "blob"
    conn.execute(text("DROP TABLE IF EXISTS work_staff"))
    conn.execute(text(f"CREATE TEMPORARY TABLE work_staff (staff_id bigint, blind {blob})"))
    bulk_insert(
        conn,
        "work_staff",
        ("staff_id", "blind"),
        [(int(i), citizen_blind(scope.ctx, int(i), bytes(sealed))) for i, sealed in staff],
    )


_COOLING = """
SELECT n.person_id, p.payer_id, n.id, n.account_last4, n.usable_from, d.account_last4 AS used,
  d.kind FROM destination n JOIN person p ON p.id = n.person_id
JOIN work_payer w ON w.payer_id = p.payer_id
JOIN work_dest d ON d.person_id = n.person_id
WHERE n.usable_from > :day AND n.version > 1 AND n.version = (SELECT max(e.version)
  FROM destination e WHERE e.person_id = n.person_id) ORDER BY n.person_id
"""


def _cooling_off(scope: Scope) -> Iterator[Fact | Note]:
    """Find a destination changed too shortly before the list: it is not used before its day."""
    for row in scope.conn.execute(text(_COOLING), {"day": scope.day.isoformat()}):
        until = date.fromisoformat(row.usable_from)
        used = f"****{row.used}" if row.used else "tiền mặt"
        yield Fact(
            int(row.person_id), int(row.payer_id), digest(int(row.id)),
            f"Nơi nhận đổi sang {'****' + row.account_last4 if row.account_last4 else 'tiền mặt'}, "
            f"dùng được từ ngày {until:%d/%m/%Y}; giải quyết trước ngày đó thì kỳ này còn trả vào "
            f"nơi nhận cũ ({used}).",
        )  # fmt: skip


# What a person's facts were changed to without a new decision: the month before under its old
# amount (the book's) against the same month today. Ages act between two months, never within one.
_FAR = """
SELECT d.person_id, d.payer_id, d.programme, d.owed, d.due FROM work_diff d
JOIN dirty x ON x.sub_id = d.sub_id AND x.from_month <= d.cover
JOIN work_last q ON q.payer_id = d.payer_id
WHERE d.cover = :before AND d.last_rev >= 0 AND d.owed > 0 AND d.due > 0 AND d.due <> d.owed
AND d.sub_id = d.person_id
AND NOT EXISTS (SELECT 1 FROM case_event e WHERE e.person_id = d.person_id AND e.seq > q.seq
  AND NOT EXISTS (SELECT 1 FROM case_event b WHERE b.withdraws = e.id))
AND NOT EXISTS (SELECT 1 FROM benefit_case c WHERE c.person_id = d.person_id
  AND (c.decision_date >= q.since OR (q.seq > 0 AND c.seq > q.seq AND NOT EXISTS (
    SELECT 1 FROM case_change h WHERE h.case_id = c.id
    AND h.decision_number = c.decision_number AND h.decision_date = c.decision_date))))
AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.person_id = d.person_id AND h.resolved_at > q.at
  AND h.reason IN ('birth_year_only', 'start_month', 'no_opening'))
ORDER BY d.person_id
"""
_RISES = """
SELECT u.payer_id, b.programme, a.total_vnd AS old, b.total_vnd AS new, count(*) AS people
FROM work_payer w JOIN due a ON a.law_key = w.last_key AND a.month = :before
JOIN due b ON b.profile_id = a.profile_id AND b.law_key = w.law_key AND b.month = :m
JOIN unit_profile u ON u.profile_id = a.profile_id AND u.payer_id = w.payer_id
  AND :m BETWEEN u.from_month AND u.to_month
WHERE a.total_vnd > 0 AND b.total_vnd > 0 AND a.total_vnd <> b.total_vnd
GROUP BY u.payer_id, b.programme, a.total_vnd, b.total_vnd
ORDER BY u.payer_id, b.programme, a.total_vnd, b.total_vnd
"""


def _amount_far(scope: Scope) -> Iterator[Fact | Note]:
    """Compare like with like: back pay, rate versions, decisions and the rule's ages taken out."""
    before = add_months(scope.month, -1)
    rises: dict[tuple[int, str], Counter[tuple[int, int]]] = defaultdict(Counter)
    for row in scope.conn.execute(text(_RISES), {"before": before, "m": scope.month}):
        rises[int(row.payer_id), row.programme][int(row.old), int(row.new)] += int(row.people)
    for (payer, programme), steps in rises.items():
        people = sum(steps.values())
        (old, new), _ = steps.most_common(1)[0]
        yield Note(
            payer, programme,
            f"Mức tháng đổi theo bộ mức chi cho {people} người (nhiều nhất: "
            f"{_vnd(old)} thành {_vnd(new)} đồng): báo một lần, không giữ ai.",
        )  # fmt: skip
    _work_last(scope, before)
    for row in scope.conn.execute(text(_FAR), {"before": before}):
        common = rises.get((int(row.payer_id), row.programme))
        (old, new), _ = common.most_common(1)[0] if common else ((1, 1), 0)
        owed, due = int(row.owed) * new, int(row.due) * old
        limit = scope.limits.of("amount_far", int(row.payer_id))
        if abs(due - owed) * 100 <= owed * limit:
            continue
        yield Fact(
            int(row.person_id), int(row.payer_id), digest(int(row.owed), int(row.due)),
            f"Mức tháng {show_month(before)} đã ghi {_vnd(int(row.owed))} đồng, nay tính "
            f"{_vnd(int(row.due))} đồng, chênh quá {limit} % mà không có quyết định mới.",
        )  # fmt: skip


def _work_last(scope: Scope, before: int) -> None:
    """Fill `work_last`: what each payer's last released list knew, and since when decisions count.

    A payer without one counts decisions from the first day of the month before the list's.
    """
    conn = scope.conn
    conn.execute(text("DROP TABLE IF EXISTS work_last"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_last AS SELECT w.payer_id, "
            "coalesce(max(l.recorded_by), 0) AS seq, coalesce(max(l.prepared_at), '') AS at, "
            "CAST(:since AS text) AS since FROM work_payer w LEFT JOIN pay_list l "
            "ON l.payer_id = w.payer_id AND l.state IN ('released', 'closed') GROUP BY w.payer_id"
        ),
        {"since": f"{before // 100}-{before % 100:02d}-01"},
    )


def _vnd(amount: int) -> str:
    return f"{amount:,}".replace(",", ".")


Check = Callable[[Scope], Iterable[Fact | Note]]
CHECKS: Mapping[str, Check] = {
    "death": _death,
    "age_category": age_category,
    "duplicate_person": duplicate_person,
    "identity_mismatch": identity_mismatch,
    "shared_account": _shared_account,
    "proxy_many": _proxy_many,
    "officer_account": _officer_account,
    "officer_person": _officer_person,
    "cooling_off": _cooling_off,
    "amount_far": _amount_far,
    "uncollected": uncollected,
}
"""The one list of checks: a rule of the table and how it is looked for."""


def run_checks(conn: Connection, ctx: Context, month: int, day: date) -> None:
    """Run every rule over the payers of `work_payer`, raise what is new, leave `work_finding`."""
    payers = [int(p) for p in conn.execute(text("SELECT payer_id FROM work_payer")).scalars()]
    others = conn.execute(
        text("SELECT count(*) FROM payer WHERE id NOT IN (SELECT payer_id FROM work_payer)")
    ).scalar_one()
    scope = Scope(conn, ctx, month, day, tuple(payers), not others, read_limits(conn))
    found: list[tuple[Rule, Fact | Note]] = []
    for name, check in CHECKS.items():
        rule = check_rules()[name]
        found += [(rule, one) for one in check(scope)]
    _write_found(conn, ctx, found)


def _write_found(conn: Connection, ctx: Context, found: Sequence[tuple[Rule, Fact | Note]]) -> None:
    people = {p for _, f in found if isinstance(f, Fact) for p in f.others}
    named = _names(conn, people)
    rows: list[tuple[Any, ...]] = []
    by_reason: dict[str, list[tuple[Rule, Fact]]] = defaultdict(list)
    for rule, one in found:
        if isinstance(one, Fact):
            by_reason[rule.reason].append((rule, one))
        else:
            rows.append((len(rows), rule.rule, None, one.payer_id, None, one.programme, "note",
                         one.sentence, "[]"))  # fmt: skip
            if one.person_id is not None:
                rows[-1] = (*rows[-1][:2], one.person_id, *rows[-1][3:])
    for reason, facts in by_reason.items():
        held = _raise(conn, ctx, reason, facts, named)
        for rule, fact in facts:
            hold_id, open_now = held[fact.person_id, fact.digest]
            rows.append(
                (len(rows), rule.rule, fact.person_id, fact.payer_id, hold_id, "",
                 "open" if open_now else "resolved", _detail(rule, fact, named),
                 json.dumps([named[p][1] for p in fact.others[:_SHOWN]], ensure_ascii=False))
            )  # fmt: skip
    conn.execute(text("DROP TABLE IF EXISTS work_finding"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_finding (k integer, rule text, person_id bigint, "
            "payer_id bigint, hold_id bigint, programme text, state text, detail text, "
            "others text)"
        )
    )
    bulk_insert(
        conn,
        "work_finding",
        ("k", "rule", "person_id", "payer_id", "hold_id", "programme", "state", "detail",
         "others"),
        rows,
    )  # fmt: skip


_SHOWN = 20
"""Other people named in one finding; more are counted."""


def _names(conn: Connection, people: Iterable[int]) -> dict[int, tuple[str, dict[str, str]]]:
    """Return each person's words and JSON: reference, last four digits, payer."""
    out: dict[int, tuple[str, dict[str, str]]] = {}
    for chunk in among(sorted(people)):
        for person, reference, last4, payer in conn.execute(
            text(
                "SELECT p.id, p.reference, p.identity_last4, y.code FROM person p "
                f"JOIN payer y ON y.id = p.payer_id WHERE p.id IN ({chunk})"
            )
        ):
            shown = {"reference": reference, "last4": last4, "payer": payer}
            out[int(person)] = (f"{reference} (****{last4 or '----'}, xã {payer})", shown)
    return out


def _detail(rule: Rule, fact: Fact, named: Mapping[int, tuple[str, Any]]) -> str:
    """Say what was found, with whom, and which document resolves it."""
    said = fact.sentence
    if fact.others:
        shown = [named[p][0] for p in fact.others[:_SHOWN]]
        more = len(fact.others) - len(shown)
        said += f" Cùng với: {', '.join(shown)}{f' và {more} người nữa' if more else ''}."
    return (
        said
        if rule.rule == "death"
        else f"{said} Cần: {rule.document_vi[:1].lower()}{rule.document_vi[1:]}."
    )


def _raise(
    conn: Connection,
    ctx: Context,
    reason: str,
    facts: Sequence[tuple[Rule, Fact]],
    named: Mapping[int, tuple[str, Any]],
) -> dict[tuple[int, str], tuple[int, bool]]:
    """Raise a hold for what is new; return (person, digest) -> (hold, whether it is open).

    While a hold of the same reason is open for a person, other facts do not raise a second one.
    """
    held: dict[tuple[int, str], tuple[int, bool]] = {}
    opened: dict[int, int] = {}
    rows = conn.execute(
        text("SELECT id, person_id, fact_digest, resolved_at FROM hold WHERE reason = :r"),
        {"r": reason},
    )
    for hold_id, person, fact_digest, resolved in rows:
        held[int(person), str(fact_digest)] = (int(hold_id), resolved is None)
        if resolved is None:
            opened[int(person)] = int(hold_id)
    new: list[tuple[Rule, Fact]] = []
    for rule, fact in facts:
        if fact.person_id in opened:
            held[fact.person_id, fact.digest] = (opened[fact.person_id], True)
        elif (fact.person_id, fact.digest) not in held:
            new.append((rule, fact))
    first = ids.block(conn, "hold", len(new)) if new else 0
    at = stamp(ctx.clock)
    bulk_insert(
        conn,
        "hold",
        ("id", "payer_id", "person_id", "kind", "reason", "detail", "raised_at", "raised_by",
         "fact_digest"),
        [
            (first + i, fact.payer_id, fact.person_id, rule.kind, reason,
             _detail(rule, fact, named), at, "prepare", fact.digest)
            for i, (rule, fact) in enumerate(new)
        ],
    )  # fmt: skip
    held.update({(f.person_id, f.digest): (first + i, True) for i, (_, f) in enumerate(new)})
    return held


# On the lists where the person's money is or is held; where there is none, on that of their case.
_ON_LISTS = """
WITH person_list AS (
  SELECT p.list_id, p.person_id FROM payment p JOIN work_list w ON w.list_id = p.list_id
  WHERE p.person_id IN (SELECT person_id FROM work_finding)
  UNION
  SELECT h.list_id, h.person_id FROM list_hold h JOIN work_list w ON w.list_id = h.list_id
  WHERE h.person_id IN (SELECT person_id FROM work_finding)
), placed AS (
  SELECT l.list_id, f.* FROM work_finding f JOIN person_list l ON l.person_id = f.person_id
  WHERE f.person_id IS NOT NULL
  UNION ALL
  SELECT w.list_id, f.* FROM work_finding f JOIN work_list w ON w.payer_id = f.payer_id
  WHERE f.person_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM person_list l WHERE l.person_id = f.person_id)
    AND w.programme = (SELECT min(c.programme) FROM benefit_case c
      WHERE c.person_id = f.person_id)
  UNION ALL
  SELECT w.list_id, f.* FROM work_finding f JOIN work_list w ON w.payer_id = f.payer_id
    AND w.programme = f.programme WHERE f.person_id IS NULL
)
INSERT INTO list_finding (list_id, n, rule, person_id, hold_id, state, detail, others)
SELECT q.list_id, row_number() OVER (PARTITION BY q.list_id ORDER BY q.k), q.rule, q.person_id,
  q.hold_id, q.state, q.detail, q.others
FROM placed q JOIN pay_list l ON l.id = q.list_id AND l.state = 'draft'
"""


def write_findings(conn: Connection) -> None:
    """Give every draft list of `work_list` its findings, once its payments are planned."""
    conn.execute(text(_ON_LISTS))
