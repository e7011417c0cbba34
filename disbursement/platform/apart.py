"""Work in a process of its own: it takes its memory with it, and does not count as ours."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Apart:
    """One process that does what it is asked, one thing after the other, and keeps its state."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, get_context("spawn"))

    def __enter__(self) -> Self:
        """Begin; the process starts with its first work."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the process."""
        self._pool.shutdown(cancel_futures=True)

    def do(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do it there and wait; what it raises is raised here."""
        return self.begin(work, *args, **kwargs).result()

    def begin(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Let it be done there once what was asked before is done, without waiting."""
        return self._pool.submit(work, *args, **kwargs)
