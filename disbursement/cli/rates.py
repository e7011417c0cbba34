"""`disburse rates`: versions of the rate tables, open points and their decisions."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.cli.common import As, Json
from disbursement.platform.errors import UsageError
from disbursement.platform.failures import why
from disbursement.programmes import service
from disbursement.programmes.rate_diff import AmountChange, RowChange
from disbursement.programmes.service import Point, Shown, Uncertain, Version
from ledger.money import format_vnd

app = typer.Typer(help="Bảng mức: nạp, duyệt, so sánh, điểm mở.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(metavar="NUMBER", help="Số bản mức.")]
_WHAT = {"added": "thêm", "changed": "đổi", "ended": "kết thúc", "removed": "bỏ"}
_STATE = {"shipped": "theo phần mềm", "proposed": "chờ duyệt", "approved": "đã duyệt"}
_NAMED = 12
"""Rows named one by one before the rest is only counted; --json has all."""


@app.command("import")
@common.command
def import_(
    file: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Tệp CSV, cột như trong docs/rates.md.")
    ],
    user: As,
    note: Annotated[str, typer.Option("--note", help="Ghi chú: văn bản, lý do.")] = "",
    whole: Annotated[
        bool, typer.Option("--whole", help="Tệp là cả bảng: dòng không có trong tệp bị bỏ.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Nạp một bản mức mới từ tệp CSV: nhận cả hoặc không nhận gì; chờ người thứ hai duyệt."""
    given = [(path.name, _bytes(path)) for path in file]
    shown = service.propose(common.context(), given, actor=user, note=note, whole=whole)
    if as_json:
        common.emit(service.plain(shown))
        return
    _print(shown)
    number = shown.version.number
    typer.echo(f"Đã nạp bản mức số {number}, chờ duyệt: `disburse rates approve {number}`.")


