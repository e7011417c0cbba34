"""What is wrong with rate tables as a whole: overlap, gap, wrong date order, unknown code.

Every complaint names the file and the row that a person wrote, and what to do. The cells of one
row are checked where they are read (programmes/rates.py); here rows are looked at side by side,
under every state of the law: a row counts from the day its instrument may be used.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from disbursement.platform.clock import month_of, show_month
from disbursement.platform.errors import RefusedError
from disbursement.programmes.communes import provinces
from disbursement.programmes.rates import (
    CENTRAL,
    CONFIDENCES,
    BaseLevel,
    Rate,
    RateSet,
    read_rates,
)
from disbursement.programmes.versions import Row, Tables, row_name, shipped

RATES, BASES = "social_assistance_rates.csv", "base_levels.csv"
INSTRUMENTS = "instruments.csv"
_ONE_DAY = timedelta(days=1)


def check(tables: Tables) -> RateSet:
    """Return the rates of tables in which nothing is wrong.

    Raises RefusedError `rate_data` naming file, row and reason; nothing of the tables is usable
    then.
    """
    rates = read_rates(tables.files, tables.origins)
    where = _Where(tables)
    _codes(rates, where)
    _base_series(rates, where)
    _rate_series(rates, where)
    for law_on in sorted({i.in_force_from for i in rates.instruments.values()}):
        _months(rates, law_on, where)
    for table, shape in _DATED.items():
        _dated(tables, table, shape)
    return rates


class _Where:
    """Turns a row into the file and row number that a person wrote."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.index = {
            (table, row_name(table, row)): n
            for table in tables.files
            for n, row in enumerate(tables.rows(table))
        }

    def place(self, table: str, name: str) -> tuple[str, int]:
        return self.tables.place(table, self.index[table, name])

    def rate(self, rate: Rate) -> tuple[str, int]:
        return self.place(RATES, rate.code)

    def base(self, base: BaseLevel) -> tuple[str, int]:
        return self.place(BASES, f"{base.code}/{base.territory}/{base.first_day.isoformat()}")

    def fail(self, places: Sequence[tuple[str, int]], sentence: str) -> RefusedError:
        """Complain about the row that came with the new file; about the first where none did."""
        given = [p for p in places if p[0] not in self.tables.files]
        file, row = (given or list(places))[0]
        return RefusedError("rate_data", f"{file}, dòng {row}: {sentence}")


@lru_cache(maxsize=1)
def _territories() -> frozenset[str]:
    return frozenset(provinces()) | {CENTRAL}


def _codes(rates: RateSet, where: _Where) -> None:
    """Refuse codes that nothing knows, and money that counts before its instrument says."""
    for instrument in rates.instruments.values():
        if instrument.territory not in _territories():
            raise where.fail(
                [where.place(INSTRUMENTS, instrument.code)],
                f"'{instrument.territory}' không phải mã tỉnh hay {CENTRAL}; sửa cột territory.",
            )
    central = {b.code for b in rates.bases if b.territory == CENTRAL}
    used = {r.base_code for r in rates.rates if r.base_code}
    kinds = {row["kind"] for row in shipped().rows(RATES)}
    for base in rates.bases:
        place = [where.base(base)]
        if base.territory not in _territories():
            raise where.fail(place, f"'{base.territory}' không phải mã tỉnh hay {CENTRAL}.")
        if base.code not in used:
            raise where.fail(place, f"không mức nào dùng '{base.code}'; sửa cột base_code.")
        _not_before_money(base, rates, where, place)
    for rate in rates.rates:
        place = [where.rate(rate)]
        if rate.base_code and rate.base_code not in central:
            raise where.fail(place, f"không có mức chuẩn trung ương '{rate.base_code}'.")
        if rate.kind not in kinds:
            raise where.fail(place, f"'{rate.kind}' không nằm trong {', '.join(sorted(kinds))}.")
        _not_before_money(rate, rates, where, place)


def _not_before_money(
    row: Rate | BaseLevel, rates: RateSet, where: _Where, place: Sequence[tuple[str, int]]
) -> None:
    money = rates.instruments[row.instrument].money_from
    if row.first_day < money:
        raise where.fail(
            place,
            f"ngày {row.first_day.isoformat()} trước ngày tính tiền {money.isoformat()} của "
            f"{row.instrument}; sửa effective_from hoặc money_from.",
        )


