"""`disburse ledger`: the book itself - balances, one person's statement, proof, closed months."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from disbursement.cli import common
from disbursement.cli.common import As, Json, PassphraseFile
from disbursement.cli.run import month_arg
from disbursement.cli.tables import show
from disbursement.documents import book_words as words
from disbursement.identity.service import unlock
from disbursement.platform.clock import show_month
from disbursement.platform.errors import NotFoundError, OurFaultError, UsageError
from disbursement.platform.ids import clean_reference
from disbursement.runs import approvals, periods
from ledger import queries
from ledger.money import format_vnd
from ledger.queries import AccountBalance, Coin, TrialBalance
from ledger.sql import text
from ledger.verify import Problem, Report, verify

app = typer.Typer(help="Sổ cái: cân đối, sao kê một người, kiểm chứng.", no_args_is_help=True)

MonthArg = Annotated[str, typer.Argument(metavar="MONTH", help="Tháng, dạng 2026-11.")]


@app.command("trial-balance")
@common.command
def trial_balance(
    month: Annotated[
        str | None, typer.Option("--month", help="Tháng (2026-11): đầu kỳ, phát sinh, cuối kỳ.")
    ] = None,
    payer: Annotated[str | None, typer.Option("--payer", help="Mã xã; bỏ trống = cả tỉnh.")] = None,
    as_json: Json = False,
) -> None:
    """Bảng cân đối tài khoản: của một xã theo từng tài khoản, của cả tỉnh theo loại tài khoản."""
    ctx = common.context()
    ctx.cell.require()
    when = month_arg(month) if month is not None else None
    with ctx.cell.read() as conn:
        payer_id = _payer(conn, payer) if payer is not None else None
        found = {
            book: queries.trial_balance(conn, book, payer_id)
            if when is None
            else queries.month_balance(conn, book, when, payer_id)
            for book in words.BOOKS
        }
    if as_json:
        common.emit(
            {
                "month": when,
                "payer": payer,
                "books": [_balance_json(book, balance) for book, balance in found.items()],
            }
        )
    else:
        for book, balance in found.items():
            _show_balance(book, balance, when, payer)
    wrong = [words.BOOKS[b] for b, balance in found.items() if not balance.balanced]
    if wrong and payer is None:
        raise OurFaultError(
            "trial_balance",
            f"{wrong[0]}: tổng nợ khác tổng có; dừng chi và chạy `disburse ledger verify`.",
        )


def _payer(conn: Connection, code: str) -> int:
    found = conn.execute(text("SELECT id FROM payer WHERE code = :c"), {"c": code}).scalar()
    if found is None:
        raise NotFoundError(
            "payer", f"Không có đơn vị chi trả mã {code}; xem `disburse payer list`."
        )
    return int(found)


def _balance_json(book: int, balance: TrialBalance) -> dict[str, Any]:
    return {
        "book": book,
        "debit_vnd": balance.debit,
        "credit_vnd": balance.credit,
        "balanced": balance.balanced,
        "accounts": [
            {
                "code": a.code, "kind": a.kind, "opening_vnd": a.opening, "debit_vnd": a.debit,
                "credit_vnd": a.credit, "balance_vnd": a.balance,
            }
            for a in balance.accounts
        ],
    }  # fmt: skip


def _show_balance(book: int, balance: TrialBalance, month: int | None, payer: str | None) -> None:
    rows = [a for a in balance.accounts if a.opening or a.debit or a.credit]
    named = [(a.code, a) for a in rows] if payer is not None else _by_kind(rows)
    when = f", tháng {show_month(month)}" if month is not None else ""
    typer.echo(f"{words.BOOKS[book]}{when}")
    total = AccountBalance("", "", 0, balance.debit, balance.credit, _openings(rows))
    head = ["Tài khoản", "Đầu kỳ", "Phát sinh nợ", "Phát sinh có", "Số dư"]
    if month is None:
        head = ["Tài khoản", "Nợ", "Có", "Số dư"]
    show(head, [[n, *_sums(a, month)] for n, a in named], total=["Cộng", *_sums(total, month)])
    typer.echo("")


def _openings(rows: list[AccountBalance]) -> int:
    return sum(a.opening for a in rows)


def _by_kind(rows: list[AccountBalance]) -> list[tuple[str, AccountBalance]]:
    kinds: dict[str, list[AccountBalance]] = {k: [] for k in words.ACCOUNT_KINDS}
    for a in rows:
        kinds.setdefault(a.kind, []).append(a)
    return [
        (
            words.ACCOUNT_KINDS.get(kind, kind),
            AccountBalance(
                kind, kind, 0, sum(a.debit for a in of), sum(a.credit for a in of), _openings(of)
            ),
        )
        for kind, of in kinds.items()
        if of
    ]


def _sums(a: AccountBalance, month: int | None) -> list[str]:
    sums = [a.debit, a.credit, a.balance] if month is None else [
        a.opening, a.debit, a.credit, a.balance
    ]  # fmt: skip
    return [format_vnd(v) for v in sums]


# --- one person ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Whose:
    """Whose statement: the reference code where one was given, and the ledger's subs."""

    reference: str
    subs: tuple[int, ...]


