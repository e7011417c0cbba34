"""`disburse cash`: from failed transfers to rosters, hand-overs, and rosters that come back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.cli.common import As, Json, PassphraseFile
from disbursement.cli.run import Month, Payer, day_arg, month_arg
from disbursement.documents.words import reason_words
from disbursement.fallback.desk_file import handover_file
from disbursement.fallback.papers import write_roster
from disbursement.fallback.plan import plan_cash
from disbursement.fallback.service import close_roster, handover
from disbursement.identity.service import unlock
from disbursement.platform import files
from disbursement.platform.clock import show_month
from disbursement.platform.errors import NotFoundError, UsageError
from ledger.money import format_vnd
from ledger.sql import text

app = typer.Typer(help="Tiền mặt: lô, danh sách ký nhận, chi, đóng.", no_args_is_help=True)


@app.command()
@common.command
def plan(
    month: Month,
    user: As,
    payer: Payer = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Gom các khoản chuyển khoản thất bại hẳn thành lô tiền mặt; người lập ký."""
    ctx = common.context()
    common.known_payers(ctx, payer)
    signer = unlock(ctx, user, common.passphrase(user, passphrase_file))
    done = plan_cash(ctx, month_arg(month), signer, codes=payer)
    if as_json:
        common.emit(
            {
                "batches": [b.id for b in done.batches], "payments": done.payments,
                "total_vnd": done.total_vnd, "left": done.left,
            }
        )  # fmt: skip
        return
    typer.echo(
        f"Kỳ {show_month(month_arg(month))}: {len(done.batches)} lô tiền mặt, {done.payments} "
        f"khoản, {format_vnd(done.total_vnd)} đồng, chờ kế toán và chủ tài khoản ký."
    )
    for reason, (count, vnd) in done.left.items():
        typer.echo(
            f"  không chuyển thành tiền mặt: {reason_words(reason)}: {count} khoản, "
            f"{format_vnd(vnd)} đồng; cần người xem lại."
        )
    typer.echo(f"Tiếp theo: disburse run sign --role second --month {month} --as KẾ_TOÁN")


@app.command("list")
@common.command
def list_(month: Month, payer: Payer = None, as_json: Json = False) -> None:
    """Các danh sách ký nhận của kỳ: số lô, nơi chi, hạn, số bản, đã chi bao nhiêu."""
    ctx = common.context()
    ctx.cell.require()
    common.known_payers(ctx, payer)
    with ctx.cell.read() as conn:
        rows = conn.execute(
            text(
                "SELECT o.batch_id AS batch, o.commune_code AS payer, o.last_day, o.copies, "
                "o.state, count(r.n) AS orders, sum(r.amount_vnd) AS total_vnd, count(h.n) AS "
                "collected FROM roster o JOIN batch b ON b.id = o.batch_id "
                "JOIN batch_row r ON r.batch_id = o.batch_id "
                "LEFT JOIN handover h ON h.batch_id = r.batch_id AND h.n = r.n "
                "WHERE b.month = :m GROUP BY o.batch_id, o.commune_code, o.last_day, o.copies, "
                "o.state ORDER BY o.commune_code, o.batch_id"
            ),
            {"m": month_arg(month)},
        ).mappings()
        found = [
            {**r, "total_vnd": int(r["total_vnd"])}
            for r in rows
            if not payer or r["payer"] in payer
        ]
    if as_json:
        common.emit(found)
        return
    if not found:
        raise NotFoundError(
            "no_roster", f"Kỳ {show_month(month_arg(month))} chưa có danh sách ký nhận nào."
        )
    for r in found:
        state = "đang mở" if r["state"] == "ordered" else "đã đóng"
        typer.echo(
            f"lô {r['batch']:>5}  {r['payer']}  {state}  đến {r['last_day']}  {r['copies']} bản  "
            f"{r['collected']}/{r['orders']} khoản đã chi  {format_vnd(r['total_vnd']):>14} đ"
        )