def _base_series(rates: RateSet, where: _Where) -> None:
    """Refuse two levels of one place on one day, and a day between two central levels."""
    series: dict[tuple[str, str], list[BaseLevel]] = {}
    for base in sorted(rates.bases, key=lambda b: b.first_day):
        series.setdefault((base.code, base.territory), []).append(base)
    for (code, territory), found in series.items():
        for before, after in itertools.pairwise(found):
            places = [where.base(after), where.base(before)]
            if before.last_day is None or before.last_day >= after.first_day:
                raise where.fail(places, _overlap(f"{code} của {territory}", before, after))
            if territory == CENTRAL and before.last_day + _ONE_DAY != after.first_day:
                raise where.fail(places, _gap(code, before.last_day, after.first_day))


def _overlap(what: str, before: Rate | BaseLevel, after: Rate | BaseLevel) -> str:
    first = before.first_day.isoformat()
    return (
        f"{what} chồng với dòng tính từ {first}; ghi thêm dòng đó với effective_to = "
        f"{(after.first_day - _ONE_DAY).isoformat()} và ended_by = {after.instrument}."
    )


def _gap(what: str, last: date, first: date) -> str:
    return (
        f"{what} bị hở từ {(last + _ONE_DAY).isoformat()} đến {(first - _ONE_DAY).isoformat()}; "
        "sửa ngày để hai dòng liền nhau."
    )


def _rate_series(rates: RateSet, where: _Where) -> None:
    """Refuse two rows of one thing on one day: codes differ only in what stands before the dot."""
    series: dict[tuple[str, str], list[Rate]] = {}
    for rate in sorted(rates.rates, key=lambda r: r.first_day):
        stem = rate.code.partition(".")[2]
        if rate.kind != "monthly_allowance" and stem:
            series.setdefault((rate.scheme, stem), []).append(rate)
    for found in series.values():
        for before, after in itertools.pairwise(found):
            if before.last_day is None or before.last_day >= after.first_day:
                places = [where.rate(after), where.rate(before)]
                raise where.fail(places, _overlap(after.code, before, after))


# --- month by month ----------------------------------------------------------------------------


def boundaries(*sets: RateSet) -> list[int]:
    """Return the months (yyyymm) in which a monthly amount may change, in order."""
    found = set()
    for rates in sets:
        monthly = (r for r in rates.rates if r.kind == "monthly_allowance")
        rows: list[Rate | BaseLevel] = [*monthly, *rates.bases]
        for row in rows:
            found.add(month_of(row.first_day))
            if row.last_day is not None:
                found.add(month_of(row.last_day + _ONE_DAY))
    return sorted(found)


def _months(rates: RateSet, law_on: date, where: _Where) -> None:
    """Look at every month in which something changes, as the law stands on that day."""
    spans: dict[tuple[str, str], tuple[Rate, Rate]] = {}
    for rate in sorted(rates.rates, key=lambda r: r.first_day):
        usable = rates.instruments[rate.instrument].in_force_from <= law_on
        if rate.kind == "monthly_allowance" and usable:
            key = (rate.clause, rate.degree)
            spans[key] = (spans.get(key, (rate, rate))[0], rate)
    for month in boundaries(rates):
        view = rates.view(month, law_on)
        for (clause, degree), (first, last) in spans.items():
            rows = [r for r in view.monthly.get(clause, ()) if r.degree == degree]
            inside = month_of(first.first_day) <= month < month_of(last.first_day)
            if inside and not rows:
                raise where.fail(
                    [where.rate(last), where.rate(first)],
                    f"{clause} {degree}".strip() + f" bị hở: tháng {month} không có mức nào; sửa "
                    "ngày để các dòng liền nhau.",
                )
            _bands(rows, month, where)
            for rate in rows:
                _whole_dong(rates, rate, month, law_on, where)


def _bands(rows: Sequence[Rate], month: int, where: _Where) -> None:
    for a, b in itertools.pairwise(rows):
        places = [where.rate(b), where.rate(a)]
        if a.age_to is None or b.age_from < a.age_to:
            raise where.fail(
                places,
                f"{b.code} chồng với {a.code} trong tháng {month}; sửa ngày hoặc tuổi, hoặc ghi "
                "thêm dòng kia với ngày kết thúc.",
            )
        if b.age_from > a.age_to:
            raise where.fail(
                places,
                f"{a.code} đến {a.age_to} tuổi, {b.code} từ {b.age_from} tuổi: hở tuổi trong tháng "
                f"{month}; sửa tuổi.",
            )


