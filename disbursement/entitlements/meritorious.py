"""Meritorious service: monthly allowances, supplements, survivors, carers, and what is paid once.

[PL] = Pháp lệnh 02/2020/UBTVQH14, [131] = NĐ 131/2021/NĐ-CP. All allowances and supplements of a
person add up; the carer's allowance and the nurturing allowance are one each, the highest
([PL] Art. 6.3). Amounts are rows of the official tables; a derived one is held until the document
that confirms it is recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Literal, NamedTuple

from disbursement.entitlements.amounts import (
    VIETNAMESE,
    Gap,
    Item,
    MonthAmount,
    Nothing,
    figure,
    gap,
    least_sure,
)
from disbursement.entitlements.dossier import Document
from disbursement.entitlements.dossier_error import DossierError
from disbursement.entitlements.dossier_facts import MERITS, Deceased
from disbursement.entitlements.parties import People, event_day, granted
from disbursement.entitlements.rules import decimal_text
from disbursement.entitlements.survivors import Survivor, shares
from disbursement.entitlements.timeline import CaseLine
from disbursement.platform.clock import add_months, month_of, show_month
from disbursement.programmes.event_rules import EventRule
from disbursement.programmes.merit_rates import Level, MeritRate, MeritRates
from disbursement.programmes.open_points import open_point
from disbursement.programmes.rates import CONFIDENCES

SUPPLEMENT_FROM = 81
"""Per cent of injury from which supplements and carers are paid (PL I 6.1, 7.1, 8.1)."""
Kind = Literal["allowance", "carer", "nurture"]


class Part(NamedTuple):
    """One row that a case draws in a month, how often, and whether it adds up or is capped."""

    code: str
    kind: Kind = "allowance"
    times: int = 1


@dataclass(frozen=True)
class Merit:
    """What all judgements of a dossier share."""

    people: People
    lines: tuple[CaseLine, ...]
    rates: MeritRates
    law_on: date
    documents: Mapping[str, Document]

    def of(self, person: str) -> tuple[CaseLine, ...]:
        """Return the person's monthly cases."""
        return tuple(
            x
            for x in self.lines
            if x.holder.id == person and x.category.shape in ("merit", "survivor")
        )


def documents_of(events: Iterable[object]) -> dict[str, Document]:
    """Return the recorded documents by what they confirm."""
    return {e.confirms: e for e in events if isinstance(e, Document)}


def start_of_merit(line: CaseLine) -> int:
    """Return the first month of a case.

    That of the medical board's conclusion, of the President's signature, the one after the death
    (survivors, [131] Art. 125), else that of the decision.
    A month that the decision or the roll names counts as it stands.
    """
    start = granted(line)
    if start.written:
        return start.first
    facts = line.facts
    if board := facts.get("medical_board_date"):
        return min(start.first, month_of(board))
    if signed := facts.get("president_date"):
        return month_of(signed)
    deaths = [d.died for d in facts.get("deceased", ()) if d.died and "LS" not in d.merits]
    if deaths:
        return min(start.first, add_months(month_of(min(deaths)), 1))
    return start.first


def idle(line: CaseLine, month: int) -> Nothing | None:
    """Say why the case is not being paid in the month, or None."""
    start = start_of_merit(line)
    if month < start:
        return Nothing(
            f"chưa bắt đầu hưởng (từ tháng {show_month(start)})",
            f"not yet on the roll (from {show_month(start)})",
            "NĐ 131/2021/NĐ-CP",
        )
    over = line.ending_before(month)
    if over is not None:
        return _stopped(over.rule)
    pause = line.pause_at(month)
    if pause is not None:
        return _stopped(pause.rule)
    return None


def _stopped(rule: EventRule) -> Nothing:
    return Nothing(rule.text_vi, rule.text_en, rule.citation, rule.confidence)


def draws_merit(merit: Merit, person: str, month: int) -> bool:
    """Tell whether the person draws an allowance for merit (students' support is none)."""
    return any(x.category.code != "EDU" and idle(x, month) is None for x in merit.of(person))


