"""The law's figures as data: instruments, rates and base levels on two time axes.

A row counts for the months from `first_month` to `last_month` (the month axis) and may be used
only once its instrument is in force on `law_on` (the legal axis). The end of a row is itself an
act of law: it cuts the row only once the instrument that ended it (`ended_by`) may be used.
So before 5 October 2026 the rows that NĐ 335/2026 ended at 30 June 2026 still pay July.

Source of every row: its own `citation`, `source` and `confidence` columns.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache
from importlib import resources

from disbursement.platform.clock import month_of
from disbursement.platform.errors import OurFaultError, RefusedError

#: Whole years at which an amount or a right can change, per clause. Rates with another age are
#: refused at loading, because profiles (entitlements/profiles.py) are cut at these ages only.
CLAUSE_AGES: Mapping[str, tuple[int, ...]] = {
    "K1": (4, 16),
    "K2": (16, 22),
    "K3": (4, 16),
    "K4": (),
    "K5a": (60, 75, 80),
    "K5b": (60,),
    "K5b20": (75, 80),
    "K5c": (80,),
    "K6": (16, 60),
    "K7": (3,),
    "K8": (),
    "SP": (70, 75),
}
#: From the surest to the least sure; an amount is as sure as the least sure row under it.
CONFIDENCES = (
    "seen",
    "quoted",
    "secondary",
    "inference",
    "derived",
    "known_unconfirmed",
    "uncertain",
)
CENTRAL = "VN"
_FILES = ("instruments.csv", "social_assistance_rates.csv", "base_levels.csv")


@dataclass(frozen=True, slots=True)
class Instrument:
    """A decree or a local resolution: from when it may be used, from when its money counts."""

    code: str
    title_vi: str
    territory: str
    in_force_from: date
    money_from: date
    general_rise: bool  # moves people on the roll to a new level; needs a recorded decision
    citation: str
    source: str
    confidence: str
    note: str


@dataclass(frozen=True, slots=True)
class Rate:
    """One row of the rate table. `coefficient` times the base, or a fixed amount in dong."""

    code: str
    scheme: str
    kind: str
    clause: str
    degree: str
    condition: str
    age_from: int
    age_to: int | None  # exclusive
    description_vi: str
    description_en: str
    coefficient: Fraction | None
    base_code: str
    fixed_amount_vnd: int | None
    amount_rule: str
    instrument: str
    first_day: date
    last_day: date | None
    ended_by: str
    citation: str
    source: str
    confidence: str
    back_confidence: str  # for months before the instrument came into force; '' = the same
    note: str


@dataclass(frozen=True, slots=True)
class BaseLevel:
    """A base level in dong a month, of the whole country (`VN`) or of one province."""

    code: str
    scheme: str
    territory: str
    amount_vnd: int
    instrument: str
    first_day: date
    last_day: date | None
    ended_by: str
    citation: str
    source: str
    confidence: str
    note: str


@dataclass(frozen=True, eq=False)
class RateSet:
    """All rows of one version of the tables. `sha256` is the digest of the files' bytes."""

    id: str
    sha256: str
    instruments: Mapping[str, Instrument] = field(repr=False)
    rates: tuple[Rate, ...] = field(repr=False)
    bases: tuple[BaseLevel, ...] = field(repr=False)

    def view(self, month: int, law_on: date, undecided: frozenset[str] = frozenset()) -> View:
        """Return what counts for `month` (yyyymm) by the law usable on `law_on`.

        `undecided` names instruments to be left out: what they set is not there, what they end
        goes on. Cached per rate set.
        """
        return _view(self, month, law_on, undecided)

    def rises(self) -> tuple[Instrument, ...]:
        """Return the instruments that move everybody on the roll, oldest first."""
        found = (i for i in self.instruments.values() if i.general_rise)
        return tuple(sorted(found, key=lambda i: i.in_force_from))


@dataclass(frozen=True, eq=False)
class View:
    """The rows that count for one month under one state of the law."""

    month: int
    monthly: Mapping[str, tuple[Rate, ...]]  # clause -> rows of kind monthly_allowance, by age
    bases: Mapping[tuple[str, str], BaseLevel]  # (base_code, territory)
    first_months: Mapping[str, int]  # clause -> first month for which any usable row counts

    def base(self, base_code: str, province: str) -> BaseLevel:
        """Return the higher of the central and the province's level.

        NĐ 335/2026 Art. 4.3, NĐ 20/2021 Art. 4.3 (social assistance); NĐ 176/2025 Art. 3.2
        (social pension). Raises OurFaultError where no central level counts for the month.
        """
        central = self.bases.get((base_code, CENTRAL))
        if central is None:
            raise OurFaultError(
                "base_missing",
                f"Bảng mức không có {base_code} của trung ương cho tháng {self.month}; "
                "nạp mức chuẩn của thời kỳ đó vào base_levels.csv.",
                en=f"no central {base_code} counts for month {self.month}",
            )
        local = self.bases.get((base_code, province), central)
        return local if local.amount_vnd > central.amount_vnd else central


