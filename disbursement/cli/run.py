"""`disburse run`: a month from prepare to close."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from disbursement.beneficiaries.holds import payer_of_hold
from disbursement.beneficiaries.national.freshness import ListWarning, warnings_of
from disbursement.cli import common
from disbursement.cli.common import As, Json, PassphraseFile
from disbursement.documents.words import BATCH_STATES, FINDING_STATES, HOLD_KINDS, LIST_STATES
from disbursement.identity.service import unlock
from disbursement.jobs import outbox
from disbursement.platform.clock import YEARS, parse_month, show_month
from disbursement.platform.errors import NotFoundError, UsageError
from disbursement.runs import close as closing
from disbursement.runs import findings as found_on
from disbursement.runs import papers, service
from ledger.money import MoneyError, format_vnd, parse_vnd
from ledger.sql import text

app = typer.Typer(help="Kỳ chi trả: lập, kiểm tra, ký, rút tiền, đóng kỳ.", no_args_is_help=True)

Month = Annotated[str, typer.Option("--month", help="Tháng chi trả, dạng 2026-11.")]
ListId = Annotated[int, typer.Argument(metavar="LIST", min=1, max=common.LARGEST)]
Payer = Annotated[list[str] | None, typer.Option("--payer", help="Mã xã; bỏ trống = tất cả.")]
LIMIT_UNITS = {"month": "tháng", "person": "người", "day": "ngày", "percent": "%"}
ROLES = {"second": "sign2", "first": "sign1"}


def month_arg(value: str) -> int:
    """Read a month option. Raises UsageError."""
    try:
        found = parse_month(value)
    except ValueError as error:
        raise UsageError("month", f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    if not YEARS[0] <= found // 100 <= YEARS[1]:
        raise UsageError(
            "month", f"Tháng phải từ năm {YEARS[0]} đến {YEARS[1]}, không phải '{value}'."
        )
    return found


def day_arg(value: str, name: str) -> date:
    """Read a day option (yyyy-mm-dd). Raises UsageError."""
    try:
        found = date.fromisoformat(value)
    except ValueError as error:
        raise UsageError("day", f"{name} phải viết dạng 2026-10-05, không phải '{value}'.") from (
            error
        )
    if not YEARS[0] <= found.year <= YEARS[1]:
        raise UsageError(
            "day", f"{name} phải từ năm {YEARS[0]} đến {YEARS[1]}, không phải '{value}'."
        )
    return found


def amount_arg(value: str) -> int:
    """Read an amount in dong, digits only. Raises UsageError."""
    try:
        return parse_vnd(value)
    except MoneyError as error:
        raise UsageError(
            "amount", f"Số tiền phải là số đồng nguyên, không dấu chấm, không phải '{value}'."
        ) from error


@app.command()
@common.command
def prepare(
    month: Month,
    user: As,
    payer: Payer = None,
    law_on: Annotated[str | None, typer.Option("--law-on", help="Ngày pháp luật áp dụng.")] = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Tính mức, lập danh sách, tạo tệp chi; người lập ký."""
    ctx = common.context()
    common.known_payers(ctx, payer)
    signer = unlock(ctx, user, common.passphrase(user, passphrase_file))
    number = month_arg(month)
    done = service.prepare(
        ctx,
        number,
        signer,
        codes=payer,
        law_on=None if law_on is None else day_arg(law_on, "--law-on"),
    )
    drafts = papers.write_rerating(ctx, number, payer) if done.rerating_people else []
    if as_json:
        common.emit({**done.__dict__, "rerating_files": [str(p) for p in drafts]})
        return
    typer.echo(
        f"Kỳ {show_month(number)}: {done.lists} danh sách, {done.batches} lô, "
        f"{done.payments} khoản chi, {format_vnd(done.total_vnd)} đồng; "
        f"giữ lại {done.held} người chưa được tính, {done.held_payments} khoản chưa chi "
        "(`disburse register holds`)."
    )
    if done.rerating_people:
        typer.echo(
            f"Cần quyết định điều chỉnh mức: {done.rerating_people} người, truy lĩnh "
            f"{format_vnd(done.rerating_vnd)} đồng; dự thảo ở {drafts[0].parent}. "
            "Ghi số, ngày, người ký bằng "
            f"`disburse run rerate --month {month}` rồi lập lại."
        )
    typer.echo(f"Tiếp theo: disburse run check --month {month} --as NGƯỜI_KIỂM_TRA")


