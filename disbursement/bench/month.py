"""One month of a province, October 2026, from register to verified books, with the clock.

What officers do is done by the product's own use cases, as in the demo; the counterparties and the
printer work in processes of their own. The figures are given only where the books come out right.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from disbursement.bench import counterparties, databases, memory
from disbursement.bench.databases import Kind, Place
from disbursement.bench.stages import Stages
from disbursement.beneficiaries.holds import check_deaths
from disbursement.beneficiaries.openings import open_register
from disbursement.beneficiaries.service import import_register
from disbursement.demo import office
from disbursement.demo.month import Days
from disbursement.fallback.desk_file import handover_file
from disbursement.fallback.plan import plan_cash
from disbursement.fallback.service import close_roster
from disbursement.identity.service import Signer
from disbursement.jobs import invariants, worker
from disbursement.payments.evidence import decide_unknown
from disbursement.platform.apart import Apart
from disbursement.platform.calendar import forward
from disbursement.platform.clock import SetClock, add_months
from disbursement.platform.context import Context, open_context
from disbursement.platform.errors import NotNowError, OurFaultError
from disbursement.platform.settings import Settings
from disbursement.runs import approvals, service
from disbursement.runs.books import draw_amount
from disbursement.sample.writer import PROVIDER, Format, SampleReport
from ledger import chart
from ledger.sql import text
from ledger.verify import verify

MONTH = 202610
PROVINCE = "25"
OPENED = date(2026, 9, 20)
SEED = 20_261
FAILURES = "steady"


def bench_month(
    people: int,
    *,
    db: Kind,
    payers: int | None = None,
    seed: int = SEED,
    form: Format = "xlsx",
    database_url: str | None = None,
) -> dict[str, Any]:
    """Run one month in a folder and a database that go away; return its figures.

    Shape: {people, payers, lists, batches, db, stages: {name: {seconds, rows, rows_per_s,
    peak_rss_mb}}, counted_seconds, prepared_to_reconciled_seconds, peak_rss_mb,
    child_peak_rss_mb, postgres_peak_rss_mb}. `people` is the number of good ones; planted faults
    come on top. Raises OurFaultError where the books come out wrong, UsageError for impossible
    numbers.
    """
    with (
        tempfile.TemporaryDirectory(prefix="disburse-bench-") as name,
        databases.place(db, Path(name), database_url) as place,
    ):
        home = Path(name) / "home"
        home.mkdir()
        stages = Stages(place.look)
        with Apart() as maker, stages.stage("sample"):
            sample = maker.do(
                counterparties.make_sample, home / "sample", people, PROVINCE, seed, form, payers
            )
            stages.peaked("sample", maker.do(memory.peak_mb))
        stages.count("sample", sample.register_rows)
        settings = Settings.model_construct(
            home=home, database_url=place.url, env="demo", cell=PROVINCE, today=None
        )
        return _run(settings, sample, stages, place)


def _run(settings: Settings, sample: SampleReport, stages: Stages, place: Place) -> dict[str, Any]:
    clock = SetClock(OPENED)
    ctx = open_context(settings, clock=clock)
    folder = Path(sample.folder)
    try:
        with Apart() as outside, Apart() as printer:
            signers = office.found(ctx, folder, MONTH)
            for process in (outside, printer):
                process.do(counterparties.open_office, settings.model_dump(), OPENED)
            outside.do(counterparties.open_bank, folder, FAILURES, sample.seed)
            month = BenchMonth(ctx, clock, signers, stages, outside, printer)
            month.run(sample)
            figures = month.figures()
            for process in (outside, printer):
                process.do(counterparties.close_office)
    finally:
        ctx.database.dispose()
    return {
        "people": sample.people,
        "payers": sample.payers,
        **figures,
        "db": "postgres" if ctx.cell.dialect == "postgresql" else "sqlite",
        **stages.as_json(),
        "child_peak_rss_mb": month.child_peak_mb,
        "postgres_peak_rss_mb": place.peak_rss_mb,
    }


@dataclass
class BenchMonth:
    """A month under the stopwatch; `signers` by log-in of office.STAFF."""

    ctx: Context
    clock: SetClock
    signers: dict[str, Signer]
    stages: Stages
    outside: Apart
    printer: Apart
    days: Days = field(default_factory=lambda: Days.of(MONTH))
    child_peak_mb: int = 0
    """Peak of the largest process that the import started (its reader, or its checker)."""

    def run(self, sample: SampleReport) -> None:
        """Do the whole month. Raises OurFaultError where the books come out wrong."""
        self._import(sample)
        self._list(Path(sample.folder))
        self._draw()
        self._transfer()
        self._cash()
        self._verify()

    def _import(self, sample: SampleReport) -> None:
        folder = Path(sample.folder)
        with self.stages.stage("import"):
            import_register(
                self.ctx, Path(sample.registers[0]), mode="good", actor="an",
                out_dir=folder / "returned",
            )  # fmt: skip
            open_register(self.ctx, folder / "opening.csv", add_months(MONTH, -1), "an")
        self.child_peak_mb = memory.children_peak_mb()
        self.stages.count("import", sample.register_rows)

    def _list(self, folder: Path) -> None:
        """Assess, render and sign; the first signature posts."""
        ctx, stages = self.ctx, self.stages
        self.clock.set(self.days.listed)
        with stages.stage("assess"):
            check_deaths(ctx, folder / "deaths.csv", "an")
        with ctx.cell.begin() as conn:
            with stages.stage("assess"):
                prepared = service.assess_stage(conn, ctx, MONTH, codes=None, law_on=None)
            with stages.stage("render"):
                frozen = service.render_stage(conn, ctx, MONTH, prepared)
            with stages.stage("approve"):
                for row in prepared.lists:
                    approvals.sign_list(conn, ctx, row.id, "prepare", self.signers["an"])
        payments = sum(f.payments for f in frozen)
        for name in ("assess", "render", "approve"):
            stages.count(name, payments)
        self._print("sheet", [(r.id, r.payer_code) for r in prepared.lists], self.days.listed)
        with stages.stage("approve"):
            service.sign_all(ctx, MONTH, "check", self.signers["binh"])
            service.sign_all(ctx, MONTH, "sign2", self.signers["chi"])
        with stages.stage("post"):
            service.sign_all(ctx, MONTH, "sign1", self.signers["dung"])
        stages.count("post", self._one("SELECT count(*) FROM line WHERE journal_id IN "
                                       "(SELECT journal_id FROM pay_list UNION ALL "
                                       "SELECT journal_id FROM batch)"))  # fmt: skip

    def _draw(self) -> None:
        lists = self._rows(
            "SELECT l.id, y.code FROM pay_list l JOIN payer y ON y.id = l.payer_id "
            "WHERE l.state = 'released' ORDER BY l.id"
        )
        drawn = []
        with self.stages.stage("post"):
            for list_id, payer in lists:
                with self.ctx.cell.read() as conn:
                    wanted = draw_amount(conn, list_id)[0]
                voucher = f"RDT{list_id:05d}"
                service.draw(
                    self.ctx, list_id, voucher=voucher, day=self.days.listed, amount_vnd=wanted,
                    actor="chi",
                )  # fmt: skip
                drawn.append((payer, wanted, voucher, MONTH))
        with self.stages.stage("simulate"):
            self.outside.do(counterparties.draws, drawn, self.days.listed)
        self._answers()

    def _transfer(self) -> None:
        days, stages = self.days, self.stages
        self.clock.set(days.paid)
        with stages.stage("send"):
            worker.send_due(self.ctx)
        stages.count("send", self._one("SELECT coalesce(sum(payments), 0) FROM batch "
                                       "WHERE rail <> 'cash' AND state = 'sent'"))  # fmt: skip
        with stages.stage("simulate"):
            taken = self.outside.do(counterparties.orders, days.paid)
        stages.count("simulate", taken)
        self._answers()
        for day, late in ((days.paid, False), (days.late, True), (days.decided, False)):
            self.clock.set(day, 19)
            with stages.stage("simulate"):
                self.outside.do(counterparties.settle, day, late=late)
            self._answers()
        stages.count("answers", self._one(_DECIDED))
        with stages.stage("reconcile"):
            decided = decide_unknown(self.ctx)
        stages.count("reconcile", decided.payments)

    def _cash(self) -> None:
        ctx, days, stages = self.ctx, self.days, self.stages
        with stages.stage("cash"):
            try:
                plan_cash(ctx, MONTH, self.signers["an"])
                service.sign_all(ctx, MONTH, "sign2", self.signers["chi"])
                service.sign_all(ctx, MONTH, "sign1", self.signers["dung"])
            except NotNowError as nothing_failed:
                if nothing_failed.code != "nothing_failed":
                    raise
            self.clock.set(forward(days.decided, 1))
            worker.send_due(ctx)
        rosters = self._rows(
            "SELECT o.batch_id, o.commune_code, b.message_id FROM roster o "
            "JOIN batch b ON b.id = o.batch_id WHERE o.state = 'ordered' ORDER BY o.batch_id"
        )
        self._print("roster", [r[:2] for r in rosters], forward(days.decided, 1))
        self.clock.set(days.cash, 17)
        with stages.stage("simulate"):
            results = self.outside.do(counterparties.desk_lists, rosters, days.cash)
        copies = self._rows("SELECT batch_id, copies FROM roster WHERE state = 'ordered'")
        with stages.stage("cash"):
            handed = sum(handover_file(ctx, path, actor="em").collected for path in results)
            left = sum(
                close_roster(ctx, batch_id, copies_returned=printed, actor="em").uncollected
                for batch_id, printed in copies
            )
        stages.count("cash", handed + left)

    def _verify(self) -> None:
        """Verify the books; what else must hold is checked without the clock."""
        with self.stages.stage("verify"), self.ctx.cell.read() as conn:
            report = verify(conn)
        self.stages.count("verify", report.lines)
        if not report.ok:
            raise OurFaultError("verify", f"Sổ không nguyên vẹn: {report.first}")
        with self.ctx.cell.read() as conn:
            broken = invariants.check_all(conn)
        if broken:
            raise OurFaultError("doctor", f"{broken[0].invariant} sai ở {broken[0].where}.")
        theirs = self.outside.do(counterparties.balances)
        cash = dict(self._rows(_CASH_PAID))
        ours = dict(self._rows("SELECT code, debit - credit FROM account WHERE kind = 'paid'"))
        for payer, balance in theirs.items():
            mine = ours[chart.advance(payer, PROVIDER[0])] + cash.get(payer, 0)
            if mine != balance:
                raise OurFaultError(
                    "bank_differs",
                    f"{payer}: sổ ghi còn {mine} đồng, ngân hàng có {balance} đồng.",
                )

    # --- small parts --------------------------------------------------------------------------

    def _answers(self) -> None:
        with self.stages.stage("answers"):
            worker.pick_up(self.ctx)

    def _print(self, kind: str, papers: list[tuple[int, str]], day: date) -> None:
        work = counterparties.sheets if kind == "sheet" else counterparties.rosters
        with self.stages.stage("pdf"):
            done = self.printer.do(work, counterparties.first_of_each(papers), day)
        self.stages.peaked("pdf", self.printer.do(memory.peak_mb))
        self.stages.count("pdf", done)

    def _rows(self, query: str) -> list[Any]:
        with self.ctx.cell.read() as conn:
            return [tuple(row) for row in conn.execute(text(query))]

    def _one(self, query: str) -> int:
        return int(self._rows(query)[0][0])

    def figures(self) -> dict[str, int]:
        """Return how many lists and batches there were, cash of failed payments included."""
        return {
            "lists": self._one("SELECT count(*) FROM pay_list"),
            "batches": self._one("SELECT count(*) FROM batch"),
        }


_DECIDED = """
SELECT count(*) FROM (SELECT DISTINCT a.batch_id, a.n FROM attempt_news a
JOIN batch b ON b.id = a.batch_id WHERE b.rail <> 'cash'
AND a.state IN ('credited', 'rejected', 'returned', 'cancelled')) q
"""
_CASH_PAID = """
SELECT y.code, coalesce(sum(r.amount_vnd), 0) FROM handover h
JOIN batch_row r ON r.batch_id = h.batch_id AND r.n = h.n
JOIN batch b ON b.id = h.batch_id JOIN payer y ON y.id = b.payer_id GROUP BY y.code
"""
