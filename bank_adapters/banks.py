"""Directory of Vietnamese providers: pure look-up by BIC, NAPAS BIN or short name.

Bank identity is the most dangerous data of a payment: public lists contradict each other (971005
and 971011 are swapped between Viettel Money and VNPT Money). So every row carries its source and a
confidence, and a doubtful one is found, shown, and refused for use with its reason. A directory is
what ships (data/banks.csv, data/bank_claims.csv) with dated rows laid over it, which two people
approved (bank_adapters/directory.py, disbursement/beneficiaries/directory.py).
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
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
    citad_codes: str = ""
    """8-digit CITAD and treasury codes that were seen, between semicolons; never a whole list."""
    valid_from: date | None = None
    valid_to: date | None = None
    origin: str = ""
    """'' = ships with the product; else the version of the national directory."""

    @property
    def key(self) -> str:
        """What names a provider in files of changes: its short name, without case and marks."""
        return _key(self.short_name)

    def in_force(self, day: date) -> bool:
        """Tell whether the entry holds on a day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )

    @property
    def doubt(self) -> str:
        """Why this entry must not be used to pay; '' where it may."""
        if self.confidence == "low":
            return self.note or "low confidence"
        return ""


SYSTEMS = ("bic", "napas_bin", "vietqr_code", "sbv_code")
"""Systems in which a code names one provider and a provider has one code."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A source that says this provider has this code in a system."""

    provider: str  # Bank.key
    short_name: str
    system: str
    code: str
    source: str


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Sources that cannot all be right: (short name, code, source) of each claim."""

    system: str
    codes: tuple[str, ...]
    claims: tuple[tuple[str, str, str], ...]

    @property
    def words(self) -> str:
        """Say who claims what, for the person who must settle it."""
        return "; ".join(f"{name} = {code} ({source})" for name, code, source in self.claims)


@dataclass(frozen=True)
class Directory:
    """The entries of one day with what other sources claim about the same providers."""

    entries: tuple[Bank, ...]
    claims: tuple[Claim, ...] = field(default=(), repr=False)

    def find(self, value: str) -> Bank:
        """Look up by BIC (8 or 11 characters), NAPAS BIN (6 digits), short name or VietQR code.

        Names compare without case, marks and spaces; an old name finds the present bank. Raises
        BankRefused where nothing is found.
        """
        key = _key(value)
        found = self._index.get(key)
        if found is None and len(key) == 11 and key[4:6] == "VN":  # a branch's BIC
            found = self._index.get(key[:8])
        if found is None:
            raise BankRefused(
                "bank_unknown",
                "Không tìm thấy ngân hàng với mã hoặc tên này; hãy dùng mã BIC, mã BIN NAPAS hoặc "
                "tên viết tắt trong danh mục.",
                en="no bank with this BIC, BIN or short name",
            )
        return found

    def payable(self, value: str) -> Bank:
        """Look up the bank of a payment file. Its `bic` is then safe to write.

        Raises BankRefused (unknown, doubtful, no BIC) or NotOffered (`rail_not_available`).
        """
        bank = self.find(value)
        require_rail(bank.kind)
        if doubt := self.doubt(bank):
            raise BankRefused(
                "bank_doubtful",
                f"Mã của {bank.short_name} chưa chắc chắn, không được dùng để chi: {doubt}. "
                "Hãy xác nhận với ngân hàng.",
                en=f"{bank.short_name} is doubtful: {doubt}",
            )
        if not bank.bic:
            raise BankRefused(
                "bank_without_bic",
                f"Danh mục chưa có mã BIC của {bank.short_name}; hãy bổ sung từ văn bản của ngân "
                "hàng.",
                en=f"no BIC known for {bank.short_name}",
            )
        return bank

    def doubt(self, bank: Bank) -> str:
        """Say why an entry must not be used to pay: low confidence, or sources that differ."""
        found = self._disputed.get(bank.key)
        return bank.doubt or (f"sources conflict: {found.words}" if found else "")

    @cached_property
    def contradictions(self) -> tuple[Contradiction, ...]:
        """What the sources contradict each other in: one code for two, or two codes for one.

        An entry that two people approved with high confidence settles its provider: what other
        sources say of it counts no more, and its code is nobody else's.
        """
        settled = {b.key for b in self.entries if b.origin and b.confidence == "high"}
        groups: dict[tuple[str, str], set[Claim]] = defaultdict(set)
        for claim in (*self._own, *self.claims):
            if claim.provider not in settled:
                groups[claim.system, f"of {claim.provider}"].add(claim)
                groups[claim.system, claim.code].add(claim)
        for claim in self._own:
            if claim.provider in settled and (claim.system, claim.code) in groups:
                groups[claim.system, claim.code].add(claim)
        found: dict[Contradiction, None] = {}
        for (system, _), claims in sorted(groups.items()):
            if len({c.provider for c in claims}) > 1 or len({c.code for c in claims}) > 1:
                told = sorted({(c.short_name, c.code, c.source) for c in claims})
                found[
                    Contradiction(system, tuple(sorted({c.code for c in claims})), tuple(told))
                ] = None
        return tuple(found)

    @cached_property
    def _own(self) -> tuple[Claim, ...]:
        return tuple(
            Claim(bank.key, bank.short_name, system, value, bank.source)
            for bank in self.entries
            for system in SYSTEMS
            if not bank.now and (value := getattr(bank, system))
        )

    @cached_property
    def _disputed(self) -> Mapping[str, Contradiction]:
        settled = {b.key for b in self.entries if b.origin and b.confidence == "high"}
        return {
            key: found
            for found in self.contradictions
            for name, _, _ in found.claims
            if (key := _key(name)) not in settled
        }

    @cached_property
    def _index(self) -> Mapping[str, Bank]:
        return _index(self.entries)


def shipped() -> Directory:
    """Return the directory that ships with the product."""
    return _shipped()


def banks() -> tuple[Bank, ...]:
    """Return the whole directory that ships, old names included."""
    return _shipped().entries


def find_bank(value: str) -> Bank:
    """Look up in the directory that ships; see Directory.find."""
    return _shipped().find(value)


def payable_bank(value: str) -> Bank:
    """Look up in the directory that ships; see Directory.payable."""
    return _shipped().payable(value)


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
def _shipped() -> Directory:
    claims = (
        Claim(_key(r["short_name"]), r["short_name"], r["system"], r["code"], r["source"])
        for r in read_data("bank_claims.csv")
    )
    return Directory(tuple(entry(row) for row in read_data("banks.csv")), tuple(claims))


def entry(row: Mapping[str, str], origin: str = "") -> Bank:
    """Build an entry from the columns of data/banks.csv. Raises ValueError naming the column."""
    return Bank(
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
        row["citad_codes"],
        _day(row["valid_from"], "valid_from"),
        _day(row["valid_to"], "valid_to"),
        origin,
    )


def _day(text: str, column: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"{column}: '{text}' không phải ngày, viết dạng 2026-11-20") from None


def _kind(text: str) -> Kind:
    for kind in get_args(Kind):
        if kind == text:
            found: Kind = kind
            return found
    raise ValueError(f"kind: '{text}' không nằm trong {', '.join(get_args(Kind))}")


def _index(entries: Iterable[Bank]) -> Mapping[str, Bank]:
    every = tuple(entries)
    present = {bank.short_name: bank for bank in every if not bank.now}
    index: dict[str, Bank] = {}
    for bank in every:
        # Codes of an old name are those of the bank that took it over.
        target = present.get(bank.now, bank)
        for value in (bank.bic, bank.napas_bin, bank.short_name, bank.vietqr_code):
            if value and (bank is target or _key(value) not in index):
                index[_key(value)] = target
    return index
