"""`disburse bench`: how fast a month, and the book alone, are on this machine."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from disbursement.cli import common
from disbursement.platform.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="Đo tốc độ và bộ nhớ trên dữ liệu bịa đặt.")

MOST_BACK = 12
"""The sample's law reaches back to July 2025, when the social pension began (NĐ 176/2025)."""

MOST_CALLS = 100_000

Db = Annotated[str, typer.Option("--db", help="sqlite hoặc postgres.")]


@app.command()
@common.command
def month(
    people: Annotated[int, typer.Option("--people", help="Số người (không kể lỗi cài sẵn).")],
    db: Db = "sqlite",
    payers: Annotated[int | None, typer.Option("--payers", help="Số xã, phường.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Hạt giống.")] = None,
    form: Annotated[str, typer.Option("--form", help="Danh sách xlsx hoặc csv.")] = "xlsx",
    as_json: common.Json = False,
) -> None:
    """Chạy trọn một tháng trong thư mục và cơ sở dữ liệu tạm, đo từng bước."""
    from disbursement.bench.month import SEED, bench_month  # noqa: PLC0415 - commands start fast

    if form not in ("xlsx", "csv"):
        raise UsageError("form", "--form chỉ nhận xlsx hoặc csv.")
    _show(
        bench_month(
            people,
            db=_kind(db),
            payers=payers,
            seed=SEED if seed is None else seed,
            form="csv" if form == "csv" else "xlsx",
            database_url=common.settings().database_url,
        ),
        as_json=as_json,
    )


@app.command()
@common.command
def post(
    lines: Annotated[int, typer.Option("--lines", help="Số dòng mỗi bút toán.")],
    db: Db = "postgres",
    as_json: common.Json = False,
) -> None:
    """Đo tốc độ ghi sổ: chữ ký, số băm và niêm phong tính trong thời gian đo."""
    from disbursement.bench.post import bench_post  # noqa: PLC0415 - commands start fast

    if not 1 <= lines <= 9_999_999:
        raise UsageError("lines", "--lines phải từ 1 đến 9.999.999.")
    url = common.settings().database_url
    _show(bench_post(lines, db=_kind(db), database_url=url), as_json=as_json)


@app.command()
@common.command
def law(
    people: Annotated[int, typer.Option("--people", help="Số người.")],
    back_months: Annotated[
        int, typer.Option("--back-months", help="Số tháng truy lĩnh của mọi người.")
    ] = 0,
    db: Db = "postgres",
    as_json: common.Json = False,
) -> None:
    """Đo xét mức hưởng, so với sổ và ghi phần chênh lệch cho mọi người."""
    from disbursement.bench.law import bench_law  # noqa: PLC0415 - commands start fast

    if people < 1:
        raise UsageError("people", "--people phải từ 1 trở lên.")
    if not 0 <= back_months <= MOST_BACK:
        raise UsageError("back_months", f"--back-months phải từ 0 đến {MOST_BACK}.")
    url = common.settings().database_url
    figures = bench_law(people, back_months=back_months, db=_kind(db), database_url=url)
    _show(figures, as_json=as_json)
    if not as_json:
        typer.echo(
            f"{figures['lines']} dòng; {figures['profiles']} hồ sơ luật khác nhau, xét "
            f"{figures['assess_calls']} lần; riêng ghi sổ {figures['post_seconds']} giây, gấp "
            f"{figures['ratio']} lần."
        )


@app.command()
@common.command
def files(
    kind: Annotated[str, typer.Option("--kind", help="pain001, camt053, mt940 hoặc mb-xlsx.")],
    items: Annotated[int, typer.Option("--items", help="Số khoản chi.")] = 100_000,
    as_json: common.Json = False,
) -> None:
    """Đo ghi tệp chi và đọc sao kê: thời gian, CPU, bộ nhớ tăng thêm."""
    from disbursement.bench.files import (  # noqa: PLC0415 - commands start fast
        KINDS,
        MOST_ITEMS,
        bench_files,
    )

    if kind not in KINDS:
        raise UsageError("kind", f"--kind chỉ nhận {', '.join(KINDS)}.")
    if not 2 <= items <= MOST_ITEMS:
        raise UsageError("items", f"--items phải từ 2 đến {MOST_ITEMS}.")
    figures = bench_files(kind, items)
    if as_json:
        common.emit(figures)
        return
    typer.echo(f"{kind}: {items} khoản, {figures['files']} tệp, {figures['bytes']} byte")
    _stages(figures)
    typer.echo(f"CPU {figures['cpu_seconds']} giây; bộ nhớ tăng thêm {figures['above_rss_mb']} MB")


@app.command()
@common.command
def wallet(
    items: Annotated[int, typer.Option("--items", help="Số khoản chi, mỗi khoản một lần gọi.")],
    db: Db = "sqlite",
    as_json: common.Json = False,
) -> None:
    """Đo một lô ví điện tử gọi từng khoản, qua hộp gửi, với ví giả lập trên máy này."""
    from disbursement.bench.wallet import bench_wallet  # noqa: PLC0415 - commands start fast

    if not 1 <= items <= MOST_CALLS:
        raise UsageError("items", f"--items phải từ 1 đến {MOST_CALLS}.")
    url = common.settings().database_url
    figures = bench_wallet(items, db=_kind(db), database_url=url)
    _show(figures, as_json=as_json)
    if not as_json:
        typer.echo(
            f"{figures['calls']} lần gọi, {figures['calls_per_s']} lần/giây, mỗi nhóm nhiều nhất "
            f"{figures['group']}"
        )


def _kind(db: str) -> Literal["sqlite", "postgres"]:
    if db not in ("sqlite", "postgres"):
        raise UsageError("db", "--db chỉ nhận sqlite hoặc postgres.")
    return "postgres" if db == "postgres" else "sqlite"


def _show(figures: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        common.emit(figures)
        return
    typer.echo(
        f"{figures['people']} người, {figures['payers']} đơn vị, {figures['lists']} danh sách, "
        f"{figures['batches']} lô, {figures['db']}"
    )
    _stages(figures)
    for key, words in (
        ("prepared_to_reconciled_seconds", "Từ lúc lập xong đến khi khớp sao kê (giây)"),
        ("child_peak_rss_mb", "Tiến trình con của bước nhập (MB)"),
        ("postgres_peak_rss_mb", "Tiến trình PostgreSQL lớn nhất (MB)"),
    ):
        if figures.get(key) is not None:
            typer.echo(f"{words}: {figures[key]}")


def _stages(figures: dict[str, Any]) -> None:
    typer.echo(f"{'Bước':<12}{'giây':>10}{'dòng':>12}{'dòng/giây':>12}{'CPU':>9}{'MB':>8}")
    for name, stage in figures["stages"].items():
        typer.echo(
            f"{name:<12}{stage['seconds']:>10.3f}{stage['rows']:>12}{stage['rows_per_s']:>12}"
            f"{stage.get('cpu_seconds', ''):>9}{stage['peak_rss_mb']:>8}"
        )
    typer.echo(
        f"Tính vào kết quả: {figures['counted_seconds']:.2f} giây, cao nhất "
        f"{figures['peak_rss_mb']} MB"
    )
