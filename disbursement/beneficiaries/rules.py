"""Validation of one row of the register: pure, with row and column in every error.

A row is either good (perhaps with holds: what is missing is listed and paid once it is there) or
refused with every fault it has. Sentences never repeat an identity or account number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from bank_adapters.contract import AdapterError
from bank_adapters.vietqr import MAX_ACCOUNT, MAX_PAYLOAD, read_qr
from disbursement.beneficiaries.columns import ONLY_MERIT, ColumnSet, Header, plain
from disbursement.entitlements.facts import (
    Birth,
    Case,
    canonical_clause,
    start_month_finding,
)
from disbursement.platform.clock import add_months, month_of, months_between, show_month
from disbursement.platform.errors import DisburseError
from disbursement.programmes.communes import communes

MAX_NAME = 100
MAX_TEXT = 300
MAX_AGE_YEARS = 130
OLDEST_MONTH = 200001
MAX_PAID = 100_000_000
"""No monthly allowance comes near 100 million dong: a larger figure is a slip of the keyboard."""

QR_START = "000201"
"""What every VietQR payload begins with (field 00 = 01); longer than any account number."""


class Fault(NamedTuple):
    """Why a row is refused: where, and what to do."""

    where: str
    sentence: str


class Found(NamedTuple):
    """A hold to raise with the row: kind right | payment, reason code, sentence."""

    kind: str
    reason: str
    detail: str


@dataclass(slots=True)
class Row:
    """A good row. `paid`: dong per covered month already paid before go-live."""

    n: int
    identity_kind: str
    identity: str
    name: str
    birth_from: date
    birth_to: date
    sex: str
    commune: str
    case: Case
    facts: str
    payee_name: str
    payee_relation: str
    payee_document: str | None
    kind: str
    bank_code: str
    account: str
    owner_name: str
    owner_relation: str
    paid: dict[int, int] = field(default_factory=dict)
    holds: list[Found] = field(default_factory=list)

    @property
    def birth(self) -> Birth:
        """Return the months the person may have been born in."""
        return Birth.between(self.birth_from, self.birth_to)


class _BadCell(Exception):  # noqa: N818 - an internal signal, caught in this module only
    """A cell that cannot be read; the argument is the sentence."""


# ---- single values --------------------------------------------------------------------------


@lru_cache(maxsize=65_536)
def clean(text: str) -> str:
    """Compose (NFC), drop invisible characters, single spaces."""
    composed = unicodedata.normalize("NFC", text)
    if not composed.isprintable():
        composed = "".join(c if c.isprintable() else " " for c in composed)
    return " ".join(composed.split())


@lru_cache(maxsize=65_536)
def search_form(name: str) -> str:
    """Return a name as it is searched: small letters without marks."""
    bare = unicodedata.normalize("NFD", name.casefold().replace("đ", "d"))
    return "".join(c for c in bare if not unicodedata.combining(c))


_DMY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_YMD = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_MY = re.compile(r"(\d{1,2})[/.-](\d{4})")
_YM = re.compile(r"(\d{4})-(\d{2})")


@lru_cache(maxsize=65_536)
def read_date(text: str) -> date | None:
    """Read dd/mm/yyyy or yyyy-mm-dd; None for anything else (a day that does not exist too)."""
    try:
        if match := _DMY.fullmatch(text):
            return date(int(match[3]), int(match[2]), int(match[1]))
        if match := _YMD.fullmatch(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
    return None


@lru_cache(maxsize=4_096)
def read_month(text: str) -> int | None:
    """Read mm/yyyy, yyyy-mm, or a date of the first of a month, as yyyymm."""
    match = _MY.fullmatch(text)
    year, month = (match[2], match[1]) if match else (None, None)
    if match is None and (match := _YM.fullmatch(text)):
        year, month = match[1], match[2]
    if year is None or month is None:
        day = read_date(text)
        return month_of(day) if day is not None and day.day == 1 else None
    return int(year) * 100 + int(month) if 1 <= int(month) <= 12 else None


def _month_end(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


@lru_cache(maxsize=65_536)
def read_birth(text: str) -> tuple[date, date] | None:
    """Read a date of birth, or a month mm/yyyy, or a year as text: first and last possible day."""
    day = read_date(text)
    if day is not None:
        return day, day
    if match := _MY.fullmatch(text):
        year, month = int(match[2]), int(match[1])
        return (date(year, month, 1), _month_end(year, month)) if 1 <= month <= 12 else None
    if re.fullmatch(r"(?:19|20)\d{2}", text):
        return date(int(text), 1, 1), date(int(text), 12, 31)
    return None


def identity_fault(identity: str, born: tuple[date, date], sex: str) -> str | None:
    """Compare a 12-digit number with birth year and sex (digit 4: century and sex; 5-6: year).

    Thông tư 59/2021/TT-BCA Điều 4: digit 4 is 0/1 for men/women born in the 20th century, 2/3 in
    the 21st, and so on. There is no check digit, and the first three never name the commune.
    """
    century = int(identity[3])
    year = 1900 + 100 * (century // 2) + int(identity[4:6])
    if not born[0].year <= year <= born[1].year:
        return (
            "năm sinh trong số định danh khác ngày sinh đã ghi; đối chiếu thẻ căn cước rồi sửa số "
            "hoặc ngày sinh."
        )
    if ("male", "female")[century % 2] != sex:
        return (
            "giới tính trong số định danh khác giới tính đã ghi; đối chiếu thẻ căn cước rồi sửa "
            "số hoặc giới tính."
        )
    return None


_ACCOUNT = re.compile(r"[0-9A-Z]{6,19}")
_PHONE = re.compile(r"0[0-9]{9}")
_NAME = re.compile(r"[^\W\d_][^\d_<>@#$%^*=|~{}\[\]]*")


@lru_cache(maxsize=65_536)
def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def is_account(kind: str, account: str) -> bool:
    """Tell whether it can be an account at a bank, or the telephone number of a wallet."""
    return (_ACCOUNT if kind == "bank" else _PHONE).fullmatch(account) is not None


_DEFAULTS = tuple((f.name, f.default) for f in fields(Case))


def facts_text(case: Case) -> str:
    """Write a case as `facts.case_json` does, several times as fast."""
    out = {}
    for name, default in _DEFAULTS:
        value = getattr(case, name)
        if value != default:
            out[name] = value
    return orjson.dumps(out, option=orjson.OPT_SORT_KEYS).decode()


# ---- a row ----------------------------------------------------------------------------------


class CellReader:
    """Reads cells of one file by their columns: the header's positions are looked up once.

    `today` bounds what may have happened.
    """

    def __init__(self, header: Header, today: date) -> None:
        self.header = header
        self.places = tuple(header.index.items())
        self.today = today
        self._columns: ColumnSet = header.columns
        self._choices = {
            c.field: {plain(k): v for k, v in c.choices.items()}
            for c in header.columns.columns
            if c.choices is not None
        }
        self._known_choice: dict[tuple[str, str], str | None] = {}

    def choice(self, column: str, text: str) -> str:
        """Return the value a choice stands for."""
        key = (column, text)
        if key not in self._known_choice:
            if len(self._known_choice) > 10_000:
                self._known_choice.clear()
            self._known_choice[key] = self._choices[column].get(plain(text))
        value: str | None = self._known_choice[key]
        if value is None:
            offered = dict.fromkeys(self._columns.of(column).choices or ())
            raise _BadCell(
                f"'{text[:40]}' không có trong danh mục; chọn một trong: {', '.join(offered)}."
            )
        return value


class RowReader(CellReader):
    """Reads rows of a register file.

    `province` is the cell's; `payers` are the commune codes that are payers here; `bank_of` gives
    the BIC for what a cell says (BIC, BIN or short name) or raises a DisburseError.
    """

    def __init__(
        self,
        header: Header,
        *,
        province: str,
        payers: Collection[str],
        bank_of: Callable[[str, str], str],
        today: date,
        only_payer: str | None = None,
    ) -> None:
        super().__init__(header, today)
        self._province = province
        self._payers = payers
        self._bank_of = lru_cache(maxsize=4_096)(bank_of)
        self._only = only_payer

    def read(self, n: int, cells: list[Any]) -> Row | list[Fault]:
        """Return the row, or every fault in it."""
        return Reading(self, n, cells).row()


class Cells:
    """One row being read; faults are collected so that the officer sees all of them at once."""

    __slots__ = ("cells", "columns", "faults", "n", "values")

    def __init__(self, reader: CellReader, n: int, cells: list[Any]) -> None:
        self.columns = reader
        self.n = n
        self.cells = cells
        self.values: dict[str, Any] = {
            name: clean(cells[at]) if type(cells[at]) is str else cells[at]
            for name, at in reader.places
            if at < len(cells) and cells[at] not in ("", None)
        }
        self.faults: list[Fault] = []

    # -- cells

    def fail(self, column: str, sentence: str) -> None:
        """Note a fault of a cell."""
        self.faults.append(Fault(self.columns.header.where(self.n, column), sentence))

    def raw(self, column: str) -> Any:
        """Return a cell as it came; '' where it is empty."""
        return self.values.get(column, "")

    def text(self, column: str, *, need: bool = False, longest: int = MAX_TEXT) -> str:
        """Return a text cell; a number or a true/false is refused, never rewritten."""
        value: Any = self.raw(column)
        if type(value) is not str:
            self.fail(
                column,
                "ô phải là dạng chữ (Text), không phải số: bảng tính làm mất số 0 ở đầu và các "
                "chữ số cuối; định dạng cột là Text rồi gõ lại.",
            )
            return ""
        if need and not value:
            self.fail(column, "ô trống; ghi vào rồi nhập lại.")
        elif len(value) > longest:
            self.fail(column, f"dài quá {longest} ký tự; rút gọn.")
        return str(value)

    def name(self, column: str, *, need: bool) -> str:
        """Return a person's name."""
        value = self.text(column, need=need, longest=MAX_NAME)
        if value and not _is_name(value):
            self.fail(column, "tên chỉ gồm chữ cái, khoảng trắng, dấu chấm, gạch nối; sửa lại.")
        return value

    def choice(self, column: str, default: str | None = None, *, need: bool = False) -> str | None:
        """Return what the word in a cell stands for."""
        value = self.values.get(column, "")
        if value == "":
            if need:
                self.fail(column, "ô trống; chọn trong danh mục rồi nhập lại.")
            return default
        if value is True or value is False:
            value = "có" if value else "không"
        if type(value) is not str:
            self.fail(column, "ô phải là dạng chữ, chọn trong danh mục; gõ lại.")
            return default
        try:
            return self.columns.choice(column, value)
        except _BadCell as bad:
            self.fail(column, str(bad))
            return default

    def flag(self, column: str) -> bool | None:
        """Return yes or no; None where the cell is empty."""
        value = self.choice(column)
        return None if value is None else value == "1"

    def day(self, column: str, *, need: bool = False) -> date | None:
        """Return a day."""
        value = self.raw(column)
        if value == "" and not need:
            return None
        if type(value) is not str:
            self.fail(
                column, "một con số không phải là ngày; ghi dạng dd/mm/yyyy hoặc ô kiểu ngày."
            )
            return None
        day = read_date(value)
        if day is None:
            self.fail(column, "không phải ngày; ghi dạng dd/mm/yyyy, ví dụ 05/11/2026.")
        return day

    def month(self, column: str, *, need: bool = False) -> int | None:
        """Return a month, yyyymm."""
        value = self.raw(column)
        if value == "" and not need:
            return None
        found = read_month(value) if type(value) is str else None
        if found is None or found < OLDEST_MONTH:
            self.fail(column, "không phải tháng; ghi dạng mm/yyyy, ví dụ 11/2026.")
            return None
        return found

    def whole(self, column: str, most: int) -> int | None:
        """Return a whole number from 0 to `most`."""
        value = self.raw(column)
        if value == "":
            return None
        number = whole_number(value)
        if number is None or number > most:
            self.fail(column, f"phải là số nguyên từ 0 đến {most}, không có dấu phân cách.")
            return None
        return number

    def birth(self) -> tuple[date, date] | None:
        """Return the first and last day on which the person may have been born."""
        value = self.raw("birth")
        if type(value) is not str:
            self.fail(
                "birth",
                "một con số không phải là ngày sinh; ghi dạng dd/mm/yyyy, hoặc ô chữ chỉ ghi năm.",
            )
            return None
        born = read_birth(value) if value else None
        if born is None:
            self.fail("birth", "không phải ngày sinh; ghi dd/mm/yyyy, mm/yyyy hoặc yyyy.")
            return None
        today = self.columns.today
        if born[0] > today or born[1].year < today.year - MAX_AGE_YEARS:
            self.fail("birth", "ngày sinh ở tương lai hoặc quá xa; sửa lại.")
            return None
        return born


