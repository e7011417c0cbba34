"""A list that does not grow in memory: rows packed in small blocks, on disk beyond a few MB.

Answers must be read whole and checked before anything of them counts, and a file may hold 100,000
entries. So rows are packed while the file is checked, and unpacked when they are used. The disk
file has no name and is private to the process; it vanishes with it.
"""

from __future__ import annotations

import marshal
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Other = TypeVar("Other")
_BLOCK = 256
_MEMORY = 4 << 20


class Spool(Generic[T]):
    """Rows of plain values (str, int, bool, None, tuples of them), read any number of times."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # noqa: SIM115 - lives as long as we do
        self._sizes: list[int] = []
        self._block: list[tuple[Any, ...]] = []
        self._count = 0

    def append(self, row: tuple[Any, ...]) -> None:
        """Add one row."""
        self._count += 1
        block = self._block
        block.append(row)
        if len(block) == _BLOCK:
            self._pack()

    def extend(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows that are at hand together: about as many as a block holds, at most."""
        self._count += len(rows)
        self._block += rows
        if len(self._block) >= _BLOCK:
            self._pack()

    def __len__(self) -> int:
        return self._count

    def __getstate__(self) -> tuple[bytes, list[int], list[tuple[Any, ...]], int]:
        """Return what a spool in another process is made of: the packed rows, as they are."""
        self._file.seek(0)
        return self._file.read(), self._sizes, self._block, self._count

    def __setstate__(self, state: tuple[bytes, list[int], list[tuple[Any, ...]], int]) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # noqa: SIM115 - as above
        packed, self._sizes, self._block, self._count = state
        self._file.write(packed)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Walk the rows in the order they were added."""
        offset = 0
        for size in self._sizes:
            # Another walk may have moved the file: every block is sought again.
            self._file.seek(offset)
            yield from marshal.loads(zlib.decompress(self._file.read(size)))  # noqa: S302 - our own bytes
            offset += size
        yield from self._block

    def view(self, make: Callable[[tuple[Any, ...]], T]) -> View[T]:
        """Return the rows as objects made one at a time."""
        return View(self, make)

    def _pack(self) -> None:
        packed = zlib.compress(marshal.dumps(self._block), 1)
        self._file.seek(0, 2)
        self._file.write(packed)
        self._sizes.append(len(packed))
        self._block = []

    def __del__(self) -> None:
        self._file.close()


class View(Generic[T]):
    """What a spool holds, as objects; sized, and re-iterable."""

    def __init__(self, spool: Spool[Any], make: Callable[[tuple[Any, ...]], T]) -> None:
        self._spool = spool
        self._make = make

    def remade(self, make: Callable[[tuple[Any, ...]], Other]) -> View[Other]:
        """Return the same rows as objects of another kind."""
        return View(self._spool, make)

    def __len__(self) -> int:
        return len(self._spool)

    def __iter__(self) -> Iterator[T]:
        return map(self._make, self._spool.rows())
