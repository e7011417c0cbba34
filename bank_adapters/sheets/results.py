"""Reading a rail's result list under its profile: whole, checked, or refused with the line.

Columns are found by their headers, never by position; an unknown header stops the import. A word
that the profile does not know is no verdict: the list is refused.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from bank_adapters.contract import ParsedAnswer, Source, StatusItem
from bank_adapters.refusals import END_TO_END, REFERENCE
from bank_adapters.sheets.profile import SheetProfile
from bank_adapters.sheets.reading import Row, Shape, table
from bank_adapters.sheets.result_profile import IDS, Means, ResultProfile, folded
from bank_adapters.sheets.values import a_day, whole_dong
from bank_adapters.spool import Spool
from bank_adapters.xmlsource import opened, refuse

_HEADER_WITHIN = 30
_ASK = "Hãy xin nơi chi trả gửi lại danh sách đúng mẫu."


def parse_result(profile: SheetProfile, source: Source) -> ParsedAnswer:
    """Read a result list. `items` are StatusItem at the level of the payment. RefusedFile."""
    result = profile.result
    if result is None:
        refuse(
            "no_result_format", f"bộ tham số {profile.key} không mô tả tệp kết quả nào",
            f"profile {profile.key} describes no result", do="Hãy chọn đúng nơi chi trả.",
        )  # fmt: skip
    with table(source, Shape(result.form, result.delimiter, result.encoding)) as rows:
        reader = _Reader(result, rows)
        reader.run()
    digest = hashlib.sha256()
    with opened(source) as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    own_id = f"S{digest.hexdigest()[:34].upper()}"
    return ParsedAnswer(
        "sheet", profile.key, own_id, "", reader.message_id or None, (),
        reader.spool.view(_item),
    )  # fmt: skip


def _item(row: tuple[Any, ...]) -> StatusItem:
    message, e2e, status, reason, text, amount, line, day = row
    return StatusItem(
        "transaction", message, None, e2e, None, status, reason, text, amount, line=line,
        occurred_on=date.fromisoformat(day) if day else None,
    )  # fmt: skip


class _Reader:
    def __init__(self, result: ResultProfile, rows: Iterator[Row]) -> None:
        self._result, self._rows = result, rows
        self._at: dict[Means, int] = {}
        self._width = 0
        self.message_id = ""
        self.spool: Spool[StatusItem] = Spool()
        self._seen: set[str] = set()
        self._total = 0
        self._last: int | None = None
        """Line of the total, after which no payment may stand."""

    def run(self) -> None:
        """Read everything. Raises RefusedFile."""
        self._header()
        count = 0
        for line, cells in self._rows:
            if self._is_total(line, cells):
                continue
            if self._last is not None:
                refuse("after_total", "còn dòng sau dòng tổng cộng", "rows after the total",
                       line=line, do=_ASK)  # fmt: skip
            self._row(line, cells)
            count += 1
        if not count:
            refuse("no_rows", "danh sách không có dòng nào", "no row at all", do=_ASK)

    def _header(self) -> None:
        known = {h: c.means for c in self._result.columns for h in c.headers}
        wanted = {c.means for c in self._result.columns if c.required}
        for seen, (line, cells) in enumerate(self._rows):
            if seen == _HEADER_WITHIN:
                break
            self._message(cells)
            keys = [folded(c) for c in cells]
            means = [known.get(k) for k in keys]
            if len(wanted & set(means)) < max(2, len(wanted) - 1):
                continue
            self._columns(line, keys, means, wanted)
            return
        refuse("no_header", "không tìm thấy dòng tiêu đề của mẫu", "no header line", do=_ASK)

    def _columns(
        self, line: int, keys: Sequence[str], means: Sequence[Means | None], wanted: set[Means]
    ) -> None:
        for key, mean in zip(keys, means, strict=True):
            if key and mean is None:
                refuse("unknown_column", f"mẫu không có cột “{key[:40]}”", "an unknown column",
                       line=line, do=_ASK)  # fmt: skip
        doubled = [k for k, n in Counter(k for k in keys if k).items() if n > 1]
        doubled += [m for m, n in Counter(m for m in means if m and m != "other").items() if n > 1]
        missing = wanted - set(means)
        if doubled or missing:
            refuse(
                "columns",
                f"cột thiếu: {', '.join(sorted(missing)) or 'không'}; cột trùng: "
                f"{', '.join(doubled) or 'không'}",
                "columns missing or doubled", line=line, do=_ASK,
            )  # fmt: skip
        self._at = {mean: at for at, mean in enumerate(means) if mean and mean != "other"}
        self._width = len(keys)

    def _message(self, cells: Sequence[str]) -> None:
        pattern = self._result.message_line
        for cell in cells:
            match = pattern.fullmatch(cell.strip()) if pattern else None
            if match and self.message_id not in ("", match["message_id"]):
                refuse("mixed_files", "danh sách trả lời cho hai tệp", "two message ids", do=_ASK)
            if match:
                self.message_id = match["message_id"]

    def _is_total(self, line: int, cells: Sequence[str]) -> bool:
        label = self._result.total_label
        first = next((folded(c) for c in cells if c.strip()), "")
        if not label or first != label:
            return False
        if whole_dong(self._get(cells, "amount")) != self._total or self._last is not None:
            refuse(
                "totals_differ", f"dòng tổng cộng khác tổng các dòng, {self._total} đồng",
                "the total is not the sum of the rows", line=line, do=_ASK,
            )  # fmt: skip
        self._last = line
        return True

    def _get(self, cells: Sequence[str], means: Means) -> str:
        at = self._at.get(means)
        return "" if at is None or at >= len(cells) else cells[at]

    def _row(self, line: int, cells: Sequence[str]) -> None:
        if any(c.strip() for c in cells[self._width :]):
            refuse("extra_cells", "dòng có ô ngoài các cột", "cells beyond the header", line=line,
                   do=_ASK)  # fmt: skip
        e2e = self._id(line, cells)
        amount = whole_dong(self._get(cells, "amount"))
        if amount is None:
            refuse("amount", "số tiền phải là số đồng nguyên", "not a whole amount", line=line,
                   do=_ASK)  # fmt: skip
        self._total += amount
        result = self._result
        word = folded(self._get(cells, "status"))
        if word not in result.statuses:
            refuse("unknown_status", "chữ ở cột kết quả không có trong mẫu", "an unknown status",
                   line=line, do=_ASK)  # fmt: skip
        status = result.statuses[word]
        day_text = self._get(cells, "day")
        day = a_day(day_text) if day_text.strip() else None
        if (day_text.strip() and day is None) or (status in result.days_for and day is None):
            refuse("day", "ngày thiếu hoặc không đọc được", "a day that is missing or unreadable",
                   line=line, do=_ASK)  # fmt: skip
        if not status:
            return
        reason = self._get(cells, "reason").strip()
        note = self._get(cells, "note")
        known = result.reasons.get(folded(reason)) or result.reasons.get(folded(note))
        code = known or reason[:35] or None
        words = " ".join(f"{reason} {note}".split())[:500]
        self.spool.append(
            (self.message_id, e2e, status, code, words, amount, line,
             day.isoformat() if day else None)
        )  # fmt: skip

    def _id(self, line: int, cells: Sequence[str]) -> str:
        means = next(m for m in IDS if m in self._at)
        value = self._get(cells, means).strip()
        if means == "text":
            value = value.partition(" ")[0]
        form = END_TO_END if means == "end_to_end_id" else REFERENCE
        if not form.fullmatch(value):
            refuse("id", "mã khoản chi không đúng dạng", "not an id of ours", line=line, do=_ASK)
        if value in self._seen:
            refuse("doubled", "một khoản chi có hai dòng", "one payment, two rows", line=line,
                   do=_ASK)  # fmt: skip
        self._seen.add(value)
        return value
