"""A wallet batch of single calls: from the outbox to the books, against a simulated wallet.

The register, the list, the signatures and the drawing are the product's own use cases; the wallet
is a server in a process of its own on the same machine, which keeps its own journal. Measured is
`worker.send_due`: money held, papers, calls made and committed in groups before they leave, their
answers taken and booked. The figures are given only where the wallet and the books agree.
"""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import Any

from disbursement.bench import counterparties, databases
from disbursement.bench.databases import Kind, Place
from disbursement.bench.stages import Stages
from disbursement.beneficiaries.holds import check_deaths
from disbursement.beneficiaries.openings import open_register
from disbursement.beneficiaries.service import import_register
from disbursement.demo import office
from disbursement.demo.month import Days
from disbursement.jobs import calls, invariants, worker
from disbursement.platform import files
from disbursement.platform.apart import Apart
from disbursement.platform.clock import SetClock, add_months
from disbursement.platform.connections import connection_path
from disbursement.platform.context import Context, open_context
from disbursement.platform.errors import OurFaultError
from disbursement.platform.settings import Settings
from disbursement.runs import service
from disbursement.runs.books import draw_parts
from disbursement.sample.writer import SampleReport
from ledger.sql import text
from ledger.verify import verify

MONTH = 202610
PROVINCE = "25"
SEED = 20_261
WALLET = "MOMO"
FASTEST = 100_000
"""Calls per second that the made-up contract allows: the rail's limit is not what is measured."""
STAGES = ("sample", "import", "send")


def bench_wallet(items: int, *, db: Kind, database_url: str | None = None) -> dict[str, Any]:
    """Pay `items` people through a wallet, one call each; return the figures of the sending.

    Shape as `bench_month` (counted is the stage send alone), and: items, calls, group (most calls
    committed before the first of them leaves), calls_per_s, wallet_cpu_seconds (of its process).
    Raises OurFaultError where the wallet was not told each payment once, or the books come out
    wrong.
    """
    stages = Stages(names=STAGES)
    with (
        tempfile.TemporaryDirectory(prefix="disburse-bench-") as name,
        databases.place(db, Path(name), database_url) as place,
    ):
        stages.after = place.look
        home = Path(name) / "home"
        home.mkdir()
        with Apart() as maker, stages.stage("sample"):
            sample = maker.do(
                counterparties.make_sample, home / "sample", items, PROVINCE, SEED, "csv", 1
            )
            everybody_has_a_wallet(Path(sample.registers[0]))
        settings = Settings.model_construct(
            home=home, database_url=place.url, env="demo", cell=PROVINCE, today=None
        )
        clock = SetClock(Days.of(MONTH).listed)
        ctx = open_context(settings, clock=clock)
        try:
            with Apart() as outside:
                return _run(ctx, clock, sample, stages, outside, place)
        finally:
            ctx.database.dispose()