@lru_cache(maxsize=8192)
def _view(rates: RateSet, month: int, law_on: date, undecided: frozenset[str]) -> View:
    usable = {
        code
        for code, i in rates.instruments.items()
        if i.in_force_from <= law_on and code not in undecided
    }

    # A decided later rise also replaces what an undecided earlier one would have ended.
    later = [i for i in rates.rises() if i.code in usable and month >= month_of(i.money_from)]

    def is_over(ended_by: str) -> bool:
        ending = rates.instruments[ended_by]
        return ended_by in usable or any(i.in_force_from > ending.in_force_from for i in later)

    def counts(row: Rate | BaseLevel) -> bool:
        if row.instrument not in usable or month < month_of(row.first_day):
            return False
        if row.last_day is None or month <= month_of(row.last_day):
            return True
        return not is_over(row.ended_by)

    monthly: dict[str, list[Rate]] = {}
    first: dict[str, int] = {}
    for rate in rates.rates:
        if rate.kind != "monthly_allowance" or rate.instrument not in usable:
            continue
        start = month_of(rate.first_day)
        first[rate.clause] = min(first.get(rate.clause, start), start)
        if counts(rate):
            monthly.setdefault(rate.clause, []).append(rate)
    by_day = sorted(rates.bases, key=lambda b: b.first_day)  # where two count, the later one
    return View(
        month,
        {c: tuple(sorted(rows, key=lambda r: r.age_from)) for c, rows in monthly.items()},
        {(b.code, b.territory): b for b in by_day if counts(b)},
        first,
    )


class _Row:
    """One row of a data file; every complaint names file, row, column and what to do."""

    def __init__(self, file: str, number: int, values: Mapping[str, str | None]) -> None:
        self.file, self.number, self.values = file, number, values

    def fail(self, column: str, what: str) -> RefusedError:
        where = f"{self.file}, dòng {self.number}, cột {column}"
        return RefusedError("rate_data", f"{where}: {what}")

    def text(self, column: str, *, empty: bool = False) -> str:
        value = self.values.get(column)
        if value is None:
            raise self.fail(column, "thiếu cột này; dùng đúng tiêu đề của tệp mẫu.")
        if not value.strip() and not empty:
            raise self.fail(column, "để trống; điền giá trị.")
        return value.strip()

    def among(self, column: str, known: object, *, empty: bool = False) -> str:
        value = self.text(column, empty=empty)
        if value and isinstance(known, (tuple, Mapping)) and value not in known:
            raise self.fail(column, f"'{value}' không nằm trong {', '.join(known)}; sửa lại.")
        return value

    def day(self, column: str) -> date | None:
        value = self.text(column, empty=True)
        try:
            return date.fromisoformat(value) if value else None
        except ValueError:
            raise self.fail(column, f"'{value}' không phải ngày; viết dạng 2026-10-05.") from None

    def first_day(self, column: str) -> date:
        day = self.day(column)
        if day is None:
            raise self.fail(column, "để trống; điền ngày dạng 2026-10-05.")
        return day

    def whole(self, column: str) -> int | None:
        value = self.text(column, empty=True)
        if value and not re.fullmatch(r"[0-9]{1,12}", value):
            raise self.fail(column, f"'{value}' không phải số nguyên không âm; sửa lại.")
        return int(value) if value else None

    def fraction(self, column: str) -> Fraction | None:
        value = self.text(column, empty=True)
        if value and not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4})?", value):
            raise self.fail(column, f"'{value}' không phải hệ số; viết dạng 1.5.")
        return Fraction(value) if value else None


Origins = Mapping[tuple[str, int], tuple[str, int]]
"""(file, row) of a composed file -> the file and row that a person wrote."""


