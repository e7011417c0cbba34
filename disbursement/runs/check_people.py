"""Ages against categories, and one person under two numbers or in two provinces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from disbursement.platform.clock import add_months, show_month
from disbursement.runs.check_rules import AgeRange, age_ranges
from disbursement.runs.check_scope import Fact, Note, Scope, among, digest
from ledger.bulk import bulk_insert
from ledger.sql import text

# ---- ages -----------------------------------------------------------------------------------

_MONTH = "(CAST(substr(p.{0}, 1, 4) AS integer) * 100 + CAST(substr(p.{0}, 6, 2) AS integer))"
_FIRST, _LAST = _MONTH.format("birth_from"), _MONTH.format("birth_to")
_POOR = '(c.facts LIKE \'%"household":"poor"%\' OR c.facts LIKE \'%"household":"near_poor"%\')'


def _outside(clause: str, ages: AgeRange) -> str:
    """Return the condition under which a case of the clause is certainly outside its ages.

    Birth is known as a span: too young counts from its first month, too old from its last.
    """
    least = f"CASE WHEN {_POOR} THEN {ages.from_poor} ELSE {ages.from_years} END"
    young = f"{_FIRST} + 100 * ({least}) > :m"
    old = "" if ages.to_years is None else f" OR {_LAST} + {100 * ages.to_years} < :m"
    return f"(c.clause = '{clause}' AND ({young}{old}))"


def age_category(scope: Scope) -> Iterator[Fact | Note]:
    """Recompute ages from birth dates. An age is reached in the month of birth, whatever the day.

    What a case outgrew inside the limit is the law's own end of the allowance and no finding; so
    is an outgrown case of somebody who has another in force.
    """
    conditions = " OR ".join(_outside(c, a) for c, a in age_ranges().items())
    rows = scope.conn.execute(
        text(
            "SELECT p.id, p.payer_id, c.id AS case_id, c.clause, c.start_month, "
            f"{_FIRST} AS first, {_LAST} AS last, {_POOR} AS poor, (SELECT count(*) "
            "FROM benefit_case o WHERE o.person_id = p.id AND o.id <> c.id "
            "AND (o.end_month IS NULL OR o.end_month >= :m)) AS others FROM benefit_case c "
            "JOIN person p ON p.id = c.person_id JOIN work_payer w ON w.payer_id = c.payer_id "
            f"WHERE {Scope.IN_FORCE} AND ({conditions}) ORDER BY p.id, c.id"
        ),
        {"m": scope.month},
    )
    seen: set[int] = set()
    for row in rows:
        said = _age_words(row, scope)
        if said is not None and row.id not in seen:
            seen.add(int(row.id))
            yield Fact(
                int(row.id), int(row.payer_id), digest(row.case_id, row.clause, row.first, said),
                f"Diện {row.clause}: {said}.",
            )  # fmt: skip


def _age_words(row: Any, scope: Scope) -> str | None:
    ages = age_ranges()[row.clause]
    least = ages.from_poor if row.poor else ages.from_years
    born = show_month(int(row.last))
    if int(row.first) + 100 * least > scope.month:
        return f"sinh {born}, chưa đủ {least} tuổi"
    if ages.to_years is None:
        return None
    reached = int(row.last) + 100 * ages.to_years
    if reached < int(row.start_month):
        return (
            f"sinh {born}, đã quá {ages.to_years} tuổi từ {show_month(reached)}, trước tháng bắt "
            f"đầu hưởng {show_month(int(row.start_month))}"
        )
    grace = scope.limits.of("age_category", int(row.payer_id))
    if add_months(reached, grace) < scope.month and not row.others:
        return (
            f"sinh {born}, đã đủ {ages.to_years} tuổi từ {show_month(reached)} mà chưa có quyết "
            "định thôi hưởng hoặc chuyển diện"
        )
    return None


# ---- one person twice -----------------------------------------------------------------------

_NAMESAKES = """
SELECT p.id, p.payer_id, p.identity_kind, p.identity_enc, p.commune_code, p.name_search,
  p.birth_from, p.birth_to, p.sex, w.payer_id AS here FROM (
  SELECT name_search, birth_from, birth_to, sex FROM person WHERE died_on IS NULL
  GROUP BY name_search, birth_from, birth_to, sex HAVING count(*) > 1
) g JOIN person p ON p.name_search = g.name_search AND p.birth_from = g.birth_from
  AND p.birth_to = g.birth_to AND p.sex = g.sex AND p.died_on IS NULL
