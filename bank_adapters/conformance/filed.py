"""What every rail that is sent files must hold, against its simulator, over a folder here.

A rail's test class subclasses `FiledSuite` and says how its far side is made.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bank_adapters.codes import FINAL
from bank_adapters.conformance.orders import header, row
from bank_adapters.conformance.suite import ContractSuite, Terms
from bank_adapters.contract import (
    OPTIONAL,
    STATUS_KINDS,
    Accepted,
    Adapter,
    AdapterError,
    BatchHeader,
    Capabilities,
    NotSent,
    Outcome,
    OutgoingFile,
    ParsedAnswer,
    PaymentRow,
    RefusedFile,
    Rendered,
    Unknown,
)
from bank_adapters.registry import adapter
from bank_adapters.transports import FileDrop

NAME = "NGUYEN THI HUYEN TRANG"
NOT_PAID = frozenset({"RJCT", "CANC"})
Said = tuple[str, str, int | None]
"""Order, status as it came (DBIT for a booked debit), amount in đồng."""


class FarSide(Protocol):
    """Who the files are for, with books of its own. It collects from `folder`/out."""

    folder: Path

    def take(self) -> None:
        """Take every new file, and pay."""

    def answers(self) -> list[Path]:
        """Write what there is to answer."""

    def told(self) -> dict[str, int]:
        """Return how often each order was told."""

    def paid(self) -> dict[str, int]:
        """Return what each order was paid, in đồng."""


@dataclass
class Lossy:
    """A transport whose outcome is given; it counts what was handed to it."""

    outcome: Unknown | NotSent
    sent: int = 0

    def send(self, file: OutgoingFile) -> Outcome:  # noqa: ARG002 - as a transport is asked
        """Hand over nothing, and say so."""
        self.sent += 1
        return self.outcome

    def delivered(self, name: str) -> Accepted | NotSent | Unknown:  # noqa: ARG002 - as above
        """Say the same."""
        return self.outcome


class FiledSuite(ContractSuite):
    """The tests; `adapter_name` and `profile_id` are the rail's."""

    adapter_name: ClassVar[str]
    refused_code: ClassVar[str] = ""
    """The raw code of an order that `far(refuse=…)` refuses; "" where the rail refuses none."""
    cut_is_refused: ClassVar[bool] = True
    """False for plain text: a file cut at the end of a line looks whole."""

    def far(self, folder: Path, *, refuse: str = "") -> FarSide:
        """Return the far side; it refuses the account `refuse`."""
        raise NotImplementedError

    # --- helpers ------------------------------------------------------------------------------

    @property
    def adapter(self) -> Adapter:
        return adapter(self.adapter_name, self.profile_id)

    def rows(self, count: int = 1) -> list[PaymentRow]:
        return [row(n, name=NAME, amount_vnd=810_000 + n) for n in range(1, count + 1)]

    def head(self, rows: list[PaymentRow], **changes: Any) -> BatchHeader:
        """Return the batch's header as this rail wants it."""
        return header(rows, **changes)

    def check(self, rows: list[PaymentRow]) -> None:
        self.adapter.validate(self.head(rows), rows)

    def render(self, rows: list[PaymentRow], **changes: Any) -> tuple[bytes, Rendered]:
        """Write a batch; return its bytes and what the adapter says of them."""
        out = io.BytesIO()
        done = self.adapter.render(self.head(rows, **changes), rows, out)
        return out.getvalue(), done

    def written(self, rows: list[PaymentRow]) -> bytes:
        return self.render(rows)[0]

    def terms(self) -> Terms:
        return self.adapter.profile

    def file(self, folder: Path, rows: list[PaymentRow]) -> OutgoingFile:
        """Write a batch to disk, as it waits for its transport."""
        data, done = self.render(rows)
        name = self.adapter.profile.file_name("DS25B1")
        path = folder / "waiting" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return OutgoingFile(name, path, done.sha256, done.bytes)

    def sent(self, folder: Path, rows: list[PaymentRow], **options: str) -> FarSide:
        """Send a batch to the far side, which takes it and pays."""
        far = self.far(folder / "far", **options)
        outcome = self.adapter.submit(self.file(folder, rows), FileDrop(far.folder / "out"))
        assert isinstance(outcome, Accepted)
        far.take()
        return far

    def parsed(self, far: FarSide) -> list[ParsedAnswer]:
        return [self.adapter.parse(path.read_bytes()) for path in far.answers()]

    def said(self, answers: Iterable[ParsedAnswer]) -> set[Said]:
        """Return what answers say of single payments."""
        out: set[Said] = set()
        for one in answers:
            if one.kind in STATUS_KINDS:
                out |= {
                    (s.end_to_end_id, s.status or "", s.amount_vnd)
                    for s in one.statuses()
                    if s.end_to_end_id
                }
                continue
            for statement in one.statements():
                out |= {
                    (e.end_to_end_id, e.side, e.amount_vnd)
                    for e in statement.entries
                    if e.end_to_end_id and e.status == "BOOK" and not e.is_return
                }
        return out

    # --- what it offers -------------------------------------------------------------------------

    def test_it_offers_what_it_declares_and_nothing_else(self) -> None:
        one = self.adapter
        assert one.name == self.adapter_name
        for name in Capabilities.__dataclass_fields__:
            if name in OPTIONAL:
                assert hasattr(one, name) == getattr(one.capabilities, name)
        assert one.capabilities.kind in ("file", "cash")
        assert one.capabilities.max_payments == one.profile.max_payments_per_file
        assert one.capabilities.render
        assert one.capabilities.submit
        if not one.capabilities.parse:
            with pytest.raises(RefusedFile):
                one.parse(self.written(self.rows(2)))

    # --- out ------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "wrong", [{"count": 4}, {"count": 0}, {"total_vnd": 1}, {"message_id": ""}]
    )
    def test_a_header_that_does_not_fit_its_orders_is_refused(self, wrong: dict[str, Any]) -> None:
        rows = self.rows(3)
        with pytest.raises(AdapterError) as checked:
            self.adapter.validate(self.head(rows, **wrong), rows)
        with pytest.raises(AdapterError) as written:
            self.render(rows, **wrong)
        assert checked.value.code == written.value.code

    def test_writing_refuses_what_checking_refuses(self) -> None:
        for rows in ([], [replace(self.rows()[0], amount_vnd=0)], [self.rows()[0]] * 2):
            with pytest.raises(AdapterError) as checked:
                self.check(rows)
            with pytest.raises(AdapterError) as written:
                self.render(rows)
            assert checked.value.code == written.value.code

    def test_what_is_said_of_a_file_is_true(self) -> None:
        rows = self.rows(3)
        data, done = self.render(rows)
        assert done.sha256 == hashlib.sha256(data).hexdigest()
        assert done.bytes == len(data)
        assert (done.count, done.total_vnd) == (3, sum(r.amount_vnd for r in rows))

    def test_a_file_is_delivered_once_and_another_one_under_its_name_never(
        self, tmp_path: Path
    ) -> None:
        file, drop = self.file(tmp_path, self.rows(3)), FileDrop(tmp_path / "out")
        assert isinstance(self.adapter.inquire(file.name, drop), NotSent)
        assert self.adapter.submit(file, drop) == Accepted(file.name)
        assert self.adapter.submit(file, drop) == Accepted(file.name, repeated=True)
        assert self.adapter.inquire(file.name, drop) == Accepted(file.name, repeated=True)
        there = (tmp_path / "out" / file.name).read_bytes()
        other = self.file(tmp_path / "other", self.rows(2))
        with pytest.raises(AdapterError):
            self.adapter.submit(other, drop)
        assert (tmp_path / "out" / file.name).read_bytes() == there

    def test_a_file_that_was_cut_does_not_leave(self, tmp_path: Path) -> None:
        file = self.file(tmp_path, self.rows(3))
        file.path.write_bytes(file.path.read_bytes()[: file.bytes * 2 // 3])
        with pytest.raises(AdapterError):
            self.adapter.submit(file, FileDrop(tmp_path / "out"))
        assert not list((tmp_path / "out").glob("*"))

    @pytest.mark.parametrize("outcome", [Unknown("cut"), NotSent("refused")])
    def test_unknown_stays_unknown_and_not_sent_stays_not_sent(
        self, tmp_path: Path, outcome: Unknown | NotSent
    ) -> None:
        transport = Lossy(outcome)
        file = self.file(tmp_path, self.rows(3))
        assert self.adapter.submit(file, transport) == outcome
        assert self.adapter.inquire(file.name, transport) == outcome
        assert transport.sent == 1, "a question sends nothing"

    # --- the far side ---------------------------------------------------------------------------

    def test_each_order_is_told_and_paid_once_to_the_dong(self, tmp_path: Path) -> None:
        rows = self.rows(3)
        far = self.sent(tmp_path, rows)
        assert far.told() == {r.end_to_end_id: 1 for r in rows}
        assert far.paid() == {r.end_to_end_id: r.amount_vnd for r in rows}

    def test_the_same_bytes_again_pay_nobody_twice(self, tmp_path: Path) -> None:
        far = self.sent(tmp_path, self.rows(3))
        paid = far.paid()
        [first] = (far.folder / "out").iterdir()
        first.with_name(f"again-{first.name}").write_bytes(first.read_bytes())
        far.take()
        assert far.paid() == paid

    def test_answers_say_paid_of_what_was_paid_and_of_nothing_else(self, tmp_path: Path) -> None:
        if not self.adapter.capabilities.parse:
            return
        rows = self.rows(3)
        far = self.sent(tmp_path, rows)
        said = self.said(self.parsed(far))
        paid = {(one, amount) for one, what, amount in said if what in {"DBIT", *FINAL} - NOT_PAID}
        assert paid == {(r.end_to_end_id, r.amount_vnd) for r in rows} == set(far.paid().items())

    def test_a_refusal_keeps_its_raw_code_and_is_no_payment(self, tmp_path: Path) -> None:
        if not self.refused_code:
            return
        rows = self.rows(3)
        far = self.sent(tmp_path, rows, refuse=rows[1].account)
        assert rows[1].end_to_end_id not in far.paid()
        answers = self.parsed(far)
        codes = {
            s.end_to_end_id: (s.status, s.reason_code)
            for one in answers
            if one.kind in STATUS_KINDS
            for s in one.statuses()
        }
        assert codes[rows[1].end_to_end_id] == ("RJCT", self.refused_code)
        told = {what for one, what, _ in self.said(answers) if one == rows[1].end_to_end_id}
        assert told == {"RJCT"}

    # --- whatever comes -------------------------------------------------------------------------

    def test_an_answer_cut_anywhere_never_says_something_else(self, tmp_path: Path) -> None:
        if not self.adapter.capabilities.parse:
            return
        far = self.sent(tmp_path, self.rows(3))
        for path in far.answers():
            data = path.read_bytes()
            whole = self.said([self.adapter.parse(data)])
            for cut in range(0, len(data) - 1, max(1, len(data) // 60)):
                try:
                    part = self.said([self.adapter.parse(data[:cut])])
                except RefusedFile:
                    continue
                assert not self.cut_is_refused, cut
                assert {(one, what) for one, what, _ in part} <= {(o, w) for o, w, _ in whole}

    def test_any_bytes_are_read_or_refused_and_pay_nobody_by_chance(self) -> None:
        one = self.adapter

        @settings(max_examples=100, deadline=None)
        @given(st.binary(max_size=400))
        def read(data: bytes) -> None:
            with pytest.raises(RefusedFile):
                one.parse(data)

        read()

    def test_nothing_personal_is_shown(self, tmp_path: Path) -> None:
        rows = self.rows(2)
        shown = repr(self.render(rows)[1]) + repr(self.adapter)
        if self.adapter.capabilities.parse:
            far = self.sent(tmp_path, rows)
            for one in self.parsed(far):
                shown += repr(list(one.items)) + repr(one)
        assert NAME not in shown
        assert not [r.account for r in rows if r.account and r.account in shown]