def _rows(files: Mapping[str, bytes], name: str, origins: Origins) -> list[_Row]:
    if name not in files:
        raise RefusedError("rate_data", f"Bảng mức thiếu tệp {name}; bổ sung tệp này.")
    try:
        text = files[name].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError(
            "rate_data", f"{name}: byte {error.start} không phải UTF-8; lưu lại tệp bằng UTF-8."
        ) from None
    rows = [
        _Row(*origins.get((name, n), (name, n)), r)
        for n, r in enumerate(csv.DictReader(io.StringIO(text)), 2)
    ]
    if not rows:
        raise RefusedError("rate_data", f"{name}: không có dòng nào; chọn đúng tệp.")
    return rows


def _keyed(seen: set[str], row: _Row, column: str) -> str:
    code = row.text(column)
    if code in seen:
        raise row.fail(column, f"'{code}' đã có ở dòng trước; bỏ dòng trùng.")
    seen.add(code)
    return code


def _instruments(files: Mapping[str, bytes], origins: Origins) -> dict[str, Instrument]:
    seen: set[str] = set()
    found = {}
    for row in _rows(files, "instruments.csv", origins):
        code = _keyed(seen, row, "instrument")
        found[code] = Instrument(
            code,
            row.text("title_vi"),
            row.text("territory"),
            row.first_day("in_force_from"),
            row.first_day("money_from"),
            row.among("general_rise", ("yes", "no")) == "yes",
            row.text("citation"),
            row.text("source"),
            row.among("confidence", CONFIDENCES),
            row.text("note", empty=True),
        )
    return found


def _times(row: _Row, known: Mapping[str, Instrument], *, monthly: bool) -> tuple[str, str]:
    """Check both time axes of a row; return the instrument that set it and that ended it."""
    instrument = row.text("instrument")
    if instrument not in known:
        raise row.fail(
            "instrument",
            f"chưa có văn bản '{instrument}' trong instruments.csv; nạp cùng lúc tệp "
            "instruments.csv có dòng của văn bản này, hoặc sửa số.",
        )
    ended_by = row.among("ended_by", known, empty=True)
    first, last = row.first_day("effective_from"), row.day("effective_to")
    if row.first_day("legal_in_force_from") != known[instrument].in_force_from:
        raise row.fail(
            "legal_in_force_from", f"khác ngày hiệu lực của {instrument} trong instruments.csv."
        )
    if (last is None) != (ended_by == ""):
        raise row.fail("ended_by", "ngày kết thúc và văn bản kết thúc phải đi cùng nhau.")
    if last is not None and last < first:
        raise row.fail("effective_to", "trước ngày bắt đầu; sửa lại.")
    if monthly and (first.day != 1 or (last and (last + timedelta(days=1)).day != 1)):
        raise row.fail("effective_from", "mức tháng phải tính trọn tháng: ngày 01 đến cuối tháng.")
    return instrument, ended_by


def _rate(row: _Row, seen: set[str], known: Mapping[str, Instrument]) -> Rate:
    monthly = row.text("kind") == "monthly_allowance"
    instrument, ended_by = _times(row, known, monthly=monthly)
    clause = row.among("clause", CLAUSE_AGES, empty=not monthly)
    rate = Rate(
        code=_keyed(seen, row, "rate_code"),
        scheme=row.among("scheme", ("SA", "SP")),
        kind=row.text("kind"),
        clause=clause,
        degree=row.among("degree", ("S", "ES"), empty=clause != "K6"),
        condition=row.text("condition"),
        age_from=row.whole("age_from_years") or 0,
        age_to=row.whole("age_to_years_exclusive"),
        description_vi=row.text("description_vi"),
        description_en=row.text("description_en"),
        coefficient=row.fraction("coefficient"),
        base_code=row.text("base_code", empty=True),
        fixed_amount_vnd=row.whole("fixed_amount_vnd"),
        amount_rule=row.text("amount_rule"),
        instrument=instrument,
        first_day=row.first_day("effective_from"),
        last_day=row.day("effective_to"),
        ended_by=ended_by,
        citation=row.text("citation"),
        source=row.text("source"),
        confidence=row.among("confidence", CONFIDENCES),
        back_confidence=row.among("back_confidence", CONFIDENCES, empty=True),
        note=row.text("note", empty=True),
    )
    if monthly:
        _check_monthly(row, rate)
    return rate