def everybody_has_a_wallet(register: Path) -> None:
    """Give every row of a sample's register (CSV) a wallet of its own, the owner as he was."""
    with register.open(encoding="utf-8-sig", newline="") as source:
        rows = list(csv.DictReader(source))
    for n, row in enumerate(rows):
        row["Hình thức nhận"], row["Ngân hàng"] = "Ví điện tử", "MoMo"
        row["Số tài khoản"] = f"09{n:08d}"
        row["Tên chủ tài khoản"] = row["Người nhận"] or row["Họ và tên"]
        row["Quan hệ của chủ tài khoản"] = row["Quan hệ của người nhận"]
    with register.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _run(
    ctx: Context,
    clock: SetClock,
    sample: SampleReport,
    stages: Stages,
    outside: Apart,
    place: Place,
) -> dict[str, Any]:
    days = Days.of(MONTH)
    address, secrets = outside.do(counterparties.open_wallet, days.paid, SEED)
    with stages.stage("import"):
        _released(ctx, sample)
    stages.count("import", sample.register_rows)
    lines = [f'base_url = "{address}"', f"calls_per_second = {FASTEST}", "[secrets]"]
    lines += [f"{key} = '''{value}'''" for key, value in secrets.items()]
    path = connection_path(ctx.settings, WALLET)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, "\n".join(lines).encode())
    path.chmod(0o600)
    clock.set(days.paid)
    before = outside.do(counterparties.wallet_said)
    with stages.stage("send"):
        worker.send_due(ctx)
    after = outside.do(counterparties.wallet_said)
    made = _agreed(ctx, after)
    stages.count("send", made)
    figures = stages.as_json()
    with ctx.cell.read() as conn:
        lists, batches = conn.execute(
            text("SELECT (SELECT count(*) FROM pay_list), (SELECT count(*) FROM batch)")
        ).one()
    return {
        "people": sample.people,
        "payers": sample.payers,
        "lists": lists,
        "batches": batches,
        "db": "postgres" if ctx.cell.dialect == "postgresql" else "sqlite",
        **figures,
        "counted_seconds": figures["stages"]["send"]["seconds"],
        "peak_rss_mb": figures["stages"]["send"]["peak_rss_mb"],
        "postgres_peak_rss_mb": place.peak_rss_mb,
        "items": sample.people,
        "calls": made,
        "group": calls.GROUP,
        "wallet_cpu_seconds": round(after.cpu_seconds - before.cpu_seconds, 3),
        "calls_per_s": figures["stages"]["send"]["rows_per_s"],
    }


def _released(ctx: Context, sample: SampleReport) -> None:
    """Take the month from the register to a released list whose money lies at the wallet."""
    folder = Path(sample.folder)
    day = Days.of(MONTH).listed
    signers = office.found(ctx, folder, MONTH, rails=True)
    import_register(
        ctx, Path(sample.registers[0]), mode="good", actor="an", out_dir=folder / "returned"
    )
    open_register(ctx, folder / "opening.csv", add_months(MONTH, -1), "an")
    check_deaths(ctx, folder / "deaths.csv", "an")
    service.prepare(ctx, MONTH, signers["an"])
    for role, who in (("check", "binh"), ("sign2", "chi"), ("sign1", "dung")):
        service.sign_all(ctx, MONTH, role, signers[who])
    with ctx.cell.read() as conn:
        lists = list(conn.execute(text("SELECT id FROM pay_list ORDER BY id")).scalars())
        wanted = {n: sum(part.wanted for part in draw_parts(conn, n)) for n in lists}
    for n, amount in wanted.items():
        if amount:
            service.draw(ctx, n, voucher=f"RDT{n:05d}", day=day, amount_vnd=amount, actor="chi")


def _agreed(ctx: Context, said: counterparties.WalletSaid) -> int:
    """Return how many calls were made, where both sides know the same of all of them."""
    with ctx.cell.read() as conn:
        made, done, credited, total = conn.execute(
            text(
                "SELECT (SELECT count(*) FROM rail_call), "
                "(SELECT count(*) FROM rail_call WHERE state = 'done'), "
                "(SELECT count(*) FROM attempt_news WHERE state = 'credited'), "
                "(SELECT coalesce(sum(r.amount_vnd), 0) FROM batch_row r JOIN batch b "
                "ON b.id = r.batch_id WHERE b.rail = 'wallet')"
            )
        ).one()
        report, broken = verify(conn), invariants.check_all(conn)
    if not made == done == credited == said.told or said.twice or said.spent_vnd != total:
        raise OurFaultError(
            "wallet_differs",
            f"Đã gọi {made}, xong {done}, ghi có {credited}; ví nhận {said.told}, trả hai lần "
            f"{said.twice}, {said.spent_vnd} đồng thay vì {total}.",
        )
    if not report.ok or broken:
        raise OurFaultError("verify", f"Sổ không nguyên vẹn: {report.first or broken[0]}")
    return int(made)
