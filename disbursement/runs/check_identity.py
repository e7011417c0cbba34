"""The identity number against birth date, sex and the provinces of birth.

An import refuses such rows, so this finds what came another way: a birth corrected later, a
number recorded with a document, a province that gives out no such numbers. Only numbers that came
or changed since the payer's last released list are opened, and those found before.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from disbursement.beneficiaries.rules import identity_fault
from disbursement.runs.check_rules import birth_provinces
from disbursement.runs.check_scope import Fact, Note, Scope
from ledger.bulk import stream

_NEW = """
SELECT p.id, p.payer_id, p.identity_enc, p.birth_from, p.birth_to, p.sex FROM person p
JOIN work_payer w ON w.payer_id = p.payer_id
WHERE p.identity_kind = 'cccd' AND p.identity_enc IS NOT NULL
AND (p.seq > coalesce((SELECT max(l.recorded_by) FROM pay_list l WHERE l.payer_id = p.payer_id
    AND l.state IN ('released', 'closed')), 0)
  OR EXISTS (SELECT 1 FROM hold h WHERE h.person_id = p.id
    AND h.reason IN ('identity_mismatch', 'no_identity', 'cmnd', 'birth_year_only')))
ORDER BY p.id
"""
FIRST_COUNTRY = 100
"""From this prefix on numbers belong to people born abroad (TT 07/2016/TT-BCA, second annex)."""


def identity_mismatch(scope: Scope) -> Iterator[Fact | Note]:
    """Find numbers that cannot be this person's, by what the number itself says."""
    keys = scope.ctx.keys
    for person, payer, sealed, first, last, sex in stream(scope.conn, _NEW):
        number = keys.decrypt("person.identity", int(person), bytes(sealed))
        fault = number_fault(number, (date.fromisoformat(first), date.fromisoformat(last)), sex)
        if fault is not None:
            facts = f"{number}|{first}|{last}|{sex}"
            yield Fact(
                int(person), int(payer), keys.blind("finding", facts).hex(),
                f"Số định danh ****{number[-4:]}: {fault}",
            )  # fmt: skip


def number_fault(number: str, born: tuple[date, date], sex: str) -> str | None:
    """Say in one sentence what about a 12-digit number is wrong, or None."""
    if len(number) != 12 or not (number.isascii() and number.isdigit()):
        return "không phải 12 chữ số."
    if int(number[:3]) < FIRST_COUNTRY and number[:3] not in birth_provinces():
        return f"ba số đầu {number[:3]} không phải mã tỉnh nơi đăng ký khai sinh."
    return identity_fault(number, born, sex)
