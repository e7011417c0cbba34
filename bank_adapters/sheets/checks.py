"""Every rule of a table, on the header and on every row, before anything leaves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime

from bank_adapters.banks import BankRefused
from bank_adapters.contract import BatchHeader, Change, PaymentRow
from bank_adapters.refusals import (
    ACCOUNT,
    END_TO_END,
    MESSAGE_ID,
    MOST_VND,
    REFERENCE,
    batch_refused,
    is_instant,
    row_refused,
)
from bank_adapters.sheets.bank_names import bank_name, sure_bank
from bank_adapters.sheets.characters import ANY
from bank_adapters.sheets.layout import ABOUT, ORDER_WORDS, Column
from bank_adapters.sheets.profile import SheetProfile
from ledger.money import format_vnd, in_words_vi

_LAST4 = re.compile(r"[0-9]{4}")
_YEAR = re.compile(r"(19|20)[0-9]{2}")
_FORMULA = ("=", "+", "-", "@", "\t")
"""First characters that a spreadsheet takes for a formula when it opens a CSV."""


def prepare(profile: SheetProfile, row: PaymentRow) -> tuple[PaymentRow, tuple[Change, ...]]:
    """Return the row as the table carries it, with every changed value. Raises RefusedText.

    Pure; used when a batch is frozen. Nothing is cut: what is too long or empty is refused.
    """
    name, first = profile.names.prepare(row.name, "name", profile.length("name") or 140)
    text, second = row.text, None
    if profile.has("text"):
        text, second = profile.texts.prepare(row.text, "text", profile.length("text"))
    return replace(row, name=name, text=text), tuple(c for c in (first, second) if c)


def check_row(profile: SheetProfile, row: PaymentRow) -> None:
    """Check one row alone, bank included: what fails is held before a batch is made. RefusedRow."""
    n = row.n
    if type(n) is not int or n < 1:
        raise row_refused(n, "n", "số thứ tự phải là số nguyên tăng dần", "must be ascending")
    if not END_TO_END.fullmatch(row.end_to_end_id):
        raise row_refused(n, "end_to_end_id", "phải gồm 16-20 ký tự A-Z 0-9 -", "16-20 [A-Z0-9-]")
    # `type is int`: True is an int in Python, and no amount.
    amount = row.amount_vnd
    if type(amount) is not int or not profile.min_amount_vnd <= amount <= profile.max_amount_vnd:
        raise row_refused(
            n,
            "amount_vnd",
            f"phải là số đồng nguyên từ {profile.min_amount_vnd} đến {profile.max_amount_vnd}",
            "whole, within the profile's limits",
        )
    if not REFERENCE.fullmatch(row.reference):
        raise row_refused(n, "reference", "mã tra cứu phải gồm A-Z 0-9", "not [A-Z0-9]")
    if profile.has("text") and not row.text.startswith(row.reference):
        raise row_refused(n, "reference", "nội dung phải bắt đầu bằng mã tra cứu", "must lead text")
    if profile.rail != "cash":
        _bank(profile, row)
    about = dict(row.about)
    for column in profile.columns:
        _column(profile, row, about, column)


def _bank(profile: SheetProfile, row: PaymentRow) -> None:
    if profile.has("account") and not ACCOUNT.fullmatch(row.account):
        raise row_refused(
            row.n, "account", "số tài khoản chỉ gồm chữ và số, không dấu cách", "account"
        )
    try:
        bank = sure_bank(row.bank_code)
        if profile.bank_list:
            bank_name(profile.bank_list, row.bank_code)
        if profile.banks != "any":
            own = bank is sure_bank(profile.own_bank)
            if own != (profile.banks == "own"):
                raise row_refused(
                    row.n,
                    "bank_code",
                    "mẫu tệp này chỉ nhận tài khoản "
                    + ("tại chính ngân hàng" if profile.banks == "own" else "ngân hàng khác"),
                    "this template takes accounts of the other kind of bank",
                )
    except BankRefused as error:
        raise row_refused(row.n, "bank_code", error.sentence.rstrip("."), error.en) from error


def _column(
    profile: SheetProfile, row: PaymentRow, about: Mapping[str, str], column: Column
) -> None:
    value = cell_value(profile, row, about, column)
    field = column.value
    good = len(value) <= column.length and ANY.fullmatch(value) is not None
    if field == "name":
        good = profile.names.holds(value, column.length)
    elif field == "text":
        good = profile.texts.holds(value, column.length)
    elif field == "birth" and value:
        good = _YEAR.fullmatch(value) is not None
    elif field == "last4" and value:
        good = _LAST4.fullmatch(value) is not None
    if not value and column.required and field != "empty":
        good = False
    if profile.form == "csv" and value.startswith(_FORMULA):
        good = False
    if profile.form == "fixed" and profile.encoding == "ascii" and not value.isascii():
        good = False
    if not good:
        raise row_refused(
            row.n,
            field,
            f"phải có 1-{column.length} ký tự mà mẫu tệp nhận, không thừa dấu cách",
            f"1-{column.length} characters that the template takes",
        )


def cell_value(
    profile: SheetProfile, row: PaymentRow, about: Mapping[str, str], column: Column
) -> str:
    """Return what a column holds for a row, unpadded."""
    value = column.value
    if value == "n":
        return str(row.n)
    if value == "amount":
        return str(row.amount_vnd)
    if value in ("end_to_end_id", "reference", "account", "name", "text", "bank_code"):
        return str(getattr(row, value))
    if value == "bank_name":
        return bank_name(profile.bank_list, row.bank_code)
    if value == "bank_label":
        return sure_bank(row.bank_code).name_vi
    if value == "bank_bin":
        return sure_bank(row.bank_code).napas_bin
    if value in ABOUT:
        return about.get(value, "")
    return column.text if value == "fixed" else ""


def check_header(profile: SheetProfile, header: BatchHeader) -> None:
    """Check what stands once in the file. Raises RefusedBatch."""
    about = dict(header.about)
    tests = [
        ("message_id", MESSAGE_ID.fullmatch(header.message_id)),
        ("created_at", is_instant(header.created_at)),
        (
            "execution_date",
            type(header.execution_date) is date and profile.in_force(header.execution_date),
        ),
        ("debtor_name", header.debtor_name.strip() and ANY.fullmatch(header.debtor_name)),
        ("lot", type(header.lot) is int and header.lot >= 1),
        ("count", type(header.count) is int and header.count >= 1),
        ("total_vnd", type(header.total_vnd) is int and 0 < header.total_vnd <= MOST_VND),
    ]
    if profile.order:
        tests += [(name, _order_word(name, about.get(name, ""))) for name in ORDER_WORDS]
    for name, good in tests:
        if not good:
            raise batch_refused(
                f"header_{name}",
                f"mục {name} của lô không đúng với bộ tham số {profile.key}",
                f"header field {name} does not fit profile {profile.key}",
            )
    if profile.order and about.get("order_total") != str(header.total_vnd):
        raise batch_refused(
            "order_differs",
            f"lệnh chuyển tiền ghi {about.get('order_total', '?')} đồng, bảng kê cộng "
            f"{header.total_vnd} đồng; hai số phải bằng nhau",
            "the payment order's sum is not the table's",
        )
    least, most = profile.min_payments_per_file, profile.max_payments_per_file
    if not least <= header.count <= most:
        raise batch_refused(
            "too_many_payments" if header.count > most else "too_few_payments",
            f"lô có {header.count} khoản, mẫu tệp nhận từ {least} đến {most} khoản; "
            "hãy chia hoặc gộp lô",
            f"{header.count} payments, the template takes {least} to {most}",
        )


def _order_word(name: str, value: str) -> bool:
    if name == "order_date":
        try:
            return datetime.strptime(value, "%d/%m/%Y").strftime("%d/%m/%Y") == value  # noqa: DTZ007 - a day has no zone
        except ValueError:
            return False
    return 0 < len(value) <= 140 and value == value.strip() and ANY.fullmatch(value) is not None


def words_of(header: BatchHeader) -> dict[str, str]:
    """Return what stands in braces in the lines above and below the rows."""
    return {
        "message_id": header.message_id,
        "lot": str(header.lot),
        "execution_date": f"{header.execution_date:%d/%m/%Y}",
        "count": str(header.count),
        "total": str(header.total_vnd),
        "total_dots": format_vnd(header.total_vnd),
        "total_words": in_words_vi(header.total_vnd),
        "debtor_name": header.debtor_name,
        "debtor_account": header.debtor_account,
        "debtor_bic": header.debtor_bic,
        **{name: dict(header.about).get(name, "") for name in ORDER_WORDS},
    }


def checked(
    profile: SheetProfile, header: BatchHeader, rows: Iterable[PaymentRow]
) -> Iterator[PaymentRow]:
    """Yield rows that passed every check; compare count and sum after the last one."""
    seen: set[str] = set()
    last = total = 0
    for row in rows:
        check_row(profile, row)
        if row.n <= last:
            raise row_refused(
                row.n, "n", "số thứ tự phải là số nguyên tăng dần", "must be ascending"
            )
        last = row.n
        if row.end_to_end_id in seen:
            raise row_refused(
                last, "end_to_end_id", "mã bị trùng trong tệp", "doubled in this file"
            )
        seen.add(row.end_to_end_id)
        total += row.amount_vnd
        if len(seen) > header.count:
            break
        yield row
    if len(seen) != header.count or total != header.total_vnd:
        raise batch_refused(
            "totals_differ",
            f"đầu lô ghi {header.count} khoản, {header.total_vnd} đồng nhưng các dòng không cộng "
            "đúng như vậy; hãy lập lại lô",
            "rows do not add up to the header's count and total",
        )