LEFT JOIN work_payer w ON w.payer_id = p.payer_id
WHERE EXISTS (SELECT 1 FROM unit_profile u WHERE u.sub_id = p.id
  AND :m BETWEEN u.from_month AND u.to_month)
ORDER BY p.name_search, p.birth_from, p.id
"""
_NEAR_DIGITS = 2
_PAIRWISE = 40
"""Namesakes in a group up to which numbers are compared one with another."""


@dataclass
class _Namesake:
    """A person of a group that shares name, birth and sex; `marks` are what may agree further."""

    row: Any
    marks: set[tuple[str, str]]


def duplicate_person(scope: Scope) -> Iterator[Fact | Note]:
    """Find one identity in two provinces, and namesakes with whom more than the name agrees."""
    yield from _elsewhere(scope)
    groups: dict[tuple[str, ...], list[Any]] = defaultdict(list)
    for row in scope.conn.execute(text(_NAMESAKES), {"m": scope.month}):
        key = (row.name_search, row.birth_from, row.birth_to, row.sex)
        groups[key].append(row)
    wanted = [g for g in groups.values() if len(g) > 1 and any(r.here for r in g)]
    marks = _marks(scope, [int(r.id) for g in wanted for r in g])
    for group in wanted:
        yield from _judge(scope, [_Namesake(r, marks[int(r.id)]) for r in group])


def _judge(scope: Scope, group: Sequence[_Namesake]) -> Iterator[Fact | Note]:
    agree: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    by_mark: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in group:
        for mark in one.marks:
            by_mark[mark].append(int(one.row.id))
    for (kind, _), people in by_mark.items():
        for a in people:
            for b in people:
                if a != b:
                    agree[a][b].add(kind)
    near = list(_near_numbers(scope, group)) if len(group) <= _PAIRWISE else []
    for a, b in near:
        agree[a][b].add("number")
        agree[b][a].add("number")
    for one in group:
        if not one.row.here:
            continue
        found = agree.get(int(one.row.id), {})
        if found:
            kinds = sorted(set().union(*found.values()))
            others = tuple(sorted(found))
            yield Fact(
                int(one.row.id), int(one.row.payer_id),
                digest(sorted((int(one.row.id), *others)), kinds),
                "Cùng họ tên, ngày sinh, giới tính dưới số định danh khác, và "
                f"{', '.join(_AGREES[k] for k in kinds)}.", others,
            )  # fmt: skip
            continue
        if any(
            o.row.id != one.row.id and o.row.commune_code == one.row.commune_code for o in group
        ):
            yield Note(
                int(one.row.payer_id), "",
                "Trong xã có người khác cùng họ tên, ngày sinh, giới tính; ngoài ra không có gì "
                "trùng nên không giữ.", int(one.row.id),
            )  # fmt: skip


_AGREES = {
    "account": "cùng tài khoản",
    "payee": "cùng người nhận thay",
    "household": "cùng mã hộ",
    "number": "cùng xã với số định danh gần giống hoặc chưa có số 12 số",
}


def _near_numbers(scope: Scope, group: Sequence[_Namesake]) -> Iterator[tuple[int, int]]:
    """Yield pairs of one commune whose numbers differ little, or of whom one has no full number."""
    numbers: dict[int, str] = {}
    for one in group:
        if one.row.identity_kind == "cccd":
            numbers[int(one.row.id)] = scope.ctx.keys.decrypt(
                "person.identity", int(one.row.id), bytes(one.row.identity_enc)
            )
    for n, one in enumerate(group):
        for other in group[n + 1 :]:
            if one.row.commune_code != other.row.commune_code:
                continue
            a, b = numbers.get(int(one.row.id)), numbers.get(int(other.row.id))
            if a is None or b is None or _differing(a, b) <= _NEAR_DIGITS:
                yield int(one.row.id), int(other.row.id)


def _differing(a: str, b: str) -> int:
    """Count the digits that differ; two neighbours in the wrong order count as two."""
    return sum(x != y for x, y in zip(a, b, strict=False)) + abs(len(a) - len(b))


_MARKS = (
    (
        "account",
        "SELECT d.person_id, d.account_blind AS mark FROM destination d WHERE d.person_id IN "
        "({0}) AND d.account_blind IS NOT NULL AND d.version = (SELECT max(e.version) "
        "FROM destination e WHERE e.person_id = d.person_id)",
    ),
    (
        "payee",
        "SELECT c.person_id, c.payer_id || ':' || c.payee_name AS mark FROM benefit_case c "
        "WHERE c.person_id IN ({0}) AND c.payee_relation <> 'self' AND c.payee_name <> ''",
    ),
    (
        "household",
        "SELECT p.id, r.commune_code || ':' || r.code AS mark FROM person p "
        "JOIN register_row r ON r.who_blind = p.identity_blind AND r.code <> '' "
        "AND r.state = 0 JOIN register_snapshot s ON s.content_id = r.snapshot_id "
        "AND s.profile = 'poor' WHERE p.id IN ({0})",
    ),
)


def _marks(scope: Scope, people: Sequence[int]) -> dict[int, set[tuple[str, str]]]:
    """Read what may agree beside name, birth and sex: account, payee, household."""
    out: dict[int, set[tuple[str, str]]] = {p: set() for p in people}
    for chunk in among(people):
        for kind, query in _MARKS:
            for person, mark in scope.conn.execute(text(query.format(chunk))):
                said = mark if isinstance(mark, str) else bytes(mark).hex()
                out[int(person)].add((kind, said))
    return out


# ---- the same identity in another province --------------------------------------------------

_ABROAD = """
SELECT p.identity_blind, y.code, p.reference FROM person p JOIN payer y ON y.id = p.payer_id
WHERE p.identity_blind IS NOT NULL AND p.died_on IS NULL AND EXISTS (SELECT 1 FROM unit_profile u
  WHERE u.sub_id = p.id AND :m BETWEEN u.from_month AND u.to_month)
