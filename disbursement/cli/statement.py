"""`disburse statement`: look into a bank's file, take it into the books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from bank_adapters.inspect import inspect_answer
from disbursement.cli import common
from disbursement.cli.common import As, Json
from disbursement.payments.answer import AnswerResult
from disbursement.payments.intake import take_answer, take_folder
from disbursement.platform.errors import NotFoundError, NotNowError, RefusedError

app = typer.Typer(help="Tệp trả lời và sao kê của ngân hàng.", no_args_is_help=True)

_SHOWN = {
    "applied": "đã ghi", "repeated": "đã có", "refused": "KHÔNG NHẬN",
    "quarantined": "ĐỂ RIÊNG", "waiting": "CHỜ",
}  # fmt: skip


@app.command()
@common.command
def inspect(
    file: Annotated[Path, typer.Argument(help="Tệp camt.052/053/054, pain.002, MT940 hoặc MT942.")],
    as_json: Json = False,
) -> None:
    """Xem một tệp của ngân hàng: loại, số dòng, tổng tiền, số dư, đọc hết chưa; không ghi gì."""
    about = inspect_answer(file) if file.is_file() else _no_file(file, as_json=as_json)
    if as_json:
        common.emit(about)
    else:
        for line in _told(file.name, about):
            typer.echo(line)
    if not (about["complete"] and about["importable"]):
        raise typer.Exit(RefusedError.exit_code)


def _no_file(file: Path, *, as_json: bool) -> dict[str, Any]:
    error = NotFoundError("no_file", f"Không có tệp {file.name}; kiểm tra lại đường dẫn.")
    if not as_json:
        raise error
    return {
        "kind": "unknown", "version": "", "complete": False, "importable": False,
        "statements": [], "warnings": [], "errors": [{"line": None, "message": error.sentence}],
    }  # fmt: skip


_BALANCED = {"yes": "cân", "no": "KHÔNG CÂN", "unknown": "không đủ số dư để đối chiếu"}


def _told(name: str, about: dict[str, Any]) -> Iterator[str]:
    """Say it to a person: the file, its statements or statuses, what is wrong, what to do."""
    version = f" ({about['version']})" if about["version"] else ""
    yield f"{name}: {about['kind']}{version}"
    for row in about["statements"]:
        yield (
            f"  sao kê {row['id']}, tài khoản đuôi {(row['account'] or '')[-4:]}, "
            f"{row['currency'] or 'không ghi loại tiền'}: đầu kỳ {row['opening'] or 'không ghi'}, "
            f"ghi có {row['credits']}, ghi nợ {row['debits']}, cuối kỳ "
            f"{row['closing'] or 'không ghi'}; {row['entries']} dòng; {_BALANCED[row['balanced']]}"
        )
    if "transactions" in about:
        yield f"  trạng thái cả tệp: {about['group_status'] or 'không ghi'}"
        for batch in about["batches"]:
            yield f"  lô {batch['id']}: {batch['status'] or 'không ghi'}"
        for status, count in Counter(t["status"] for t in about["transactions"]).items():
            yield f"  {count} lệnh {status or 'không ghi trạng thái'}"
    for warning in about["warnings"]:
        yield f"  lưu ý: {warning}"
    for error in about["errors"]:
        where = f" (dòng {error['line']})" if error["line"] else ""
        yield f"  LỖI{where}: {error['message']}"
    if about["complete"] and about["importable"]:
        yield "Đọc hết, các số cộng đúng."
    elif about["complete"]:
        yield "Đọc hết nhưng không nhập được; hãy hỏi ngân hàng."
    else:
        yield "KHÔNG đọc được hết; không nhập gì từ tệp này."


@app.command(name="import")
@common.command
def import_(
    path: Annotated[Path, typer.Argument(help="Tệp, hoặc thư mục tệp trả lời.")],
    user: As,
    as_json: Json = False,
) -> None:
    """Nhập tệp trả lời hoặc sao kê: cả tệp, hoặc không gì cả."""
    ctx = common.context()
    ctx.cell.require()
    results = (
        take_folder(ctx, path, actor=user)
        if path.is_dir()
        else [take_answer(ctx, path, source_name=path.name, actor=user)]
    )
    every = [r for first in results for r in (first, *first.then)]
    if as_json:
        common.emit([asdict(r) for r in every])
    elif len(every) > 1 or (every[:1] and every[0].state in ("applied", "repeated")):
        for result in every:
            typer.echo(f"{_SHOWN[result.state]}: {result.sentence}")
    _fail(every)


def _fail(results: list[AnswerResult]) -> None:
    """Leave with an error where a file was not taken: the first sentence, and how many."""
    bad = [r for r in results if r.state in ("refused", "quarantined")]
    waiting = [r for r in results if r.state == "waiting"]
    if bad:
        more = f" (và {len(bad) - 1} tệp khác không nhận)" if len(bad) > 1 else ""
        raise RefusedError(bad[0].code, f"{bad[0].sentence}{more}")
    if waiting:
        raise NotNowError(waiting[0].code, waiting[0].sentence)
