"""The one way to a PDF: a typst template from this package, figures as JSON beside it.

Figures reach the template as values, never as markup: a name like `#panic()` or `*x*` prints
literally (typst does not evaluate strings). Only the fonts inside the typst package are used
(Libertinus Serif, which has every Vietnamese letter): a paper looks the same on every machine.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from threading import Lock
from typing import Any, Literal

import typst

from disbursement.documents.words import instant, printable

SMALL_ROWS = 300
"""Up to here a paper is tagged for screen readers; above, tags would double memory and size."""
_MEMO_AGE = 12  # typst keeps what it laid out for ten compilations; this many make it forget
_lock = Lock()


@cache
def _compiler() -> typst.Compiler:
    """One compiler: finding the fonts takes longer than setting a page (20 ms against 1 ms)."""
    return typst.Compiler(b"", ignore_system_fonts=True)


@cache
def _template(name: str) -> bytes:
    folder = resources.files("disbursement.documents.templates")
    return folder.joinpath(f"{name}.typ").read_bytes()


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _clean(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(part) for part in value]
    return value


def compile_pdf(template: str, data: dict[str, Any], made_at: str, *, rows: int = 0) -> bytes:
    """Set a paper: `template` names a .typ file, `made_at` (ISO, UTC) is the creation date.

    The same arguments give the same bytes. `rows` is the length of the longest table: typst
    needs about 85 kB of memory a row, given back before the next paper.
    """
    paper: bytes = _compile(template, data, made_at, rows=rows, form="pdf")
    return paper


def compile_png(template: str, data: dict[str, Any], made_at: str) -> list[bytes]:
    """Set the same paper as pictures, one per page, to be looked at."""
    pages: Any = _compile(template, data, made_at, rows=0, form="png")
    return pages if isinstance(pages, list) else [pages]


def _compile(
    template: str, data: dict[str, Any], made_at: str, *, rows: int, form: Literal["pdf", "png"]
) -> Any:
    files: Any = {  # the published types know no dict of files; the compiler does
        "main.typ": _template(template),
        "base.typ": _template("base"),
        "data.json": json.dumps(_clean(data), ensure_ascii=False).encode(),
    }
    with _lock:  # one compiler, one paper at a time
        out = _compiler().compile(
            input=files,
            format=form,
            ppi=80,
            timestamp=int(instant(made_at).timestamp()),
            pdf_tags=rows <= SMALL_ROWS,
        )
        if rows > SMALL_ROWS:
            _forget()
    return out


def _forget() -> None:
    """Set empty pages until typst's own memory of the long paper is given back."""
    for n in range(_MEMO_AGE):
        _compiler().compile(input=b"#%d" % n)
