"""The file of orders of a called rail: what officers sign, from which alone calls are made.

JSON Lines, UTF-8, one object a line with its keys in this order: a header, then a line for each
payment, then a foot with count and sum. The same batch gives the same bytes. Amounts are whole
đồng. The requests that leave are made from these lines and stored before they do; what they hold
besides (signatures, ciphertexts) adds nothing that pays anybody.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from bank_adapters.contract import BatchHeader, PaymentRow, RefusedBatch, RefusedFile, Rendered

FORMAT = "disburse.orders/1"
_MISSING = "Không gửi tệp này; hãy lập lại lô."


def render(header: BatchHeader, rows: Iterable[PaymentRow], out: BinaryIO) -> Rendered:
    """Write the orders; return digest, count and sum. RefusedBatch where they do not add up."""
    digest, size, count, total = hashlib.sha256(), 0, 0, 0

    def put(value: dict[str, Any]) -> None:
        nonlocal size
        line = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        digest.update(line)
        out.write(line)
        size += len(line)

    put({"format": FORMAT, **asdict(header), "execution_date": header.execution_date.isoformat()})
    for row in rows:
        count, total = count + 1, total + row.amount_vnd
        put(asdict(row))
    put({"count": count, "total_vnd": total})
    if (count, total) != (header.count, header.total_vnd):
        raise RefusedBatch(
            "totals_differ",
            f"Lô ghi {header.count} lệnh, {header.total_vnd} đồng nhưng các dòng cộng lại là "
            f"{count} lệnh, {total} đồng.",
            en="the rows do not add up to the header",
        )
    return Rendered(digest.hexdigest(), count, total, size)


def read_header(path: Path) -> BatchHeader:
    """Return the header of a file of orders. RefusedFile where it is none."""
    with path.open("rb") as stream:
        return _header(stream.readline())


def read_rows(path: Path) -> Iterator[PaymentRow]:
    """Return the orders in order; RefusedFile where the file is cut or does not add up."""
    count = total = 0
    with path.open("rb") as stream:
        _header(stream.readline())
        for n, line in enumerate(stream, 2):
            value = _object(line, n)
            if "end_to_end_id" not in value:
                if value != {"count": count, "total_vnd": total} or stream.readline():
                    raise _refused(n, "phần cuối không khớp các dòng")
                return
            row = PaymentRow(**value)
            count, total = count + 1, total + row.amount_vnd
            yield row
    raise _refused(count + 2, "tệp bị cắt, thiếu dòng tổng")


def _header(line: bytes) -> BatchHeader:
    value = _object(line, 1)
    if value.pop("format", None) != FORMAT:
        raise _refused(1, "không phải tệp lệnh chi của kênh gọi")
    value["execution_date"] = date.fromisoformat(value["execution_date"])
    return BatchHeader(**value)


def _object(line: bytes, n: int) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, UnicodeDecodeError):
        raise _refused(n, "không đọc được dòng này") from None
    if not isinstance(value, dict):
        raise _refused(n, "không đọc được dòng này")
    return value


def _refused(line: int, what: str) -> RefusedFile:
    return RefusedFile("orders_file", what, _MISSING, line=line, en="not a whole file of orders")
