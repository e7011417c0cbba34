"""One month of the demo: from the list to the closed books, step by step, with the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from bank_adapters.profiles import load_profile
from disbursement.beneficiaries.holds import check_deaths
from disbursement.demo.auditor import Auditor
from disbursement.demo.counterparties import Counterparties
from disbursement.demo.outside import OutsideBank
from disbursement.demo.printing import PrintRoom
from disbursement.demo.rails import DemoRails
from disbursement.demo.stopwatch import Stopwatch
from disbursement.fallback import advance_moves
from disbursement.fallback.advance_moves import Voucher
from disbursement.fallback.desk_file import handover_file
from disbursement.fallback.plan import elsewhere, plan_cash
from disbursement.fallback.service import close_roster
from disbursement.identity.service import Signer
from disbursement.jobs import worker
from disbursement.payments.evidence import decide_unknown
from disbursement.platform.calendar import cash_last_day, forward, list_day, report_day
from disbursement.platform.clock import SetClock, show_month
from disbursement.platform.context import Context
from disbursement.platform.errors import NotNowError, OurFaultError
from disbursement.runs import close, papers, service
from disbursement.runs.books import DrawPart, draw_parts
from disbursement.sample.writer import POST
from ledger import chart
from ledger.sql import text

PAY_DAY = 5
LATE = 2  # working days after the pay day on which late returns show
ORDER = ("preparer", "checker", "second_signer", "first_signer")
PROFILE = "iso-vn-1"


@dataclass(frozen=True)
class Days:
    """The days of one pay month, by the product's calendar."""

    month: int
    listed: date
    paid: date
    late: date
    decided: date
    cash: date
    reported: date

    @classmethod
    def of(cls, month: int) -> Days:
        """Return the days of a pay month (yyyymm)."""
        paid = date(month // 100, month % 100, PAY_DAY)
        decided = forward(paid, load_profile(PROFILE).answer_wait_days)
        return cls(
            month, list_day(month), paid, forward(paid, LATE), decided, cash_last_day(month),
            report_day(month),
        )  # fmt: skip


class OpenRoster(NamedTuple):
    """A cash batch whose roster is open: its payer's code, its message id, who pays it out."""

    batch: int
    payer: str
    message: str
    provider: str


@dataclass
class DemoMonth:
    """What a month needs; `signers` by log-in of office.STAFF."""

    ctx: Context
    clock: SetClock
    signers: dict[str, Signer]
    parties: Counterparties[OutsideBank]
    rails: DemoRails
    printing: PrintRoom
    auditor: Auditor
    watch: Stopwatch
    month: int = 0

    def run(self, month: int, *, deaths: Path, send_back: bool = False) -> None:
        """Pay one month: list, approval, sending, answers, cash, close; doctor after each step."""
        days = Days.of(month)
        self.month = month
        self.auditor.say(f"\nKỳ {show_month(month)}")
        self._list(days, deaths)
        self._approve(days)
        self._draw(days)
        self._transfer(days)
        self._cash(days)
        self._close(days, send_back=send_back)

    # --- steps --------------------------------------------------------------------------------

    def _list(self, days: Days, deaths: Path) -> None:
        self.clock.set(days.listed)
        with self.watch.stage("check"):
            check_deaths(self.ctx, deaths, "an", as_of=days.listed)
        with self.watch.stage("prepare"):
            done = service.prepare(self.ctx, days.month, self.signers["an"])
        if done.rerating_people:
            with self.watch.stage("papers"):
                drafts = list(papers.rerating_drafts(self.ctx, days.month))
                self.printing.write("draft", drafts, days.listed)
            self.auditor.say(
                f"  mức mới: {done.rerating_people} người được truy lĩnh, dự thảo quyết định đã "
                "lập; ghi quyết định rồi lập lại danh sách"
            )
            with self.watch.stage("prepare"):
                service.record_rerating(
                    self.ctx, days.month, number=f"{days.month % 100}/QĐ-UBND", day=days.listed,
                    signer_name="Chủ tịch UBND (mẫu)", actor="an",
                )  # fmt: skip
                done = service.prepare(self.ctx, days.month, self.signers["an"])
        self.watch.count("prepare", done.payments)
        self._healthy(
            f"{days.listed:%d/%m} lập {done.lists} danh sách, {done.payments} khoản, giữ "
            f"{done.held} người"
        )

    def _approve(self, days: Days) -> None:
        with self.ctx.cell.read() as conn:  # the first commune's; `run sheet` sets any other
            lists = service.open_lists(conn, days.month, "prepared", [min(self.parties.accounts)])
        self.printing.write("sheet", lists, days.listed)
        with self.watch.stage("approve"):
            service.sign_all(self.ctx, days.month, "check", self.signers["binh"])
            service.sign_all(self.ctx, days.month, "sign2", self.signers["chi"])
            count = service.sign_all(self.ctx, days.month, "sign1", self.signers["dung"])
        self._healthy(f"{days.listed:%d/%m} bốn chữ ký trên {count} danh sách, đã duyệt chi")

    def _draw(self, days: Days) -> None:
        with self.ctx.cell.read() as conn:
            lists = conn.execute(
                text(
                    "SELECT l.id, y.code FROM pay_list l JOIN payer y ON y.id = l.payer_id "
                    "WHERE l.month = :m AND l.state = 'released' ORDER BY l.id"
                ),
                {"m": days.month},
            ).all()
        for list_id, payer in lists:
            voucher = f"RDT{list_id:05d}"
            with self.watch.stage("draw"):
                parts = self._parts(list_id)
                wanted = sum(part.wanted for part in parts)
                service.draw(
                    self.ctx, list_id, voucher=voucher, day=days.listed, amount_vnd=wanted,
                    actor="chi",
                )  # fmt: skip
            with self.watch.stage("simulate"):
                for part in parts:
                    if part.provider == self.parties.provider:
                        self.parties.draw(payer, part.wanted, voucher, days.month)
                    else:
                        self.rails.draw(payer, part.provider, part.wanted)
        self._statements(days.listed)
        self._healthy(f"{days.listed:%d/%m} rút dự toán cho {len(lists)} danh sách")

    def _transfer(self, days: Days) -> None:
        self.clock.set(days.paid)
        self.rails.at(days.paid, 9)
        self.parties.bank.begin_taking(days.paid)
        with self.watch.stage("send"):
            sent = worker.send_due(self.ctx)
        self.printing.write("roster", [r.batch for r in self._rosters()], days.paid)
        with self.watch.stage("simulate"):
            self.rails.post.give(self._lists_of_the_post(), days.paid)
        self._healthy(f"{days.paid:%d/%m} {sent}")
        with self.watch.stage("simulate"):
            count = self.parties.bank.finish_taking()
        self.watch.count("send", count)
        with self.watch.stage("answers", count):
            taken = worker.pick_up(self.ctx)
        self._healthy(f"{days.paid:%d/%m} ngân hàng trả lời lệnh: {taken}")
        for day, late in ((days.paid, False), (days.late, True), (days.decided, False)):
            self.clock.set(day, 19)
            with self.watch.stage("simulate"):
                self.parties.bank.settle(late=late)
            self._statements(day)
            self._ask_rails(day)
            self._healthy(f"{day:%d/%m} sao kê")
        with self.watch.stage("reconcile"):
            decided = decide_unknown(self.ctx)
        self._healthy(
            f"{days.decided:%d/%m} sao kê quyết định {decided.payments} lệnh chưa rõ là chưa chi"
        )

    def _ask_rails(self, day: date) -> None:
        """Let the called rails report, and ask them what is still open."""
        self.rails.at(day, 19)
        with self.watch.stage("answers"):
            self.rails.call_back()
            called = worker.take_callbacks(self.ctx)
            asked = worker.ask_rails(self.ctx)
            worker.send_due(self.ctx)
        self.auditor.say(f"  {day:%d/%m} ví, Mobile Money: {called}, {asked}")

    def _move(self, days: Days) -> None:
        """Bring the money of what failed at a wallet or at payOS to where cash is paid."""
        with self.watch.stage("cash"), self.ctx.cell.begin() as conn:
            found = elsewhere(conn, days.month, days.decided)
            payers = _codes(conn, "payer")
            providers = _codes(conn, "provider")
        waiting: dict[tuple[str, str, str], int] = {}
        for one in found:
            key = payers[one.payer], providers[one.provider], providers[one.desk]
            waiting[key] = waiting.get(key, 0) + one.amount_vnd
        for (payer, source, target), amount in sorted(waiting.items()):
            voucher = Voucher(f"CT{days.month}{payer}{source}", days.decided, amount)
            with self.watch.stage("cash"):
                made = advance_moves.propose(
                    self.ctx, days.month, payer=payer, source=source, voucher=voucher,
                    signer=self.signers["an"],
                )  # fmt: skip
                for name in ("chi", "dung"):
                    advance_moves.sign(self.ctx, made.id, self.signers[name])
            with self.watch.stage("simulate"):
                self.rails.move(payer, source, target, amount)
                if target == self.parties.provider:
                    words = f"{voucher.number} CHUYEN TIEN TU {source}"
                    self.parties.bank.credit(self.parties.accounts[payer], amount, words)
        if waiting:
            self._healthy(
                f"{days.decided:%d/%m} {len(waiting)} lần chuyển tiền của khoản thất bại sang nơi "
                "chi tiền mặt"
            )

    def _cash(self, days: Days) -> None:
        self._move(days)
        rosters = self._rosters()
        with self.watch.stage("cash"):
            try:
                plan = plan_cash(self.ctx, days.month, self.signers["an"])
                service.sign_all(self.ctx, days.month, "sign2", self.signers["chi"])
                service.sign_all(self.ctx, days.month, "sign1", self.signers["dung"])
                words = f"{plan.payments} khoản thất bại chuyển thành tiền mặt"
            except NotNowError:
                words = "không có khoản thất bại nào"
        day = forward(days.decided, 1)
        self.clock.set(day)
        with self.watch.stage("cash"):
            worker.send_due(self.ctx)
        with self.watch.stage("simulate"):
            self.rails.post.give(self._lists_of_the_post(), day)
        self._healthy(f"{days.decided:%d/%m} {words}")
        printed = {r.batch for r in rosters}
        rosters += [r for r in self._rosters() if r.batch not in printed]
        with self.watch.stage("papers"):
            self.printing.share(
                self.ctx, "roster", [r.batch for r in rosters if r.batch not in printed], day
            )
        self.clock.set(days.cash, 17)
        with self.watch.stage("simulate"), self.ctx.cell.read() as conn:
            desks = [r for r in rosters if r.provider == self.parties.provider]
            results = self.parties.desk_lists(
                conn, [(r.batch, r.payer, r.message) for r in desks], days.cash
            )
        with self.watch.stage("simulate"):
            results += self.rails.post.answer(days.cash)
        with self.watch.stage("cash"):
            collected = sum(handover_file(self.ctx, p, actor="em").collected for p in results)
            left = sum(
                close_roster(self.ctx, r.batch, copies_returned=1, actor="em").uncollected
                for r in rosters
            )
        self.watch.count("cash", collected + left)
        self._healthy(
            f"{days.cash:%d/%m} {len(rosters)} danh sách ký nhận: {collected} khoản đã nhận, "
            f"{left} khoản chưa nhận chuyển kỳ sau"
        )

    def _close(self, days: Days, *, send_back: bool) -> None:
        self.clock.set(days.reported)
        with self.watch.stage("simulate"):
            report = self.parties.report(
                days.month, days.reported, send_back=send_back,
                others=self.rails.report_rows(days.month, days.reported, send_back=send_back),
            )  # fmt: skip
        with self.watch.stage("close"):
            done = close.close_runs(self.ctx, days.month, report, "chi")
        self._statements(days.reported)
        self._healthy(
            f"{days.reported:%d/%m} đóng kỳ: {done.paid} khoản đã chi, {done.carried} khoản chuyển "
            "kỳ sau"
        )
        self._bank_agrees(days.month)
        self.month = 0
        self._healthy("cả sổ, mọi kỳ từ đầu: mọi điều phải luôn đúng đều đúng")

    # --- small parts --------------------------------------------------------------------------

    def _lists_of_the_post(self) -> list[int]:
        """Return the batches of the open rosters that the post pays from."""
        return [r.batch for r in self._rosters() if r.provider == POST[0]]

    def _rosters(self) -> list[OpenRoster]:
        """Return the open rosters, by batch."""
        with self.ctx.cell.read() as conn:
            rows = conn.execute(
                text(
                    "SELECT o.batch_id, o.commune_code, b.message_id, v.code FROM roster o "
                    "JOIN batch b ON b.id = o.batch_id JOIN provider v ON v.id = b.provider_id "
                    "WHERE o.state = 'ordered' ORDER BY o.batch_id"
                )
            ).all()
        return [OpenRoster(*row) for row in rows]

    def _parts(self, list_id: int) -> list[DrawPart]:
        with self.ctx.cell.read() as conn:
            return draw_parts(conn, list_id)

    def _statements(self, day: date) -> None:
        """Let the bank write its statements of the day, and take them in."""
        with self.watch.stage("simulate"):
            self.parties.bank.statements(day)
        with self.watch.stage("answers"):
            worker.pick_up(self.ctx)

    def _healthy(self, step: str) -> None:
        """Have every promise checked after a step; the demo stops where one is broken."""
        with self.watch.stage("doctor"):
            self.auditor.check(step, self.month)

    def _bank_agrees(self, month: int) -> None:
        """Compare our advance at the provider with the bank's own balance, account by account."""
        with self.ctx.cell.read() as conn:
            ours = {
                str(code): int(v)
                for code, v in conn.execute(
                    text("SELECT code, debit - credit FROM account WHERE kind = 'paid'")
                )
            }
        theirs = {
            (payer, self.parties.provider): self.parties.bank.paid(account)[1]
            for payer, account in self.parties.accounts.items()
        }
        for (payer, provider), amount in {**theirs, **self.rails.balances()}.items():
            mine = ours[chart.advance(payer, provider)]
            if mine != amount:
                raise OurFaultError(
                    "bank_differs",
                    f"Kỳ {show_month(month)}, {payer}: sổ ghi còn {mine} đồng ở {provider}, bên đó "
                    f"có {amount} đồng.",
                )


def _codes(conn: Connection, table: str) -> dict[int, str]:
    return {int(n): str(code) for n, code in conn.execute(text(f"SELECT id, code FROM {table}"))}
