"""A bank's own names of banks, as its template's list writes them; pure look-up.

The list is keyed by NAPAS BIN. A bank that the list or the directory does not know, or knows only
doubtfully, is refused for that payment before anything is rendered.
"""

from __future__ import annotations

from functools import lru_cache

from bank_adapters.banks import Bank, BankRefused, find_bank
from bank_adapters.codes import read_data


def bank_name(list_id: str, code: str) -> str:
    """Return the name that list `list_id` has for a bank (BIC or BIN). Raises BankRefused."""
    bank = sure_bank(code)
    found = _lists().get(list_id, {}).get(bank.napas_bin)
    if found is None:
        raise BankRefused(
            "bank_not_in_list",
            f"Danh sách ngân hàng của mẫu tệp chưa có {bank.short_name}; hãy bổ sung đúng tên từ "
            "mẫu của ngân hàng.",
            en=f"the template's list of banks has no name for {bank.short_name}",
        )
    return found


def sure_bank(code: str) -> Bank:
    """Return the bank of a code, where the directory is sure of it. Raises BankRefused."""
    bank = find_bank(code)
    if bank.doubt:
        raise BankRefused(
            "bank_doubtful",
            f"Mã của {bank.short_name} chưa chắc chắn, không được dùng để chi: {bank.doubt}. "
            "Hãy xác nhận với ngân hàng.",
            en=f"{bank.short_name} is doubtful: {bank.doubt}",
        )
    return bank


def names(list_id: str) -> tuple[str, ...]:
    """Return every name of a list, in its order; () for an unknown list."""
    return tuple(_lists().get(list_id, {}).values())


@lru_cache(maxsize=1)
def _lists() -> dict[str, dict[str, str]]:
    lists: dict[str, dict[str, str]] = {}
    for row in read_data("bank_names.csv"):
        lists.setdefault(row["list"], {})[row["napas_bin"]] = row["name"]
    return lists
