"""`disburse statement`: look into a bank's file, take it into the books."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from bank_adapters import answers
from bank_adapters.contract import ParsedAnswer, RefusedFile
from disbursement.cli import common
from disbursement.cli.common import As, Json
from disbursement.payments.answer import AnswerResult
from disbursement.payments.intake import take_answer, take_folder
from disbursement.platform.errors import NotFoundError, NotNowError, RefusedError
from ledger.money import format_vnd

app = typer.Typer(help="Tệp trả lời và sao kê của ngân hàng.", no_args_is_help=True)

_SHOWN = {
    "applied": "đã ghi", "repeated": "đã có", "refused": "KHÔNG NHẬN",
    "quarantined": "ĐỂ RIÊNG", "waiting": "CHỜ",
}  # fmt: skip


@app.command()
@common.command
def inspect(
    file: Annotated[Path, typer.Argument(help="Tệp pain.002 hoặc camt.05x.")],
    as_json: Json = False,
) -> None:
    """Xem một tệp của ngân hàng: loại, số dòng, tổng tiền, số dư; không ghi gì."""
    if not file.is_file():
        raise NotFoundError("no_file", f"Không có tệp {file.name}; kiểm tra lại đường dẫn.")
    try:
        parsed = answers.parse(file)
    except RefusedFile as error:
        raise RefusedError(error.code, error.sentence, en=error.en) from error
    about = _about(parsed)
    if as_json:
        common.emit(about)
        return
    typer.echo(f"{file.name}: {parsed.kind} ({parsed.version}), mã tệp {parsed.message_id}")
    for row in about.get("statements", []):
        typer.echo(
            f"  sao kê {row['id']} số {row['sequence']}, tài khoản đuôi {row['account_last4']}, "
            f"{row['from']} đến {row['to']}: đầu kỳ {_vnd(row['opening_vnd'])}, "
            f"ghi có {_vnd(row['credit_vnd'])}, ghi nợ {_vnd(row['debit_vnd'])}, "
            f"cuối kỳ {_vnd(row['closing_vnd'])}; {row['entries']} dòng"
        )
    for key, count in about.get("statuses", {}).items():
        typer.echo(f"  {key}: {count}")
    for warning in parsed.warnings:
        typer.echo(f"  lưu ý: {warning}")


def _vnd(amount: int | None) -> str:
    return "không ghi" if amount is None else format_vnd(amount)


def _about(parsed: ParsedAnswer) -> dict[str, Any]:
    out: dict[str, Any] = {
        "kind": parsed.kind, "version": parsed.version, "message_id": parsed.message_id,
        "created_at": parsed.created_at, "warnings": list(parsed.warnings),
    }  # fmt: skip
    if parsed.kind == "pain.002":
        found = Counter(
            f"{s.level} {s.status or '-'}{' ' + s.reason_code if s.reason_code else ''}"
            for s in parsed.statuses()
        )
        return {
            **out, "original_message_id": parsed.original_message_id,
            "statuses": dict(sorted(found.items())),
        }  # fmt: skip
    out["statements"] = [
        {
            "id": s.id, "sequence": s.sequence, "account_last4": s.account[-4:],
            "from": str(s.from_date or ""), "to": str(s.to_date or ""),
            "opening_vnd": s.opening_vnd, "closing_vnd": s.closing_vnd,
            "credit_vnd": s.credit_vnd, "debit_vnd": s.debit_vnd, "entries": len(s.entries),
        }
        for s in parsed.statements()
    ]  # fmt: skip
    return out


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
