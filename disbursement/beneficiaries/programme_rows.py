"""Reading a row of a list programme's file: who is paid, for which months, by which decision.

People, destinations and refusals are those of the register (rules.py); a row without an identity
number is refused, because nobody could tell whether it was paid before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from disbursement.beneficiaries.merit_rows import MeritReading
from disbursement.beneficiaries.rules import Fault, Found, Reading, RowReader
from disbursement.entitlements.list_due import list_profile
from disbursement.platform.clock import add_months, month_of, months_between, show_month
from disbursement.programmes.list_rates import MERITORIOUS, ListRate, line_of

MAX_MONTHS = 24
DEAD = "dead:"
"""How the reason of a row begins that is paid for a death, until it is staged."""
MAX_AMOUNT = 1_000_000_000
_PART = re.compile(r"[A-Za-z0-9_-]{1,20}", re.ASCII)
_QUARTER = re.compile(r"(?:[qQ](?:uý)? ?)?([1-4])[/.-](\d{4})")


@dataclass(frozen=True)
class Programme:
    """The programme whose file is read: its code and the rows that count."""

    code: str
    rows: tuple[ListRate, ...]

    @property
    def shape(self) -> str:
        """Return the shape of its rule."""
        return self.rows[0].shape


class Given(NamedTuple):
    """A good row in the order of checking.Good: three parts and the months with their dong.

    `months` are those of the right; for monthly merits, which are computed, what was paid for each
    before go-live.
    """

    person: tuple[str, str, str, str, str, str, str]
    right: tuple[str, str, str, str, str, str, int, int | None, str | None]
    receiver: tuple[str, str, str | None, str, str, str, str, str]
    months: dict[int, int]
    holds: list[Found]


class ProgrammeReader(RowReader):
    """Reads the rows of one list programme's file.

    `numbered`: a row without a 12-digit number is refused; else it is held, as in the register.
    """

    def __init__(
        self, header: Any, *, programme: Programme, numbered: bool = True, **rest: Any
    ) -> None:
        super().__init__(header, **rest)
        self.programme = programme
        self.numbered = numbered

    def given(self, n: int, cells: list[Any]) -> Given | list[Fault]:
        """Return the row, or every fault in it."""
        return _GivenReading(self, n, cells).given()


class _Right(NamedTuple):
    unit: str
    facts: dict[str, Any]
    months: dict[int, int]
    stored: str = ""  # the facts as they are kept, where they are no list programme's
    dead: str = ""  # whose death and when (number/day), where it is paid for one


class _GivenReading(Reading):
    """One row of a list programme being read."""

    __slots__ = ()

    @property
    def own(self) -> ProgrammeReader:
        found: ProgrammeReader = self.reader  # type: ignore[assignment]  # made by it alone
        return found

    def given(self) -> Given | list[Fault]:
        programme = self.own.programme
        name = self.name("name", need=True)
        sex = self.choice("sex", need=True) or ""
        born = self.birth()
        kind, number = self.identity(born, sex)
        if (
            self.own.numbered
            and kind != "cccd"
            and not any(f.where.endswith("cá nhân)") for f in self.faults)
        ):
            self.fail("identity", "cần số định danh 12 số để biết đã chi hay chưa; bổ sung số.")
        commune = self.commune()
        decision = self.decision()
        merits = programme.shape == MERITORIOUS
        right = self.merit(decision, sex) if merits else _SHAPES[programme.shape](self, born)
        paid = self.merit_paid(right) if merits else {}
        payee = (
            self.name("payee_name", need=False) or name,
            self.choice("payee_relation", "self") or "self",
            self.text("payee_document") or None,
        )
        if payee[1] == "self" and payee[0] != name:
            self.fail("payee_relation", "người nhận khác đối tượng mà chưa ghi quan hệ; ghi vào.")
        receiver = self.destination(name)
        if self.faults or born is None or right is None:
            return self.faults
        line = line_of(programme.code)
        covers = sorted(right.months) or [month_of(date.fromisoformat(decision[1]))]
        stored = right.stored or list_profile(programme.code, right.facts)
        return Given(
            (kind, number, name, born[0].isoformat(), born[1].isoformat(), sex, commune),
            (line, right.unit, stored, *decision, covers[0], covers[-1],
             f"{DEAD}{right.dead}" if right.dead else self.text("replaces") or None),
            (*payee, *receiver),
            right.months or paid,
            self.holds,
        )  # fmt: skip

    def decision(self) -> tuple[str, str, str]:
        """Read number, day and signer; a gift or a quarter is decided by the programme's text."""
        if "decision_number" not in self.own.header.index:
            row = self.own.programme.rows[-1]
            return row.citation[:100], row.in_force_from.isoformat(), ""
        number = self.text("decision_number", need=True, longest=100)
        day = self.day("decision_date", need=True)
        signer = self.name("decision_signer", need=True)
        if day is not None and day > self.own.today:
            self.fail("decision_date", "ngày quyết định ở tương lai; sửa lại.")
        return number, day.isoformat() if day else "", signer

    def amount(self, *, zero: bool) -> int | None:
        before = len(self.faults)
        amount = self.whole("amount", MAX_AMOUNT)
        if len(self.faults) == before and (amount is None or (amount == 0 and not zero)):
            self.fail("amount", "phải là số đồng lớn hơn 0 (0 chỉ khi thay một quyết định).")
            return None
        return amount

    # -- shapes

    def merit(self, decision: tuple[str, str, str], sex: str) -> _Right | None:
        """Read a category of meritorious service and its facts: computed, not decided."""
        reading = MeritReading(self)
        unit, stored, months = reading.read(decision, sex)
        return _Right(unit, {}, months, stored, reading.dead) if unit else None

    def merit_paid(self, right: _Right | None) -> dict[int, int]:
        """Read what was paid for monthly merits before go-live; none for what is paid once."""
        header = self.own.header
        given = [
            m
            for m, at in header.paid.items()
            if at < len(self.cells) and self.cells[at] not in ("", None)
        ]
        if not given:
            return {}
        if right is not None and right.months:
            self.faults += [
                Fault(header.where_paid(self.n, m), "khoản một lần không có mục này; xóa ô.")
                for m in given
            ]
            return {}
        return self.paid()

    def decided(self, _born: tuple[date, date] | None) -> _Right | None:
        """Read an amount a month, from and to a month: checked, not computed."""
        part = self.text("part")
        if part and not _PART.fullmatch(part):
            self.fail("part", "mã khoản chỉ gồm chữ không dấu, chữ số, gạch; tối đa 20 ký tự.")
        amount = self.amount(zero="replaces" in self.values)
        first = self.month("from_month", need=True)
        last = self.month("to_month") or first
        if first is None or last is None or amount is None:
            return None
        if not first <= last <= add_months(first, MAX_MONTHS - 1):
            self.fail("to_month", f"phải từ tháng bắt đầu trở đi, tối đa {MAX_MONTHS} tháng.")
            return None
        return _Right(
            part, {"amount_vnd": amount}, dict.fromkeys(months_between(first, last), amount)
        )

    def gift(self, born: tuple[date, date] | None) -> _Right | None:
        """Read a gift: once for each citizen, claimed inside the window."""
        claimed = self.day("claimed_on") or self.own.today
        if claimed > self.own.today:
            self.fail("claimed_on", "ngày đề nghị ở tương lai; sửa lại.")
        if self.flag("citizen") is False:
            self.fail("citizen", "chỉ chi cho công dân Việt Nam; bỏ dòng này.")
        row = self.own.programme.rows[-1]
        last = row.last_day or claimed
        if not row.first_day <= claimed <= last:
            self.fail(
                "claimed_on",
                f"ngoài thời gian chi trả từ {row.first_day:%d/%m/%Y} đến {last:%d/%m/%Y}; bỏ dòng "
                "này, hoặc ghi ngày đề nghị thật.",
            )
        if born is not None and born[0] > last:
            self.fail("birth", "sinh sau thời gian chi trả; bỏ dòng này.")
        cover = row.cover_month or month_of(row.first_day)
        return _Right("", {"claimed_on": claimed.isoformat()}, {cover: 0})

    def quarter(self, _born: tuple[date, date] | None) -> _Right | None:
        """Read a quarter: once for a household, for the quarter's last month."""
        code = self.text("household_code", need=True, longest=20)
        if code and not _PART.fullmatch(code):
            self.fail("household_code", "mã hộ chỉ gồm chữ không dấu, chữ số, gạch.")
        status = self.choice("household")
        policy = self.flag("policy_household")
        if status != "poor" and not policy:
            self.fail("household", "chỉ chi cho hộ nghèo hoặc hộ chính sách xã hội; bỏ dòng này.")
        written = self.text("quarter", need=True, longest=20)
        match = _QUARTER.fullmatch(written)
        if match is None:
            self.fail("quarter", "không phải quý; ghi dạng 4/2026.")
            return None
        facts: dict[str, Any] = {"household": "poor"} if status == "poor" else {}
        facts |= {"policy_household": True} if policy else {}
        price = self.whole("tier1_price", 100_000)
        facts |= {} if price is None else {"tier1_price_vnd": price}
        return _Right(code, facts, {int(match[2]) * 100 + 3 * int(match[1]): 0})

    def term(self, _born: tuple[date, date] | None) -> _Right | None:
        """Read a term: once for a student who is enrolled when it begins."""
        amount = self.amount(zero="replaces" in self.values)
        term = self.month("term", need=True)
        first, last = self.day("enrolled_from"), self.day("enrolled_to")
        if term is None or amount is None:
            return None
        starts = self.own.programme.rows[-1].term_months
        if term % 100 not in starts:
            said = ", ".join(f"tháng {m}" for m in starts)
            self.fail("term", f"học kỳ bắt đầu vào {said}; sửa lại.")
        late = first is not None and month_of(first) > term
        gone = last is not None and month_of(last) < term
        if late or gone:
            self.fail(
                "enrolled_to" if gone else "enrolled_from",
                f"không học trong học kỳ từ tháng {show_month(term)}; bỏ dòng này.",
            )
        return _Right("", {"amount_vnd": amount}, {term: amount})


_SHAPES = {
    "decided_list": _GivenReading.decided,
    "one_off_window": _GivenReading.gift,
    "quarterly_household": _GivenReading.quarter,
    "termly_student": _GivenReading.term,
}
