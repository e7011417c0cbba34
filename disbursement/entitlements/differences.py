"""From amounts of months and what was paid to lines: due, to recover, held.

A month that was paid gives a difference, never a second payment; a smaller amount gives a line to
recover and is netted against nothing (no legal basis for netting was seen). What lies between the
certain amount and the highest possible one is not taken back. Equal neighbours become one line
that names its months.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from disbursement.entitlements.amounts import Item, MonthAmount, Nothing, figure, least_sure
from disbursement.platform.clock import add_months

State = Literal["due", "recover", "held"]
Kind = Literal["month", "difference", "recover", "held", "nothing"]


@dataclass(frozen=True)
class Atom:
    """One amount of one month before neighbours are joined."""

    state: State
    kind: Kind
    month: int
    item: Item
    paid_vnd: int = 0


def atoms(
    amount: MonthAmount, paid: Mapping[str, int], *, asked: bool, last_codes: Mapping[str, str]
) -> list[Atom]:
    """Return what one unit and month gives. `paid`: by case, empty where nothing was paid.

    `last_codes`: the rate code under which each case was last due, for lines to recover.
    """
    if not paid:
        return _unpaid(amount) if asked else []
    by_case = _by_case(amount, paid)
    if by_case is not None:
        return by_case
    return _difference(amount, amount.items, amount.held, paid, last_codes)


def _unpaid(amount: MonthAmount) -> list[Atom]:
    out = [Atom("due", "month", amount.month, i) for i in amount.items]
    out += [Atom("held", "held", amount.month, i) for i in amount.held]
    if not out and amount.nothing is not None:
        out.append(Atom("due", "nothing", amount.month, _zero(amount, amount.nothing)))
    return out


def _zero(amount: MonthAmount, why: Nothing) -> Item:
    return Item(
        case=amount.cases[0],
        holder="",
        payee="",
        amount_vnd=0,
        rate_code="",
        arithmetic="0",
        citation=why.citation,
        confidence=why.confidence,
        title_vi=why.text_vi,
        title_en=why.text_en,
    )


def _by_case(amount: MonthAmount, paid: Mapping[str, int]) -> list[Atom] | None:
    """Split a unit by item where it can be told what was paid for each and none was too much.

    By case (a K4 and a K6 case paid apart), or by rate: a total that earlier law gave for the same
    rows is a total of those rows. None where it cannot be told; the unit is then compared whole.
    """
    parts = [*amount.items, *amount.held]
    before: dict[int, int] = {}
    if len(parts) == len({p.case for p in parts}) and {p.case for p in parts} == set(paid):
        before = {n: paid[p.case] for n, p in enumerate(parts)}
    else:
        total = sum(paid.values())
        known = next((e for e in amount.earlier if sum(v for _, v in e) == total), None)
        if known is None or {c for c, _ in known} != {p.rate_code for p in parts}:
            return None
        before = {n: dict(known)[p.rate_code] for n, p in enumerate(parts)}
    if len(parts) < 2 or any(p.amount_vnd < before[n] for n, p in enumerate(parts)):
        return None
    out: list[Atom] = []
    for n, part in enumerate(parts):
        if part.amount_vnd == before[n]:
            continue
        out.append(_more(part, amount.month, before[n], held=bool(part.why_vi)))
    return out


def _more(part: Item, month: int, before: int, *, held: bool) -> Atom:
    text = f"{_bracket(part.arithmetic)} − {figure(before)}" if before else part.arithmetic
    rest = replace(part, amount_vnd=part.amount_vnd - before, arithmetic=text)
    return Atom("held" if held else "due", "held" if held else "difference", month, rest, before)


def _bracket(text: str) -> str:
    return f"({text})" if " + " in text or " − " in text else text


def _difference(
    amount: MonthAmount,
    items: tuple[Item, ...],
    held: tuple[Item, ...],
    paid: Mapping[str, int],
    last_codes: Mapping[str, str],
) -> list[Atom]:
    total, most, before = amount.total_vnd, amount.at_most_vnd, sum(paid.values())
    out: list[Atom] = []
    if before < total:
        whole = _sum(items)
        out.append(_more(whole, amount.month, before, held=False))
    elif most is not None and before > most:
        out.append(_too_much(amount, items, before - most, most, before, paid, last_codes))
    taken = max(0, before - total)
    for part in held:
        rest = max(0, part.amount_vnd - taken)
        taken = max(0, taken - part.amount_vnd)
        if rest or not part.known:
            text = part.arithmetic if rest == part.amount_vnd else figure(rest)
            shown = replace(part, amount_vnd=rest, arithmetic=text)
            out.append(Atom("held", "held", amount.month, shown))
    return out


def _sum(items: tuple[Item, ...]) -> Item:
    """Return several items of a unit as one, led by the largest."""
    if len(items) == 1:
        return items[0]
    first = max(items, key=lambda i: i.amount_vnd)
    return replace(
        first,
        amount_vnd=sum(i.amount_vnd for i in items),
        arithmetic=" + ".join(i.arithmetic for i in items),
        confidence=least_sure([i.confidence for i in items]),
        citation="; ".join(dict.fromkeys(i.citation for i in items)),
        title_vi="; ".join(i.title_vi for i in items),
        title_en="; ".join(i.title_en for i in items),
        rate_code="+".join(i.rate_code for i in items),
    )


def _too_much(
    amount: MonthAmount,
    items: tuple[Item, ...],
    over: int,
    most: int,
    before: int,
    paid: Mapping[str, int],
    last_codes: Mapping[str, str],
) -> Atom:
    case = max(paid, key=lambda c: paid[c])
    why = amount.nothing
    known = items or amount.held
    text = f"{figure(before)} − {figure(most)}" if most else figure(before)
    if most and known and len(known) == 1:
        text = f"{figure(before)} − {_bracket(known[0].arithmetic)}"
    item = Item(
        case=known[0].case if known and known[0].case in paid else case,
        holder="",
        payee="",
        amount_vnd=over,
        rate_code=known[0].rate_code if known else last_codes.get(case, ""),
        arithmetic=text,
        citation=why.citation if why else known[0].citation if known else "",
        confidence=why.confidence if why else known[0].confidence if known else "seen",
        title_vi=why.text_vi if why else "đã trả cao hơn mức được hưởng",
        title_en=why.text_en if why else "more was paid than was due",
    )
    return Atom("recover", "recover", amount.month, item, before)


@dataclass(frozen=True)
class Joined:
    """Neighbouring months with the same amount, reason and receiver."""

    state: State
    kind: Kind
    months: tuple[int, ...]
    item: Item

    @property
    def amount_vnd(self) -> int:
        """Return the amount of all the months."""
        return self.item.amount_vnd * len(self.months)


def join(found: Iterable[Atom], run_month: int, *, quarterly: frozenset[str]) -> list[Joined]:
    """Join equal neighbours; the run's own month stands alone, except in a quarter's support."""
    out: list[Joined] = []
    open_: dict[object, Joined] = {}
    for atom in sorted(found, key=lambda a: a.month):
        key = _key(atom, run_month, quarterly)
        last = open_.get(key)
        if last is not None and add_months(last.months[-1], 1) == atom.month:
            sure = least_sure((last.item.confidence, atom.item.confidence))
            joined = replace(
                last,
                months=(*last.months, atom.month),
                item=replace(last.item, confidence=sure),
            )
            out[next(n for n, o in enumerate(out) if o is last)] = joined
            open_[key] = joined
        else:
            fresh = Joined(atom.state, atom.kind, (atom.month,), atom.item)
            out.append(fresh)
            open_[key] = fresh
    return out


def _key(atom: Atom, run_month: int, quarterly: frozenset[str]) -> object:
    i = atom.item
    when: object = (atom.month > run_month) - (atom.month < run_month)
    if atom.state == "recover":
        when = 0
    if i.case in quarterly:
        when = (atom.month // 100, (atom.month % 100 - 1) // 3)
    return (
        atom.state,
        atom.kind,
        when,
        i.case,
        i.payee,
        i.amount_vnd,
        i.rate_code,
        i.arithmetic,
        i.tag,
        i.citation,
        i.why_vi,
        i.title_vi if atom.kind == "nothing" else "",
    )