def merit_amounts(merit: Merit, person: str, month: int) -> list[MonthAmount]:
    """Return one amount per case of the person. Raises DossierError."""
    lines = merit.of(person)
    parts = _all_parts(merit, lines, month)
    _once_each(lines, parts)
    mother = any(x.category.code == "BMVNAH" and idle(x, month) is None for x in lines)
    chosen = _capped(merit, lines, parts, month, merit.law_on)
    out = []
    for line in lines:
        found = parts[line.id]
        if isinstance(found, Nothing | Gap):
            out.append(_empty(line, month, found))
            continue
        items = [_priced(merit, line, p, month, merit.law_on) for p in chosen[line.id]]
        missing = [p.code for p, i in zip(chosen[line.id], items, strict=True) if i is None]
        real = [i for i in items if i is not None]
        told = f"{line.category.code}, {show_month(month)}"
        out.append(
            MonthAmount(
                f"NCC/{line.id}",
                month,
                (line.id,),
                tuple(i for i in real if not i.why_vi),
                tuple(i for i in real if i.why_vi),
                None if real or missing else _outdone(line, mother=mother),
                tuple(
                    gap(f"{told}: chưa nạp bảng mức của {c}", f"{told}: no table is loaded for {c}")
                    for c in missing
                ),
                _earlier(merit, lines, parts, line, month),
            )
        )
    return out


def _once_each(
    lines: Sequence[CaseLine], parts: Mapping[str, tuple[Part, ...] | Nothing | Gap]
) -> None:
    """Refuse one merit told in two cases: both communes would pay the same month."""
    seen: dict[str, str] = {}
    for line in lines:
        code = line.category.code
        if code == "SURVIVOR" or isinstance(parts[line.id], Nothing | Gap):
            continue
        if code in seen:
            raise DossierError(
                f"cases {line.id}",
                f"cùng một diện {code} của một người với hồ sơ '{seen[code]}'; bỏ một, hoặc ghi "
                "sự kiện move_out",
                f"is the same merit {code} of the same person as case '{seen[code]}'; leave one"
                " out, or add a move_out event",
            )
        seen[code] = line.id


def _empty(line: CaseLine, month: int, why: Nothing | Gap) -> MonthAmount:
    unit, ids = f"NCC/{line.id}", (line.id,)
    if isinstance(why, Nothing):
        return MonthAmount(unit, month, ids, nothing=why)
    return MonthAmount(unit, month, ids, not_covered=(why,))


def _outdone(line: CaseLine, *, mother: bool) -> Nothing:
    """Say why a case that is being paid adds nothing."""
    if line.category.code != "SURVIVOR":
        return Nothing(
            "chỉ hưởng mức cao nhất", "only the highest counts", "Pháp lệnh 02/2020 Điều 6"
        )
    if mother:
        return Nothing(
            "Bà mẹ Việt Nam anh hùng không hưởng thêm trợ cấp tuất liệt sĩ",
            "a Heroic Mother does not also draw the martyr survivor's allowance",
            "Pháp lệnh 02/2020/UBTVQH14 Điều 18 khoản 1",
        )
    return Nothing(
        "một người hưởng tối đa hai suất tuất; từ hai liệt sĩ trở lên chỉ hưởng mức của liệt sĩ",
        "a person draws at most two shares; of two or more martyrs, the martyrs' level only",
        "Pháp lệnh 02/2020/UBTVQH14 Điều 6 khoản 5",
    )


def _all_parts(
    merit: Merit, lines: Sequence[CaseLine], month: int
) -> dict[str, tuple[Part, ...] | Nothing | Gap]:
    """Return what each case of one person draws; survivors' shares are counted per person."""
    parts: dict[str, tuple[Part, ...] | Nothing | Gap] = {}
    told: dict[str, Survivor] = {}
    for line in lines:
        why = idle(line, month) if line.category.code == "SURVIVOR" else None
        if why is not None:
            parts[line.id] = why
        elif line.category.code == "SURVIVOR":
            told[line.id] = _survivor(line, month)
        else:
            parts[line.id] = _parts(merit, line, month)
    mother = any(x.category.code == "BMVNAH" and idle(x, month) is None for x in lines)
    codes = shares(told, mother=mother)
    for line in lines:
        if line.id in told:
            parts[line.id] = _survivor_parts(line, month, told[line.id], codes[line.id])
    return parts


