"""The JSON of a dossier, read strictly; what is refused is named by its place in the text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from disbursement.entitlements.dossier_error import DossierError
from disbursement.identity import strict_json

MAX_BYTES = 1_048_576


class _Fraction:
    """Stands where a number with a fraction or an exponent was written."""


class _RepeatedError(Exception):
    """A key that one group has twice."""


def load(data: bytes) -> Any:
    """Return the value of the text. Raises DossierError: not strict JSON, or longer than 1 MB."""
    if len(data) > MAX_BYTES:
        raise DossierError("toàn văn", "lớn hơn 1 MB; tách ra", "is longer than 1 MB")
    try:
        return strict_json.loads(data, max_bytes=MAX_BYTES)
    except strict_json.StrictJsonError as error:
        raise _refused(data, str(error)) from error


def _refused(data: bytes, rule: str) -> DossierError:
    if "fraction" in rule:
        where = _first_fraction(data)
        return DossierError(
            where, "phải là số nguyên, không có phần lẻ", "a number has a fraction or an exponent"
        )
    if "repeated" in rule:
        key = _repeated(data)
        return DossierError(
            key, "ghi hai lần trong một nhóm; bỏ một", f"is not strict JSON: {rule}"
        )
    return DossierError(
        "toàn văn",
        "không phải JSON đúng chuẩn (UTF-8, không khóa trùng, tiền là số nguyên đồng không có "
        f"phần lẻ): {rule}",
        f"is not strict JSON: {rule}",
    )


def _first_fraction(data: bytes) -> str:
    value = json.loads(
        data, parse_float=lambda _: _Fraction(), parse_constant=lambda _: _Fraction()
    )
    return next(_places(value, ()), "toàn văn")


def _places(value: Any, above: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, _Fraction):
        yield ".".join(above) or "toàn văn"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _places(item, (*above, key))
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from _places(item, (*above, str(n)))


def _repeated(data: bytes) -> str:
    def pairs(found: list[tuple[str, Any]]) -> None:
        keys = [k for k, _ in found]
        double = next((k for k in keys if keys.count(k) > 1), None)
        if double is not None:
            raise _RepeatedError(double)

    try:
        json.loads(data, object_pairs_hook=pairs)
    except _RepeatedError as error:
        return str(error)
    return "toàn văn"
