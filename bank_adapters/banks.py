"""Directory of Vietnamese providers: pure look-up by BIC, NAPAS BIN or short name.

Bank identity is the most dangerous data of a payment: public lists contradict each other (971005
and 971011 are swapped between Viettel Money and VNPT Money). So every row carries its source and a
confidence, and a doubtful one is found, shown, and refused for use with its reason.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from bank_adapters.codes import read_data
from bank_adapters.contract import AdapterError, NotOffered

Kind = Literal["bank", "wallet", "mobile_money", "treasury", "central_bank"]
RAILS: frozenset[str] = frozenset({"bank"})
"""Kinds of provider that an adapter reaches today."""

_KIND_VI: dict[str, str] = {
    "wallet": "ví điện tử",
    "mobile_money": "Mobile Money",
    "treasury": "Kho bạc",
    "central_bank": "Ngân hàng Nhà nước",
}


class BankRefused(AdapterError):  # noqa: N818 - sibling of RefusedRow
    """There is no such provider in the directory, or its entry must not be used."""

    action = "fix"


@dataclass(frozen=True, slots=True)
class Bank:
    """One provider. `now` is the present short name where this entry is an old name."""

    kind: Kind
    name_vi: str
    short_name: str
    vietqr_code: str
    bic: str
    napas_bin: str
    sbv_code: str
    now: str
    confidence: str
    note: str
    source: str

    @property
    def doubt(self) -> str:
        """Why this entry must not be used to pay; '' where it may."""
        if self.confidence == "low":
            return self.note or "low confidence"
        return ""


def banks() -> tuple[Bank, ...]:
    """Return the whole directory, old names included."""
    return _directory()


def find_bank(value: str) -> Bank:
    """Look up by BIC (8 or 11 characters), NAPAS BIN (6 digits), short name or VietQR code.

    Names compare without case, marks and spaces; an old name finds the present bank. Raises
    BankRefused where nothing is found.
    """
    key = _key(value)
    found = _index().get(key)
    if found is None and len(key) == 11 and key[4:6] == "VN":  # a branch's BIC
        found = _index().get(key[:8])
    if found is None:
        raise BankRefused(
            "bank_unknown",
            "Không tìm thấy ngân hàng với mã hoặc tên này; hãy dùng mã BIC, mã BIN NAPAS hoặc tên "
            "viết tắt trong danh mục.",
            en="no bank with this BIC, BIN or short name",
        )
    return found


def payable_bank(value: str) -> Bank:
    """Look up the bank of a payment file. Its `bic` is then safe to write.

    Raises BankRefused (unknown, doubtful, no BIC) or NotOffered (`rail_not_available`).
    """
    bank = find_bank(value)
    require_rail(bank.kind)
    if bank.doubt:
        raise BankRefused(
            "bank_doubtful",
            f"Mã của {bank.short_name} chưa chắc chắn, không được dùng để chi: {bank.doubt}. "
            "Hãy xác nhận với ngân hàng.",
            en=f"{bank.short_name} is doubtful: {bank.doubt}",
        )
    if not bank.bic:
        raise BankRefused(
            "bank_without_bic",
            f"Danh mục chưa có mã BIC của {bank.short_name}; hãy bổ sung từ văn bản của ngân hàng.",
            en=f"no BIC known for {bank.short_name}",
        )
    return bank


def require_rail(kind: str) -> None:
    """Raise NotOffered (`rail_not_available`) where no adapter reaches this kind of provider."""
    if kind not in RAILS:
        raise NotOffered(
            "rail_not_available",
            f"Chưa có kênh chi trả qua {_KIND_VI.get(kind, 'loại này')}; khoản chi được giữ lại, "
            "không tự chuyển sang tiền mặt.",
            en=f"rail not available: {kind}",
        )


def _key(value: str) -> str:
    marks = unicodedata.normalize("NFD", value.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in marks if c.isascii() and c.isalnum()).upper()


@lru_cache(maxsize=1)
def _directory() -> tuple[Bank, ...]:
    return tuple(
        Bank(
            _kind(row["kind"]),
            row["name_vi"],
            row["short_name"],
            row["vietqr_code"],
            row["bic"],
            row["napas_bin"],
            row["sbv_bank_code_3"],
            row["now"],
            row["confidence"],
            row["note"],
            row["source"],
        )
        for row in read_data("banks.csv")
    )


def _kind(text: str) -> Kind:
    for kind in get_args(Kind):
        if kind == text:
            found: Kind = kind
            return found
    raise ValueError(f"banks.csv: no such kind {text!r}")


@lru_cache(maxsize=1)
def _index() -> dict[str, Bank]:
    present = {bank.short_name: bank for bank in _directory() if not bank.now}
    index: dict[str, Bank] = {}
    for bank in _directory():
        # Codes of an old name are those of the bank that took it over.
        target = present.get(bank.now, bank)
        for value in (bank.bic, bank.napas_bin, bank.short_name, bank.vietqr_code):
            if value and (bank is target or _key(value) not in index):
                index[_key(value)] = target
    return index
