"""What the law needs to know: one case of the register, and the month-resolved facts.

`Case` is what a row of the register says (dates, decisions). `MonthFacts` is what one month's
amount depends on: no birth date, no identity, no decision number, no earlier payment. Everything
between the two is entitlements/profiles.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Any, Literal, NamedTuple, get_args

from disbursement.platform.clock import add_months, month_of, show_month
from disbursement.platform.errors import RefusedError

Programme = Literal["SA", "SP"]
#: Clauses of NĐ 335/2026 Art. 5, and those of NĐ 20/2021 Art. 5.5 that it does not repeat:
#: K5b20 = NĐ 20 point b (75 to 80, difficult area), K5c = NĐ 20 point c (80 and over). K5b is
#: NĐ 335 point b, which NĐ 20 called point d; `K5d` is read as K5b (see `canonical_clause`).
Clause = Literal["K1", "K2", "K3", "K4", "K5a", "K5b", "K5b20", "K5c", "K6", "K7", "K8", "SP"]
Degree = Literal["S", "ES", "L"]  # nặng, đặc biệt nặng, nhẹ (no clause pays the last)
Household = Literal["poor", "near_poor", "none"]
#: Nobody is obliged to support the person; the obliged one draws a monthly social allowance
#: himself; somebody has taken the person in; somebody obliged can support.
Carer = Literal["no_obliged", "obliged_on_allowance", "taken_in", "has_carer"]
#: No wage, pension or monthly social insurance (BHXH); a wage only; a pension or BHXH lower than
#: the social pension; one not lower.
Income = Literal["none", "wage", "lower_than_sp", "not_lower"]
DecisionKind = Literal["grant", "change", "move_in"]
Status = Literal["active", "suspended", "stopped"]

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "programme": get_args(Programme),
    "clause": get_args(Clause),
    "degree": get_args(Degree),
    "household": get_args(Household),
    "carer": get_args(Carer),
    "income": get_args(Income),
    "decision_kind": get_args(DecisionKind),
    "status": get_args(Status),
}
_DAYS = ("decision_date", "certificate_date", "household_from", "household_to", "end_date")
START_RULE_335 = date(2026, 10, 5)
"""NĐ 335/2026 in force (its Art. 32): which start rule a decision follows."""


class Birth(NamedTuple):
    """First and last month (yyyymm) in which the person may have been born.

    The day never matters: an age is reached by the last day of the month of birth whatever the
    day (29 February included: Bộ luật Dân sự 2015 Art. 148), and amounts change by months.
    """

    first: int
    last: int

    @classmethod
    def on(cls, day: date) -> Birth:
        """Take a known day."""
        return cls(month_of(day), month_of(day))

    @classmethod
    def in_month(cls, month: int) -> Birth:
        """Take a known month, yyyymm."""
        return cls(month, month)

    @classmethod
    def in_year(cls, year: int) -> Birth:
        """Take a known year."""
        return cls(year * 100 + 1, year * 100 + 12)

    @classmethod
    def between(cls, first: date, last: date) -> Birth:
        """Take the first and last possible day."""
        return cls(month_of(first), month_of(last))


class Change(NamedTuple):
    """Facts that hold from a month (yyyymm) on: (name of a fact of `Case`, value)."""

    month: int
    values: tuple[tuple[str, Any], ...]


class Pause(NamedTuple):
    """Months not paid: from `first` (yyyymm) until the month before `until`, None: still open."""

    first: int
    until: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of the register: programme, clause, and the facts its decision rests on.

    A fact that is None is not recorded; where the clause needs it, the amount is held. Months are
    yyyymm. `end_month` is the last month that is due as the row says it, `end_date` the day of
    death or loss of eligibility, which decides (see `last_month`). `changes`, in the order of
    their months, `pauses`, and `moved` (the row ends because the person moved, and was paid to the
    end of `end_month`) are what events made of the row (histories.py): they are folded when they
    are needed and never stored with it.
    Raises RefusedError for a value outside its choices or a contradiction inside the row.
    """

    programme: Programme
    clause: Clause
    province: str  # two-digit code, 2026: whose base level counts
    start_month: int
    decision_date: date
    decision_kind: DecisionKind = "grant"
    decision_number: str = ""
    decision_signer: str = ""
    degree: Degree | None = None
    certificate_date: date | None = None  # of the disability
    children: int | None = None
    studying: bool | None = None
    on_k1_at_16: bool | None = None
    household: Household | None = None
    household_decision: str = ""
    household_from: date | None = None
    household_to: date | None = None  # last day on which the status is in force
    carer: Carer | None = None
    difficult_area: bool | None = None
    income: Income | None = None
    written_request: bool | None = None
    in_facility: bool = False
    merit_allowance: bool = False  # draws allowances for meritorious service too
    end_month: int | None = None
    end_date: date | None = None
    end_cause: str = ""
    suspended_from: int | None = None
    status: Status = "active"
    changes: tuple[Change, ...] = ()
    pauses: tuple[Pause, ...] = ()
    moved: bool = False

    def __post_init__(self) -> None:
        if (self.programme == "SP") != (self.clause == "SP") or self.clause not in _CLAUSES:
            raise _refuse(f"diện '{self.clause}' không thuộc chương trình '{self.programme}'")
        if not 100001 <= self.start_month <= 999912 or not 1 <= self.start_month % 100 <= 12:
            raise _refuse(f"tháng bắt đầu '{self.start_month}' không phải tháng dạng 202611")
        if self.status != "active":
            if self.status == "stopped" and self.end_month is None and self.end_date is None:
                raise _refuse("đã thôi hưởng nhưng thiếu tháng hoặc ngày kết thúc")
            if self.status == "suspended" and self.suspended_from is None:
                raise _refuse("đang tạm dừng nhưng thiếu tháng bắt đầu tạm dừng")
        elif self.suspended_from is not None:
            raise _refuse("có tháng tạm dừng nhưng trạng thái là đang hưởng")


