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
    "title": ("Giải thích số tiền trợ cấp", "Explanation of amounts"),
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
    "told": ("Người được giải thích", "Explained to"),
    "by_hand": ("(ký, ghi rõ họ tên)", "(signature and name)"),
    "day": ("Ngày ..... tháng ..... năm .........", "Date: ....................."),
    "notes": ("Cách đọc", "How to read"),
    "nothing": ("Không có khoản nào.", "Nothing."),
}


_NOTES = {
    "inference": (
        "theo cách hiểu văn bản: văn bản đã đọc, điều luật không nói riêng trường hợp này",
        "reading of the text: the text was read, no article says this very case",
    ),
    "secondary": (
        "theo nguồn thứ cấp: mức do nguồn khác dẫn lại, chưa đối chiếu với văn bản gốc",
        "secondary source: quoted elsewhere, not compared with the official text",
    ),
    "quoted": (
        "theo trích dẫn điều luật: điều luật đọc qua bản trích, chưa đọc toàn văn",
        "as quoted: the article was read as a quotation, not the whole text",
    ),
}
"""What the marks of confidence on lines say; only those that the page has are printed."""
_HELD_NOTE = (
    "giữ lại: chưa chi cho đến khi có văn bản hoặc quyết định nêu ở dòng đó",
    "held: not paid until the document or decision named in the line",
)


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
    out += _gaps(answer, english=english)
    return "".join(f"{printable(row)}\n" for row in out)


def _gaps(answer: Explanation, *, english: bool) -> list[str]:
    """Return what the law as loaded does not reach, in the language of the page."""
    return [g.text_en if english else g.text_vi for g in answer.not_covered]


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
    totals = [
        (state, f"{_figure(total, english=english)} {words['currency']}")
        for state, total in _totals(answer)
        if total or state == "due"
    ]
    groups = []
    for state, total in _totals(answer):
        rows: list[dict[str, Any]] = [
            {
                "amount": _figure(line["amount_vnd"], english=english),
                "holder": printable(names[line["holder"]]),
                "text": printable(line["text_en"] if english else line["text_vi"]),
                "citation": printable(line["citation"]),
            }
            for line in answer.lines
            if line["state"] == state
        ]
        if rows:
            groups.append((state, words[state], _figure(total, english=english), rows))
    due = [line for line in answer.lines if line["state"] == "due" and line["amount_vnd"]]
    marks = {line["confidence"] for line in due}
    notes = [note[english] for mark, note in _NOTES.items() if mark in marks]
    if answer.held_vnd:
        notes.append(_HELD_NOTE[english])
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
            groups=groups,
            notes=notes,
            # the heading says already that they are not covered
            not_covered=[printable(n.partition(": ")[2]) for n in _gaps(answer, english=english)],
        )
    )
