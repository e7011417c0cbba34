"""JSON as this product takes it: RFC 8259 read narrowly, the same everywhere or not at all.

Parsers differ on what the standard leaves open (RFC 8259, 4, 6 and 9): repeated keys, numbers
beyond 64 bits, NaN, depth, surrogates, NUL. Each of these is refused here, and so is every number
with a fraction or an exponent: no field of ours has one (money is whole dong).
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import orjson

MAX_BYTES = 65_536
MAX_DEPTH = 16
MAX_INT = 2**63 - 1

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


class StrictJsonError(ValueError):
    """The text is refused; the message names the rule and never repeats the input."""


def loads(
    data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH
) -> dict[str, Any] | list[Any] | str | int | bool | None:
    """Read one JSON text.

    Raises StrictJsonError for anything but UTF-8 without a byte order mark, a text longer than
    `max_bytes`, nested deeper than `max_depth`, a repeated key, a number that is no 64-bit whole
    number, a lone surrogate, or a NUL character.
    """
    if len(data) > max_bytes:
        raise StrictJsonError(f"longer than {max_bytes} bytes")
    try:
        orjson.loads(data)  # grammar, UTF-8, surrogates; limits its own recursion
    except orjson.JSONDecodeError as error:
        raise StrictJsonError("not valid JSON in UTF-8") from error
    _check_depth(data, max_depth)
    value: dict[str, Any] | list[Any] | str | int | bool | None = json.loads(
        data,
        object_pairs_hook=_pairs,
        parse_int=_whole,
        parse_float=_fraction,
        parse_constant=_fraction,
    )
    _check_text(value)
    return value


def _check_depth(data: bytes, limit: int) -> None:
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub(b"", data)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > limit:
            raise StrictJsonError(f"nested deeper than {limit}")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise StrictJsonError("a key is repeated")
    return made


def _whole(digits: str) -> int:
    if len(digits) > 20 or not -MAX_INT - 1 <= (value := int(digits)) <= MAX_INT:
        raise StrictJsonError("a number does not fit into 64 bits")
    return value


def _fraction(_digits: str) -> NoReturn:
    raise StrictJsonError("a number has a fraction or an exponent")


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise StrictJsonError("a text holds NUL")
    elif isinstance(value, list):
        for item in value:
            _check_text(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check_text(item)