def _parts(merit: Merit, line: CaseLine, month: int) -> tuple[Part, ...] | Nothing | Gap:
    """Return the rows a case draws, or why none (Gap: what the tables do not cover)."""
    if (why := idle(line, month)) is not None:
        return why
    facts = line.facts_at(month)
    code = line.category.code
    if code in ("TB", "TBB", "BB", "CDHH", "CDHH.CON"):
        return _injured(merit, line, month)
    if code == "PRE45":
        if "full_time" not in facts:
            raise _need(line, "full_time", "diện thoát ly hay không")
        if not facts["full_time"]:
            return (Part("PRE45.KTL"),)
        seniority = facts.get("seniority", 0)
        extra = (Part("PRE45.TL.SENIORITY", times=seniority),) if seniority else ()
        return (Part("PRE45.TL"), *extra)
    if code == "BMVNAH":
        out = [Part("BMVNAH"), Part("BMVNAH.PC")]
        if facts.get("carer_at_home"):
            out.append(Part("BMVNAH.PV", "carer"))
        if facts.get("lives_alone"):
            out.append(Part("LS.TUATND", "nurture"))
        return tuple(out)
    if code == "CCGD":
        if "award" not in facts:
            raise _need(line, "award", "hình thức khen thưởng: TQGC hoặc HCKC")
        alone = (Part("CCGD.ND", "nurture"),) if facts.get("lives_alone") else ()
        return (Part(f"CCGD.{facts['award']}"), *alone)
    if code == "EDU":
        if "student_group" not in facts:
            raise _need(line, "student_group", "nhóm 11.1 (A) hoặc 11.2 (B)")
        return (Part(f"EDU.{facts['student_group']}"),)
    return (Part(code),)


def _need(line: CaseLine, fact: str, vi: str) -> DossierError:
    return DossierError(f"cases {line.id}.facts.{fact}", f"cần {vi}", "is needed")


def _injured(merit: Merit, line: CaseLine, month: int) -> tuple[Part, ...] | Gap:
    """Return allowance, supplement and carer's allowance by per cent of injury.

    From 81 the supplement (the special one replaces the ordinary, [PL] Art. 24.1.d) and, at home,
    the carer's allowance.
    """
    facts, code = line.facts_at(month), line.category.code
    pct = facts.get("injury_pct")
    if pct is None:
        raise _need(line, "injury_pct", "tỷ lệ tổn thương cơ thể (%)")
    special = facts.get("special_severity", False)
    if special and pct < SUPPLEMENT_FROM:
        raise DossierError(
            f"cases {line.id}.facts.special_severity",
            "chỉ xét từ 81 % trở lên; mâu thuẫn với injury_pct",
            "is judged from 81 per cent: contradicts injury_pct",
        )
    newest = merit.rates.by_percent(code, pct, 999912, date.max)
    if newest is None:
        return gap(
            f"{code} {pct} %: bảng không có trợ cấp hằng tháng (bị thương 5 đến 20 %: ONE.WOUND)",
            f"{code} {pct} %: no monthly allowance in the table"
            " (wounded 5 to 20 per cent: ONE.WOUND)",
        )
    out = [Part(newest.code)]
    if pct >= SUPPLEMENT_FROM and code != "CDHH.CON":
        table = "TB" if code == "TBB" else code
        out.append(Part(f"{table}.PC81N" if special else f"{table}.PC81"))
        if facts.get("carer_at_home"):
            severe = special and table != "CDHH"  # the table has no such carer rate for CDHH
            out.append(Part(f"{table}.PV81N" if severe else f"{table}.PV81", "carer"))
    return tuple(out)


def _survivor(line: CaseLine, month: int) -> Survivor:
    """Return whom a survivor's case is for in the month: who has died before it."""
    facts = line.facts_at(month)
    dead: tuple[Deceased, ...] = facts.get("deceased", ())
    if not dead and "martyrs" in facts:
        dead = (Deceased("", ("LS",), None, None),) * facts["martyrs"]
    if not dead:
        raise _need(line, "deceased", "những người có công đã mất, hoặc số liệt sĩ (martyrs)")
    gone = tuple(d for d in dead if d.died is None or month_of(d.died) < month)
    return Survivor(gone, line.remarried is not None and month >= month_of(line.remarried))