@app.command()
@common.command
def statement(
    reference: Annotated[
        str | None, typer.Argument(metavar="REF", help="Mã tra cứu in trên giấy báo.")
    ] = None,
    sub: Annotated[int | None, typer.Option("--sub", help="Số của người hưởng trong sổ.")] = None,
    as_json: Json = False,
) -> None:
    """Sao kê của một người: từng khoản theo tháng hưởng, từng lần sửa và từng lần chuyển."""
    ctx = common.context()
    ctx.cell.require()
    if (reference is None) == (sub is None):
        raise UsageError("whose", "Cho mã tra cứu, hoặc --sub SỐ; đúng một trong hai.")
    with ctx.cell.read() as conn:
        whose = _by_reference(conn, reference) if reference is not None else _by_sub(conn, sub or 0)
        coins = queries.statement_of(conn, whose.subs)
    if as_json:
        common.emit(
            {
                "reference": whose.reference or None,
                "subs": list(whose.subs),
                "coins": [_coin_json(c) for c in coins],
                "totals": _totals(coins),
            }
        )
        return
    _show_statement(whose, coins)


def _by_reference(conn: Connection, reference: str) -> _Whose:
    code = clean_reference(reference)
    found = conn.execute(
        text(
            "SELECT s.id FROM person p JOIN sub s ON s.unit_kind = 'person' AND s.unit_id = p.id "
            "WHERE p.reference = :r ORDER BY s.id"
        ),
        {"r": code},
    ).scalars()
    subs = tuple(int(s) for s in found) if code is not None else ()
    if code is None or not subs:
        raise NotFoundError(
            "reference", "Không có ai mang mã tra cứu này; đọc lại từng chữ cho chắc."
        )
    return _Whose(code, subs)


def _by_sub(conn: Connection, sub: int) -> _Whose:
    if (
        not 0 < sub < 2**63
        or not conn.execute(text("SELECT 1 FROM sub WHERE id = :s"), {"s": sub}).first()
    ):
        raise NotFoundError("sub", f"Sổ không có người hưởng số {sub}; kiểm tra lại số.")
    return _Whose("", (sub,))


def _coin_json(coin: Coin) -> dict[str, Any]:
    moves = [{**asdict(m), "amount_vnd": m.amount, "words": words.move_words(m.debit, m.credit)}
             for m in coin.moves]  # fmt: skip
    for move in moves:
        del move["amount"]
    return {
        "sub": coin.sub_id, "cover": coin.cover, "item": coin.item, "amount_vnd": coin.amount,
        "place": coin.place, "place_words": _place(coin), "receivable": coin.is_receivable,
        "open_vnd": coin.open_vnd, "moves": moves,
    }  # fmt: skip


def _place(coin: Coin) -> str:
    if coin.is_receivable:
        return words.PLACES["overpaid"] if coin.open_vnd else "đã thu đủ"
    kind = words.kind_of(coin.place)
    return words.PLACES.get(kind, coin.place)


def _totals(coins: list[Coin]) -> dict[str, int]:
    """Sum where the person's coins lie, in dong, and what is to come back."""
    out: dict[str, int] = {}
    for coin in coins:
        kind = "overpaid" if coin.is_receivable else words.kind_of(coin.place)
        out[kind] = out.get(kind, 0) + (coin.open_vnd if coin.is_receivable else coin.amount)
    return {kind: out[kind] for kind in words.PLACES if kind in out}