@app.command()
@common.command
def approve(
    number: Number,
    user: As,
    usable_from: Annotated[
        str | None,
        typer.Option("--usable-from", "--from", help="Ngày được dùng (2026-11-20); trống: nay."),
    ] = None,
    lowering_seen: Annotated[
        bool, typer.Option("--lowering-seen", help="Đã xem lại: bản này hạ mức của tháng đã qua.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Duyệt một bản mức (người thứ hai): được dùng từ một ngày."""
    from disbursement.cli.run import day_arg  # noqa: PLC0415 - commands start fast

    day = None if usable_from is None else day_arg(usable_from, "--usable-from")
    shown = service.approve(
        common.context(), number, actor=user, usable_from=day, lowering_seen=lowering_seen
    )
    if as_json:
        common.emit(service.plain(shown))
        return
    _print(shown)
    typer.echo(
        f"Đã duyệt bản mức số {number}, được dùng từ {_shown(shown.version.usable_from)}. Danh "
        "sách đã lập giữ nguyên; chênh lệch của các tháng trước vào danh sách lập sau ngày đó."
    )


@app.command("list")
@common.command
def list_(as_json: Json = False) -> None:
    """Liệt kê các bản mức."""
    ctx = common.context()
    found = service.versions(ctx)
    if as_json:
        common.emit([_version(v) for v in found])
        return
    for v in found:
        tables = ", ".join(table for table, *_ in v.files)
        used = f", dùng từ {_shown(v.usable_from)}, duyệt: {v.approved_by}" if v.approved_by else ""
        by = f", nạp: {v.proposed_by}" if v.proposed_by else ""
        note = f" ({v.note})" if v.note else ""
        typer.echo(f"{v.number:4d}  {_STATE[v.state]}{used}{by}  {tables}{note}")


@app.command()
@common.command
def diff(number: Number, as_json: Json = False) -> None:
    """So một bản mức với bảng trước nó: tháng nào, mức cũ và mới, dòng nào kết thúc."""
    shown = service.show(common.context(), number)
    if as_json:
        common.emit(service.plain(shown))
    else:
        _print(shown)


@app.command()
@common.command
def settings(
    every: Annotated[bool, typer.Option("--all", help="Nêu từng dòng mức chưa xác nhận.")] = False,
    as_json: Json = False,
) -> None:
    """Các điểm luật còn mở: căn cứ, mặc định, đã quyết thế nào."""
    points, rows = service.points(common.context())
    if as_json:
        common.emit({"points": [_point(p) for p in points], "unconfirmed": [_row(r) for r in rows]})
        return
    for p in points:
        _print_point(p)
    groups: dict[tuple[str, str], list[Uncertain]] = {}
    for r in rows:
        groups.setdefault((r.table, r.version), []).append(r)
    for (table, version), found in groups.items():
        most = max(r.uncertainty_vnd for r in found)
        typer.echo(
            f"  chưa xác nhận: {table} {version}: {len(found)} dòng, sai số đến "
            f"{format_vnd(most)} đồng"
        )
        for r in found if every or len(found) <= _NAMED else ():
            sure = f" ± {r.uncertainty_vnd}" if r.uncertainty_vnd else ""
            typer.echo(f"    {r.row}: {r.amount}{sure} ({r.confidence}) {r.citation}")


@app.command()
@common.command
def decide(
    point: Annotated[str, typer.Argument(help="Điểm mở, hoặc unconfirmed_rate.")],
    value: Annotated[str, typer.Argument(help="Cách xử lý, hoặc tên dòng mức.")],
    document: Annotated[str, typer.Option("--document", help="Số, ngày văn bản làm căn cứ.")],
    user: As,
    payer: Annotated[str, typer.Option("--payer", help="Chỉ một xã; trống: cả tỉnh.")] = "",
    as_json: Json = False,
) -> None:
    """Ghi quyết định về một điểm mở theo văn bản; danh sách lập sau đó theo quyết định này."""
    rows = service.decide(
        common.context(), point, value, document=document, actor=user, payer=payer
    )
    if as_json:
        common.emit({"point": point, "value": value, "payer": payer, "rows": rows})
        return
    more = f", xác nhận {rows} dòng mức" if rows else ""
    typer.echo(f"Đã ghi: {point} = {value}{more}, theo: {document}.")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            "file", f"Không đọc được tệp {path.name} ({why(error)}); kiểm tra đường dẫn."
        ) from error


# --- showing -----------------------------------------------------------------------------------


def _print(shown: Shown) -> None:
    done = shown.effect
    for row in shown.diff.rows:
        typer.echo(_row_words(row))
    for amount in shown.diff.amounts:
        typer.echo(_amount_words(amount))
    typer.echo(
        f"Trong sổ: thêm {format_vnd(done.added_vnd)} đồng cho {done.added_people} người; cao hơn "
        f"mức mới {format_vnd(done.lowered_vnd)} đồng của {done.lowered_people} người."
    )
    if shown.lowers:
        typer.echo("CHÚ Ý: bản này HẠ mức của tháng đã bắt đầu hoặc đã ghi sổ; phải xem lại.")


def _row_words(row: RowChange) -> str:
    head = f"{_WHAT[row.what]:9s} {row.table}  {row.row}"
    if row.what not in ("changed", "ended"):
        return head
    cells = "; ".join(f"{c}: '{old}' → '{new}'" for c, (old, new) in row.cells.items())
    return f"{head}  {cells}"


def _amount_words(change: AmountChange) -> str:
    months = service.month_words(change.from_month, change.to_month)
    old, new = (
        "không có" if v is None else format_vnd(v) for v in (change.old_vnd, change.new_vnd)
    )
    mark = "  HẠ" if change.lowers else ""
    where = "" if change.territory == "VN" else f" (tỉnh {change.territory})"
    return f"mức       {change.code}{where}  {months}: {old} → {new} đồng{mark}"


def _print_point(found: Point) -> None:
    point = found.point
    if point.choices:
        typer.echo(f"{point.code} = {found.value()}  (mặc định {point.default}; chọn: "
                   f"{', '.join(point.choices)})")  # fmt: skip
    else:
        typer.echo(f"{point.code}  (văn bản xác nhận từng dòng hoặc từng bản)")
    typer.echo(f"  {point.sentence_vi}")
    typer.echo(f"  Căn cứ: {point.citation}")
    for payer, value, document, by, at in found.decisions:
        who = f"xã {payer}" if payer else "cả tỉnh"
        typer.echo(f"  {_shown(at[:10])} {who}: {value}, theo {document} ({by})")


def _shown(day: str) -> str:
    return f"{date.fromisoformat(day):%d/%m/%Y}"


def _version(v: Version) -> dict[str, object]:
    return {name: getattr(v, name) for name in Version.__dataclass_fields__}


def _row(r: Uncertain) -> dict[str, object]:
    return {name: getattr(r, name) for name in Uncertain.__dataclass_fields__}


def _point(found: Point) -> dict[str, object]:
    p = found.point
    keys = ("payer", "value", "document", "decided_by", "decided_at")
    return {
        "code": p.code, "choices": list(p.choices), "default": p.default,
        "value": found.value(), "citation": p.citation, "source": p.source,
        "sentence_vi": p.sentence_vi, "sentence_en": p.sentence_en,
        "decisions": [dict(zip(keys, d, strict=True)) for d in found.decisions],
    }  # fmt: skip
