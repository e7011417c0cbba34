"""What a result list looks like: its columns by header names, and what its words mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from bank_adapters.codes import status_meaning
from bank_adapters.profiles.values import one_of, yes_no

Means = Literal[
    "end_to_end_id", "reference", "text", "amount", "account", "name", "status", "reason", "note",
    "day", "other",
]  # fmt: skip
"""What a column of a result says. `text`: the remittance text, which starts with the reference;
`note`: the rail's own words about a reason; `other`: known and not read."""
IDS: tuple[Means, ...] = ("end_to_end_id", "reference", "text")
_FIELDS = ("form", "delimiter", "encoding", "columns", "statuses", "reasons", "total_label",
           "message_line", "days_for")  # fmt: skip


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column by what it means; `headers` are folded (see `folded`)."""

    means: Means
    headers: tuple[str, ...]
    required: bool


@dataclass(frozen=True, slots=True)
class ResultProfile:
    """One result list. `statuses` and `reasons` are keyed by folded words.

    A status of '' says nothing yet: the row is read, checked and left alone. `message_line` is a
    pattern with the group `message_id` for a cell above the header, None where there is none.
    `days_for`: statuses that need a day.
    """

    form: Literal["xlsx", "csv"]
    delimiter: str
    encoding: str
    columns: tuple[ResultColumn, ...]
    statuses: Mapping[str, str]
    reasons: Mapping[str, str]
    total_label: str
    message_line: re.Pattern[str] | None
    days_for: tuple[str, ...]


def folded(value: str) -> str:
    """Return a header or word as it is compared: case and spaces do not matter, marks do."""
    return " ".join(value.split()).casefold()


def read_result(data: Any) -> ResultProfile:
    """Build it from a profile's data. Raises ValueError or TypeError in Vietnamese."""
    if not isinstance(data, dict):
        raise TypeError("phải là các cặp tên: giá trị, hoặc để trống")
    for unknown in sorted(set(data) - set(_FIELDS), key=str):
        raise ValueError(f"không có tham số {unknown}")
    for name in _FIELDS:
        if name not in data:
            raise ValueError(f"còn thiếu {name}")
    columns = _columns(data["columns"])
    form = one_of("xlsx", "csv")(data["form"])
    delimiter = data["delimiter"]
    if not isinstance(delimiter, str) or (len(delimiter) == 1) != (form == "csv"):
        raise ValueError("delimiter phải là một ký tự, với form: csv")
    days_for = data["days_for"]
    if not isinstance(days_for, list) or not all(isinstance(d, str) for d in days_for):
        raise TypeError("days_for phải là danh sách trạng thái, có thể trống []")
    if days_for and not any(c.means == "day" for c in columns):
        raise ValueError("days_for cần cột day")
    statuses = _words(data["statuses"], "statuses")
    for word, code in statuses.items():
        if code and not status_meaning("transaction", code).known:
            raise ValueError(f"trạng thái {code} của “{word}” không có trong bảng mã")
    return ResultProfile(
        cast("Literal['xlsx', 'csv']", form), delimiter,
        one_of("utf-8", "utf-8-sig")(data["encoding"]), columns, statuses,
        _words(data["reasons"], "reasons"), folded(str(data["total_label"] or "")),
        _pattern(data["message_line"]), tuple(days_for),
    )  # fmt: skip


def _columns(data: Any) -> tuple[ResultColumn, ...]:
    if not isinstance(data, list) or not data:
        raise TypeError("columns phải là danh sách cột")
    made: list[ResultColumn] = []
    seen: set[str] = set()
    for one in data:
        if not isinstance(one, dict) or set(one) != {"means", "headers", "required"}:
            raise ValueError("mỗi cột gồm đúng means, headers, required")
        if one["means"] not in get_args(Means):
            raise ValueError(f"means phải là một trong: {', '.join(get_args(Means))}")
        headers = one["headers"]
        if not isinstance(headers, list) or not headers:
            raise TypeError("headers phải là danh sách, ít nhất một tên")
        keys = tuple(folded(str(h)) for h in headers)
        if seen & set(keys) or not all(keys):
            raise ValueError(f"tên cột trùng hoặc trống: {', '.join(map(str, headers))}")
        seen |= set(keys)
        made.append(ResultColumn(cast("Means", one["means"]), keys, yes_no(one["required"])))
    means = [c.means for c in made if c.means != "other"]
    if len(means) != len(set(means)):
        raise ValueError("mỗi ý nghĩa chỉ có một cột")
    required = {c.means for c in made if c.required}
    if not required & set(IDS) or not {"amount", "status"} <= required:
        raise ValueError("phải có cột bắt buộc: mã khoản chi, amount và status")
    return tuple(made)


def _words(data: Any, name: str) -> dict[str, str]:
    if not isinstance(data, dict) or not all(
        isinstance(k, str) and isinstance(v, str) for k, v in data.items()
    ):
        raise TypeError(f"{name} phải là các cặp chữ: mã")
    return {folded(k): v for k, v in data.items()}


def _pattern(data: Any) -> re.Pattern[str] | None:
    if data is None:
        return None
    if not isinstance(data, str) or data.count("{message_id}") != 1:
        raise ValueError("message_line phải có đúng một {message_id}")
    before, after = data.split("{message_id}")
    return re.compile(f"{re.escape(before)}(?P<message_id>[A-Za-z0-9-]{{1,35}}){re.escape(after)}")
