"""Validation of one row of a national register's file: pure, with row and column in every error."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from disbursement.beneficiaries.columns import Header
from disbursement.beneficiaries.national.profiles import Profile
from disbursement.beneficiaries.rules import CellReader, Cells, Fault, identity_fault
from disbursement.entitlements.facts import canonical_clause
from disbursement.platform.errors import DisburseError
from disbursement.programmes.communes import communes

MAX_AMOUNT = 1_000_000_000
_OWN = frozenset(
    ("identity", "name", "birth", "sex", "commune", "code", "died_on", "left_on")
)  # fields with a column of their own; the others are facts


@dataclass(frozen=True, slots=True)
class NationalRow:
    """A row of a national register: who, and what that register says; days as ISO text.

    `identity` is '' where the row has none. `active`: alive and still on their list. `facts`: the
    other stored columns, canonical JSON.
    """

    n: int
    identity: str
    name: str
    birth_from: str
    birth_to: str
    sex: str
    commune: str
    code: str
    died_on: str | None
    left_on: str | None
    active: bool
    facts: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused row: its faults, and its number where that much can be read."""

    n: int
    faults: list[Fault]
    identity: str


class NationalReader:
    """Reads the rows of one file; `payers` are the communes it may speak of."""

    def __init__(
        self, profile: Profile, header: Header, *, today: date, province: str,
        payers: Collection[str], only_payer: str | None,
    ) -> None:  # fmt: skip
        self.profile = profile
        self.cells = CellReader(header, today)
        self.province = province
        self.payers = payers
        self.only = only_payer
        self.filled = {c.column.field for c in profile.columns if c.filled}
        self.kinds = {
            c.column.field: c.column.kind
            for c in profile.columns
            if c.stored and c.column.field in header.index
        }

    def read(self, n: int, cells: list[Any]) -> NationalRow | Refused:
        """Return the row, or every fault in it."""
        return _Reading(self, n, cells).row()


class _Reading(Cells):
    """A row being read."""

    __slots__ = ("reader",)

    def __init__(self, reader: NationalReader, n: int, cells: list[Any]) -> None:
        super().__init__(reader.cells, n, cells)
        self.reader = reader

    def row(self) -> NationalRow | Refused:
        has = self.reader.profile.has
        name = self.name("name", need=True) if has("name") else ""
        sex = (self.choice("sex", need=True) or "") if has("sex") else ""
        born = self.birth() if has("birth") else None
        identity = self.identity(born, sex)
        commune = self.commune() if has("commune") else ""
        died = self.past_day("died_on")
        left = self.past_day("left_on")
        code = self.value("code") or ""
        facts = {
            field: value
            for field in self.reader.kinds
            if field not in _OWN and (value := self.value(field)) not in (None, "")
        }
        if self.faults:
            return Refused(self.n, self.faults, identity)
        return NationalRow(
            self.n, identity, name, born[0].isoformat() if born else "",
            born[1].isoformat() if born else "", sex, commune, str(code), _iso(died), _iso(left),
            died is None and left is None and facts.get("status") != "stopped",
            json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
        )  # fmt: skip

    def identity(self, born: tuple[date, date] | None, sex: str) -> str:
        need = "identity" in self.reader.filled
        value = self.text("identity", need=need, longest=20)
        if not value:
            return ""
        if not (value.isascii() and value.isdigit()) or len(value) not in (9, 12):
            self.fail(
                "identity",
                f"phải là số định danh 12 số (CMND: 9 số), ở đây có {len(value)} ký tự; đối chiếu "
                "lại.",
            )
            return ""
        if len(value) == 12 and born is not None and sex:
            fault = identity_fault(value, born, sex)
            if fault is not None:
                self.fail("identity", fault)
        return value

    def commune(self) -> str:
        code = self.text("commune", need=True, longest=20)
        reader = self.reader
        if code and code in reader.payers:
            if reader.only is not None and code != reader.only:
                self.fail("commune", f"xã {code} ngoài phạm vi của tệp (--payer); bỏ dòng này.")
            return code
        found = communes().get(code)
        if found is None and code:
            self.fail("commune", f"không có xã, phường mã '{code[:10]}' trong danh mục năm 2026.")
        elif found is not None and found.province.code != reader.province:
            self.fail("commune", f"{found.full_name} không thuộc tỉnh đang làm việc; bỏ dòng này.")
        elif found is not None:
            self.fail("commune", f"{found.full_name} chưa được lập làm đơn vị chi trả.")
        return code

    def past_day(self, field: str) -> date | None:
        """Return a day that is not after the day of reading."""
        if field not in self.reader.kinds:
            return None
        day = self.day(field, need=field in self.reader.filled)
        if day is not None and day > self.columns.today:
            self.fail(field, "không phải ngày đã qua; ghi ngày thật, dạng dd/mm/yyyy.")
        return day

    def value(self, field: str) -> Any:
        """Return a stored column as its kind says; days as ISO text."""
        kind = self.reader.kinds.get(field)
        need = field in self.reader.filled
        if kind is None:
            return None
        if kind == "date":
            return _iso(self.day(field, need=need))
        if kind == "month":
            return self.month(field, need=need)
        if kind == "choice":
            return self.choice(field, need=need)
        if kind == "whole":
            if need and self.raw(field) == "":
                self.fail(field, "ô trống; ghi vào rồi nhập lại.")
            return self.whole(field, MAX_AMOUNT)
        if field == "clause":
            return self.clause(need=need)
        return self.text(field, need=need)

    def clause(self, *, need: bool) -> str:
        said = self.text("clause", need=need, longest=20)
        if not said:
            return ""
        try:
            return canonical_clause(said)
        except DisburseError as error:
            self.fail("clause", error.sentence[:1].lower() + error.sentence[1:])
            return ""


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
