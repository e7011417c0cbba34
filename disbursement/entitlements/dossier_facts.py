"""Facts of a case, checked against the catalogue and turned into values the rules take.

A fact that the category does not know is refused by name with the names it does know; a value of
another type or outside its choices, likewise. What is missing is left out: the rules then hold
the amount, or refuse where nothing can be said without it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from disbursement.entitlements.dossier import Facts, parse_day, parse_month
from disbursement.entitlements.dossier_error import DossierError, written
from disbursement.platform.clock import month_of
from disbursement.programmes.catalogue import Category, FactKind, fact_kinds

MERITS = ("LS", "PRE45", "TKN", "TB", "BB", "CDHH")
"""Merits whose survivors may draw a monthly allowance (NĐ 77/2024 Phụ lục I)."""
OTHER_MERITS = ("BMVNAH", "AH", "TBB", "TUDAY", "CCGD")
"""Merits of a deceased for which the tables have no monthly survivor's allowance."""


@dataclass(frozen=True)
class Deceased:
    """One dead person of merit: what he was, and when he died where it is known."""

    name: str
    merits: tuple[str, ...]
    injury_pct: int | None
    died: date | None


def typed(
    category: Category, facts: Mapping[str, Any], where: str, people: Container[str]
) -> Facts:
    """Return the facts with days as dates and months as yyyymm. Raises DossierError."""
    kinds = fact_kinds()
    out: Facts = {}
    for name, value in facts.items():
        if name not in category.facts:
            known = ", ".join(category.facts) or "không có"
            raise DossierError(
                f"{where}.{name}",
                f"diện {category.code} không có thông tin này; các thông tin: {known}",
                f"category {category.code} does not know this fact; it knows: {known}",
            )
        out[name] = _value(kinds[name], value, f"{where}.{name}", people)
    _contradictions(out, where)
    if out.get("hiv") is False:
        raise DossierError(
            f"{where}.hiv",
            f"mâu thuẫn với diện {category.code}: người nhiễm HIV/AIDS",
            f"contradicts {category.code}, the category of people with HIV/AIDS",
        )
    return out


def _bad(where: str, vi: str, en: str) -> DossierError:
    return DossierError(where, vi, en)


def _value(kind: FactKind, value: Any, where: str, people: Container[str]) -> Any:
    return _READERS[kind.type](kind, value, where, people)


def _choice(kind: FactKind, value: Any, where: str, _people: Container[str]) -> Any:
    if value not in kind.choices:
        allowed = ", ".join(kind.choices)
        wrong = written(value)
        raise _bad(
            where,
            f"chỉ nhận: {allowed}{wrong and f'; không nhận {wrong!r}'}",
            f"must be one of: {allowed}{wrong and f'; not {wrong!r}'}",
        )
    return value


def _yes_no(_kind: FactKind, value: Any, where: str, _people: Container[str]) -> Any:
    if not isinstance(value, bool):
        raise _bad(where, "phải là true hoặc false", "must be true or false")
    return value


def _day(_kind: FactKind, value: Any, where: str, _people: Container[str]) -> Any:
    try:
        return parse_day(value)
    except ValueError as error:
        raise _bad(where, "phải là ngày dạng 2026-11-03", str(error)) from None


def _whole(most: int) -> Callable[[FactKind, Any, str, Container[str]], Any]:
    def read(_kind: FactKind, value: Any, where: str, _people: Container[str]) -> Any:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise _bad(where, f"phải là số nguyên từ 0 đến {most}", f"must be whole, 0 to {most}")
        return value

    return read


def _person(_kind: FactKind, value: Any, where: str, people: Container[str]) -> Any:
    if not isinstance(value, str) or value not in people:
        raise _bad(where, "phải là mã một người trong people", "must be the id of a person")
    return value


def _people(kind: FactKind, value: Any, where: str, people: Container[str]) -> Any:
    if isinstance(value, list):
        found = tuple(_person(kind, v, where, people) for v in value)
        if len(set(found)) != len(found):
            raise _bad(where, "có người ghi hai lần", "a person appears twice")
        return found
    if kind.name == "children":
        return _whole(30)(kind, value, where, people)
    raise _bad(where, "phải là danh sách mã người", "must be a list of ids")


