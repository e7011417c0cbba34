"""Aligned tables on a terminal: names to the left, amounts to the right, wide letters counted."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence

import typer


def show(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    total: Sequence[str] | None = None,
    left: Collection[int] = (0,),
) -> None:
    """Print rows under their header; columns not in `left` are amounts and stand to the right."""
    for line in lines(head, rows, total=total, left=left):
        typer.echo(line)


def lines(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    total: Sequence[str] | None = None,
    left: Collection[int] = (0,),
) -> list[str]:
    """Return the lines of a table: header, rule, rows, and the total under a rule of its own."""
    last = [total] if total is not None else []
    widths = [max(_width(r[n]) for r in (head, *rows, *last)) for n in range(len(head))]

    def line(row: Sequence[str]) -> str:
        cells = [_pad(c, widths[n], right=n not in left) for n, c in enumerate(row)]
        return "  ".join(cells).rstrip()

    rule = "  ".join("-" * w for w in widths)
    body = [line(r) for r in rows]
    return [line(head), rule, *body, *([rule, line(total)] if total is not None else [])]


def _width(text: str) -> int:
    """Count letters, not the combining marks above and below them."""
    return sum(not unicodedata.combining(c) for c in text)


def _pad(text: str, width: int, *, right: bool) -> str:
    blank = " " * (width - _width(text))
    return blank + text if right else text + blank
