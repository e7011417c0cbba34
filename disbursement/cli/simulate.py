"""`disburse simulate`: a made-up bank and cash desk to try the engine with; never in production."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bank_adapters.simulators.bank import FAULTS as BANK_FAULTS
from bank_adapters.simulators.bank import PROFILES, SimulatedBank
from disbursement.cli import common, simulate_rails
from disbursement.cli.run import Month, month_arg
from disbursement.demo.counterparties import Counterparties, bank_truth, collected
from disbursement.fallback import simulator as desks
from disbursement.fallback.simulator import PostOffice, simulated_result
from disbursement.jobs.worker import drop_folder
from disbursement.platform import files
from disbursement.platform.clock import today
from disbursement.platform.context import Context
from disbursement.platform.errors import NotAllowedError, NotFoundError, UsageError
from ledger.money import format_vnd
from ledger.sql import text

app = typer.Typer(help="Ngân hàng và bàn chi tiền mặt giả lập, để thử.", no_args_is_help=True)
simulate_rails.add_to(app)

Provider = Annotated[str, typer.Option("--provider", help="Mã tổ chức chi trả.")]


def _trial() -> Context:
    ctx = common.context()
    if ctx.settings.env == "production":
        raise NotAllowedError(
            "simulator",
            "Không dùng ngân hàng giả lập khi chạy thật; đặt DISBURSE_ENV=test để thử.",
            en="The simulated bank is not for production; set DISBURSE_ENV=test to try it.",
        )
    ctx.cell.require()
    return ctx


@app.command()
@common.command
def bank(
    provider: Provider,
    profile: Annotated[
        str, typer.Option("--profile", help=f"Mức hỏng: {', '.join(PROFILES)}.")
    ] = "steady",
    seed: Annotated[int, typer.Option("--seed", help="Hạt giống.")] = 1,
    truth: Annotated[
        Path | None, typer.Option("--truth", help="Thư mục dữ liệu mẫu có bank_truth.csv.")
    ] = None,
    late: Annotated[
        bool, typer.Option("--late", help="Cả khoản trả lại muộn và khoản chậm.")
    ] = False,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", help=f"Lỗi cố ý: {', '.join(BANK_FAULTS)}.")
    ] = None,
) -> None:
    """Ngân hàng giả lập: nhận tiền rút dự toán, đọc lệnh, trả lời, chi, ra sao kê của ngày."""
    if profile not in PROFILES:
        raise UsageError("profile", f"--profile chỉ nhận: {', '.join(PROFILES)}.")
    if set(fault or ()) - set(BANK_FAULTS):
        raise UsageError("fault", f"--fault chỉ nhận: {', '.join(BANK_FAULTS)}.")
    if truth is not None and not (truth / "bank_truth.csv").is_file():
        raise NotFoundError("truth", f"Không có tệp bank_truth.csv trong {truth}.")
    ctx = _trial()
    _known(ctx, provider)
    day = today(ctx.clock)
    made = SimulatedBank(
        drop_folder(ctx, provider), profile=profile, seed=seed,
        truth=bank_truth(truth) if truth else None, faults=fault or (),
    )  # fmt: skip
    try:
        drawn = _fund(ctx, made, provider)
        orders = made.take_orders(day)
        made.settle(late=late)
        names = made.statements(day)
    finally:
        made.close()
    typer.echo(
        f"Ngân hàng giả lập {provider}: nhận {drawn} khoản rút dự toán, đọc {orders} lệnh, ra "
        f"{len(names)} sao kê. Tiếp theo: disburse worker --once"
    )


def _known(ctx: Context, provider: str) -> None:
    """Refuse a provider without a contract here; its code names folders."""
    with ctx.cell.read() as conn:
        found = conn.execute(text("SELECT 1 FROM provider WHERE code = :c"), {"c": provider})
        if found.first() is None:
            raise NotFoundError(
                "provider",
                f"Không có tổ chức chi trả mã '{provider}'; xem mã ở `disburse payer list`.",
            )


def _fund(ctx: Context, made: SimulatedBank, provider: str) -> int:
    """Let each draw that no statement has shown yet arrive at the bank, once."""
    with ctx.cell.read() as conn:
        rows = conn.execute(
            text(
                "SELECT y.code, w.voucher, x.amount_vnd FROM draw_part x JOIN draw w "
                "ON w.id = x.draw_id JOIN payer y ON y.id = w.payer_id JOIN provider v "
                "ON v.id = x.provider_id WHERE x.amount_vnd > 0 AND v.code = :v ORDER BY x.id"
            ),
            {"v": provider},
        ).all()
    accounts = _accounts(ctx, provider, {r.code for r in rows})
    done = 0
    for payer, voucher, amount in rows:
        words = f"KBNN {voucher} CAP KINH PHI CHI TRA"
        if payer in accounts and not made.knows(accounts[payer], words):
            made.credit(accounts[payer], int(amount), words)
            done += 1
    return done


@app.command()
@common.command
def report(
    month: Month,
    provider: Provider,
    back: Annotated[bool, typer.Option("--send-back", help="Nộp trả số còn lại.")] = False,
) -> None:
    """Báo cáo của đơn vị chi trả giả lập, từ sổ của ngân hàng và kết quả của bàn chi."""
    ctx = _trial()
    number = month_arg(month)
    with ctx.cell.read() as conn:
        batches = conn.execute(
            text(
                "SELECT y.code, b.rail, b.message_id FROM batch b JOIN payer y "
                "ON y.id = b.payer_id JOIN provider p ON p.id = b.provider_id "
                "WHERE p.code = :p AND b.month = :m AND b.sent_at IS NOT NULL ORDER BY b.id"
            ),
            {"p": provider, "m": number},
        ).all()
    if not batches:
        raise NotFoundError("no_batch", f"{provider} chưa nhận lô nào của kỳ {month}.")
    made = SimulatedBank(drop_folder(ctx, provider))
    parties = Counterparties(
        provider, made, _accounts(ctx, provider, {b.code for b in batches}), _desk(ctx)
    )
    try:
        for payer, account in parties.accounts.items():
            of_month = [b for b in batches if b.code == payer]
            paid = sum(made.paid_for(b.message_id) for b in of_month if b.rail != "cash")
            parties.paid_before[payer] = made.paid(account)[0] - paid
            parties.cash[payer] = sum(
                collected(path.read_bytes())
                for b in of_month
                if (path := _desk(ctx) / f"ket-qua-{b.message_id}.csv").is_file()
            )
        path = parties.report(number, today(ctx.clock), send_back=back)
        made.statements(today(ctx.clock))
    finally:
        made.close()
    typer.echo(str(path))


def _desk(ctx: Context) -> Path:
    return ctx.settings.home / "desk"


def _accounts(ctx: Context, provider: str, payers: set[str]) -> dict[str, str]:
    """Return payer code -> deposit account number at a provider."""
    with ctx.cell.read() as conn:
        rows = conn.execute(
            text(
                "SELECT y.code, c.id, c.deposit_account_enc FROM provider_contract c "
                "JOIN payer y ON y.id = c.payer_id JOIN provider p ON p.id = c.provider_id "
                "WHERE p.code = :p"
            ),
            {"p": provider},
        ).all()
    return {
        r.code: ctx.keys.decrypt(
            "provider_contract.deposit_account", int(r.id), bytes(r.deposit_account_enc)
        )
        for r in rows
        if r.code in payers
    }


@app.command()
@common.command
def desk(
    seed: Annotated[int, typer.Option("--seed", help="Hạt giống.")] = 1,
    out: Annotated[Path | None, typer.Option("--out", help="Thư mục nhận tệp.")] = None,
) -> None:
    """Bàn chi giả lập: điền kết quả vào mọi danh sách ký nhận đang mở."""
    ctx = _trial()
    day = today(ctx.clock)
    folder = out or _desk(ctx)
    with ctx.cell.read() as conn:
        rows = conn.execute(
            text(
                "SELECT o.batch_id, b.message_id FROM roster o JOIN batch b ON b.id = o.batch_id "
                "WHERE o.state = 'ordered' ORDER BY o.batch_id"
            )
        ).all()
        if not rows:
            raise NotFoundError("no_roster", "Không có danh sách ký nhận nào đang mở.")
        for batch_id, message in rows:
            path = folder / f"ket-qua-{message}.csv"
            files.write(path, simulated_result(conn, [batch_id], day, seed=seed))
            typer.echo(str(path))


@app.command()
@common.command
def post(
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Thư mục giao nhận (out/ nhận, in/ trả).")
    ] = None,
    profile: Annotated[
        str, typer.Option("--profile", help=f"Mức hỏng: {', '.join(desks.PROFILES)}.")
    ] = "steady",
    seed: Annotated[int, typer.Option("--seed", help="Hạt giống.")] = 1,
    fault: Annotated[
        str, typer.Option("--fault", help=f"Lỗi cố ý: {', '.join(desks.FAULTS)}.")
    ] = "",
) -> None:
    """Bưu cục giả lập: nhận danh sách ký nhận trong out/, trả danh sách kết quả vào in/."""
    if profile not in desks.PROFILES:
        raise UsageError("profile", f"--profile chỉ nhận: {', '.join(desks.PROFILES)}.")
    if fault and fault not in desks.FAULTS:
        raise UsageError("fault", f"--fault chỉ nhận: {', '.join(desks.FAULTS)}.")
    ctx = _trial()
    office = PostOffice(
        folder or ctx.settings.home / "post", seed=seed, profile=profile, fault=fault
    )
    try:
        day = today(ctx.clock)
        taken = office.take_lists(day)
        for path in office.results(day):
            typer.echo(str(path))
        paid = office.paid()
    finally:
        office.close()
    typer.echo(
        f"Bưu cục giả lập: nhận {taken} lệnh mới, đến nay đã chi {len(paid)} lệnh, "
        f"{format_vnd(sum(paid.values()))} đồng."
    )
