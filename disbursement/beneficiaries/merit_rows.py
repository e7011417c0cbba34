"""Reading a row of the meritorious programme's file: a category of the law and its facts.

What is read is judged at once by the rules that will pay it (merit_bulk.check): a fact that is
missing, that contradicts another, or that no table covers refuses the row, never a whole list.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from functools import lru_cache
from typing import Any

from disbursement.beneficiaries.columns import plain
from disbursement.beneficiaries.rules import Reading, read_date
from disbursement.entitlements.dossier_error import DossierError
from disbursement.entitlements.dossier_facts import MERITS
from disbursement.entitlements.merit_bulk import (
    LINE,
    MONTHLY,
    MOURNING,
    ONCE,
    MeritCase,
    canonical_json,
    check,
    once_due,
)
from disbursement.platform.clock import month_of
from disbursement.programmes.catalogue import canonical, fixed_categories

MAX_PERCENT = 100
MAX_COUNT = 200
_FLAGS = ("special_severity", "carer_at_home", "lives_alone", "orphan", "full_time")
_COUNTS = {"injury_pct": MAX_PERCENT, "seniority": MAX_COUNT, "martyrs": MAX_COUNT}
_CHOICES = ("award", "student_group", "relation")
_DAYS = ("medical_board_date", "president_date")
_ONCE_COUNTS = {"years": MAX_COUNT, "odd_months": 11, "times": MAX_COUNT}
_NAMES = {"odd_months": "months"}  # a column whose fact has another name
_BY = "|".join(MERITS)
_DEAD = re.compile(
    rf"(?P<name>[^();]{{0,80}}?)\s*\((?P<merits>(?:{_BY})(?:\s*\+\s*(?:{_BY}))*)"
    r"(?:\s+(?P<pct>\d{1,3})\s*%)?(?:\s*,\s*chết\s+(?P<died>[0-9/]{8,10}))?\)"
)


class MeritReading:
    """The part of a row that is about the merit; faults go to the row being read."""

    def __init__(self, row: Reading) -> None:
        self.row = row
        self.dead = ""
        """Whose death and when, as `number/day`, where the row is paid for one."""

    def read(self, decided: tuple[str, str, str], sex: str) -> tuple[str, str, dict[int, int]]:
        """Return (unit, stored facts, months): months only for what is paid once.

        '' as unit where the row is refused; its faults are noted.
        """
        row = self.row
        told = row.text("category", need=True, longest=80)
        code = category_of(told)
        if code is None:
            if told:
                row.fail("category", _unknown(told))
            return "", "", {}
        facts = self.facts(code)
        part = row.text("part", longest=20)
        if part and not re.fullmatch(r"[A-Za-z0-9_]{1,20}", part, re.ASCII):
            row.fail("part", "mã khoản chỉ gồm chữ không dấu, chữ số, gạch dưới.")
        if row.faults or not decided[1]:
            return "", "", {}
        if code in MOURNING:
            return self._mourning(code, part, facts)
        if "dead_identity" in row.values:
            row.fail("dead_identity", f"diện {code} không có mục này; xóa ô.")
        if code in ONCE:
            return self._once(code, part, facts, decided)
        return self._monthly(code, part, facts, decided, sex)

    def facts(self, code: str) -> dict[str, Any]:
        """Read the facts; a filled cell that the category does not know is refused."""
        row = self.row
        out: dict[str, Any] = {}
        present = row.values
        out |= {c: row.flag(c) for c in _FLAGS if c in present}
        counts = {**_COUNTS, **_ONCE_COUNTS}
        out |= {_NAMES.get(c, c): row.whole(c, m) for c, m in counts.items() if c in present}
        out |= {c: row.choice(c) for c in _CHOICES if c in present}
        days = {c: row.day(c) for c in (*_DAYS, "event_date") if c in present}
        for column, day in days.items():
            if day is not None and day > row.reader.today:
                row.fail(column, "ngày ở tương lai; sửa lại.")
        out |= {c: day.isoformat() for c, day in days.items() if day is not None}
        if "deceased" in present and (dead := self._deceased()):
            out["deceased"] = dead
        known = fixed_categories()[code].facts
        for name in sorted(set(out) - set(known)):
            column = next((c for c, fact in _NAMES.items() if fact == name), name)
            row.fail(column, f"diện {code} không có thông tin này; xóa ô hoặc sửa diện hưởng.")
        return out

    def _deceased(self) -> list[dict[str, Any]]:
        """Read `Nguyễn Văn A (LS); Trần Thị B (TB 81 %, chết 03/10/2026)`."""
        out = []
        for piece in self.row.text("deceased", longest=1_000).split(";"):
            match = _DEAD.fullmatch(piece.strip())
            died = read_date(match["died"]) if match and match["died"] else None
            if match is None or (match["died"] and died is None):
                self.row.fail(
                    "deceased",
                    "ghi mỗi người dạng 'Họ tên (LS)' hoặc 'Họ tên (TB 81 %, chết 03/10/2026)', "
                    f"cách nhau bằng dấu chấm phẩy; diện: {_BY.replace('|', ', ')}.",
                )
                return []
            one: dict[str, Any] = {"merits": re.split(r"\s*\+\s*", match["merits"])}
            one |= {"name": match["name"].strip()} if match["name"].strip() else {}
            one |= {"injury_pct": int(match["pct"])} if match["pct"] else {}
            one |= {"died": died.isoformat()} if died else {}
            out.append(one)
        return out

    def _mourning(
        self, code: str, part: str, facts: dict[str, Any]
    ) -> tuple[str, str, dict[int, int]]:
        """Read what is paid for a death to who is in the row: whose death, and its day."""
        row = self.row
        number = row.text("dead_identity", need=True, longest=12)
        if number and not re.fullmatch(r"\d{12}", number, re.ASCII):
            row.fail("dead_identity", "số định danh phải đủ 12 chữ số; sửa lại.")
        day = facts.pop("event_date", "")
        if not day:
            row.fail("event_date", "cần ngày chết; ghi vào.")
        if part:
            row.fail("part", "khoản này chi một lần cho mỗi người chết; xóa ô.")
        for column in ("start_month", "end_date", "end_cause", "released_on", "paid_through"):
            if column in row.values:
                row.fail(column, "khoản một lần không có mục này; xóa ô.")
        if row.faults:
            return "", "", {}
        stored = {"list": LINE, "facts": {"category": code}}
        text = f'{{"list":{canonical_json(LINE)},"facts":{canonical_json(stored["facts"])}}}'
        self.dead = f"{number}/{day}"
        return code, text, {month_of(date.fromisoformat(day)): 0}

    def _once(
        self, code: str, part: str, facts: dict[str, Any], decided: tuple[str, str, str]
    ) -> tuple[str, str, dict[int, int]]:
        row = self.row
        day = date.fromisoformat(facts.pop("event_date", None) or decided[1])
        for column in ("start_month", "end_date", "end_cause", "released_on", "paid_through"):
            if column in row.values:
                row.fail(column, "khoản một lần không có mục này; xóa ô.")
        try:
            due = once_due({"category": code, **facts}, month_of(day), date.max)
        except DossierError as error:
            row.fail(self._column(error), f"{error.what_vi}.")
            return "", "", {}
        if gap := next((r.text_vi for r in due.reasons if r.code == "not_covered"), None):
            row.fail("category", f"{gap}; chi theo danh sách đã có quyết định mức (LIST).")
            return "", "", {}
        stored = {"list": LINE, "facts": {"category": code, **facts}}
        text = f'{{"list":{canonical_json(LINE)},"facts":{canonical_json(stored["facts"])}}}'
        return f"{code}-{part}" if part else code, text, {month_of(day): 0}

    def _monthly(
        self, code: str, part: str, facts: dict[str, Any], decided: tuple[str, str, str], sex: str
    ) -> tuple[str, str, dict[int, int]]:
        row = self.row
        start, through = row.month("start_month"), row.month("paid_through")
        kind = row.choice("decision_kind", "grant")
        if code == "SURVIVOR" and kind == "grant" and "relation" not in facts:
            row.fail("relation", "cần quan hệ với người đã mất để xét khi tái giá; ghi vào.")
        if kind not in ("grant", "change"):
            row.fail("decision_kind", "chỉ nhận: hưởng mới, điều chỉnh.")
        events = self._events()
        if row.faults:
            return "", "", {}
        month = start or month_of(date.fromisoformat(decided[1]))
        if kind == "change":
            change = {"date": decided[1], "from_month": _month_text(month), "facts": facts}
            said = {"category": code, "part": part, "change": change}
            return f"{code}-{part}" if part else code, canonical_json(said), {}
        decision = {"date": decided[1]} | ({"first_month": _month_text(start)} if start else {})
        case = MeritCase(code, facts, decision, events, [], through, part)
        try:
            check([case], month, "M" if sex == "male" else "F")
        except DossierError as error:
            row.fail(self._column(error), f"{error.what_vi}.")
            return "", "", {}
        return case.id, case.to_json(), {}

    def _events(self) -> list[dict[str, Any]]:
        """Read what ends, suspends or resumes the case."""
        row = self.row
        day, cause = row.day("end_date"), row.choice("end_cause")
        back = row.day("released_on")
        for column, told in (("end_date", day), ("released_on", back)):
            if told is not None and told > row.reader.today:
                row.fail(column, "ngày ở tương lai; sửa lại.")
        if (day is None) != (cause is None):
            row.fail("end_cause" if cause is None else "end_date", "ghi cả ngày và lý do.")
        if back is not None and (cause != "prison" or day is None or back < day):
            row.fail("released_on", "chỉ sau ngày bắt đầu chấp hành án phạt tù; sửa lại.")
        if row.faults or day is None:
            return []
        event: dict[str, Any] = {"kind": cause, "date": day.isoformat()}
        if cause == "remarriage_qualifies":
            event |= {"kind": "remarriage", "qualifies": True}
        elif cause == "lost_eligibility":
            event |= {"kind": "stop", "cause": cause}
        out = [event]
        if back is not None:
            out.append({"kind": "release", "date": back.isoformat()})
        return out

    def _column(self, error: DossierError) -> str:
        """Name the cell that a refusal of the rules is about."""
        name = error.where.rsplit(".", 1)[-1]
        return name if name in self.row.columns.header.index else "category"


def _month_text(month: int) -> str:
    return f"{month // 100}-{month % 100:02d}"


def category_of(text: str) -> str | None:
    """Return the code of a category a commune pays.

    By code, by its Vietnamese name, or by the beginning of a name that no other category has
    (`Thương binh`).
    """
    code = _titles().get(plain(text)) or canonical(text)
    return code if code in (*MONTHLY, *ONCE, *MOURNING) else _beginnings().get(plain(text))


@lru_cache(maxsize=1)
def _titles() -> dict[str, str]:
    return {plain(c.title_vi): c.code for c in fixed_categories().values()}


@lru_cache(maxsize=1)
def _beginnings() -> dict[str, str]:
    """Return the beginnings of names, up to the first mark, that one category alone has."""
    parts = [
        (plain(re.split(r"[,(;]", c.title_vi)[0]), c.code)
        for c in fixed_categories().values()
        if c.programme == LINE
    ]
    often = Counter(part for part, _ in parts)
    paid = {*MONTHLY, *ONCE, *MOURNING}
    return {part: code for part, code in parts if often[part] == 1 and code in paid}


def _unknown(text: str) -> str:
    known = ", ".join((*MONTHLY, *ONCE, *MOURNING))
    return f"không có diện '{text[:40]}'; chọn: {known}."
