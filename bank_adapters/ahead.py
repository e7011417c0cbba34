"""Reading ahead: while one answer is booked, a process of its own reads those that come after it.

Reading a file needs no database and booking it no XML, so the two share the work of a folder of
answers. Nothing changes in what is read or in which order it is used; a file that the other process
has not begun is read here, and one that it could not read because it died is read here as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from bank_adapters.contract import ParsedAnswer

Parse = Callable[[Path], ParsedAnswer]
"""Reads a kept file whole, or raises RefusedFile; importable by name, so that it can be sent."""
Read = Callable[[], ParsedAnswer]
"""Returns one file's answer, or raises what its reading raised."""

WORTHWHILE = 2 << 20
"""Bytes to read from which a second process pays for its start."""
_AHEAD = 3
_OWN = 2
"""Files read here while the other process starts."""


def read_ahead(parse: Parse, paths: Sequence[Path]) -> Generator[Read, None, None]:
    """Yield what reads each file, in the order of `paths`; at most `_AHEAD` files are held read.

    The iterator must be used up or closed: it ends the process.
    """
    if len(paths) <= _OWN or sum(path.stat().st_size for path in paths) < WORTHWHILE:
        yield from (partial(parse, path) for path in paths)
        return
    pool = ProcessPoolExecutor(1, get_context("spawn"))
    begun: deque[Future[ParsedAnswer] | None] = deque([None] * _OWN)
    rest = iter(paths[_OWN:])
    try:
        for path in paths:
            while len(begun) <= _AHEAD and (later := next(rest, None)) is not None:
                begun.append(_begin(pool, parse, later))
            yield partial(_read, begun.popleft(), parse, path)
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(pool: ProcessPoolExecutor, parse: Parse, path: Path) -> Future[ParsedAnswer] | None:
    try:
        return pool.submit(parse, path)
    except BrokenExecutor:
        return None


def _read(future: Future[ParsedAnswer] | None, parse: Parse, path: Path) -> ParsedAnswer:
    if future is None or future.cancel():  # not begun there
        return parse(path)
    try:
        return future.result()
    except BrokenExecutor:
        return parse(path)
