"""`disburse demo`: sets everything up and pays three months of a province, end to end."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Literal

from bank_adapters.simulators.bank import SimulatedBank
from disbursement.beneficiaries.openings import open_register
from disbursement.beneficiaries.service import import_register
from disbursement.demo import office
from disbursement.demo.counterparties import Counterparties, bank_truth
from disbursement.demo.faults import judge
from disbursement.demo.month import DemoMonth
from disbursement.demo.printing import PrintRoom
from disbursement.demo.stopwatch import Stopwatch
from disbursement.demo.summary import Summary, summarize, tables
from disbursement.identity import tokens
from disbursement.jobs.worker import drop_folder
from disbursement.platform import private_pg
from disbursement.platform.calendar import list_day
from disbursement.platform.clock import SetClock, add_months, months_between
from disbursement.platform.context import Context, open_context
from disbursement.platform.errors import RefusedError
from disbursement.platform.settings import Settings
from disbursement.sample.writer import PROVIDER, SampleReport, write_sample

PEOPLE = 60_894
"""Vĩnh Phúc, April 2024; its communes went to Phú Thọ in 2025."""
SEED = 20_261
GO_LIVE = 202610
MONTHS = tuple(months_between(GO_LIVE, 202612))
OPENED = date(2026, 9, 20)
FAILURES = "steady"
MARK = "demo.txt"
"""A file that tells a demo's folder from any other: only such a folder is ever cleared."""
_CLEARED = ("cells", "drop", "files", "keys", "pg", "reports", "sample")
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

    What an earlier demo left in the folder is cleared first. `db` postgres uses DATABASE_URL, or a
    private cluster under `home`/pg. Raises RefusedError for a folder that is not a demo's.
    """
    home = settings.home
    clear(home)
    home.mkdir(parents=True, exist_ok=True)
    (home / MARK).write_text("Dữ liệu thử, mọi tên đều bịa đặt. All of it is invented.\n", "utf-8")
    watch = Stopwatch()
    with _database(settings, db) as url:
        chosen = settings.model_copy(update={"database_url": url, "env": "demo", "today": None})
        clock = SetClock(OPENED)
        ctx = open_context(chosen, clock=clock)
        try:
            sample = _sample(home / "sample", people, payers, seed, watch, say)
            demo = _found(ctx, clock, sample, watch, say, failures)
            refused = _register(ctx, sample, watch, say)
            _months(demo, sample)
            with ctx.cell.read() as conn:
                summary = summarize(
                    conn, MONTHS, judge(ctx, Path(sample.folder), refused, GO_LIVE), watch, db
                )
        finally:
            ctx.database.dispose()
    summary.write(home / "summary.json")
    for line in tables(summary):
        say(line)
    return summary


def clear(home: Path) -> None:
    """Remove what an earlier demo left. Raises RefusedError where the folder is something else."""
    if not home.exists() or not any(home.iterdir()):
        return
    if not (home / MARK).exists():
        raise RefusedError(
            "not_a_demo",
            f"Thư mục {home} đã có dữ liệu và không phải của lần chạy thử; hãy chọn thư mục khác "
            "bằng --home.",
            en=f"{home} holds data that no demo made; choose another folder with --home.",
        )
    private_pg.remove(home / "pg")
    for name in _CLEARED:
        if (home / name).exists():
            shutil.rmtree(home / name)
    for path in (home / "summary.json", *home.glob("shared.db*")):
        path.unlink(missing_ok=True)


@contextmanager
def _database(settings: Settings, db: str) -> Iterator[str | None]:
    if db == "sqlite":
        yield None
    elif settings.database_url:
        yield settings.database_url
    else:
        with private_pg.private_cluster(settings.home / "pg", durable=True) as url:
            yield url


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
        signers = office.found(ctx, folder, GO_LIVE)
        tokens.load_keys(tokens.key_file(ctx))
    bank = SimulatedBank(
        drop_folder(ctx, PROVIDER[0]), profile=failures, seed=sample.seed, truth=bank_truth(folder)
    )
    reports = ctx.settings.home / "reports"
    reports.mkdir()
    parties = Counterparties(
        PROVIDER[0], bank, office.deposit_accounts(folder), reports, sample.seed
    )
    return DemoMonth(ctx, clock, signers, parties, PrintRoom(ctx.settings), watch, say)


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
    with demo.watch.stage("papers"):
        demo.printing.close()
    demo.parties.bank.close()