def _survivor_parts(
    line: CaseLine, month: int, told: Survivor, codes: tuple[str, ...] | Gap
) -> tuple[Part, ...] | Gap:
    """Return the shares of one case and, for who lives alone, the nurturing allowance."""
    if isinstance(codes, Gap):
        return codes
    facts = line.facts_at(month)
    out = [Part(c) for c in codes]
    alone = (facts.get("lives_alone") or facts.get("orphan")) and not told.remarried
    if alone and told.dead:
        merits = [m for d in told.dead for m in d.merits if m in MERITS]
        merit = "LS" if "LS" in merits else merits[0]
        out.append(Part(f"{merit}.TUATND", "nurture"))
    return tuple(out)


def _capped(
    merit: Merit,
    lines: Sequence[CaseLine],
    parts: Mapping[str, tuple[Part, ...] | Nothing | Gap],
    month: int,
    law_on: date,
) -> dict[str, tuple[Part, ...]]:
    """Keep every allowance and supplement, and the highest carer's and nurturing allowance."""
    best: dict[str, tuple[int, str]] = {}
    for line in lines:
        for part in _listed(parts[line.id]):
            rate = merit.rates.rate(part.code, month, law_on)
            amount = (rate.amount_vnd or 0) if rate else 0
            if part.kind != "allowance" and amount > best.get(part.kind, (-1, ""))[0]:
                best[part.kind] = (amount, line.id)
    return {
        line.id: tuple(
            p
            for p in _listed(parts[line.id])
            if p.kind == "allowance" or best[p.kind][1] == line.id
        )
        for line in lines
    }


def _listed(found: tuple[Part, ...] | Nothing | Gap) -> tuple[Part, ...]:
    return () if isinstance(found, Nothing | Gap) else found


def _earlier(
    merit: Merit,
    lines: Sequence[CaseLine],
    parts: Mapping[str, tuple[Part, ...] | Nothing | Gap],
    line: CaseLine,
    month: int,
) -> tuple[tuple[tuple[str, int], ...], ...]:
    """Return what the same rows gave under earlier states of the law, newest first."""
    out = []
    for day in reversed(merit.rates.force_days()):
        if day > merit.law_on:
            continue
        before = date.fromordinal(day.toordinal() - 1)
        chosen = _capped(merit, lines, parts, month, before)[line.id]
        rates = [(p, merit.rates.rate(p.code, month, before)) for p in chosen]
        sums = tuple((p.code, (r.amount_vnd or 0) * p.times) for p, r in rates if r is not None)
        if sums and len(sums) == len(chosen) and sums not in out:
            out.append(sums)
    return tuple(out)


def _priced(merit: Merit, line: CaseLine, part: Part, month: int, law_on: date) -> Item | None:
    rate = merit.rates.rate(part.code, month, law_on)
    if rate is None or rate.amount_vnd is None:
        return None
    amount, confidence, paper = confirmed(merit, rate)
    times, base = rate.multiple or Fraction(0), rate.base_vnd or 0
    if times > 1 and times.denominator == 1 and times * base == amount:
        text = f"{times} × {figure(base)}"
    else:
        text = figure(amount) if part.times == 1 else f"{part.times} × {figure(amount)}"
    receiver = merit.people.payee(line)
    if part.kind == "carer":
        receiver = line.facts_at(month).get("cared_by", receiver)
    item = Item(
        case=line.id,
        holder=line.holder.id,
        payee=receiver,
        amount_vnd=amount * part.times,
        rate_code=rate.code,
        arithmetic=text,
        citation=f"{rate.citation}{paper}",
        confidence=confidence,
        title_vi=f"{rate.title_vi}{_percent(line, rate, month)}",
        title_en=f"{rate.title_en}{_percent(line, rate, month)}",
        tag=line.tag(month),
    )
    return held_if_unsure(item, rate.uncertainty_vnd * part.times)


