"""Lines in words: what an officer reads to a citizen, Vietnamese first, and the arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from disbursement.entitlements.amounts import VIETNAMESE, figure
from disbursement.entitlements.differences import Joined
from disbursement.entitlements.dossier import Dossier
from disbursement.platform.clock import show_month
from disbursement.programmes.open_points import open_point

_SURE = {
    "seen": ("", ""),
    "quoted": (" (theo trích dẫn điều luật)", " (as quoted)"),
    "secondary": (" (theo nguồn thứ cấp)", " (secondary source)"),
    "inference": (" (theo cách hiểu văn bản)", " (reading of the text)"),
}
_TAGS = {
    "": ("", ""),
    "uncollected": ("các tháng chưa nhận chuyển sang, ", "uncollected months carried forward, "),
    "resumed": (
        "hưởng lại từ thời điểm tạm dừng, ",
        "resumed from the time of suspension, ",
    ),
}


class Said(NamedTuple):
    """One line in words."""

    arithmetic: str
    text_vi: str
    text_en: str


def arithmetic(joined: Joined) -> str:
    """Return the line's arithmetic in plain figures: `4 × (1.5 × 540,000 − 750,000)`."""
    one, count = joined.item.arithmetic, len(joined.months)
    if count == 1 or joined.amount_vnd == 0:
        return one
    return f"{count} × ({one})" if " − " in one or " + " in one else f"{count} × {one}"


def _span(months: Sequence[int]) -> tuple[str, str]:
    if len(months) == 1:
        return f"Tháng {show_month(months[0])}", show_month(months[0])
    first, last = show_month(months[0]), show_month(months[-1])
    return f"Các tháng {first} đến {last}", f"{first} to {last}"


def texts(
    joined: Joined,
    run_month: int,
    dossier: Dossier,
    notes: Sequence[tuple[str, str]],
    *,
    once: bool,
) -> Said:
    """Return a line's arithmetic and its two sentences; `once`: no month of a monthly right."""
    item, plain = joined.item, arithmetic(joined)
    vi, en = _span(joined.months)
    total = figure(joined.amount_vnd)
    sum_en = plain if plain == total or "≈" in plain else f"{plain} = {total}"
    sum_vi = sum_en.translate(VIETNAMESE)
    sure = _SURE.get(item.confidence, (" (chưa xác nhận)", " (not confirmed)"))
    tag = _TAGS[item.tag]
    late = not once and joined.months[-1] < run_month and joined.kind in ("month", "difference")
    back = ("truy lĩnh, ", "arrears, ") if late else ("", "")
    to = _payee(joined, dossier)
    if joined.kind == "nothing":
        return Said(plain, f"{vi}: 0 đồng, {item.title_vi}", f"{en}: 0 VND, {item.title_en}")
    if joined.state == "recover":
        return Said(
            plain,
            f"{vi}: thu hồi {sum_vi} đồng, {item.title_vi}; chờ quyết định, không tự bù trừ",
            f"{en}: recover {sum_en} VND, {item.title_en}; waits for a decision, never netted",
        )
    if joined.state == "held":
        amount = (f"{sum_vi} đồng", f"{sum_en} VND") if item.known else ("chưa rõ", "unknown")
        return Said(
            plain,
            f"{vi}: {item.title_vi}: giữ lại {amount[0]}. {item.why_vi}",
            f"{en}: {item.title_en}: held {amount[1]}. {item.why_en}",
        )
    more_vi = "".join(f" ({n[0].rstrip('.')})" for n in notes)
    more_en = "".join(f" ({n[1].rstrip('.')})" for n in notes)
    return Said(
        plain,
        f"{vi}: {back[0]}{tag[0]}{item.title_vi}: {sum_vi} đồng{sure[0]}{to[0]}{more_vi}",
        f"{en}: {back[1]}{tag[1]}{item.title_en}: {sum_en} VND{sure[1]}{to[1]}{more_en}",
    )


def _payee(joined: Joined, dossier: Dossier) -> tuple[str, str]:
    item = joined.item
    if item.payee == item.holder:
        return "", ""
    if not item.payee:
        point = open_point("unpaid_month_of_dead")
        return f"; {point.sentence_vi.rstrip('.')}", f"; {point.sentence_en.rstrip('.')}"
    name = dossier.person(item.payee).name or item.payee
    return f"; người nhận: {name}", f"; payee: {name}"
