"""What holds for every rail, called or sent files: what the two halves of the suite share."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import ClassVar, Protocol

import pytest

from bank_adapters.contract import AdapterError, Format, PaymentRow

FAR_VND = 10**15
"""More than any rail takes in one payment, in đồng."""


class Terms(Format, Protocol):
    """What the suite asks of a profile beside the contract: both kinds of profile have it."""

    @property
    def id(self) -> str:
        """Name of the profile."""


class ContractSuite:
    """The shared tests; `CalledSuite` and `FiledSuite` add what each half must hold."""

    profile_id: ClassVar[str]
    same_bytes: ClassVar[bool] = True
    """False where a cipher's padding makes each writing of an order another one (MoMo)."""

    carries_text: ClassVar[bool] = True
    """False where nothing that leaves has room for a remittance text."""

    # --- what a half says -----------------------------------------------------------------------

    def rows(self, count: int = 1) -> list[PaymentRow]:
        """Return good orders for this rail, numbered from 1."""
        raise NotImplementedError

    def check(self, rows: list[PaymentRow]) -> None:
        """Check orders as the caller does before anything is written. AdapterError."""
        raise NotImplementedError

    def written(self, rows: list[PaymentRow]) -> bytes:
        """Write orders for the rail, whole: a file, or the bytes of the calls."""
        raise NotImplementedError

    def terms(self) -> Terms:
        """Return the profile that the adapter was made with."""
        raise NotImplementedError

    # --- tests ----------------------------------------------------------------------------------

    def test_its_profile_is_dated_and_says_where_it_comes_from(self) -> None:
        terms = self.terms()
        assert terms.id == self.profile_id
        assert terms.key == f"{terms.id}/{terms.version}"
        assert terms.confidence in ("own", "high", "medium", "low")
        assert len(terms.source.split()) >= 3
        assert terms.answer_wait_days >= 1
        assert terms.return_window_days >= 1
        assert terms.max_payments_per_file >= 1
        first = getattr(terms, "valid_from")  # noqa: B009 - not of the contract, of every profile
        assert terms.in_force(first)
        assert not terms.in_force(first - timedelta(days=1))

    @pytest.mark.parametrize("amount", [0, -810_000, FAR_VND])
    def test_an_amount_that_the_rail_does_not_take_is_refused(self, amount: int) -> None:
        self.refused(amount_vnd=amount)

    @pytest.mark.parametrize("account", ["", "19-00 1;", "1" * 60])
    def test_an_account_that_is_none_is_refused(self, account: str) -> None:
        if self.rows()[0].account:  # a cash desk pays persons, not accounts
            self.refused(account=account)

    def test_a_text_that_is_empty_or_without_end_is_refused(self) -> None:
        if self.carries_text:
            self.refused(text="")
            self.refused(text="A" * 5_000)

    def refused(self, **changes: object) -> None:
        """Assert that a batch with one wrong order is refused, with a sentence for people."""
        from dataclasses import replace  # noqa: PLC0415 - only here

        good, wrong = self.rows(2)
        self.check([good, wrong])
        wrong = replace(wrong, **changes)  # type: ignore[arg-type]  # the tests name real fields
        with pytest.raises(AdapterError) as told:
            self.check([good, wrong])
        assert told.value.code
        assert told.value.en
        assert re.search(r"\w+ \w+ \w+", told.value.sentence)
        for value in (wrong.account, wrong.name):
            assert len(value) < 8 or value not in told.value.sentence

    def test_writing_is_pure(self) -> None:
        first, again = self.written(self.rows(3)), self.written(self.rows(3))
        assert first
        if self.same_bytes:
            assert first == again
        assert first != self.written(self.rows(2))