@app.command()
@common.command
def roster(
    month: Month,
    payer: Payer = None,
    out: Annotated[Path | None, typer.Option("--out", help="Thư mục ghi tệp.")] = None,
    as_json: Json = False,
) -> None:
    """In danh sách ký nhận đang mở (PDF, XLSX); mỗi lần in là thêm một bản phải thu về."""
    ctx = common.context()
    ctx.cell.require()
    common.known_payers(ctx, payer)
    with ctx.cell.read() as conn:
        rows = conn.execute(
            text(
                "SELECT o.batch_id, o.commune_code FROM roster o JOIN batch b "
                "ON b.id = o.batch_id WHERE b.month = :m AND o.state = 'ordered' "
                "ORDER BY o.commune_code, o.batch_id"
            ),
            {"m": month_arg(month)},
        ).all()
    wanted = [b for b, code in rows if payer is None or code in payer]
    if not wanted:
        raise NotFoundError(
            "no_roster", f"Kỳ {show_month(month_arg(month))} không có danh sách ký nhận đang mở."
        )
    paths = [p for b in wanted for p in write_roster(ctx, b, out)]
    if as_json:
        common.emit({"rosters": len(wanted), "files": [str(p) for p in paths]})
        return
    typer.echo(f"Đã in {len(wanted)} danh sách ký nhận, ở {paths[0].parent}.")


@app.command()
@common.command
def pay(
    user: As,
    code: Annotated[
        str | None, typer.Argument(help="Mã lệnh hoặc mã tra cứu của người hưởng.")
    ] = None,
    proof: Annotated[
        str, typer.Option("--proof", help="identity, signature, one_time_code, authorisation.")
    ] = "identity",
    note: Annotated[str, typer.Option("--note", help="Số giấy ủy quyền, thời hạn.")] = "",
    day: Annotated[str | None, typer.Option("--day", help="Ngày nhận (yyyy-mm-dd).")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Danh sách ký nhận đã điền (XLSX, CSV).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Ghi một lần chi tiền mặt, hoặc cả danh sách đã điền."""
    if (code is None) == (file is None):
        raise UsageError("pay", "Cần một mã lệnh, hoặc --file TỆP, không phải cả hai.")
    ctx = common.context()
    ctx.cell.require()
    if file is not None:
        done = handover_file(ctx, file, actor=user)
        if as_json:
            common.emit(asdict(done))
        elif done.repeated:
            typer.echo("Tệp này đã nhập rồi; không có gì thay đổi.")
        else:
            typer.echo(f"Đã ghi {done.collected} khoản, {format_vnd(done.amount_vnd)} đồng.")
        return
    one = handover(
        ctx,
        code or "",
        proof,
        actor=user,
        note=note,
        day=None if day is None else day_arg(day, "--day"),
    )
    if as_json:
        common.emit(asdict(one))
    else:
        typer.echo(f"Đã ghi: chi {format_vnd(one.amount_vnd)} đồng, lệnh {one.order}.")


@app.command(name="return")
@common.command
def return_(
    batch: Annotated[int, typer.Argument(help="Số lô tiền mặt.", min=1, max=common.LARGEST)],
    user: As,
    copies: Annotated[int, typer.Option("--copies", help="Số bản đã thu về.", min=0)],
    scan: Annotated[Path | None, typer.Option("--scan", help="Bản quét danh sách đã ký.")] = None,
    as_json: Json = False,
) -> None:
    """Đóng danh sách ký nhận: khoản chưa nhận về lại phải chi, vào danh sách tháng sau."""
    if scan is not None and not scan.is_file():
        raise NotFoundError("no_file", f"Không có tệp {scan.name}; kiểm tra lại đường dẫn.")
    evidence = scan.read_bytes() if scan is not None else None
    if scan is not None and evidence is not None:
        files.require_scan(evidence, scan.name)
    ctx = common.context()
    ctx.cell.require()
    done = close_roster(
        ctx,
        batch,
        copies_returned=copies,
        actor=user,
        evidence=evidence,
    )
    if as_json:
        common.emit(asdict(done))
        return
    typer.echo(
        f"Đã đóng danh sách lô {batch}: {done.collected} khoản đã nhận "
        f"({format_vnd(done.collected_vnd)} đồng), {done.uncollected} khoản chưa nhận "
        f"({format_vnd(done.uncollected_vnd)} đồng) chuyển sang danh sách tháng sau."
    )