"""
_BOTH = """
SELECT p.id, p.payer_id, a.cell, a.payer, a.reference FROM work_abroad a
JOIN person p ON p.identity_blind = a.blind JOIN work_payer w ON w.payer_id = p.payer_id
WHERE p.died_on IS NULL ORDER BY p.id, a.cell
"""


def _elsewhere(scope: Scope) -> Iterator[Fact | Note]:
    """Find people who have a right this month in another cell of this installation too."""
    ctx = scope.ctx
    every = scope.conn.execute(text("SELECT code FROM cell_registry ORDER BY code")).scalars()
    others = [str(c) for c in every if c != ctx.cell.code]
    if not others:
        return
    scope.conn.execute(text("DROP TABLE IF EXISTS work_abroad"))
    blob = "bytea" if ctx.cell.dialect == "postgresql" else "blob"
    scope.conn.execute(
        text(
            f"CREATE TEMPORARY TABLE work_abroad (blind {blob}, cell text, payer text, "
            "reference text)"
        )
    )
    for code in others:
        _read_cell(scope, code)
    seen: set[int] = set()
    for row in scope.conn.execute(text(_BOTH)):
        if row.id not in seen:
            seen.add(int(row.id))
            yield Fact(
                int(row.id), int(row.payer_id), digest(row.cell, row.payer, row.reference),
                f"Cùng số định danh đang hưởng ở xã {row.payer}, tỉnh {row.cell} (mã tra cứu "
                f"{row.reference}).",
            )  # fmt: skip


def _read_cell(scope: Scope, code: str) -> None:
    """Copy whom another cell pays, by blind index only, through a connection of its own."""
    with scope.ctx.database.cell(code).read() as other:
        rows = other.execute(text(_ABROAD), {"m": scope.month}).all()
    bulk_insert(
        scope.conn,
        "work_abroad",
        ("blind", "cell", "payer", "reference"),
        ((bytes(blind), code, payer, reference) for blind, payer, reference in rows),
    )
