"""`disburse payment`: what an officer answers when somebody asks by telephone."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer

from disbursement.cli import common
from disbursement.cli.common import Json
from disbursement.documents.words import months_words, reason_words
from disbursement.identity.service import user as find_user
from disbursement.payments.queries import Attempt, PaymentNow, Story, payment_story
from disbursement.platform.clock import show_month
from disbursement.platform.errors import NotFoundError
from disbursement.platform.ids import clean_reference
from disbursement.status.words import Fact, sentences
from ledger.money import format_vnd

app = typer.Typer(help="Một khoản chi, theo mã tra cứu.", no_args_is_help=True)

_NOBODY = "Không có ai mang mã tra cứu này trong phạm vi của bạn; đọc lại từng chữ cho chắc."


@app.callback()
def payment() -> None:
    """Một khoản chi, theo mã tra cứu."""


@app.command()
@common.command
def show(
    reference: Annotated[str, typer.Argument(help="Mã tra cứu in trên giấy báo.")],
    user: Annotated[
        str | None, typer.Option("--as", help="Chỉ xem trong phạm vi của người này.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Kể lại các khoản chi của một mã tra cứu: tháng, số tiền, đang ở đâu, cần làm gì."""
    ctx = common.context()
    ctx.cell.require()
    code = clean_reference(reference)
    with ctx.cell.read() as conn:
        story = payment_story(conn, code) if code is not None else None
    allowed = find_user(ctx, user).may_read() if user is not None else frozenset({"*"})
    if story is None or not {"*", story.payer} & allowed:
        raise NotFoundError("reference", _NOBODY)
    if as_json:
        common.emit(asdict(story))
        return
    for line in lines(story):
        typer.echo(line)


def lines(story: Story) -> list[str]:
    """Return the story as an officer reads it aloud."""
    out = [f"Mã {story.reference}, sinh năm {story.birth_year}, đơn vị {story.payer}"]
    if story.died:
        out.append("  Người hưởng được báo đã chết: mời người nhà đến UBND xã.")
    if not story.payments:
        out.append("  Chưa có khoản chi nào.")
    for payment in story.payments:
        out += _payment_lines(payment)
    for cover, vnd, reason in story.free:
        out.append(
            f"  Còn chờ trả tháng {show_month(cover)}: {format_vnd(vnd)} đồng "
            f"({reason_words(reason)})"
        )
    return out


def _payment_lines(payment: PaymentNow) -> list[str]:
    covers = months_words([cover for cover, _ in payment.covers])
    out = [f"  {sentence}" for sentence in sentences(fact_of(payment))]
    out.append(f"    gồm các tháng {covers}")
    out += [f"    {_attempt_line(attempt)}" for attempt in payment.attempts]
    return out


def _attempt_line(attempt: Attempt) -> str:
    said = "; ".join(f"{s.day} {s.state}{' ' + s.code if s.code else ''}" for s in attempt.news)
    return f"lệnh {attempt.order} ({attempt.rail}): {attempt.state}{' – ' + said if said else ''}"


def fact_of(payment: PaymentNow) -> Fact:
    """Return what the beneficiary is told about a payment."""
    last = payment.attempts[-1] if payment.attempts else None
    codes = [a.code for a in payment.attempts if a.code]
    return Fact(
        month=payment.month,
        amount_vnd=payment.amount_vnd,
        state=payment.state,
        rail=payment.rail,
        account_last4=payment.last4,
        day=date.fromisoformat(last.day) if last and last.day else None,
        code=codes[-1] if codes else "",
        place=payment.place,
        first_day=date.fromisoformat(payment.first_day) if payment.first_day else None,
        last_day=date.fromisoformat(payment.last_day) if payment.last_day else None,
    )