def _whole_dong(rates: RateSet, rate: Rate, month: int, law_on: date, where: _Where) -> None:
    view = rates.view(month, law_on)
    if (rate.base_code, CENTRAL) not in view.bases:
        raise where.fail(
            [where.rate(rate), *(where.base(b) for b in rates.bases if b.code == rate.base_code)],
            f"{rate.code} tính cho tháng {show_month(month)} nhưng {rate.base_code} của trung ương "
            "bị hở tháng đó; sửa ngày.",
        )
    for (code, _), base in view.bases.items():
        if code == rate.base_code and ((rate.coefficient or 0) * base.amount_vnd) % 1:
            raise where.fail(
                [where.base(base), where.rate(rate)],
                f"{rate.code} × {base.amount_vnd} không ra số đồng nguyên; sửa hệ số hoặc mức.",
            )


# --- tables of fixed amounts -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Dated:
    """How the rows of a table of amounts by day are told apart and checked."""

    code: str
    first: str
    last: str
    known: tuple[str, ...] = ()  # columns that may hold only what the shipped table holds
    gapless: bool = True


_DATED: Mapping[str, _Dated] = {
    "meritorious_rates.csv": _Dated(
        "rate_code", "effective_from", "effective_to", ("rate_code", "kind")
    ),
    "reference_levels.csv": _Dated(
        "base_code", "effective_from", "effective_to", ("base_code", "scheme", "territory")
    ),
    "list_programmes.csv": _Dated(
        "programme", "first_day", "last_day", ("shape", "unit"), gapless=False
    ),
}
_WHOLE = (r"[0-9]{0,12}", "không phải số đồng nguyên không âm; sửa lại.")
_CELLS: Mapping[str, tuple[str, str]] = {
    # "10 x BASE_SALARY": a multiple of a level of the day (meritorious_rates.csv)
    "amount_vnd": (r"[0-9]{0,12}|[0-9]{1,3} x (BASE_SALARY|current)", _WHOLE[1]),
    "base_vnd": _WHOLE,
    "uncertainty_vnd": _WHOLE,
    "unit_price_vnd": _WHOLE,
    "quantity": _WHOLE,
    "multiple_of_base": (r"([0-9]{1,4}(\.[0-9]{1,4})?)?", "không phải hệ số; viết dạng 1.5."),
    "citation": (r"(?s).+", "để trống; ghi căn cứ."),
    "source": (r"(?s).+", "để trống; ghi nguồn."),
}


def _dated(tables: Tables, table: str, shape: _Dated) -> None:
    """Check a table of fixed amounts: cells, known codes, no overlap, no gap."""
    known = {c: {row[c] for row in shipped().rows(table)} for c in shape.known}
    series: dict[str, list[tuple[date, date | None, tuple[str, int]]]] = {}
    for n, row in enumerate(tables.rows(table)):
        place = tables.place(table, n)
        first, last = _dated_row(row, place, shape)
        for column, codes in known.items():
            if row[column] not in codes:
                raise _cell(place, column, f"không có mã '{row[column]}'; sửa lại.")
        series.setdefault(row[shape.code], []).append((first, last, place))
    for code, found in series.items():
        ordered = sorted(found, key=lambda s: s[0])
        for (_, end, at), (start, _, place) in itertools.pairwise(ordered):
            given = place if place[0] != table else at
            if end is None or end >= start:
                until = (start - _ONE_DAY).isoformat()
                raise _cell(
                    given, shape.last, f"{code} chồng nhau từ {start}; ghi dòng trước đến {until}."
                )
            if shape.gapless and end + _ONE_DAY != start:
                raise _cell(given, shape.first, _gap(code, end, start))


def _cell(place: tuple[str, int], column: str, sentence: str) -> RefusedError:
    return RefusedError("rate_data", f"{place[0]}, dòng {place[1]}, cột {column}: {sentence}")


def _dated_row(row: Row, place: tuple[str, int], shape: _Dated) -> tuple[date, date | None]:
    for column, (pattern, what) in _CELLS.items():
        if column in row and not re.fullmatch(pattern, row[column]):
            raise _cell(place, column, f"'{row[column]}' {what}")
    if row["confidence"] not in CONFIDENCES:
        raise _cell(place, "confidence", f"chỉ nhận {', '.join(CONFIDENCES)}.")
    first, last = _day(row, place, shape.first), _day(row, place, shape.last)
    _day(row, place, "legal_in_force_from")
    if first is None:
        raise _cell(place, shape.first, "để trống; điền ngày dạng 2026-10-05.")
    if last is not None and last < first:
        raise _cell(place, shape.last, "trước ngày bắt đầu; sửa lại.")
    return first, last


def _day(row: Row, place: tuple[str, int], column: str) -> date | None:
    try:
        return date.fromisoformat(row[column]) if row[column] else None
    except ValueError:
        raise _cell(
            place, column, f"'{row[column]}' không phải ngày; viết dạng 2026-10-05."
        ) from None