def _percent(line: CaseLine, rate: MeritRate, month: int) -> str:
    """Say the injury where the row is one of a table by per cent."""
    if rate.pct_from is None or rate.kind != "allowance":
        return ""
    return f", {line.facts_at(month)['injury_pct']} %"


def confirmed(merit: Merit, rate: MeritRate) -> tuple[int, str, str]:
    """Return amount, confidence and citation suffix, after the documents recorded."""
    names = (rate.code, rate.version, *(n for n in merit.documents if n in rate.citation))
    paper = next((merit.documents[n] for n in names if n in merit.documents), None)
    amount = rate.amount_vnd or 0
    if paper is None:
        return amount, rate.confidence, ""
    if paper.amount_vnd is not None and paper.confirms == rate.code:
        amount = paper.amount_vnd
    return amount, "seen", f"; văn bản xác nhận: {paper.number or paper.confirms}"


def held_if_unsure(item: Item, uncertainty_vnd: int) -> Item:
    """Hold what is less sure than a reading of a text that was seen."""
    if CONFIDENCES.index(item.confidence) <= CONFIDENCES.index("inference"):
        return item
    point = open_point("unconfirmed_rate")
    if not uncertainty_vnd:
        return replace(item, why_vi=point.sentence_vi, why_en=point.sentence_en)
    off = figure(uncertainty_vnd)
    return replace(
        item,
        why_vi=f"{point.sentence_vi} (± {off.translate(VIETNAMESE)} đồng)",
        why_en=f"{point.sentence_en} (± {off} VND)",
    )


def once_amount(merit: Merit, line: CaseLine) -> MonthAmount:
    """Return a lump sum: multiple x base of the day, rounded to 1,000 ([4804] Art. 3.2)."""
    day = event_day(merit.people, line)
    month = month_of(day)
    unit, ids, facts = f"CASE/{line.id}", (line.id,), line.facts
    code = line.category.code
    if code == "ONE.WOUND":
        found = _wound(line)
        if found is None:
            told = f"ONE.WOUND {facts['injury_pct']} %"
            said = gap(f"{told}: bảng chỉ có từ 5 đến 20 %", f"{told}: the table is for 5 to 20")
            return MonthAmount(unit, month, ids, not_covered=(said,))
        code = found
    rate = merit.rates.rate(code, month, merit.law_on)
    level = merit.rates.level("NCC_BASE", month, merit.law_on)
    if rate is None or level is None:
        told = f"{code}, {show_month(month)}"
        said = gap(f"{told}: chưa nạp mức của thời gian này", f"{told}: no rate is loaded")
        return MonthAmount(unit, month, ids, not_covered=(said,))
    amount, text, confidence = _lump(line, rate, level)
    item = Item(
        case=line.id,
        holder=line.holder.id,
        payee=merit.people.payee(line),
        amount_vnd=amount,
        rate_code=rate.code,
        arithmetic=text,
        citation=f"{rate.citation}; {level.citation}" if rate.multiple else rate.citation,
        confidence=confidence,
        title_vi=rate.title_vi,
        title_en=rate.title_en,
    )
    return MonthAmount(unit, month, ids, (item,))


def _wound(line: CaseLine) -> str | None:
    pct = line.facts.get("injury_pct")
    if pct is None:
        raise _need(line, "injury_pct", "tỷ lệ tổn thương cơ thể (%)")
    bands = ((5, 10), (11, 15), (16, 20))
    return next((f"ONE.WOUND.{a}_{b}" for a, b in bands if a <= pct <= b), None)


