"""The post office of a demo: lists of cash out, result lists in, by the adapter `post`.

It keeps books of its own (drop/VNPOST/post.db); what it reports comes from those alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bank_adapters.contract import BatchHeader, PaymentRow
from bank_adapters.registry import adapter
from disbursement.documents.roster import Roster
from disbursement.fallback.papers import roster_of
from disbursement.fallback.simulator import PostOffice
from disbursement.jobs.worker import drop_folder
from disbursement.platform import files
from disbursement.platform.clock import show_month
from disbursement.platform.context import Context
from disbursement.sample.writer import POST

UNCOLLECTED = "first-run"
"""Failure profile of the desks: 4.2 % of the orders are not collected (PKH, Indonesia, 2019)."""


@dataclass(frozen=True)
class DemoPost:
    """The post office, and the lists it was given."""

    ctx: Context
    office: PostOffice

    @classmethod
    def open(cls, ctx: Context, seed: int) -> DemoPost:
        """Open the office's books in its exchange folder."""
        return cls(ctx, PostOffice(drop_folder(ctx, POST[0]), seed=seed, profile=UNCOLLECTED))

    def give(self, batches: Iterable[int], day: date) -> None:
        """Hand over the list of each batch, once, and let the office take them in."""
        rail = adapter("post", POST[4])
        for batch_id in batches:
            with self.ctx.cell.read() as conn:
                roster = roster_of(conn, self.ctx, batch_id)
            path = self.office.folder / "out" / rail.profile.file_name(roster.message_id)
            if not path.exists():
                head, rows = _orders(roster)
                with files.atomic(path) as out:
                    rail.render(head, rows, out)
        self.office.take_lists(day)

    def answer(self, day: date) -> list[Path]:
        """Let the office pay who comes; return its result lists, each read whole by the adapter.

        Raises RefusedFile for one that is not of the profile.
        """
        rail = adapter("post", POST[4])
        return [p for p in self.office.results(day) if rail.parse(p).statuses()]

    def paid(self) -> Sequence[tuple[str, int]]:
        """Return (order, đồng) of everything it handed over."""
        return list(self.office.paid().items())


def _orders(roster: Roster) -> tuple[BatchHeader, list[PaymentRow]]:
    rows = [
        PaymentRow(
            r.n, r.order, r.amount_vnd, "", "", r.name, r.order, r.reference,
            (
                ("birth", r.birth), ("last4", r.last4), ("place", roster.place),
                ("payee", r.payee), ("months", ", ".join(show_month(m) for m in r.months)),
            ),
        )
        for r in roster.rows
    ]  # fmt: skip
    head = BatchHeader(
        roster.message_id, f"{roster.message_id}-1", roster.made_at, roster.first_day,
        f"UBND {roster.office.name}", "", "", "", "", len(rows), roster.total_vnd,
    )  # fmt: skip
    return head, rows