def _sign(
    role: str,
    month: str,
    user: str,
    payer: list[str] | None,
    passphrase_file: Path | None,
    as_json: bool,
    release_on: str | None = None,
) -> None:
    ctx = common.context()
    common.known_payers(ctx, payer)
    signer = unlock(ctx, user, common.passphrase(user, passphrase_file))
    number = month_arg(month)
    day = None if release_on is None else day_arg(release_on, "--on")
    count = service.sign_all(ctx, number, role, signer, codes=payer, release_on=day)
    if as_json:
        common.emit({"month": number, "role": role, "signed": count})
    else:
        typer.echo(f"Kỳ {show_month(number)}: đã ký {count} danh sách và lô ({role}).")


@app.command()
@common.command
def check(
    month: Month,
    user: As,
    payer: Payer = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Người kiểm tra ký."""
    _sign("check", month, user, payer, passphrase_file, as_json)


@app.command()
@common.command
def sign(
    month: Month,
    user: As,
    role: Annotated[str, typer.Option("--role", help="second (kế toán) hoặc first (chủ TK).")],
    payer: Payer = None,
    on: Annotated[str | None, typer.Option("--on", help="Ngày được gửi (chữ ký thứ nhất).")] = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Chữ ký thứ hai (kế toán) hoặc thứ nhất (chủ tài khoản; ký là duyệt chi)."""
    if role not in ROLES:
        raise UsageError("role", f"--role phải là second hoặc first, không phải '{role}'.")
    _sign(ROLES[role], month, user, payer, passphrase_file, as_json, on)


@app.command()
@common.command
def release(
    month: Month,
    user: As,
    payer: Payer = None,
    on: Annotated[str | None, typer.Option("--on", help="Ngày được gửi.")] = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Như `sign --role first`: chữ ký thứ nhất duyệt chi."""
    _sign("sign1", month, user, payer, passphrase_file, as_json, on)


@app.command()
@common.command
def draw(
    list_id: ListId,
    voucher: Annotated[str, typer.Option("--voucher", help="Số giấy rút dự toán.")],
    on: Annotated[str, typer.Option("--date", help="Ngày rút, dạng 2026-10-23.")],
    amount: Annotated[str, typer.Option("--amount", help="Số tiền, đồng.")],
    user: As,
    as_json: Json = False,
) -> None:
    """Ghi rút dự toán cho một danh sách đã duyệt chi."""
    ctx = common.context()
    carried = service.draw(
        ctx,
        list_id,
        voucher=voucher,
        day=day_arg(on, "--date"),
        amount_vnd=amount_arg(amount),
        actor=user,
    )
    if as_json:
        common.emit({"list": list_id, "carried_vnd": carried})
    else:
        typer.echo(
            f"Đã ghi rút dự toán cho danh sách {list_id}; tiền còn từ kỳ trước: "
            f"{format_vnd(carried)} đồng."
        )


@app.command()
@common.command
def rerate(
    month: Month,
    number: Annotated[str, typer.Option("--number", help="Số quyết định.")],
    on: Annotated[str, typer.Option("--date", help="Ngày quyết định.")],
    signer: Annotated[str, typer.Option("--signer", help="Người ký quyết định.")],
    user: As,
) -> None:
    """Ghi quyết định điều chỉnh mức (một lần cho mọi dự thảo đang chờ)."""
    ctx = common.context()
    done = service.record_rerating(
        ctx,
        month_arg(month),
        number=number,
        day=day_arg(on, "--date"),
        signer_name=signer,
        actor=user,
    )
    typer.echo(f"Đã ghi quyết định cho {done} đơn vị; hãy lập lại danh sách (`run prepare`).")


@app.command()
@common.command
def close(
    month: Month,
    report: Annotated[Path, typer.Option("--report", help="Báo cáo của đơn vị chi trả (CSV).")],
    user: As,
    payer: Payer = None,
    as_json: Json = False,
) -> None:
    """Đóng kỳ theo báo cáo của đơn vị chi trả."""
    ctx = common.context()
    common.known_payers(ctx, payer)
    if not report.is_file():
        raise NotFoundError(
            "no_file", f"Không có tệp {report.name}; kiểm tra lại đường dẫn sau --report."
        )
    done = closing.close_runs(ctx, month_arg(month), report, user, codes=payer)
    if as_json:
        common.emit(done.__dict__)
        return
    typer.echo(
        f"Đã đóng {done.runs} kỳ: {done.paid} khoản đã chi, {done.carried} khoản chuyển kỳ sau "
        f"({format_vnd(done.carried_vnd)} đồng), nộp trả {format_vnd(done.sent_back_vnd)} đồng."
    )


def _batches(conn: Connection, month: int) -> dict[int, list[dict[str, Any]]]:
    """Return the batches of a month by list; a retry or cash batch stands at its payer's first."""
    rows = conn.execute(
        text(
            "SELECT coalesce(b.list_id, (SELECT min(l.id) FROM pay_list l WHERE l.state <> 'void' "
            "AND l.payer_id = b.payer_id AND l.month = b.month)) AS list_id, b.id, "
            "p.code AS provider, b.purpose, b.state, b.payments, b.total_vnd FROM batch b "
            "JOIN provider p ON p.id = b.provider_id WHERE b.month = :m "
            "AND b.state NOT IN ('withdrawn', 'void') ORDER BY b.id"
        ),
        {"m": month},
    ).mappings()
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        one = dict(row)
        found.setdefault(one.pop("list_id"), []).append(one)
    return found


@app.command()
@common.command
def status(month: Month, payer: Payer = None, as_json: Json = False) -> None:
    """Các danh sách của kỳ và đang ở bước nào."""
    ctx = common.context()
    ctx.cell.require()
    common.known_payers(ctx, payer)
    with ctx.cell.read() as conn:
        rows = conn.execute(
            text(
                "SELECT l.id, y.code, l.programme, l.number, l.version, l.state, l.payments, "
                "l.total_vnd, l.held_right, l.held_payment FROM pay_list l "
                "JOIN payer y ON y.id = l.payer_id WHERE l.month = :m AND l.state <> 'void' "
                "ORDER BY y.code, l.programme, l.number"
            ),
            {"m": month_arg(month)},
        ).mappings()
        found: list[dict[str, Any]] = [dict(r) for r in rows if not payer or r["code"] in payer]
        for one in found:
            one["warnings"] = [asdict(w) for w in warnings_of(conn, one["id"])]
        waiting = outbox.stopped(conn, month=month_arg(month), payers=payer)
        batches = _batches(conn, month_arg(month))
        for one in found:
            one["batches"] = batches.get(one["id"], [])
            one["stopped"] = [asdict(s) for s in waiting if s.list_id == one["id"]]
    if as_json:
        common.emit(found)
        return
    if not found:
        raise NotFoundError("no_list", f"Chưa có danh sách nào của kỳ {month}.")
    for r in found:
        typer.echo(
            f"{r['id']:>6}  {r['code']}  {r['programme']}  số {r['number']} bản {r['version']}  "
            f"{r['state']:<9} {r['payments']:>7} khoản {format_vnd(r['total_vnd']):>16} đ  "
            f"giữ lại {r['held_right'] + r['held_payment']}  "
            f"({LIST_STATES.get(r['state'], r['state'])})"
            + (f"  cảnh báo {len(r['warnings'])}" if r["warnings"] else "")
        )
        for b in r["batches"]:
            typer.echo(
                f"        lô {b['id']:>6}  {b['provider']}  {b['state']:<9} {b['payments']:>7} "
                f"khoản {format_vnd(b['total_vnd']):>16} đ  "
                f"({BATCH_STATES.get(b['state'], b['state'])})"
            )
    said = {ListWarning(**w).sentence for r in found for w in r["warnings"]}
    for sentence in sorted(said):
        typer.echo(f"Cảnh báo: {sentence}")
    for box in waiting:
        typer.echo(outbox.line(box))


@app.command()
@common.command
def sheet(
    list_id: ListId,
    out: Annotated[Path | None, typer.Option("--out", help="Thư mục ghi tệp.")] = None,
    attach: Annotated[
        Path | None, typer.Option("--attach", help="Đính kèm bản quét hoặc PDF đã ký.")
    ] = None,
) -> None:
    """Ghi phiếu duyệt (PDF, XLSX), hoặc đính kèm bản đã ký."""
    ctx = common.context()
    if attach is not None:
        papers.attach_scan(ctx, list_id, attach)
        typer.echo(f"Đã đính kèm phiếu đã ký cho danh sách {list_id}.")
        return
    for path in papers.write_sheet(ctx, list_id, out):
        typer.echo(str(path))


@app.command()
@common.command
def findings(list_id: ListId, as_json: Json = False) -> None:
    """Những gì kiểm tra phát hiện khi lập danh sách: ai bị giữ, vì sao, cần văn bản nào."""
    rows = found_on.list_findings(common.context(), list_id)
    if as_json:
        common.emit([asdict(r) for r in rows])
        return
    if not rows:
        typer.echo(f"Danh sách {list_id}: kiểm tra không phát hiện gì.")
    for r in rows:
        who = f"{r.reference} ****{r.last4}" if r.reference else "cả danh sách"
        hold = f"{r.hold:>8}" if r.hold is not None else " " * 8
        done = f" [{r.resolved_by}: {r.resolved_document}]" if r.state == "resolved" else ""
        typer.echo(f"{hold}  {FINDING_STATES[r.state]:<18}  {r.title} – {who}: {r.detail}{done}")
    if any(r.state == "open" for r in rows):
        typer.echo(
            "Giải quyết: disburse run resolve SỐ --document VĂN_BẢN --as CÁN_BỘ, rồi lập lại."
        )


@app.command()
@common.command
def resolve(
    hold: Annotated[int, typer.Argument(help="Số hồ sơ giữ.", min=1, max=common.LARGEST)],
    document: Annotated[str, typer.Option("--document", help="Số, ngày văn bản làm căn cứ.")],
    user: As,
    as_json: Json = False,
) -> None:
    """Giải quyết một phát hiện theo văn bản; lần lập sau ghi là đã giải quyết."""
    ctx = common.context()
    common.officer(ctx, user, "preparer", "checker", payer=payer_of_hold(ctx, hold))
    row = found_on.resolve(ctx, hold, document, user)
    if as_json:
        common.emit(asdict(row))
        return
    typer.echo(f"Đã giải quyết phát hiện số {row.id} ({row.reason}) theo: {row.document}.")


@app.command()
@common.command
def limits(
    payer: Annotated[str | None, typer.Option("--payer", help="Mã xã.")] = None,
    as_json: Json = False,
) -> None:
    """Các quy tắc kiểm tra và giới hạn của chúng."""
    ctx = common.context()
    common.known_payers(ctx, payer)
    rows = found_on.limits(ctx, payer)
    if as_json:
        common.emit([asdict(r) for r in rows])
        return
    for r in rows:
        limit = "" if r.limit is None else f"{r.limit} {LIMIT_UNITS[r.unit]}"
        typer.echo(f"{r.rule:<18} {HOLD_KINDS[r.kind]:<16} {limit:<10} {r.title}")


@app.command()
@common.command
def limit(
    rule: Annotated[str, typer.Argument(help="Tên quy tắc; xem `run limits`.")],
    value: Annotated[int, typer.Argument(help="Giới hạn mới.")],
    payer: Annotated[str, typer.Option("--payer", help="Mã xã.")],
    document: Annotated[str, typer.Option("--document", help="Số, ngày văn bản làm căn cứ.")],
    user: As,
    as_json: Json = False,
) -> None:
    """Đặt giới hạn của một quy tắc cho một đơn vị, theo văn bản; người quản trị làm."""
    row = found_on.set_limit(
        common.context(), rule, value, payer=payer, document=document, actor=user
    )
    if as_json:
        common.emit({"payer": payer, **asdict(row)})
        return
    typer.echo(f"{payer}: {row.title}: giới hạn {row.limit} {LIMIT_UNITS[row.unit]}.")
