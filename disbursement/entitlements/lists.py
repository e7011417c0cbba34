"""Four shapes that are lists; what they pay stands in programmes/data/list_programmes.csv.

A gift with a window, quarterly support per household, termly support per student, and amounts
decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from disbursement.entitlements.amounts import Item, MonthAmount, Nothing, figure, gap
from disbursement.entitlements.dossier_error import DossierError
from disbursement.entitlements.parties import People, first_day
from disbursement.entitlements.timeline import CaseLine
from disbursement.platform.clock import add_months, month_of, show_month
from disbursement.programmes.list_rates import ListRate, ListRates
from disbursement.programmes.open_points import open_point
from disbursement.programmes.rates import CONFIDENCES


@dataclass(frozen=True)
class Lists:
    """What the list shapes need: the people, the tables, the day of knowledge."""

    people: People
    rates: ListRates
    known_on: date
    told_known_on: bool = True  # else a claim counts as made in time
    paid: frozenset[str] = frozenset()  # cases that were paid before: claimed in time


def list_months(lists: Lists, line: CaseLine, asked: list[int]) -> list[int]:
    """Return the months that the programme would cover among those asked.

    A gift covers the month its row names, whichever month of its window is asked; a term is
    covered in the month in which it begins (asked for other months only, these say so).
    """
    rows = lists.rates.rows[line.category.code]
    if line.category.shape == "one_off_window":
        return sorted({_cover(r) for r in rows if any(_in_window(r, m) for m in asked)})
    if line.category.shape == "termly_student":
        return [m for m in asked if m % 100 in rows[-1].term_months] or asked
    return asked


def _cover(row: ListRate) -> int:
    return row.cover_month or month_of(row.first_day)


def _in_window(row: ListRate, month: int) -> bool:
    last = month_of(row.last_day) if row.last_day else month
    return month_of(row.first_day) <= month <= last or month == _cover(row)


def list_amount(lists: Lists, line: CaseLine, month: int) -> MonthAmount:
    """Return what one case of a list gives for one month. Raises DossierError."""
    unit, ids = f"LIST/{line.category.code}/{line.holder.id}", (line.id,)
    row = _row(lists, line, month)
    if row is None:
        told = f"{line.category.code}, {show_month(month)}"
        said = gap(f"{told}: không có mức nào áp dụng", f"{told}: no row counts")
        return MonthAmount(unit, month, ids, not_covered=(said,))
    found = _SHAPES[line.category.shape](lists, line, row, month)
    if isinstance(found, Nothing):
        return MonthAmount(unit, month, ids, nothing=found)
    if found.why_vi:
        return MonthAmount(unit, month, ids, (), (found,))
    return MonthAmount(unit, month, ids, (found,))


def _row(lists: Lists, line: CaseLine, month: int) -> ListRate | None:
    if line.category.shape == "one_off_window":
        rows = lists.rates.rows[line.category.code]
        return next((r for r in rows if _cover(r) == month), None)
    return lists.rates.rate(line.category.code, month, lists.known_on)


def _item(lists: Lists, line: CaseLine, row: ListRate, amount: int, text: str) -> Item:
    decided = line.case.decision
    paper = f"; quyết định {decided.number} ngày {decided.date}" if decided else ""
    item = Item(
        case=line.id,
        holder=line.holder.id,
        payee=lists.people.payee(line),
        amount_vnd=amount,
        rate_code=row.code,
        arithmetic=text,
        citation=f"{row.citation}{paper}",
        confidence=row.confidence,
        title_vi=row.title_vi,
        title_en=row.title_en,
    )
    if CONFIDENCES.index(row.confidence) <= CONFIDENCES.index("inference"):
        return item
    point = open_point("unconfirmed_rate")
    return replace(
        item,
        why_vi=f"{point.sentence_vi} {row.note}".strip(),
        why_en=f"{point.sentence_en} {row.note}".strip(),
    )


def _gift(lists: Lists, line: CaseLine, row: ListRate, _month: int) -> Item | Nothing:
    """Pay a gift once for each citizen, within its window, until its last day."""
    if line.facts.get("citizen") is False:
        return Nothing("không phải công dân Việt Nam", "not a citizen", row.citation)
    claimed: date = line.facts.get("claimed_on") or lists.known_on
    in_time = line.id in lists.paid or not lists.told_known_on
    if "claimed_on" not in line.facts and in_time and row.last_day is not None:
        claimed = min(claimed, row.last_day)
    if "claimed_on" in line.facts and claimed > lists.known_on:
        raise DossierError(
            f"cases {line.id}.facts.claimed_on", "sau ngày known_on", "is later than known_on"
        )
    if claimed < row.first_day:
        return Nothing(f"trước ngày {row.first_day}", f"before {row.first_day}", row.citation)
    if row.last_day is not None and claimed > row.last_day:
        return Nothing(
            f"đã hết hạn ngày {row.last_day}", f"the last day was {row.last_day}", row.citation
        )
    death = lists.people.deaths.get(line.holder.id)
    if death is not None and death.date < row.first_day:
        return Nothing("đã chết trước kỳ chi trả", "died before the window", row.citation)
    born = line.birth
    if born is not None and row.last_day is not None and born.first > month_of(row.last_day):
        return Nothing("sinh sau kỳ chi trả", "born after the window", row.citation)
    amount = row.amount_vnd or 0
    return _item(lists, line, row, amount, figure(amount))


def _quarter(lists: Lists, line: CaseLine, row: ListRate, month: int) -> Item | Nothing:
    """Electricity: 30 kWh a month at the tier-1 price, for poor and social-policy households."""
    facts = line.facts_at(month)
    house = lists.people.dossier.household_of(line.holder.id)
    status = facts.get("household")
    if status is None and house is not None:
        began = house.from_day is None or month_of(house.from_day) <= month
        ended = house.to_day is not None and month_of(house.to_day) < month
        status = house.status if began and not ended else "none"
    if status != "poor" and not facts.get("policy_household", False):
        if status is None:
            raise DossierError(
                f"cases {line.id}.facts.household",
                "cần ghi hộ nghèo hay không (household, hoặc policy_household)",
                "is needed (or policy_household)",
            )
        return Nothing(
            "hộ không thuộc diện nghèo hoặc chính sách xã hội",
            "neither a poor nor a social-policy household",
            row.citation,
        )
    price = facts.get("tier1_price_vnd")
    if price is not None:
        known = next(
            (r for r in reversed(lists.rates.rows[row.code]) if r.confidence != "uncertain"), row
        )
        row = known
    price = price if price is not None else row.unit_price_vnd
    if price is None:
        return _item(lists, line, row, row.amount_vnd or 0, figure(row.amount_vnd or 0))
    quantity = row.quantity or 0
    return _item(lists, line, row, quantity * price, f"{quantity} × {figure(price)}")


def _term(lists: Lists, line: CaseLine, row: ListRate, month: int) -> Item | Nothing:
    """One amount a term for a student enrolled in the month the term begins."""
    if month % 100 not in row.term_months:
        starts = ", ".join(str(m) for m in sorted(row.term_months))
        return Nothing(
            f"chi theo học kỳ, tính cho tháng học kỳ bắt đầu (tháng {starts})",
            f"paid once a term, for the month in which it begins (month {starts})",
            row.citation,
        )
    first, last = line.facts.get("enrolled_from"), line.facts.get("enrolled_to")
    late = first is not None and first >= first_day(add_months(month, 1))
    gone = last is not None and last < first_day(month)
    if late or gone:
        return Nothing("không học trong học kỳ này", "not enrolled in this term", row.citation)
    amount = row.amount_vnd if row.amount_vnd is not None else _decided(line)
    return _item(lists, line, row, amount, figure(amount))


def _decided_list(lists: Lists, line: CaseLine, row: ListRate, month: int) -> Item | Nothing:
    """Pay an amount decided elsewhere: number, amount, months are checked, nothing computed."""
    amount = _decided(line)
    months = line.facts.get("amount_months")
    if months is None:
        raise DossierError(
            f"cases {line.id}.facts.amount_months", "cần các tháng theo quyết định", "is needed"
        )
    if month not in months:
        return Nothing(
            "không thuộc các tháng của quyết định", "not a month of the decision", row.citation
        )
    return _item(lists, line, row, amount, figure(amount))


def _decided(line: CaseLine) -> int:
    decision = line.case.decision
    if decision is None or not decision.number:
        raise DossierError(
            f"cases {line.id}.decision.number",
            "cần số quyết định đã định mức chi",
            "is needed: the amount was decided elsewhere",
        )
    amount: int | None = line.facts.get("amount_vnd")
    if not amount:
        raise DossierError(
            f"cases {line.id}.facts.amount_vnd", "cần số tiền theo quyết định", "is needed"
        )
    return amount


_SHAPES: dict[str, Callable[[Lists, CaseLine, ListRate, int], Item | Nothing]] = {
    "one_off_window": _gift,
    "quarterly_household": _quarter,
    "termly_student": _term,
    "decided_list": _decided_list,
}
