"""What a running server needs beside the application: its clock, its checks, hints in a demo."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from disbursement.identity import service, tokens
from disbursement.platform.clock import SetClock
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError
from disbursement.platform.migrate import cells
from ledger.sql import text


class RunningClock:
    """A clock that was set to some instant and goes on from there at the usual speed.

    A server lives for hours: with `--today`, its tokens and throttles must age as real ones do.
    """

    def __init__(self, start: datetime, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._start, self._monotonic, self._since = start, monotonic, monotonic()

    def now(self) -> datetime:
        """Return the instant, in UTC."""
        passed = timedelta(seconds=self._monotonic() - self._since)
        return self._start.astimezone(UTC) + passed


def ready(ctx: Context) -> Context:
    """Return the context a server runs on; its cell and its token keys are there.

    Raises NotFoundError `no_cell` | `no_shared`, OurFaultError `token_keys`.
    """
    if isinstance(ctx.clock, SetClock):
        ctx = replace(ctx, clock=RunningClock(ctx.clock.now()))
    ctx.cell.require()
    with service.read_shared(ctx):
        known = cells(ctx.database)
    if ctx.cell.code not in known:
        raise NotFoundError(
            "no_cell",
            f"Chưa có sổ của tỉnh {ctx.cell.code}; hãy chạy `disburse cell create "
            f"{ctx.cell.code}`.",
            en=f"There is no cell {ctx.cell.code}; run `disburse cell create {ctx.cell.code}`.",
        )
    tokens.load_keys(tokens.key_file(ctx))
    return ctx


@dataclass(frozen=True)
class Hints:
    """Something to try in a demo. The people of a demo are invented."""

    reference: str
    year: int
    username: str
    token: str


def try_hints(ctx: Context) -> Hints | None:
    """Return a reference code with its year of birth, and a demo user's token.

    None outside a demo, or where the demo has not been run.
    """
    if ctx.settings.env != "demo":
        return None
    with ctx.cell.read() as conn:
        person = conn.execute(text(_PAID_LAST)).first() or conn.execute(text(_ANYBODY)).first()
    readers = [u for u in service.users(ctx) if u.demo and u.may_read()]
    readers.sort(key=lambda u: (("auditor", "*") not in u.grants, "*" not in u.may_read(), u.id))
    if person is None or not readers:
        return None
    token = tokens.issue(ctx, readers[0])
    return Hints(person.reference, int(person.birth_from[:4]), readers[0].username, token)


_PAID_LAST = """SELECT x.reference, x.birth_from FROM attempt_news a
JOIN batch_row r ON r.batch_id = a.batch_id AND r.n = a.n JOIN person x ON x.id = r.sub_id
WHERE a.state = 'credited' ORDER BY a.batch_id DESC, a.n LIMIT 1"""
_ANYBODY = "SELECT reference, birth_from FROM person ORDER BY id LIMIT 1"