def _check_monthly(row: _Row, rate: Rate) -> None:
    if not rate.coefficient or not rate.base_code or rate.fixed_amount_vnd is not None:
        raise row.fail("coefficient", "trợ cấp tháng cần hệ số lớn hơn 0 và mức chuẩn.")
    if rate.amount_rule != ("exact_per_child" if rate.clause == "K4" else "exact"):
        raise row.fail("amount_rule", f"'{rate.amount_rule}' không hợp với {rate.clause}.")
    if (rate.scheme == "SP") != (rate.clause == "SP"):
        raise row.fail("clause", f"'{rate.clause}' không thuộc chương trình {rate.scheme}.")
    ages = CLAUSE_AGES[rate.clause]
    for column, age in (("age_from_years", rate.age_from), ("age_to_years_exclusive", rate.age_to)):
        if age and age not in ages:
            raise row.fail(column, f"{age} tuổi không phải mốc tuổi của {rate.clause} {ages}.")
    if rate.age_to is not None and rate.age_to <= rate.age_from:
        raise row.fail("age_to_years_exclusive", "không lớn hơn tuổi bắt đầu; sửa lại.")


def _base(row: _Row, known: Mapping[str, Instrument]) -> BaseLevel:
    instrument, ended_by = _times(row, known, monthly=True)
    amount = row.whole("amount_vnd")
    if not amount:
        raise row.fail("amount_vnd", "mức chuẩn phải lớn hơn 0 đồng.")
    return BaseLevel(
        row.text("base_code"),
        row.among("scheme", ("SA", "SP")),
        row.text("territory"),
        amount,
        instrument,
        row.first_day("effective_from"),
        row.day("effective_to"),
        ended_by,
        row.text("citation"),
        row.text("source"),
        row.among("confidence", CONFIDENCES),
        row.text("note", empty=True),
    )


def _check_overlaps(rates: RateSet) -> None:
    """Refuse two rows that would both count for one age, or one territory, in one month.

    Looks at every month in which a row starts, under every state of the law.
    """
    starts = {month_of(r.first_day) for r in rates.rates}
    starts |= {month_of(b.first_day) for b in rates.bases}
    for law_on in {i.in_force_from for i in rates.instruments.values()}:
        for month in starts:
            _check_bands(rates.view(month, law_on))
    levels: dict[tuple[str, str], list[BaseLevel]] = {}
    for base in sorted(rates.bases, key=lambda b: b.first_day):
        levels.setdefault((base.code, base.territory), []).append(base)
    for (code, territory), found in levels.items():
        for earlier, later in itertools.pairwise(found):
            if earlier.last_day is None or earlier.last_day >= later.first_day:
                raise RefusedError(
                    "rate_data",
                    f"base_levels.csv: hai mức {code} của {territory} chồng nhau từ "
                    f"{later.first_day.isoformat()}; sửa ngày kết thúc của dòng trước.",
                )


def _check_bands(view: View) -> None:
    for rows in view.monthly.values():
        for degree in {r.degree for r in rows}:
            same = [r for r in rows if r.degree == degree]
            for a, b in itertools.pairwise(same):
                if a.age_to is None or b.age_from < a.age_to:
                    raise RefusedError(
                        "rate_data",
                        f"social_assistance_rates.csv: {a.code} và {b.code} cùng áp dụng "
                        f"cho tháng {view.month}; sửa ngày hoặc tuổi của một dòng.",
                    )


def load_rates(files: Mapping[str, bytes]) -> RateSet:
    """Read instruments, rates and base levels from the bytes of their CSV files.

    `files` maps the names instruments.csv, social_assistance_rates.csv and base_levels.csv to
    their contents. Raises RefusedError naming file, row, column and what to do.
    """
    found = read_rates(files)
    _check_overlaps(found)
    return found


def read_rates(files: Mapping[str, bytes], origins: Origins | None = None) -> RateSet:
    """Read the files row by row as `load_rates` does, without looking at rows side by side.

    `origins` says which file and row a complaint names, where a file was put together of several
    (programmes/versions.py). Raises RefusedError.
    """
    where = origins or {}
    known = _instruments(files, where)
    seen: set[str] = set()
    rates = tuple(_rate(r, seen, known) for r in _rows(files, "social_assistance_rates.csv", where))
    bases = tuple(_base(r, known) for r in _rows(files, "base_levels.csv", where))
    digest = hashlib.sha256()
    for name in _FILES:
        digest.update(f"{name}:{len(files[name])}\n".encode())
        digest.update(files[name])
    sha256 = digest.hexdigest()
    return RateSet(f"SASP-{sha256[:12]}", sha256, known, rates, bases)


def data_file(name: str) -> bytes:
    """Return the bytes of a file shipped under programmes/data."""
    return resources.files("disbursement.programmes").joinpath("data", name).read_bytes()


@lru_cache(maxsize=1)
def shipped_rates() -> RateSet:
    """Return the rate set that comes with the product (loaded once)."""
    read: Callable[[str], bytes] = data_file
    return load_rates({name: read(name) for name in _FILES})
