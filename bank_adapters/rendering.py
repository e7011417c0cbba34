"""What a batch leaves as, whatever its profile: a message, a table, or orders for calls.

One place that knows the kinds, so that whoever freezes a batch does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bank_adapters import pain001
from bank_adapters.api import orders
from bank_adapters.api.profile import ApiProfile
from bank_adapters.banks import BankRefused
from bank_adapters.contract import BatchHeader, Change, PaymentRow
from bank_adapters.profiles import Profile
from bank_adapters.refusals import batch_refused
from bank_adapters.registry import AnyProfile
from bank_adapters.sheets import checks, render
from bank_adapters.sheets.bank_names import bank_name
from bank_adapters.sheets.profile import SheetProfile, load_sheet
from bank_adapters.sheets.readback import read_sheet
from bank_adapters.text import prepare_text
from bank_adapters.xsd import validate_file

_DEBTOR_LENGTH = 140


@dataclass(frozen=True, slots=True)
class AmountLimits:
    """What a rail takes, in đồng: least and most of one payment, most per account and period."""

    least: int = 1
    most: int | None = None
    day: int | None = None
    month: int | None = None


def for_count(profile: AnyProfile, count: int) -> AnyProfile:
    """Return the profile by which so many payments leave: a template may want two or more.

    Nobody waits because they are alone on a list. Raises ProfileError.
    """
    if isinstance(profile, SheetProfile) and count < profile.min_payments_per_file:
        return load_sheet(profile.fewer_by)
    return profile


def lot_size(profile: AnyProfile, count: int) -> int:
    """Return how many of `count` payments go into one file: no lot is below the least."""
    most = profile.max_payments_per_file
    left = count % most
    least = profile.min_payments_per_file if isinstance(profile, SheetProfile) else 1
    return -(-count // -(-count // most)) if 0 < left < least else most


def file_name(profile: AnyProfile, message_id: str) -> str:
    """Name of the outgoing file, fixed by the batch alone."""
    if isinstance(profile, SheetProfile):
        return profile.file_name(message_id)
    return f"{message_id}.{'jsonl' if isinstance(profile, ApiProfile) else 'xml'}"


def debtor_name(profile: AnyProfile, value: str) -> str:
    """Return the payer's name as the file carries it. Raises RefusedText."""
    if isinstance(profile, SheetProfile):
        return profile.names.prepare(value, "debtor_name", _DEBTOR_LENGTH)[0]
    return prepare_text(profile, value, "debtor_name")[0]


def purposes(profile: AnyProfile) -> tuple[str, str]:
    """Return category purpose and purpose of a message, empty where the kind has none."""
    if isinstance(profile, Profile):
        return profile.category_purposes[0], profile.purposes[0]
    return "", ""


def prepare(profile: AnyProfile, row: PaymentRow) -> tuple[PaymentRow, tuple[Change, ...]]:
    """Return a row as the file carries it, with every changed value. Raises RefusedText.

    Our reference leads the text and every character set has it; of messages and calls only the
    name can change.
    """
    if isinstance(profile, SheetProfile):
        return checks.prepare(profile, row)
    name, changed = prepare_text(profile, row.name, "name")
    if changed is None:
        return row, ()
    # Spelled out: `replace` takes four times as long, and this is done for every payment.
    written = PaymentRow(
        row.n, row.end_to_end_id, row.amount_vnd, row.bank_code, row.account, name, row.text,
        row.reference, row.about,
    )  # fmt: skip
    return written, (changed,)


def write(
    profile: AnyProfile, header: BatchHeader, rows: Iterable[PaymentRow], out: BinaryIO
) -> str:
    """Write a batch with all its checks; return the SHA-256 (hex). Raises AdapterError."""
    if isinstance(profile, Profile):
        return pain001.render(profile, header, rows, out).sha256
    if isinstance(profile, SheetProfile):
        return render.render(profile, header, rows, out).sha256
    return orders.render(header, rows, out).sha256


def check_written(profile: AnyProfile, path: Path) -> None:
    """Look at the whole file again: against its schema, or read back and totalled. AdapterError."""
    if isinstance(profile, Profile):
        validate_file(path, profile.message_version)
    elif isinstance(profile, SheetProfile):
        for first in read_sheet(profile, path).findings:
            where = f" (dòng {first.line})" if first.line else ""
            raise batch_refused(first.code, f"{first.what}{where}", first.en)


def message_version(profile: AnyProfile) -> str:
    """Return the ISO 20022 message that the file is, '' where it is none."""
    return profile.message_version if isinstance(profile, Profile) else ""


def cancel_version(profile: AnyProfile) -> str:
    """Return the message by which payments are asked back, '' where the rail takes none."""
    return profile.cancel_version if isinstance(profile, Profile) else ""


def takes_bank(profile: AnyProfile, code: str) -> bool:
    """Tell whether the file can name a bank: a template has its own list of names."""
    if not isinstance(profile, SheetProfile) or not profile.bank_list:
        return True
    try:
        bank_name(profile.bank_list, code)
    except BankRefused:
        return False
    return True


def amount_limits(profile: AnyProfile) -> AmountLimits:
    """Return the limits of amount of a rail; a message of a bank has none of its own."""
    if isinstance(profile, ApiProfile):
        return AmountLimits(
            profile.min_amount_vnd, profile.max_amount_vnd,
            profile.max_day_vnd, profile.max_month_vnd,
        )  # fmt: skip
    if isinstance(profile, SheetProfile):
        return AmountLimits(profile.min_amount_vnd, profile.max_amount_vnd)
    return AmountLimits()
