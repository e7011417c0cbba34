"""The auditor of a demo: every promise is checked after every step, in a process of its own.

The books are read as they stood at the step's end (one snapshot), while the office goes on. What a
step broke is known before the next step is checked, and at the latest when the auditor leaves.
Last, the whole ledger is recomputed there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from typing import Any

from disbursement.jobs import invariants
from disbursement.platform.clock import SetClock
from disbursement.platform.context import open_context
from disbursement.platform.errors import OurFaultError
from disbursement.platform.settings import Settings
from ledger.sql import text
from ledger.verify import verify

_LEDGER = -1
"""Asked for in place of a month: recompute the whole ledger."""

Answer = list[tuple[str, str, str]]
"""What was found: invariant, place, amount."""


class Auditor:
    """Checks step after step; `say` gets each step's line once its check has passed."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        spawn = get_context("spawn")
        self._say = say
        self._step = ""
        self._next: list[str] = []
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(
            target=_audit, args=(theirs, settings.model_dump()), daemon=True
        )
        self._process.start()
        theirs.close()

    def say(self, line: str) -> None:
        """Say a line in its place: after the step that is still being checked."""
        if self._step:
            self._next.append(line)
        else:
            self._say(line)

    def check(self, step: str, since: int) -> None:
        """Begin to check the books as they are now; returns once their snapshot is taken.

        Raises OurFaultError where the step before broke a promise.
        """
        self.wait()
        self._pipe.send(since)
        self._receive()
        self._step = step

    def wait(self) -> None:
        """Wait for the check that runs. Raises OurFaultError where its step broke a promise."""
        step, self._step = self._step, ""
        if not step:
            return
        found = self._receive()
        if found:
            name, where, amount = found[0]
            raise OurFaultError(
                "doctor",
                f"Sau bước '{step}': {len(found)} điều sai, trước hết {name} ở {where}: {amount}.",
            )
        later, self._next = self._next, []
        for line in (f"  {step}", *later):
            self._say(line)

    def begin_verify(self) -> None:
        """Begin to recompute the whole ledger, after the last step's check; see `verified`."""
        self.wait()
        self._pipe.send(_LEDGER)

    def verified(self) -> bool:
        """Tell whether the ledger that was recomputed is right; waits for it."""
        return not self._receive()

    def close(self) -> None:
        """Wait for the last check and let the auditor go."""
        try:
            self.wait()
        finally:
            self._pipe.close()
            self._process.join()

    def _receive(self) -> Answer:
        try:
            answer: Answer = self._pipe.recv()
        except EOFError as error:
            raise OurFaultError("doctor", "Tiến trình kiểm tra đã dừng giữa chừng.") from error
        return answer


def _audit(pipe: Pipe, values: dict[str, Any]) -> None:
    """Answer each month asked about twice: once the snapshot is taken, then with what is wrong."""
    clock = SetClock(date(2026, 1, 1))  # nothing here asks for the day
    ctx = open_context(Settings.model_construct(**values), clock=clock)
    try:
        while True:
            since = pipe.recv()
            if since == _LEDGER:
                with ctx.cell.read() as conn:
                    problems = verify(conn).problems
                pipe.send([(p.where, str(p.journal_id), p.what) for p in problems])
                continue
            with ctx.cell.read() as conn:
                conn.execute(text("SELECT seq FROM chain_head")).all()
                pipe.send([])
                found = invariants.check_all(conn, since)
            pipe.send([(f.invariant, f.where, str(f.amount)) for f in found])
    except EOFError:
        return
    finally:
        ctx.database.dispose()
