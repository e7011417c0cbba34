"""What is paid once on an event: funeral support, emergency support, meals of urgent protection.

The month covered is the event's, never the run's (coins.md 1). Funeral support goes to whoever
organised the funeral; of several supports for one death only the highest is paid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from disbursement.entitlements.amounts import Item, MonthAmount, Nothing, figure, gap, least_sure
from disbursement.entitlements.dossier_error import DossierError
from disbursement.entitlements.meritorious import Merit, funeral_item
from disbursement.entitlements.parties import event_day, granted
from disbursement.entitlements.rules import Law
from disbursement.entitlements.soc import start_of
from disbursement.entitlements.support import Care, central, hold_rise, support_unit
from disbursement.entitlements.timeline import CaseLine
from disbursement.platform.clock import month_of, show_month
from disbursement.programmes.open_points import open_point
from disbursement.programmes.support import rows_on

_WHY = "hỗ trợ mai táng"
_FUNERAL = "NĐ 335/2026/NĐ-CP Điều 11; NĐ 20/2021/NĐ-CP Điều 11"


def funeral_amount(care: Care, merit: Merit, lines: Sequence[CaseLine]) -> MonthAmount:
    """Return the support for one death: the highest of what the documents give."""
    day = event_day(care.people, lines[0])
    month = month_of(day)
    found: list[tuple[Item, Item | None]] = []
    allowance: list[Item | None] = []
    nothing = None
    for line in lines:
        if line.category.code == "FUNERAL.NCC":
            allowance.append(funeral_item(merit, line, day))
            continue
        result = _support(care, line, day)
        if isinstance(result, Nothing):
            nothing = nothing or result
        else:
            found.append(result)
    unit, ids = support_unit(lines[0], care.lines), tuple(x.id for x in lines)
    best = max(found, key=lambda f: f[0].amount_vnd, default=None)
    merits = [i for i in allowance if i is not None]
    if merits and best:
        return _both(care.law, unit, month, ids, best[0], merits[0])
    if merits:
        sure = () if merits[0].why_vi else (merits[0],)
        return MonthAmount(unit, month, ids, sure, () if sure else (merits[0],))
    if best is None:
        return MonthAmount(unit, month, ids, nothing=nothing)
    item, held = best
    return MonthAmount(unit, month, ids, (item,), (held,) if held else ())


def _both(
    law: Law, unit: str, month: int, ids: tuple[str, ...], social: Item, merit: Item
) -> MonthAmount:
    """One funeral support only ([PL] Art. 6.4); which one, beside social assistance, is open."""
    point = open_point("funeral_merit_with_sa")
    high, low = sorted((social, merit), key=lambda i: -i.amount_vnd)
    if law.settings.funeral_merit_with_sa == "highest":
        if high is social or not merit.why_vi:
            return MonthAmount(unit, month, ids, (high,))
        rest = replace(
            high,
            amount_vnd=high.amount_vnd - low.amount_vnd,
            arithmetic=f"{high.arithmetic} − {figure(low.amount_vnd)}",
        )
        return MonthAmount(unit, month, ids, (low,), (rest,))
    held = replace(
        high,
        why_vi=f"{point.sentence_vi} {high.why_vi}".strip(),
        why_en=f"{point.sentence_en} {high.why_en}".strip(),
        citation=f"{point.citation}; {high.citation}",
        confidence="uncertain",
    )
    return MonthAmount(unit, month, ids, (), (held,))


def _support(care: Care, line: CaseLine, day: date) -> tuple[Item, Item | None] | Nothing:
    emergency = line.category.code == "FUNERAL.EMERG"
    programme = "SA"
    if not emergency:
        ground = _ground(care, line, day)
        if isinstance(ground, Nothing):
            return ground
        programme = ground
    month = month_of(day)
    suffix = ".EMERG" if emergency else ".FUNERAL"

    def at(law: Law) -> Item | None:
        rows = rows_on(law.rates, "funeral", day, law.law_on, law.undecided)
        rate = next((r for r in rows if r.scheme == programme and r.code.endswith(suffix)), None)
        if rate is None or rate.coefficient is None:
            return None
        base = central(law, rate.base_code, month)
        amount = rate.coefficient * base.amount_vnd
        vi = ", trả cho người hoặc tổ chức lo mai táng"
        return Item(
            case=line.id,
            holder=line.holder.id,
            payee=line.case.payee or "",
            amount_vnd=int(amount),
            rate_code=rate.code,
            arithmetic=f"{rate.coefficient} × {figure(base.amount_vnd)}",
            citation=f"{rate.citation}; mức chuẩn: {base.citation}",
            confidence=least_sure((rate.confidence, base.confidence)),
            title_vi=f"{rate.description_vi}{vi}",
            title_en=f"{rate.description_en}, to whoever organised the funeral",
        )

    found = hold_rise(care.law, month, day, at(care.law), at)
    if found is None:
        return Nothing("chưa có mức cho thời kỳ này", "no rate is loaded for that day", _FUNERAL)
    return found


def _ground(care: Care, line: CaseLine, day: date) -> str | Nothing:
    """Return the programme whose support is due (SA or SP), or why none is (Art. 11.1)."""
    month = month_of(day)
    new = any(
        r.code == "SA26.F.FUNERAL" for r in rows_on(care.law.rates, "funeral", day, care.law.law_on)
    )
    ground = line.facts.get("ground")
    on_roll = _programmes_in_force(care, line.holder.id, month)
    if ground is None and on_roll:
        ground = "recipient"
    if ground is None and _child_of_single(care, line.holder.id, month):
        ground = "child_of_single_parent"
    if ground is None:
        raise DossierError(
            f"cases {line.id}.facts.ground",
            "tháng chết không có hồ sơ đang hưởng: cần căn cứ theo Điều 11 khoản 1",
            "the dead person has no case in force in that month: say the ground of Art. 11.1",
        )
    if ground == "recipient" or (ground == "applicant" and new):
        return "SP" if on_roll == {"SP"} else "SA"
    if ground == "child_of_single_parent":
        return "SA"
    if ground == "applicant":
        return Nothing("NĐ 20/2021 không có trường hợp này", "not a case of NĐ 20/2021", _FUNERAL)
    if ground == "survivor_or_other_allowance":
        threshold = 75 if new else 80
        if care.people.by_age(line.holder.id, month, _WHY, lambda m: m >= 12 * threshold):
            return "SA"
        return Nothing(f"chưa đủ {threshold} tuổi", f"was under {threshold}", _FUNERAL)
    house = care.people.dossier.household_of(line.holder.id)
    status = line.facts.get("household") or (house.status if house else "none")
    aged = care.people.by_age(line.holder.id, month, _WHY, lambda m: 70 * 12 <= m < 75 * 12)
    if new and aged and status != "none":
        return "SA"
    return Nothing(
        "không phải người từ đủ 70 đến dưới 75 tuổi thuộc hộ nghèo, cận nghèo (từ 05/10/2026)",
        "not 70 to under 75 in a poor or near-poor household (from 5 October 2026)",
        _FUNERAL,
    )


def _programmes_in_force(care: Care, person: str, month: int) -> set[str]:
    return {
        x.category.programme
        for x in care.lines
        if x.holder.id == person
        and x.category.shape == "soc"
        and x.birth is not None
        and start_of(x, x.birth) <= month
        and x.ending_before(month) is None
    }


def _child_of_single(care: Care, person: str, month: int) -> bool:
    for line in care.lines:
        children = line.facts.get("children", ())
        if line.category.code == "K4" and not isinstance(children, int) and person in children:
            return granted(line).first <= month and line.ending_before(month) is None
    return False


def fixed_amount(care: Care, line: CaseLine) -> MonthAmount:
    """Return emergency support and meals: amounts of the decree, per household or day."""
    day = event_day(care.people, line)
    month = month_of(day)
    unit, ids = support_unit(line, care.lines), (line.id,)
    kinds = ("emergency", "temporary_care")
    rows = [r for k in kinds for r in rows_on(care.law.rates, k, day, care.law.law_on)]
    rate = next((r for r in rows if r.code.endswith(f".{line.category.code}")), None)
    if rate is None:
        told = f"{line.category.code}, {show_month(month)}"
        said = gap(f"{told}: chưa có điều luật nào được nạp", f"{told}: no article was read")
        return MonthAmount(unit, month, ids, not_covered=(said,))
    days, confidence = line.facts.get("days"), rate.confidence
    if rate.amount_rule == "exact_per_day":
        if days is None:
            raise DossierError(f"cases {line.id}.facts.days", "cần số ngày", "is needed")
        amount = days * (rate.fixed_amount_vnd or 0)
        text = f"{days} × {figure(rate.fixed_amount_vnd or 0)}"
    elif rate.coefficient is not None:
        base = central(care.law, rate.base_code, month)
        amount = int(rate.coefficient * base.amount_vnd)
        text = f"{rate.coefficient} × {figure(base.amount_vnd)}"
        confidence = least_sure((rate.confidence, base.confidence))
    else:
        amount = rate.fixed_amount_vnd or 0
        text = figure(amount)
    item = Item(
        case=line.id,
        holder=line.holder.id,
        payee=care.people.payee(line),
        amount_vnd=amount,
        rate_code=rate.code,
        arithmetic=text,
        citation=rate.citation,
        confidence=confidence,
        title_vi=rate.description_vi,
        title_en=rate.description_en,
    )
    return MonthAmount(unit, month, ids, (item,))
