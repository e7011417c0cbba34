"""The worker: ticks that drain the outbox, pick up answers, and warn before the cut-off.

APScheduler only ticks, with a memory store; each tick claims its row in our own table first, so
that two workers on one cell do the work once (F38). `--once` runs every tick's work one time.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy.exc import IntegrityError

from bank_adapters.contract import Transport
from bank_adapters.transports.connection import ConnectionFileError
from disbursement.fallback.service import open_roster
from disbursement.jobs import callbacks, links, sender
from disbursement.payments.intake import reader_of, take_answers
from disbursement.platform import files
from disbursement.platform.calendar import cut_off
from disbursement.platform.clock import ICT, stamp, today
from disbursement.platform.connections import connection_path
from disbursement.platform.context import Context
from ledger.sql import text

WARN_BEFORE = timedelta(days=1)


@dataclass(frozen=True)
class Tick:
    """One kind of work and how often it is looked at, in seconds."""

    name: str
    every_seconds: int
    work: Callable[[Context], str]
    lock: str = ""
    """Ticks under one lock are never at work together; a tick of its own where empty."""


def name_of_worker() -> str:
    """Return a name that tells two workers apart in our own table."""
    return f"{socket.gethostname()}:{os.getpid()}"


def drop_folder(ctx: Context, provider: str) -> Path:
    """Return the folder that a provider's files are dropped into and answered from."""
    return ctx.settings.home / "drop" / provider


def transport_for(ctx: Context) -> Callable[[str], Transport]:
    """Return the function that gives a provider's transport: its connection, or the drop folder.

    The drop folder keeps marks like any connection: whoever carries its files away may do so
    before we have recorded that they lay there, and a file that is gone is never put there again.
    """

    def give(provider: str) -> Transport:
        there = links.link(ctx, provider)
        return there or links.on_this_machine(ctx, provider, drop_folder(ctx, provider))

    return give


def send_due(ctx: Context) -> str:
    """Drain the outbox; say what happened."""
    done = sender.drain(ctx, transport_for(ctx), open_roster, name_of_worker())
    return (
        f"gửi {done.sent}, mở danh sách tiền mặt {done.rosters}, chờ {done.waiting}, "
        f"chưa rõ {done.unknown}, dừng {done.stopped}"
    )


def pick_up(ctx: Context) -> str:
    """Take in every answer that lies whole in a provider's folder; each is one unit of work.

    A statement that waits for an earlier one is kept and taken by itself when that one comes.
    Answers at the far side of a connection are brought first; one that is mute stops nobody.
    """
    taken = waiting = 0
    refused, troubles = _fetch(ctx)
    for folder in sorted((ctx.settings.home / "drop").glob("*/in")):
        paths = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
        done = folder.parent / "done"
        done.mkdir(exist_ok=True)
        parse = reader_of(ctx, folder.parent.name)
        results = take_answers(ctx, paths, actor="worker", parse=parse)
        for path, result in zip(paths, results, strict=True):
            taken += result.state in ("applied", "repeated")
            waiting += result.state == "waiting"
            refused += result.state not in ("applied", "repeated", "waiting")
            path.rename(done / path.name)
    said = f"nhận {taken}, chờ sao kê trước {waiting}, không nhận {refused}"
    return " ".join([said, *troubles])


def _fetch(ctx: Context) -> tuple[int, list[str]]:
    """Bring answers from every connection; return how many were refused, and what went wrong."""
    refused, troubles = 0, []
    with ctx.cell.read() as conn:
        codes = conn.execute(text("SELECT code FROM provider ORDER BY code")).scalars().all()
    for code in codes:
        if not links.of_files(connection_path(ctx.settings, code)):
            continue
        try:
            there = links.link(ctx, code)
            refused += there.fetch()[1] if there else 0
        except ConnectionFileError as error:
            troubles.append(error.sentence)
    return refused, troubles


def ask_rails(ctx: Context) -> str:
    """Ask called rails what became of payments whose outcome is open; say how many were asked."""
    asked, troubles = sender.ask_due(ctx)
    return " ".join([f"hỏi {asked} lệnh gọi chưa có kết quả", *troubles])


def take_callbacks(ctx: Context) -> str:
    """Take the callbacks that were kept since the last look; say how many."""
    taken, refused, troubles = callbacks.take_kept(ctx)
    return " ".join([f"nhận {taken} thông báo của kênh gọi, không nhận {refused}", *troubles])


def warn_cut_off(ctx: Context) -> str:
    """Say what is still without an answer on the day before the electronic cut-off."""
    now = today(ctx.clock)
    with ctx.cell.read() as conn:
        rows = conn.execute(
            text(
                "SELECT y.code, count(*), min(b.value_date) FROM batch b "
                "JOIN payer y ON y.id = b.payer_id WHERE b.rail <> 'cash' "
                "AND b.state IN ('queued', 'sending', 'sent', 'accepted', 'unknown') "
                "AND b.answered_at IS NULL GROUP BY y.code ORDER BY y.code"
            )
        ).all()
    late = [
        code
        for code, _, value_date in rows
        if cut_off(date.fromisoformat(value_date)) - WARN_BEFORE <= now
    ]
    return f"sắp hết hạn chuyển khoản mà chưa có kết quả: {len(late)} đơn vị"


TICKS = (
    Tick("send", 60, send_due),
    Tick("callbacks", 15, take_callbacks),
    Tick("ask", 120, ask_rails, "send"),  # what is just leaving is not asked about
    Tick("answers", 120, pick_up),
    Tick("cut-off", 3_600, warn_cut_off),
)


def claim(ctx: Context, tick: Tick) -> bool:
    """Claim this tick's slot in our own table; False where another worker has it."""
    now = ctx.clock.now()
    slot = int(now.timestamp()) // tick.every_seconds
    try:
        with ctx.cell.begin() as conn:
            conn.execute(
                text(
                    "INSERT INTO tick (name, slot, claimed_by, claimed_at) VALUES (:n, :s, :w, :t)"
                ),
                {"n": tick.name, "s": str(slot), "w": name_of_worker(), "t": stamp(ctx.clock)},
            )
    except IntegrityError:
        return False
    return True


def work(ctx: Context, tick: Tick) -> str:
    """Do a tick's work where no other worker of this installation is at it; say what happened.

    A claim of the slot is not enough: `--once` claims none, and work may last beyond its slot. Two
    that send the same batch would both ask before either one's file is there.
    """
    with files.only_one(
        ctx.settings.home / "locks" / f"{ctx.cell.code}-{tick.lock or tick.name}"
    ) as mine:
        return tick.work(ctx) if mine else "một tiến trình khác đang làm"


def run_once(ctx: Context) -> list[tuple[str, str]]:
    """Do every tick's work one time; return (name, what happened)."""
    return [(tick.name, work(ctx, tick)) for tick in TICKS]


def run_forever(ctx: Context, say: Callable[[str], None]) -> None:
    """Tick until the process is ended."""
    from apscheduler.schedulers.blocking import BlockingScheduler  # noqa: PLC0415 - only here

    scheduler = BlockingScheduler(timezone=ICT)

    def run(tick: Tick) -> None:
        if claim(ctx, tick):
            say(f"{tick.name}: {work(ctx, tick)}")

    for tick in TICKS:
        scheduler.add_job(
            run, "interval", seconds=tick.every_seconds, args=[tick], coalesce=True,
            max_instances=1,
        )  # fmt: skip
    scheduler.start()