_CLAUSES = frozenset(get_args(Clause))
_HISTORY = ("changes", "pauses", "moved")


def _refuse(what: str) -> RefusedError:
    return RefusedError("case_facts", f"Hồ sơ hưởng: {what}; sửa lại dòng này.")


def canonical_clause(text: str) -> Clause:
    """Read a clause as registers write it: `K5A`, `5.5.a`, `k5d`, `SP`, `6`.

    K5d (NĐ 20/2021 Art. 5.5.d) is K5b of NĐ 335/2026. Raises RefusedError naming the choices.
    """
    plain = text.strip().upper().removeprefix("5.").replace(".", "")
    plain = plain if plain.startswith(("K", "SP")) else f"K{plain}"
    if plain == "K5D":
        return "K5b"
    for clause in get_args(Clause):
        if clause.upper() == plain:
            found: Clause = clause
            return found
    raise _refuse(f"diện '{text}' không có; chọn một trong {', '.join(get_args(Clause))}, K5d")


def case_json(case: Case) -> str:
    """Write a case as canonical JSON (sorted keys, no defaults, days as ISO text, no history)."""
    out = {}
    for field in fields(case):
        if field.name in _HISTORY:
            continue
        value = getattr(case, field.name)
        if value != field.default:
            out[field.name] = value.isoformat() if isinstance(value, date) else value
    return json.dumps(out, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def case_from_json(text: str) -> Case:
    """Read what `case_json` wrote. Raises RefusedError naming the field."""
    values: dict[str, Any] = json.loads(text)
    known = {f.name for f in fields(Case)}.difference(_HISTORY)
    for name, value in values.items():
        if name not in known:
            raise _refuse(f"không có thông tin tên '{name}'")
        if name in _CHOICES and value is not None and value not in _CHOICES[name]:
            raise _refuse(f"{name} = '{value}', chọn một trong {', '.join(_CHOICES[name])}")
    for name in _DAYS:
        if values.get(name) is not None:
            try:
                values[name] = date.fromisoformat(values[name])
            except ValueError:
                raise _refuse(f"{name} = '{values[name]}' không phải ngày") from None
    return Case(**values)


class Ages(NamedTuple):
    """Whole years, rounded down to the ages that matter to the rights at hand.

    `end`: on the last day of the month (a change acts in the month itself); `before`: on the
    last day of the month before (a stop acts in the month after). NĐ 335/2026 Art. 8.4.
    """

    end: int
    before: int


@dataclass(frozen=True, slots=True)
class Right:
    """One case in one month: the facts its clause needs, and flags resolved from its dates."""

    clause: Clause
    territory: str  # province code
    degree: Degree | None = None
    children: int | None = None
    studying: bool | None = None
    on_k1_at_16: bool | None = None
    household: Household | None = None
    carer: Carer | None = None
    difficult_area: bool | None = None
    income: Income | None = None
    written_request: bool | None = None
    in_facility: bool = False
    merit_allowance: bool = False
    suspended: bool = False
    early_start: bool = False  # before the month that the start rule gives
    early_end: bool = False  # after the end as written, before the end that the rule gives
    lapsed_at_22: bool = False  # a student whose right under NĐ 20/2021 ended before NĐ 335/2026
    granted_under: tuple[str, ...] = ()  # general rises in force when the decision was signed
    left_before: tuple[str, ...] = ()  # general rises in force only after the person left
    before: Right | None = None  # the facts until the last change of this very month, and so on

    @property
    def programme(self) -> Programme:
        """Whose list carries it."""
        return "SP" if self.clause == "SP" else "SA"


@dataclass(frozen=True, slots=True)
class MonthFacts:
    """Everything one person's SOC amount of one month depends on, and nothing else.

    `ages` has one element where the birth is known well enough, else one for every possibility.
    """

    ages: tuple[Ages, ...]
    rights: tuple[Right, ...]  # in force this month, in a fixed order


def facts_json(facts: MonthFacts) -> str:
    """Write facts as canonical JSON: the text behind `profile_key`."""
    out = {
        "v": 1,
        "ages": [list(a) for a in facts.ages],
        "rights": [_right_values(asdict(r)) for r in facts.rights],
    }
    return json.dumps(out, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _right_values(values: dict[str, Any]) -> dict[str, Any]:
    # 0 children is a fact: only what is absent is left out
    out = {k: v for k, v in values.items() if v is not None and v is not False and v != ()}
    if "before" in out:
        out["before"] = _right_values(out["before"])
    return out


def _right(values: dict[str, Any]) -> Right:
    plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    if "before" in plain:
        plain["before"] = _right(plain["before"])
    return Right(**plain)


def facts_from_json(text: str) -> MonthFacts:
    """Read what `facts_json` wrote. Raises RefusedError for another version."""
    values: dict[str, Any] = json.loads(text)
    if values.get("v") != 1:
        raise RefusedError("facts_version", "Hồ sơ tính mức thuộc phiên bản khác; tính lại.")
    rights = tuple(_right(r) for r in values["rights"])
    return MonthFacts(tuple(Ages(*a) for a in values["ages"]), rights)


def profile_key(facts: MonthFacts) -> bytes:
    """Return the stable 32-byte digest of facts: equal facts, equal key, on every machine."""
    return hashlib.sha256(facts_json(facts).encode()).digest()


def conditions(right: Right | Case, *, poor_only: bool) -> Iterator[tuple[str, bool | None]]:
    """Name each fact the clause asks for and whether it is met; None: not recorded.

    `poor_only`: the social pension of 70 to 74. NĐ 335/2026 Art. 5, NĐ 20/2021 Art. 5,
    NĐ 176/2025 Art. 2.
    """
    poor = None if right.household is None else right.household == "poor"
    poor_or_near = None if right.household is None else right.household != "none"
    match right.clause:
        case "K2":
            yield "on_k1_at_16", right.on_k1_at_16
            yield "studying", right.studying
        case "K3":
            yield "household", poor
        case "K4":
            yield "household", poor_or_near
            yield "children", None if right.children is None else right.children > 0
        case "K5a":
            yield "household", poor
            yield "carer", _among(right.carer, "no_obliged", "obliged_on_allowance")
        case "K5b":
            yield "household", poor
            yield "carer", _among(right.carer, "taken_in")
        case "K5b20" | "K7":
            yield "household", poor_or_near
            yield "difficult_area", right.difficult_area
        case "K5c":
            yield "income", _among(right.income, "none", "wage")
        case "K6":
            yield "degree", None if right.degree is None else right.degree != "L"
        case "K8":
            yield "household", poor
            yield "income", _among(right.income, "none")
        case "SP":
            if poor_only:
                yield "household", poor_or_near
            yield "written_request", right.written_request
            yield "income", _among(right.income, "none", "wage", "lower_than_sp")
        case _:
            return


def _among(value: str | None, *wanted: str) -> bool | None:
    return None if value is None else value in wanted


def rule_start(case: Case, birth: Birth) -> int | None:
    """Return the first month that the start rule gives, or None where the row decides.

    NĐ 335/2026 Art. 8.2, decisions from 5 October 2026: the month of signing, for everyone.
    NĐ 20/2021 Art. 8.1.đ, before: the month of the disability certificate (K6), the month of
    reaching 75 or 80 (Art. 5.5.b, 5.5.c), else the month of signing. Social pensions decided
    before 5 October 2026 follow the month of signing (inference: the article was not read).
    A move starts in the month the old commune stopped (Art. 8.3), a change of level in the
    month the conditions change (NĐ 335/2026 Art. 8.4): both as the decision writes them.
    """
    if case.decision_kind != "grant":
        return None
    signed = month_of(case.decision_date)
    if case.decision_date >= START_RULE_335:
        return signed
    if case.clause == "K6" and case.certificate_date is not None:
        return min(signed, month_of(case.certificate_date))
    if case.clause in ("K5b20", "K5c"):
        return add_months(birth.last, 12 * (75 if case.clause == "K5b20" else 80))
    return signed


def start_month_finding(case: Case, birth: Birth) -> str | None:
    """Say in one sentence why the row's start month is too early, or None.

    A later start is allowed as written in the decision.
    """
    rule = rule_start(case, birth)
    if rule is None or case.start_month >= rule:
        return None
    new = case.decision_date >= START_RULE_335
    article = (
        "NĐ 335/2026/NĐ-CP Điều 8 khoản 2" if new else "NĐ 20/2021/NĐ-CP Điều 8 khoản 1 điểm đ"
    )
    return (
        f"Tháng bắt đầu hưởng {show_month(case.start_month)} sớm hơn tháng {show_month(rule)} "
        f"theo {article}: các tháng trước {show_month(rule)} được giữ lại; "
        "sửa tháng bắt đầu hoặc ghi căn cứ."
    )


def last_month(case: Case) -> int | None:
    """Return the last month that is due, or None while nothing ends it.

    A stop acts in the month right after death or loss of eligibility (NĐ 335/2026 Art. 8.4,
    NĐ 20/2021 Art. 8.2), so the month of the event is the last. Without a day, the row decides.
    """
    return month_of(case.end_date) if case.end_date is not None else case.end_month


def with_end(case: Case, day: date, cause: str) -> Case:
    """Return the case as ended by an event of that day."""
    return replace(
        case, status="stopped", suspended_from=None, end_date=day, end_month=None, end_cause=cause
    )
