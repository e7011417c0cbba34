"""`disburse demo`: sets everything up and pays three months of a province, end to end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Literal

from disbursement.beneficiaries.openings import open_register
from disbursement.beneficiaries.service import import_register
from disbursement.demo import office
from disbursement.demo.auditor import Auditor
from disbursement.demo.counterparties import Counterparties, bank_truth
from disbursement.demo.faults import clean_held, judge
from disbursement.demo.month import DemoMonth
from disbursement.demo.outside import Outside
from disbursement.demo.place import place
from disbursement.demo.post import DemoPost
from disbursement.demo.printing import PrintRoom
from disbursement.demo.rails import DemoRails, rail_contracts
from disbursement.demo.stopwatch import Stopwatch
from disbursement.demo.summary import Summary, summarize, tables
from disbursement.identity import tokens
from disbursement.jobs.worker import drop_folder
from disbursement.platform.calendar import list_day
from disbursement.platform.clock import SetClock, add_months, months_between
from disbursement.platform.context import Context, open_context
from disbursement.platform.settings import Settings
from disbursement.sample.writer import PROVIDER, SampleReport, write_sample

PEOPLE = 60_894
"""Vĩnh Phúc, April 2024; its communes went to Phú Thọ in 2025."""
SEED = 20_261
GO_LIVE = 202610
MONTHS = tuple(months_between(GO_LIVE, 202612))
OPENED = date(2026, 9, 20)
FAILURES = "steady"
Say = Callable[[str], None]


def run_demo(
    settings: Settings,
    db: Literal["sqlite", "postgres"],
    say: Say,
    *,
    people: int = PEOPLE,
    payers: int | None = None,
    seed: int = SEED,
    failures: str = FAILURES,
) -> Summary:
    """Run the demo in `settings.home` and leave summary.json there.

    What an earlier demo left in the folder and in the database is cleared first. `db` postgres
    uses DATABASE_URL, or a private cluster under `home`/pg. Raises RefusedError for a folder or a
    database with anything else in it.
    """
    home = settings.home
    watch = Stopwatch()
    with place(settings, db) as url:
        chosen = settings.model_copy(update={"database_url": url, "env": "demo", "today": None})
        clock = SetClock(OPENED)
        ctx = open_context(chosen, clock=clock)
        try:
            sample = _sample(home / "sample", people, payers, seed, watch, say)
            demo = _found(ctx, clock, sample, watch, say, failures)
            refused = _register(ctx, sample, watch, say)
            _months(demo, sample)
            folder = Path(sample.folder)
            judged = judge(ctx, folder, refused, GO_LIVE)
            innocent = clean_held(ctx, folder, MONTHS[0], MONTHS[-1])
            with ctx.cell.read() as conn:
                summary = summarize(
                    conn, MONTHS, judged, innocent, watch, db, demo.auditor.verified
                )
            demo.auditor.close()
        finally:
            ctx.database.dispose()
    summary.write(home / "summary.json")
    for line in tables(summary):
        say(line)
    return summary


def _sample(
    folder: Path, people: int, payers: int | None, seed: int, watch: Stopwatch, say: Say
) -> SampleReport:
    with watch.stage("sample", people):
        sample = write_sample(folder, people=people, province="25", seed=seed, payers=payers)
    say(
        f"Danh sách mẫu: {sample.people} người của {sample.payers} xã, phường thuộc Phú Thọ (quy "
        "mô và tỷ lệ của Vĩnh Phúc tháng 4/2024). Mọi họ tên, số định danh, tài khoản đều bịa đặt."
    )
    return sample


def _found(
    ctx: Context,
    clock: SetClock,
    sample: SampleReport,
    watch: Stopwatch,
    say: Say,
    failures: str,
) -> DemoMonth:
    folder = Path(sample.folder)
    with watch.stage("setup"):
        signers = office.found(ctx, folder, GO_LIVE, rails=True)
        tokens.load_keys(tokens.key_file(ctx))
    outside = Outside()
    bank = outside.open_bank(
        drop_folder(ctx, PROVIDER[0]), failures, sample.seed, bank_truth(folder)
    )
    reports = ctx.settings.home / "reports"
    reports.mkdir()
    parties = Counterparties(
        PROVIDER[0], bank, office.deposit_accounts(folder), reports, sample.seed
    )
    rails = DemoRails(ctx, rail_contracts(folder), DemoPost.open(ctx, sample.seed), outside)
    rails.start(sample.seed, bank_truth(folder))
    room, auditor = PrintRoom(ctx.settings), Auditor(ctx.settings, say)
    return DemoMonth(ctx, clock, signers, parties, rails, room, auditor, watch)


def _register(ctx: Context, sample: SampleReport, watch: Stopwatch, say: Say) -> Path | None:
    folder = Path(sample.folder)
    with watch.stage("import", sample.register_rows):
        report = import_register(
            ctx, Path(sample.registers[0]), mode="good", actor="an", out_dir=folder / "returned"
        )
    say(
        f"Nhập danh sách: {report.people} người, {report.cases} hồ sơ; trả lại {report.refused} "
        f"dòng kèm lý do, giữ {report.held}."
    )
    with watch.stage("open", sample.opening_rows):
        opened = open_register(ctx, folder / "opening.csv", add_months(GO_LIVE, -1), "an")
    say(f"Mở sổ đến tháng 09/2026: {opened.people} người, {opened.journals} bút toán.")
    return Path(report.errors) if report.errors else None


def _months(demo: DemoMonth, sample: SampleReport) -> None:
    folder = Path(sample.folder)
    late = dict(zip(MONTHS[1:], sample.registers[1:], strict=False))
    for month in MONTHS:
        if month in late:
            demo.clock.set(list_day(month))
            with demo.watch.stage("import"):
                import_register(demo.ctx, Path(late[month]), mode="all", actor="an")
        demo.run(month, deaths=folder / "deaths.csv", send_back=month == MONTHS[-1])
    with demo.watch.stage("doctor"):
        demo.auditor.begin_verify()
    with demo.watch.stage("papers"):
        demo.printing.close()
    demo.rails.close()
    demo.rails.outside.close()