def _months(_kind: FactKind, value: Any, where: str, _people: Container[str]) -> Any:
    try:
        found = tuple(parse_month(v) for v in value) if isinstance(value, list) else ()
    except ValueError:
        found = ()
    if not found or len(set(found)) != len(found):
        raise _bad(
            where, "phải là danh sách tháng dạng 2026-11, không trùng", "must be distinct months"
        )
    return found


def _deceased(_kind: FactKind, value: Any, where: str, people: Container[str]) -> Any:
    if not isinstance(value, list) or not value:
        raise _bad(where, "phải là danh sách", "must be a list")
    out = []
    known = {*MERITS, *OTHER_MERITS}
    for n, item in enumerate(value):
        at = f"{where}.{n}"
        if not isinstance(item, dict):
            raise _bad(at, "phải là nhóm mục {}", "must be an object")
        unknown = set(item) - {"name", "merits", "injury_pct", "died"}
        if unknown:
            raise _bad(
                f"{at}.{min(unknown)}",
                "không có mục tên này; các mục: name, merits, injury_pct, died",
                "is not known here; known are name, merits, injury_pct, died",
            )
        merits = item.get("merits")
        if not isinstance(merits, list) or not merits or not set(merits) <= known:
            allowed = ", ".join((*MERITS, *OTHER_MERITS))
            raise _bad(f"{at}.merits", f"chỉ nhận: {allowed}", f"allowed: {allowed}")
        pct, died = item.get("injury_pct"), item.get("died")
        out.append(
            Deceased(
                str(item.get("name", "")),
                tuple(merits),
                None if pct is None else _whole(100)(_kind, pct, f"{at}.injury_pct", people),
                None if died is None else _day(_kind, died, f"{at}.died", people),
            )
        )
    return tuple(out)


_READERS: Mapping[str, Callable[[FactKind, Any, str, Container[str]], Any]] = {
    "choice": _choice,
    "yes_no": _yes_no,
    "day": _day,
    "money": _whole(10**13),
    "count": _whole(10_000),
    "person": _person,
    "people": _people,
    "months": _months,
    "deceased": _deceased,
}


def _contradictions(facts: Facts, where: str) -> None:
    """Refuse facts of one case that cannot both be true."""
    pension = facts.get("pension_vnd")
    if pension is not None and (
        (pension > 0 and facts.get("income") in ("none", "wage"))
        or (pension == 0 and facts.get("income") in ("lower_than_sp", "not_lower"))
    ):
        raise _bad(
            f"{where}.pension_vnd",
            "mâu thuẫn với income; bỏ một trong hai",
            "contradicts income; leave one out",
        )
    if facts.get("injury_pct", 0) > 100:
        raise _bad(f"{where}.injury_pct", "lớn hơn 100", "is more than 100")
    if facts.get("months", 0) > 11:
        raise _bad(f"{where}.months", "số tháng lẻ từ 0 đến 11", "odd months are 0 to 11")
    for first, last in (("pregnant_from", "pregnant_to"), ("enrolled_from", "enrolled_to")):
        if first in facts and last in facts and facts[last] < facts[first]:
            raise _bad(f"{where}.{last}", f"trước {first}", f"is before {first}")
    if facts.get("pregnant") is False and "pregnant_from" in facts:
        raise _bad(f"{where}.pregnant", "mâu thuẫn với pregnant_from", "contradicts pregnant_from")
    deceased = facts.get("deceased", ())
    martyrs = sum("LS" in d.merits for d in deceased)
    if deceased and "martyrs" in facts and facts["martyrs"] != martyrs:
        raise _bad(
            f"{where}.martyrs",
            f"mâu thuẫn với deceased ({martyrs} liệt sĩ); bỏ một trong hai",
            f"contradicts deceased ({martyrs} martyrs); leave one out",
        )
    certificate = facts.get("certificate_date")
    if certificate is not None and month_of(certificate) < 201001:
        raise _bad(
            f"{where}.certificate_date",
            "trước khi có giấy xác nhận khuyết tật (Luật Người khuyết tật 2010)",
            "is before certificates of disability existed (law of 2010)",
        )
