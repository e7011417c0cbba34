"""`disburse event`: record, import, list (docs/events.md)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import typer

from disbursement.cli import common
from disbursement.cli.common import As, Json
from disbursement.platform.clock import show_month
from disbursement.platform.errors import UsageError

app = typer.Typer(help="Quyết định, sự kiện của hồ sơ: ghi, nhập, xem.", no_args_is_help=True)


def _option(name: str, words: str) -> Any:
    return typer.Option(name, help=words)


@app.command("record")
@common.command
def record(
    kind: Annotated[str, typer.Argument(help="Loại: grant, change, suspend, resume, stop, ...")],
    user: As,
    day: Annotated[str, _option("--date", "Ngày sự kiện (dd/mm/yyyy).")],
    commune: Annotated[str, _option("--commune", "Mã xã ra quyết định.")],
    reference: Annotated[str, _option("--reference", "Mã hồ sơ của người hưởng.")] = "",
    identity: Annotated[str | None, _option("--identity-file", "Tệp chứa số định danh.")] = None,
    programme: Annotated[str | None, _option("--programme", "SA hoặc SP.")] = None,
    clause: Annotated[str | None, _option("--clause", "Diện hưởng; trống: mọi hồ sơ.")] = None,
    number: Annotated[str, _option("--number", "Số quyết định.")] = "",
    decided: Annotated[str | None, _option("--decided", "Ngày quyết định.")] = None,
    signer: Annotated[str, _option("--signer", "Người ký quyết định.")] = "",
    document: Annotated[str, _option("--document", "Văn bản làm căn cứ.")] = "",
    members: Annotated[
        str, _option("--with", 'JSON: {"from_month": "2026-11", "cause": ..., "facts": {...}}')
    ] = "{}",
    withdraws: Annotated[int | None, _option("--event", "Số sự kiện bị thu hồi.")] = None,
    as_json: Json = False,
) -> None:
    """Ghi một quyết định hoặc sự kiện; danh sách lập sau đó trả đúng phần chênh lệch."""
    from disbursement.beneficiaries.event_checks import EventIn  # noqa: PLC0415 - starts fast
    from disbursement.beneficiaries.events import plain, record_one  # noqa: PLC0415 - as above
    from disbursement.cli.register import read_identity  # noqa: PLC0415 - as above
    from disbursement.entitlements.facts import canonical_clause  # noqa: PLC0415 - as above

    ctx = common.context()
    given = EventIn(
        kind,
        _day(day, "--date"),
        commune,
        identity=read_identity(identity) if identity else "",
        reference=_reference(reference) if reference else "",
        programme=programme,
        clause=None if clause is None else canonical_clause(clause),
        number=number,
        decided_on=None if decided is None else _day(decided, "--decided"),
        signer=signer,
        document=document,
        members=_members(members),
        withdraws=withdraws,
    )
    report = record_one(ctx, given, source="officer", actor=user)
    if as_json:
        common.emit(plain(report))
        return
    (done,) = report.recorded
    typer.echo(
        f"Đã ghi sự kiện số {done.id} ({_kind(done.kind)}) của {done.reference}. {_effect(report)}"
    )


def _kind(code: str) -> str:
    from disbursement.beneficiaries.event_checks import KINDS  # noqa: PLC0415 - as above

    return f"{KINDS[code].name}: {code}" if code in KINDS else code


def _effect(report: Any) -> str:
    if report.from_month is None:
        return "Không tháng nào đổi mức."
    return f"Từ tháng {show_month(report.from_month)} được tính lại trong danh sách lập sau."


@app.command("import")
@common.command
def import_(
    file: Annotated[Path, typer.Argument(help="Tệp XLSX hoặc CSV.")],
    user: As,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="Có một dòng lỗi thì không ghi dòng nào.")
    ] = False,
    out: Annotated[Path | None, _option("--out", "Thư mục nhận tệp trả lại.")] = None,
    encoding: Annotated[
        str, typer.Option("--encoding", help="Bảng mã của CSV: utf-8 hoặc windows-1258.")
    ] = "utf-8",
    as_json: Json = False,
) -> None:
    """Nhập quyết định, sự kiện: ghi dòng đúng, trả lại dòng lỗi kèm lý do."""
    from disbursement.beneficiaries.event_file import import_events  # noqa: PLC0415 - as above
    from disbursement.platform.errors import RefusedError  # noqa: PLC0415 - as above

    mode: Literal["all", "good"] = "all" if all_or_nothing else "good"
    if encoding not in ("utf-8", "windows-1258"):
        raise UsageError("encoding", "--encoding chỉ nhận utf-8 hoặc windows-1258.")
    code: Literal["utf-8", "windows-1258"] = "utf-8" if encoding == "utf-8" else "windows-1258"
    report = import_events(
        common.context(), file, mode=mode, actor=user, out_dir=out, encoding=code
    )
    if as_json:
        common.emit(asdict(report))
    elif report.repeated:
        typer.echo(f"Tệp này đã nhập rồi: {report.rows_read} dòng, không có gì thay đổi.")
    else:
        typer.echo(
            f"Đã đọc {report.rows_read} dòng: ghi {report.recorded}, trả lại {report.refused}. "
            f"{_effect(report)}"
        )
        if report.errors:
            typer.echo(f"Các dòng trả lại, kèm lý do: {report.errors}")
    if report.refused and not report.recorded:
        raise RefusedError(
            "rows_refused",
            f"Không ghi sự kiện nào: {report.refused} dòng có lỗi, xem {report.errors}; sổ không "
            "thay đổi.",
        )


@app.command("list")
@common.command
def list_(
    payer: Annotated[str | None, _option("--payer", "Chỉ một xã (mã 5 số).")] = None,
    reference: Annotated[str, _option("--reference", "Chỉ một người (mã hồ sơ).")] = "",
    as_json: Json = False,
) -> None:
    """Liệt kê quyết định, sự kiện đã ghi (bốn số cuối)."""
    from disbursement.beneficiaries.events import list_events  # noqa: PLC0415 - as above

    ctx = common.context()
    common.known_payers(ctx, payer)
    code = _reference(reference) if reference else ""
    rows = list_events(ctx, payer=payer or "", reference=code)
    if as_json:
        common.emit([asdict(r) for r in rows])
        return
    for r in rows:
        what = f"{r.programme} {r.clause}" if r.clause else "mọi hồ sơ"
        paper = (
            f"QĐ {r.decision_number}, {_shown(r.decision_date)}"
            if r.decision_number
            else r.document
        )
        gone = f"  ĐÃ THU HỒI (số {r.withdrawn_by})" if r.withdrawn_by else ""
        typer.echo(
            f"{r.id:6d}  {_shown(r.date)}  {_kind(r.kind)}  {r.payer}  {r.reference} ****{r.last4}"
            f"  {what}  {paper}{gone}"
        )


def _shown(day: str) -> str:
    return f"{date.fromisoformat(day[:10]):%d/%m/%Y}"


def _day(value: str, option: str) -> Any:
    from disbursement.beneficiaries.rules import read_date  # noqa: PLC0415 - as above

    found = read_date(value)
    if found is None:
        raise UsageError("day", f"{option} phải là ngày, dạng dd/mm/yyyy.")
    return found


def _reference(value: str) -> str:
    from disbursement.platform.ids import clean_reference  # noqa: PLC0415 - as above

    found = clean_reference(value)
    if found is None:
        raise UsageError("reference", "Mã hồ sơ không đúng: gõ lại như trên thông báo.")
    return found


def _members(value: str) -> dict[str, Any]:
    from disbursement.identity import strict_json  # noqa: PLC0415 - as above

    try:
        found = strict_json.loads(value.encode())
    except (strict_json.StrictJsonError, orjson.JSONDecodeError) as error:
        raise UsageError(
            "json",
            "--with phải là JSON đúng chuẩn (UTF-8, không khóa trùng, chỉ số nguyên), ví dụ "
            '{"from_month": "2026-11"}; kiểm tra dấu nháy, dấu phẩy.',
            en=f"--with must be strict JSON: {error}.",
        ) from error
    if not isinstance(found, dict):
        raise UsageError("json", '--with phải là nhóm mục {}, ví dụ {"from_month": "2026-11"}.')
    return found
