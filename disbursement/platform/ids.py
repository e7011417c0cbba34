"""Identifiers: end-to-end ids of attempts, reference codes for people, blocks of row ids."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from ledger.sql import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U, so that a code can be read out on the telephone."""
_VALUE = {c: i for i, c in enumerate(ALPHABET)}
_PAIRS = tuple(a + b for a in ALPHABET for b in ALPHABET)
_NEXT = tuple((v << 1) ^ (0b100101 if v & 16 else 0) for v in range(32))
"""Multiplication by x in GF(32)."""
CARRIER_DIGITS = 10
REFERENCE_LENGTH = 9


def _check(digits: str) -> str:
    """Return a check character over GF(32): finds every single error and every swap.

    The sum of d_i * x^(n-i) modulo x^5 + x^2 + 1; x has order 31, so all weights differ.
    """
    total = 0
    for c in digits:
        total = _NEXT[total ^ _VALUE[c]]
    return ALPHABET[total]


def base32(value: int, width: int) -> str:
    """Write a number with `width` digits. Raises ValueError where it does not fit."""
    if value >> 5 * width:
        raise ValueError("number does not fit into the identifier")
    pairs = [_PAIRS[value >> at & 1023] for at in range(10 * ((width - 1) // 2), -1, -10)]
    return "".join(pairs)[-width:]


def end_to_end_id(cell: str, carrier: int) -> str:
    """Return the EndToEndId of an attempt: 16 characters, `DS` cell carrier check check.

    It is the carrier (coins.md 1) written so that it survives the 16-character reference of
    MT940 :61: and can be read back without a look-up; unique for ever because carriers are.
    """
    body = f"DS{cell}{base32(carrier, CARRIER_DIGITS)}"
    first = _check(body[2:])
    return body + first + _check(body[2:] + first)


def carrier_of(cell: str, text_id: str) -> int | None:
    """Read the carrier back; None where the id is not one of this cell's or is mistyped."""
    if len(text_id) != 16 or not text_id.startswith(f"DS{cell}"):
        return None
    body = text_id[:14]
    try:
        if end_to_end_id(cell, value := _read(body[4:])) != text_id:
            return None
    except (KeyError, ValueError):
        return None
    return value


def _read(digits: str) -> int:
    value = 0
    for c in digits:
        value = value << 5 | _VALUE[c]
    return value


def new_reference() -> str:
    """Return a random reference code for a beneficiary: 9 characters and a check character.

    45 random bits: with five tries an hour nobody guesses one.
    """
    digits = base32(secrets.randbits(5 * REFERENCE_LENGTH), REFERENCE_LENGTH)
    return digits + _check(digits)


def clean_reference(text_code: str) -> str | None:
    """Normalise what a person typed (spaces, dashes, O for 0, I/L for 1); None if impossible."""
    code = text_code.upper().replace(" ", "").replace("-", "")
    code = code.replace("O", "0").replace("I", "1").replace("L", "1")
    if len(code) != REFERENCE_LENGTH + 1 or any(c not in _VALUE for c in code):
        return None
    return code if _check(code[:-1]) == code[-1] else None


def block(conn: Connection, name: str, n: int) -> int:
    """Take n consecutive row ids of a kind; return the first. Gaps are allowed, reuse is not."""
    row = conn.execute(
        text(
            "INSERT INTO id_block (name, next) VALUES (:name, :n + 1) "
            "ON CONFLICT (name) DO UPDATE SET next = id_block.next + :n RETURNING next"
        ),
        {"name": name, "n": n},
    ).scalar_one()
    return int(row) - n
