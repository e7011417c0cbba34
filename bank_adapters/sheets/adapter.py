"""The adapter for a bank's (or the treasury's) table: out under a profile, result list in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO, Literal

from bank_adapters.contract import (
    Accepted,
    BatchHeader,
    Capabilities,
    Change,
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
from bank_adapters.profiles import ProfileError
from bank_adapters.refusals import batch_refused
from bank_adapters.sheets.checks import check_header, check_row, checked, prepare
from bank_adapters.sheets.profile import SheetProfile, load_sheet
from bank_adapters.sheets.readback import read_sheet
from bank_adapters.sheets.render import render
from bank_adapters.sheets.results import parse_result


class SheetRail(Rail):
    """One template under one dated profile; stateless."""

    name = "sheet"
    kind: Literal["file", "cash"] = "file"

    def __init__(self, profile: SheetProfile) -> None:
        if profile.adapter != self.name:
            raise ProfileError(
                "profile_adapter",
                f"Bộ tham số {profile.key} dành cho kênh {profile.adapter}, không phải "
                f"{self.name}; hãy chọn đúng kênh.",
                en=f"profile {profile.key} is for the adapter {profile.adapter}",
            )
        self._profile = profile

    @staticmethod
    def load_profile(name: str) -> SheetProfile:
        """Read a profile by id or key. Raises ProfileError."""
        return load_sheet(name)

    @property
    def profile(self) -> SheetProfile:
        """The dated template this adapter writes."""
        return self._profile

    @property
    def capabilities(self) -> Capabilities:
        """Tables out; results back where the profile describes them."""
        return Capabilities(
            kind=self.kind,
            render=True,
            submit=True,
            inquire=True,
            parse=self._profile.result is not None,
            max_payments=self._profile.max_payments_per_file,
            min_amount_vnd=self._profile.min_amount_vnd,
            max_amount_vnd=self._profile.max_amount_vnd,
        )

    def prepare(self, row: PaymentRow) -> tuple[PaymentRow, tuple[Change, ...]]:
        """Return the row as the table carries it, with every change. Raises RefusedText."""
        return prepare(self._profile, row)

    def check(self, row: PaymentRow) -> None:
        """Check one payment alone, bank included: it is held, not its batch. Raises RefusedRow."""
        check_row(self._profile, row)

    def validate(self, header: BatchHeader, rows: Iterable[PaymentRow]) -> None:
        """Check a batch as `render` would. Raises RefusedRow or RefusedBatch."""
        check_header(self._profile, header)
        for _ in checked(self._profile, header, rows):
            pass

    def render(self, header: BatchHeader, rows: Iterable[PaymentRow], out: BinaryIO) -> Rendered:
        """Write the table of a batch; see render.render."""
        return render(self._profile, header, rows, out)

    def submit(self, file: OutgoingFile, transport: Transport) -> Outcome:
        """Read the table back, total it, and hand it over.

        Raises RefusedBatch before the first byte leaves where it is not of its profile or does not
        add up, Conflict where another file of this name is there.
        """
        try:
            found = read_sheet(self._profile, file.path)
        except RefusedFile as error:
            raise batch_refused(error.code, error.what, error.en) from error
        if found.findings:
            first = found.findings[0]
            where = f" (dòng {first.line})" if first.line else ""
            raise batch_refused(first.code, f"{first.what}{where}", first.en)
        return transport.send(file)

    def inquire(self, name: str, transport: Transport) -> Accepted | NotSent | Unknown:
        """Ask whether the file arrived; sends nothing."""
        return transport.delivered(name)

    def parse(self, source: Source) -> ParsedAnswer:
        """Read a result list whole and check it. Raises RefusedFile."""
        return parse_result(self._profile, source)
