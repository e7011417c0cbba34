"""Reads one workbook in a process of its own: `python -m … PATH CPU_SECONDS MEMORY_BYTES`.

A hostile or huge workbook can at worst end this process. It prints messages, each a HEAD (length,
number of the first row, how many rows) and JSON: first what the workbook is (no rows), then chunks
of rows [number, cells], at last one of length 0. Cells are text, numbers, true/false; a date cell
becomes ISO text. It never prints anything else.
"""

from __future__ import annotations

import datetime as dt
import resource
import struct
import sys
from typing import Any

import orjson
from python_calamine import CalamineError, CalamineWorkbook, PasswordError

CHUNK_ROWS = 2_000


HEAD = struct.Struct(">III")


def _send(message: Any, first: int = 0, count: int = 0) -> None:
    body = orjson.dumps(message) if message is not None else b""
    sys.stdout.buffer.write(HEAD.pack(len(body), first, count))
    sys.stdout.buffer.write(body)


def _cell(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    if isinstance(value, (dt.date, dt.time, dt.timedelta)):
        return value.isoformat() if isinstance(value, dt.date) else str(value)
    return value


_PLAIN = {str, float, int, bool}


def _rows(sheet: Any) -> None:
    chunk: list[tuple[int, list[Any]]] = []
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if not any(cells):
            continue
        for at, value in enumerate(cells):
            if type(value) not in _PLAIN:
                cells[at] = _cell(value)
        chunk.append((number, cells))
        if len(chunk) == CHUNK_ROWS:
            _send(chunk, chunk[0][0], len(chunk))
            chunk = []
    if chunk:
        _send(chunk, chunk[0][0], len(chunk))


def main(path: str, cpu_seconds: int, memory_bytes: int) -> None:
    """Read and print; every refusal is a message with a code."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with CalamineWorkbook.from_path(path) as book:
            names = book.sheet_names
            if len(names) != 1:
                _send({"sheets": names})
                return
            sheet = book.get_sheet_by_index(0)
            merged = [[list(a), list(b)] for a, b in sheet.merged_cell_ranges or []]
            start = sheet.start or (0, 0)
            _send({"sheets": names, "first_column": start[1], "merged": merged})
            _rows(sheet)
    except PasswordError:
        _send({"error": "password"})
    except MemoryError:
        _send({"error": "memory"})
    except (CalamineError, OSError, ValueError) as error:
        _send({"error": "broken", "detail": type(error).__name__})
    _send(None)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