def _show_statement(whose: _Whose, coins: list[Coin]) -> None:
    who = f"Mã {whose.reference}" if whose.reference else f"Người hưởng số {whose.subs[0]}"
    typer.echo(f"{who}: {len(coins)} khoản trong sổ")
    rows = []
    for coin in coins:
        for n, m in enumerate(coin.moves):
            first = n == 0
            rev = "" if m.rev is None else f"lần {m.rev}, được hưởng {format_vnd(m.due_after or 0)}"
            rows.append(
                [
                    show_month(coin.cover) if first else "", str(coin.item) if first else "",
                    m.effective_date, words.move_words(m.debit, m.credit), format_vnd(m.amount),
                    str(m.journal_id), words.JOURNAL_KINDS.get(m.kind, m.kind), rev,
                ]
            )  # fmt: skip
    if rows:
        show(
            ["Tháng hưởng", "Khoản", "Ngày", "Việc", "Số tiền (đồng)", "Bút toán", "Loại",
             "Lần tính"],
            rows, left=(0, 1, 2, 3, 5, 6, 7),
        )  # fmt: skip
    for kind, vnd in _totals(coins).items():
        typer.echo(f"  {words.PLACES[kind]}: {format_vnd(vnd)} đồng")


# --- proof ---------------------------------------------------------------------------------------


@app.command("verify")
@common.command
def verify_(
    head: Annotated[
        str | None, typer.Option("--head", help="Đầu chuỗi giữ ở ngoài (64 ký tự hex).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tính lại cả sổ từ từng dòng; nêu bút toán và khối đầu tiên không như lúc niêm."""
    ctx = common.context()
    ctx.cell.require()
    kept = _hash(head) if head is not None else None
    with ctx.cell.read() as conn:
        report = verify(conn, head=kept)
    if as_json:
        common.emit(_report_json(report))
    else:
        typer.echo(
            f"{format_vnd(report.journals)} bút toán, {format_vnd(report.lines)} dòng, "
            f"{format_vnd(report.signatures)} chữ ký; đầu chuỗi số {report.head_seq}: "
            f"{report.head_hash.hex()}"
        )
        for problem in report.problems[:20]:
            typer.echo(f"SAI   {_problem_line(problem)}")
        if report.ok:
            typer.echo("Sổ đúng.")
    first = report.first
    if first is not None:
        raise OurFaultError(
            "verify",
            f"Sổ có {report.found} chỗ sai, trước hết: {_problem_line(first)}; dừng chi và báo "
            "người kiểm toán.",
        )


def _hash(value: str) -> bytes:
    try:
        found = bytes.fromhex(value)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise UsageError("head", "--head phải là 64 ký tự hex như in trên bảng duyệt.")
    return found


def _problem_line(problem: Problem) -> str:
    where = "ngoài chuỗi" if problem.seq is None else f"bút toán thứ {problem.seq} trong chuỗi"
    number = "" if problem.journal_id is None else f" (số {problem.journal_id})"
    chunk = "" if problem.chunk is None else f", khối {problem.chunk}"
    return f"{where}{number}{chunk}: {words.problem_words(problem.where, problem.what)}"


def _report_json(report: Report) -> dict[str, Any]:
    first = report.first
    return {
        "ok": report.ok, "journals": report.journals, "lines": report.lines,
        "signatures": report.signatures, "head_seq": report.head_seq,
        "head_hash": report.head_hash.hex(), "found": report.found,
        "first": asdict(first) if first is not None else None,
        "problems": [asdict(p) for p in report.problems],
    }  # fmt: skip


# --- months --------------------------------------------------------------------------------------


@app.command()
@common.command
def close(month: MonthArg, user: As, as_json: Json = False) -> None:
    """Khóa sổ một tháng của cả tỉnh, khi mọi kỳ chi đã đóng và không còn gì đang chuyển."""
    done = periods.close_month(common.context(), month_arg(month), actor=user)
    if as_json:
        common.emit(asdict(done))
        return
    journals = ", ".join(str(j) for j in done.journals)
    typer.echo(
        f"Đã khóa sổ tháng {show_month(done.month)} (bút toán {journals}); bảng cân đối lúc khóa "
        f"lưu làm chứng cứ {done.evidence[:16]}."
    )


@app.command()
@common.command
def reopen(
    month: MonthArg,
    user: As,
    reason: Annotated[str, typer.Option("--reason", help="Lý do (người lập ghi).")] = "",
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Mở lại sổ một tháng: người lập đề nghị, kế toán ký, chủ tài khoản ký là mở."""
    ctx = common.context()
    number = month_arg(month)
    signer = unlock(ctx, user, common.passphrase(user, passphrase_file))
    done = periods.reopen_month(ctx, number, signer, reason=reason)
    if as_json:
        common.emit(asdict(done))
    elif done.waits_for:
        typer.echo(
            f"Đề nghị mở lại sổ tháng {show_month(number)} ({done.reason}): đã ký, chờ "
            f"{approvals.ROLE_VI[done.waits_for]}."
        )
    else:
        typer.echo(f"Đã mở lại sổ tháng {show_month(number)}: {done.reason}.")
