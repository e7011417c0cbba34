"""An explanation for people: lines of text for a terminal, and one page of HTML to print.

The page is whole in itself (no script, nothing fetched) and escapes every value.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from disbursement.documents.words import printable
from disbursement.entitlements.amounts import VIETNAMESE, figure
from disbursement.entitlements.dossier import Dossier
from disbursement.entitlements.explain import Explanation
from disbursement.platform.clock import show_month

_WORDS = {
    "title": ("Giải thích số tiền", "Explanation of amounts"),
    "due": ("Được hưởng", "Due"),
    "recover": ("Cần thu hồi (chờ quyết định)", "To be recovered (waits for a decision)"),
    "held": ("Giữ lại", "Held"),
    "known_on": ("Theo quy định có hiệu lực đến ngày", "By the law in force on"),
    "run": ("Kỳ chi trả", "Pay month"),
    "amount": ("Số tiền (đồng)", "Amount (VND)"),
    "why": ("Vì sao", "Why"),
    "article": ("Căn cứ", "Article"),
    "not_covered": ("Không thuộc phạm vi tính", "Not covered"),
    "holder": ("Người hưởng", "Holder"),
    "currency": ("đồng", "VND"),
    "sign": ("Cán bộ giải thích", "Explained by"),
    "nothing": ("Không có khoản nào.", "Nothing."),
}


def _figure(amount: int, *, english: bool) -> str:
    return figure(amount) if english else figure(amount).translate(VIETNAMESE)


def _words(*, english: bool) -> dict[str, str]:
    return {k: v[1 if english else 0] for k, v in _WORDS.items()}


def text(dossier: Dossier, answer: Explanation, *, english: bool) -> str:
    """Return the explanation as lines of text, the totals first."""
    words = _words(english=english)
    out = [dossier.title] if dossier.title else []
    for state, total in _totals(answer):
        if total or state == "due":
            out.append(f"{words[state]}: {_figure(total, english=english)} {words['currency']}")
    for line in answer.lines:
        sentence = line["text_en"] if english else line["text_vi"]
        amount = _figure(line["amount_vnd"], english=english)
        out.append(f"  {amount:>13}  {sentence}")
        out.append(f"{'':>17}{line['citation']}")
    out += list(answer.not_covered)
    return "".join(f"{printable(row)}\n" for row in out)


def _totals(answer: Explanation) -> tuple[tuple[str, int], ...]:
    return (
        ("due", answer.total_vnd),
        ("recover", answer.recover_vnd),
        ("held", answer.held_vnd),
    )


@cache
def _env() -> Environment:
    return Environment(
        loader=PackageLoader("disbursement.documents", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(dossier: Dossier, answer: Explanation, *, english: bool) -> str:
    """Return the explanation as one page of HTML that prints on A4."""
    words = _words(english=english)
    names = {p.id: p.name or p.id for p in dossier.people}
    rows: list[dict[str, Any]] = [
        {
            "amount": _figure(line["amount_vnd"], english=english),
            "state": line["state"],
            "holder": printable(names[line["holder"]]),
            "text": printable(line["text_en"] if english else line["text_vi"]),
            "citation": printable(line["citation"]),
        }
        for line in answer.lines
    ]
    totals = [
        (state, f"{_figure(total, english=english)} {words['currency']}")
        for state, total in _totals(answer)
        if total or state == "due"
    ]
    return (
        _env()
        .get_template("explained.html")
        .render(
            words=words,
            lang="en" if english else "vi",
            title=printable(dossier.title),
            known_on=answer.known_on.strftime("%d/%m/%Y"),
            run_month=show_month(answer.run_month),
            totals=totals,
            rows=rows,
            not_covered=[printable(n) for n in answer.not_covered],
        )
    )
