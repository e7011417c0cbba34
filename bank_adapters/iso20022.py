"""The adapter for a bank's ISO 20022 files: pain.001 and camt.055 out, pain.002 and camt in.

Everything under a profile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import BinaryIO

from bank_adapters import answers, camt055, pain001
from bank_adapters.contract import (
    Accepted,
    BatchHeader,
    Capabilities,
    NotSent,
    Outcome,
    OutgoingFile,
    ParsedAnswer,
    PaymentRow,
    Rail,
    RefusedFile,
    Rendered,
    Source,
    Transport,
    Unknown,
)
from bank_adapters.profiles import Profile, load_profile
from bank_adapters.refusals import MOST_VND
from bank_adapters.xsd import validate_file


class Iso20022Bank(Rail):
    """One bank under one dated profile; stateless."""

    name = "iso20022"

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    @staticmethod
    def load_profile(name: str) -> Profile:
        """Read a profile by id or key. Raises ProfileError."""
        return load_profile(name)

    @property
    def profile(self) -> Profile:
        """The dated format this adapter writes."""
        return self._profile

    @property
    def capabilities(self) -> Capabilities:
        """Files out and back, asking back where the bank takes it; no name check, no balance."""
        return Capabilities(
            kind="file",
            render=True,
            submit=True,
            inquire=True,
            parse=True,
            cancel=bool(self._profile.cancel_version),
            statement="camt.053" in self._profile.answer_kinds,
            max_payments=self._profile.max_payments_per_file,
            max_amount_vnd=MOST_VND,
        )

    def validate(self, header: BatchHeader, rows: Iterable[PaymentRow]) -> None:
        """Check a batch as `render` would. Raises RefusedRow or RefusedBatch."""
        pain001.validate(self._profile, header, rows)

    def render(self, header: BatchHeader, rows: Iterable[PaymentRow], out: BinaryIO) -> Rendered:
        """Write the pain.001 of a batch; see pain001.render."""
        return pain001.render(self._profile, header, rows, out)

    @property
    def cancel(self) -> Callable[..., Rendered]:
        """What writes the request to ask payments back: camt055.render under the profile.

        Raises NotOffered where the bank takes none.
        """
        if not self._profile.cancel_version:
            raise AttributeError  # asks `Rail`, which says it in one place
        return partial(camt055.render, self._profile.cancel_version)

    def submit(self, file: OutgoingFile, transport: Transport) -> Outcome:
        """Check the file against its schema and hand it over.

        Raises MissingXsd or RefusedBatch before the first byte leaves, Conflict where another
        file of this name is there.
        """
        validate_file(file.path, self._profile.message_version)
        return transport.send(file)

    def inquire(self, name: str, transport: Transport) -> Accepted | NotSent | Unknown:
        """Ask whether the file arrived; sends nothing."""
        return transport.delivered(name)

    def parse(self, source: Source) -> ParsedAnswer:
        """Read an answer whole and check it. Raises RefusedFile."""
        answer = answers.parse(source)
        if answer.kind not in self._profile.answer_kinds:
            raise RefusedFile(
                "answer_kind",
                f"bộ tham số {self._profile.key} không nhận {answer.kind}",
                "Hãy kiểm tra đã chọn đúng tệp, đúng ngân hàng.",
                en=f"profile {self._profile.key} does not take {answer.kind}",
            )
        return answer
