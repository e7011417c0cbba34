"""The print room of a demo: papers are set in a second process while the office goes on.

Setting some thousand pages is work for a whole core; the officers' own commands (`disburse run
sheet`, `disburse cash roster`) set one paper at a time and need no second process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from typing import Any, Literal

from disbursement.documents.rerating import ReratingDraft
from disbursement.fallback.papers import write_roster
from disbursement.platform.clock import SetClock
from disbursement.platform.context import Context, open_context
from disbursement.platform.errors import DisburseError, OurFaultError
from disbursement.platform.settings import Settings
from disbursement.runs import papers

Kind = Literal["sheet", "roster", "draft"]
Paper = int | ReratingDraft
"""Number of a list or batch; a draft decision as it was read."""


def _draft(ctx: Context, draft: Any) -> object:
    return papers.write_draft(draft, ctx.settings.files / "rerating" / str(draft.month))


WRITERS: dict[Kind, Callable[[Context, Any], object]] = {
    "sheet": papers.write_sheet,
    "roster": write_roster,
    "draft": _draft,
}
_open: list[tuple[Context, SetClock]] = []


def _start(values: dict[str, Any]) -> None:
    """Open the books in the print room's own process."""
    clock = SetClock(date(2026, 1, 1))
    _open.append((open_context(Settings.model_construct(**values), clock=clock), clock))


def _write(kind: Kind, what: Paper, day: date) -> str:
    """Write one paper; return a sentence where it could not be written."""
    ctx, clock = _open[0]
    clock.set(day)
    try:
        WRITERS[kind](ctx, what)
    except DisburseError as error:
        return error.sentence
    return ""


class PrintRoom:
    """Writes papers in a process of its own; `wait` raises OurFaultError for the first failure."""

    def __init__(self, settings: Settings) -> None:
        self._pool = ProcessPoolExecutor(
            1, get_context("spawn"), initializer=_start, initargs=(settings.model_dump(),)
        )
        self._todo: list[Future[str]] = []

    def write(self, kind: Kind, papers_: Sequence[Paper], day: date) -> None:
        """Begin writing papers, and go on."""
        self._todo += [self._pool.submit(_write, kind, p, day) for p in papers_]

    def share(self, ctx: Context, kind: Kind, papers_: Sequence[Paper], day: date) -> None:
        """Write papers here and there, from both ends, and wait until they are all written."""
        there = [(p, self._pool.submit(_write, kind, p, day)) for p in reversed(papers_)]
        self._todo += [future for _, future in there]
        for paper, future in reversed(there):
            if not future.cancel():  # the print room has come this far from its end
                break
            self._todo.remove(future)
            WRITERS[kind](ctx, paper)
        self.wait()

    def wait(self) -> None:
        """Wait for all papers begun so far."""
        todo, self._todo = self._todo, []
        for future in todo:
            if sentence := future.result():
                raise OurFaultError("paper", sentence)

    def close(self) -> None:
        """Wait and end the process."""
        try:
            self.wait()
        finally:
            self._pool.shutdown(cancel_futures=True)