def _lump(line: CaseLine, rate: MeritRate, level: Level) -> tuple[int, str, str]:
    facts = line.facts
    if rate.multiple is None:
        times = facts.get("martyrs", 1)
        amount = rate.amount_vnd or 0
        text = figure(amount) if times == 1 else f"{times} × {figure(amount)}"
        return amount * times, text, rate.confidence
    factors = [rate.multiple]
    if rate.code == "ONE.KC.THAMNIEN":
        if "years" not in facts and "months" not in facts:
            raise _need(line, "years", "số năm, số tháng lẻ tham gia kháng chiến")
        odd = facts.get("months", 0)
        half = Fraction(0) if odd == 0 else Fraction(1, 2) if odd < 6 else Fraction(1)
        factors.append(facts.get("years", 0) + half)
    exact = Fraction(level.amount_vnd)
    for factor in factors:
        exact *= factor
    amount = round_to_thousand(exact)
    times = facts.get("times", 1)
    text = " × ".join([*(decimal_text(f) for f in factors), figure(level.amount_vnd)])
    if exact != amount:
        text = f"{text} ≈ {figure(amount)}"
    if times != 1:
        text = f"{times} × ({text})" if "≈" in text else f"{times} × {text}"
    return amount * times, text, least_sure((rate.confidence, level.confidence))


def round_to_thousand(amount: Fraction) -> int:
    """Round to the nearest 1,000 dong, a half upward ([4804] Art. 3.2)."""
    return int((amount / 1000 + Fraction(1, 2)).__floor__()) * 1000


def death_lump_amount(merit: Merit, line: CaseLine) -> MonthAmount:
    """Return three months of allowance and supplements, without the carer's ([131] Art. 121.2)."""
    day = event_day(merit.people, line)
    month = month_of(day)
    unit, ids = f"CASE/{line.id}", (line.id,)
    rate = merit.rates.rate("DEATH.LUMP3", month, merit.law_on)
    own = [i for i in _own_items(merit, line.holder.id, month) if i is not None]
    if rate is None or not own:
        who = line.holder.id
        said = gap(
            f"DEATH.LUMP3: {who} không có trợ cấp hằng tháng trong tháng đó",
            f"DEATH.LUMP3: no monthly allowance of {who} in that month",
        )
        return MonthAmount(unit, month, ids, not_covered=(said,))
    text = " + ".join(i.arithmetic for i in own)
    unsure = [i for i in own if i.why_vi]
    item = Item(
        case=line.id,
        holder=line.holder.id,
        payee=line.case.payee or merit.people.payee(line),
        amount_vnd=3 * sum(i.amount_vnd for i in own),
        rate_code=rate.code,
        arithmetic=f"3 × ({text})" if len(own) > 1 or "×" in text else f"3 × {text}",
        citation=f"{rate.citation}; {own[0].citation}",
        confidence=least_sure([rate.confidence, *(i.confidence for i in own)]),
        title_vi=rate.title_vi,
        title_en=rate.title_en,
        why_vi=unsure[0].why_vi if unsure else "",
        why_en=unsure[0].why_en if unsure else "",
    )
    if unsure:
        return MonthAmount(unit, month, ids, (), (item,))
    return MonthAmount(unit, month, ids, (item,))


def _own_items(merit: Merit, person: str, month: int) -> Iterator[Item | None]:
    lines = merit.of(person)
    parts = _all_parts(merit, lines, month)
    chosen = _capped(merit, lines, parts, month, merit.law_on)
    for line in lines:
        if line.category.code == "EDU":
            continue
        for part in chosen[line.id]:
            if part.kind != "carer":
                yield _priced(merit, line, part, month, merit.law_on)


def funeral_item(merit: Merit, line: CaseLine, day: date) -> Item | None:
    """Return ten times the base salary ([75] Art. 13.1): held until a document confirms it."""
    month = month_of(day)
    rate = merit.rates.rate("FUNERAL.NCC", month, merit.law_on)
    level = merit.rates.level("BASE_SALARY", month, merit.law_on)
    if rate is None or level is None or rate.multiple is None:
        return None
    _, confidence, paper = confirmed(merit, rate)
    if confidence == "seen":
        level = replace(level, confidence="seen")
    item = Item(
        case=line.id,
        holder=line.holder.id,
        payee=line.case.payee or "",
        amount_vnd=int(rate.multiple * level.amount_vnd),
        rate_code=rate.code,
        arithmetic=f"{rate.multiple} × {figure(level.amount_vnd)}",
        citation=f"{rate.citation}; {level.citation}{paper}",
        confidence=least_sure((confidence, level.confidence)),
        title_vi=rate.title_vi,
        title_en=rate.title_en,
    )
    return held_if_unsure(item, 0)