class Reading(Cells):
    """A row of a register file being read."""

    __slots__ = ("holds", "reader")

    def __init__(self, reader: RowReader, n: int, cells: list[Any]) -> None:
        super().__init__(reader, n, cells)
        self.reader = reader
        self.holds: list[Found] = []

    def row(self) -> Row | list[Fault]:
        """Return the row of the register, or every fault in it."""
        name = self.name("name", need=True)
        sex = self.choice("sex", need=True) or ""
        born = self.birth()
        identity_kind, identity = self.identity(born, sex)
        commune = self.commune()
        case = self.case(born)
        payee = (
            self.name("payee_name", need=False) or name,
            self.choice("payee_relation", "self") or "self",
            self.text("payee_document") or None,
        )
        if payee[1] == "self" and payee[0] != name:
            self.fail("payee_relation", "người nhận khác đối tượng mà chưa ghi quan hệ; ghi vào.")
        kind, bank, account, owner, relation = self.destination(name)
        paid = self.paid()
        for column in ONLY_MERIT & self.values.keys():
            if says_something(self.values[column]):
                self.fail(
                    column,
                    "mục này của ưu đãi người có công; xóa ô này, hoặc sửa chương trình.",
                )
        if self.faults or case is None or born is None:
            return self.faults
        return Row(
            self.n, identity_kind, identity, name, born[0], born[1], sex, commune, case,
            facts_text(case), *payee, kind, bank, account, owner, relation, paid, self.holds,
        )  # fmt: skip

    def identity(self, born: tuple[date, date] | None, sex: str) -> tuple[str, str]:
        """Return kind and number, compared with birth and sex."""
        value = self.text("identity", longest=20)
        if not value:
            if type(self.raw("identity")) is str:
                self.holds.append(
                    Found("right", "no_identity", "Chưa có số định danh cá nhân: bổ sung số.")
                )
            return "none", ""
        if not (value.isascii() and value.isdigit()) or len(value) not in (9, 12):
            self.fail(
                "identity",
                f"số định danh phải gồm 12 chữ số (CMND cũ: 9), ở đây có {len(value)} ký tự; "
                "đối chiếu thẻ căn cước.",
            )
            return "none", ""
        if len(value) == 9:
            self.holds.append(
                Found("right", "cmnd", "Chỉ có số CMND 9 số: bổ sung số định danh 12 số.")
            )
            return "cmnd", value
        if born is not None and sex and (fault := identity_fault(value, born, sex)):
            self.fail("identity", fault)
        return "cccd", value

    def commune(self) -> str:
        """Return the payer's code."""
        code = self.text("commune", need=True, longest=20)
        if not code:
            return ""
        reader = self.reader
        found = communes().get(code)
        if found is None:
            self.fail(
                "commune",
                f"không có xã, phường mã '{code[:10]}' trong danh mục năm 2026; mã gồm 5 chữ số, "
                "giữ số 0 ở đầu.",
            )
        elif found.province.code != reader._province:  # noqa: SLF001 - one class in two halves
            self.fail(
                "commune",
                f"{found.full_name} thuộc {found.province.full_name}, không thuộc tỉnh đang làm "
                "việc; chuyển dòng này cho tỉnh đó.",
            )
        elif reader._only is not None and code != reader._only:  # noqa: SLF001 - as above
            self.fail(
                "commune", f"{found.full_name} không phải đơn vị chi trả đang nhập; bỏ dòng này."
            )
        elif code not in reader._payers:  # noqa: SLF001 - as above
            self.fail(
                "commune",
                f"{found.full_name} chưa được lập làm đơn vị chi trả; chạy `disburse register "
                "payers` trước.",
            )
        return code

    def case(self, born: tuple[date, date] | None) -> Case | None:
        """Return the case with its facts."""
        before = len(self.faults)
        programme = self.choice("programme", need=True)
        clause_text = self.text("clause", need=True, longest=20)
        decided = self.day("decision_date", need=True)
        start = self.month("start_month", need=True)
        facts = self.facts()
        clause = None
        try:
            clause = canonical_clause(clause_text) if clause_text else None
        except DisburseError as error:
            self.fail("clause", _ending(error.sentence))
        if decided is not None and decided > self.reader.today:
            self.fail("decision_date", "ngày quyết định ở tương lai; sửa lại.")
        if start is not None and decided is not None and start > add_months(month_of(decided), 24):
            self.fail("start_month", "tháng bắt đầu sau ngày quyết định quá hai năm; sửa lại.")
        if len(self.faults) > before or clause is None or decided is None or start is None:
            return None
        values: dict[str, Any] = {
            **facts, "programme": programme, "clause": clause, "start_month": start,
            "decision_date": decided, "province": self.reader._province,  # noqa: SLF001 - as above
        }  # fmt: skip
        try:
            case = Case(**values)
        except DisburseError as error:
            self.fail("clause", _ending(error.sentence))
            return None
        if born is not None:
            finding = start_month_finding(case, Birth.between(*born))
            if finding is not None:
                self.holds.append(Found("right", "start_month", finding))
        return case

    def facts(self) -> dict[str, Any]:
        """Read the facts beside programme, clause, decision date and start month."""
        present = self.values
        out: dict[str, Any] = {
            "decision_number": self.text("decision_number", need=True),
            "decision_signer": self.name("decision_signer", need=True),
            "decision_kind": self.choice("decision_kind", "grant"),
        }
        for column in ("degree", "household", "carer", "income"):
            if column in present:
                out[column] = self.choice(column)
        for column in ("studying", "on_k1_at_16", "difficult_area", "written_request"):
            if column in present:
                out[column] = self.flag(column)
        for column in ("in_facility", "merit_allowance"):
            if column in present:
                out[column] = bool(self.flag(column))
        for column in ("certificate_date", "household_from", "household_to", "end_date"):
            if column in present:
                out[column] = self.day(column)
        for column in ("household_decision", "end_cause"):
            if column in present:
                out[column] = self.text(column)
        for column in ("end_month", "suspended_from"):
            if column in present:
                out[column] = self.month(column)
        if "children" in present:
            out["children"] = self.whole("children", 20)
        ended = out.get("end_date") is not None or out.get("end_month") is not None
        if out.get("suspended_from") is not None:
            if ended:
                self.fail("suspended_from", "vừa tạm dừng vừa thôi hưởng; chỉ ghi một trong hai.")
            out["status"] = "suspended"
        elif ended:
            out["status"] = "stopped"
        return out

    def destination(self, name: str) -> tuple[str, str, str, str, str]:
        """Return kind, bank code, account, owner and whose relation the owner is."""
        kind = self.choice("destination", need=True)
        bank = self.text("bank", longest=60)
        given = str(self.raw("account"))
        coded = given.startswith(QR_START) and len(given) > MAX_ACCOUNT
        account = self.text("account", longest=MAX_PAYLOAD if coded else 40)
        if coded:
            bank, account = self._from_qr(kind, bank, account)
        account = account.replace(" ", "").replace(".", "")
        owner = self.name("owner_name", need=False)
        relation = self.choice("owner_relation", "self") or "self"
        if kind is None:
            return "", "", "", "", relation
        if kind == "cash":
            if account or bank:
                self.fail("destination", "nhận tiền mặt mà vẫn ghi tài khoản; chọn một trong hai.")
            return kind, "", "", owner or name, relation
        if not bank:
            self.fail("bank", "ô trống; ghi mã BIC, mã BIN hoặc tên ngắn của nơi giữ tài khoản.")
        else:
            try:
                bank = self.reader._bank_of(kind, bank)  # noqa: SLF001 - as above
            except DisburseError as error:
                self.fail("bank", _ending(error.sentence))
        self._account(kind, account)
        if not owner:
            self.fail("owner_name", "ô trống; ghi tên chủ tài khoản như ngân hàng ghi.")
        elif relation == "self" and _is_name(name) and search_form(owner) != search_form(name):
            self.fail(
                "owner_name",
                "tên chủ tài khoản khác tên đối tượng mà quan hệ là bản thân; sửa tên hoặc ghi "
                "quan hệ.",
            )
        return kind, bank, account, owner, relation

    def _from_qr(self, kind: str | None, bank: str, payload: str) -> tuple[str, str]:
        """Take bank and account from the payee's VietQR; a bank beside it must be the same."""
        try:
            code = read_qr(payload)
            if bank and kind and self._is_other(kind, bank, code.bin):
                self.fail("bank", "khác ngân hàng trong mã VietQR; bỏ trống hoặc đối chiếu lại.")
        except AdapterError as error:
            self.fail("account", _ending(error.sentence))
            return bank, "0900000000"  # refused already; not twice for its digits
        return code.bin, code.account

    def _is_other(self, kind: str, bank: str, code: str) -> bool:
        try:
            named = self.reader._bank_of(kind, bank)  # noqa: SLF001 - as above
            return named != self.reader._bank_of(kind, code)  # noqa: SLF001 - as above
        except DisburseError:
            return False  # told with the bank's own cell

    def _account(self, kind: str, account: str) -> None:
        if not account:
            if type(self.raw("account")) is str:
                self.fail("account", "ô trống; ghi số tài khoản, hoặc chọn nhận tiền mặt.")
        elif kind == "bank" and not is_account(kind, account):
            self.fail("account", "số tài khoản gồm 6 đến 19 chữ số; đối chiếu lại.")
        elif not is_account(kind, account):
            self.fail("account", "số ví là số điện thoại 10 chữ số, bắt đầu bằng 0; đối chiếu lại.")

    def paid(self) -> dict[int, int]:
        """Read what was paid before go-live: from the first month given through `paid_through`."""
        header = self.reader.header
        if not header.paid and "paid_through" not in self.values:
            return {}
        through = self.month("paid_through")
        out: dict[int, int] = {}
        for month, at in header.paid.items():
            value = self.cells[at] if at < len(self.cells) else ""
            if value in ("", None):
                continue
            number = whole_number(clean(value) if type(value) is str else value)
            if number is None or number > MAX_PAID:
                self.faults.append(
                    Fault(
                        header.where_paid(self.n, month),
                        "phải là số đồng nguyên, không có dấu phân cách; 0 nếu chưa trả.",
                    )
                )
                continue
            out[month] = number
        return self._through(out, through)

    def _through(self, out: dict[int, int], through: int | None) -> dict[int, int]:
        if out and through is None:
            self.fail("paid_through", "có số đã trả mà thiếu 'Đã trả đến hết tháng'; ghi vào.")
        elif through is not None:
            first = min(out, default=through)
            missing = [m for m in months_between(first, through) if m not in out]
            late = [m for m in out if m > through]
            if missing or late:
                month = (missing or late)[0]
                self.fail(
                    "paid_through",
                    f"số đã trả phải có cho mọi tháng đến hết {show_month(through)} và không tháng "
                    f"nào sau đó: xem lại tháng {show_month(month)}.",
                )
        return out


_SAYS_NOTHING = frozenset({"", "0", "không", "không có", "không nghèo"})


def says_something(cell: Any) -> bool:
    """Tell whether a cell states a fact: an empty one does not, nor does a plain no."""
    if cell is None or cell is False or cell == 0:
        return False
    return type(cell) is not str or plain(clean(cell)) not in _SAYS_NOTHING


def whole_number(value: Any) -> int | None:
    """Return a whole number >= 0 from a number cell or plain digits; None for anything else."""
    if type(value) is int:
        return value if value >= 0 else None
    if type(value) is float:
        return int(value) if value >= 0 and value.is_integer() and value < 2**53 else None
    if type(value) is str and value.isascii() and value.isdigit():
        return int(value)
    return None


def _ending(sentence: str) -> str:
    """Start a sentence of another room in small letters: it follows the name of a cell."""
    return sentence[:1].lower() + sentence[1:]
