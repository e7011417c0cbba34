"""Taking a camt.053 or MT940: the statement of a deposit account, the only proof that money moved.

A statement must be of an account of ours, in order, and continue its predecessor to the dong; one
that comes too early waits. Every booked entry is stored with its verdict. A debit with our id is a
credit to the person, a credit with our id is a return; the treasury's money is matched with the
draw whose voucher the text carries; the rest waits in suspense for a person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row

from bank_adapters.contract import BOOKED_KINDS, Entry, ParsedAnswer, Statement
from disbursement.payments import effects
from disbursement.payments.answer import Applied, NotTakenError
from disbursement.payments.attempts import EXPECTED, NO_ID, OWNER, Key, id_reader, owner_of
from disbursement.payments.effects import Effects, Scope
from disbursement.platform import ids
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from ledger.sql import text
from reconciliation import store
from reconciliation.store import Staged

_FEE = re.compile(r"\b(PHI (DICH VU|CHUYEN|QUAN LY|CHI|NGAN HANG|SMS|DV)|THU PHI|FEES?|CHARGES?)\b")
_IN_TEXT = re.compile(r"DS\d\d[0-9A-HJKMNP-TV-Z]{12}")
_WORDS = 140
BATCH_BOOKING = "batch booking"
"""Reference of entries that the bank booked as one debit for a whole file."""


@dataclass(frozen=True)
class _Account:
    """One of our deposit accounts: the contract with its payer and provider."""

    contract_id: int
    payer_id: int
    payer: str
    provider_id: int
    provider: str


def take(
    conn: Connection, ctx: Context, parsed: ParsedAnswer, answer_id: int, evidence: bytes
) -> Applied:
    """Apply every statement of a camt.053 or MT940 inside the caller's transaction: all, or none.

    Raises NotTakenError: neither of them, another account, seen, old, a gap (waiting).
    """
    if parsed.kind not in BOOKED_KINDS:
        raise NotTakenError(
            "refused",
            "not_a_statement",
            f"Tệp là {parsed.kind}, chỉ để báo tin; sổ chỉ ghi theo sao kê camt.053, MT940. Hãy "
            "nhập sao kê của ngày đó.",
        )
    total = Effects()
    account: _Account | None = None
    first = 0
    for statement in parsed.statements():
        account = _account(conn, ctx, statement)
        _continue(conn, ctx, account, statement, answer_id)
        scope = Scope(
            account.payer_id, account.payer, account.provider, answer_id, evidence,
            effects.open_month(conn, account.payer_id, today(ctx.clock)), today(ctx.clock),
            f"answer:{answer_id}.{first}",
        )  # fmt: skip
        done, first = _one(conn, ctx, account, statement, scope, first)
        for name, count in done.counts.items():
            total.add(name, count, done.amounts[name])
        total.journals += done.journals
    if account is None:
        raise NotTakenError("refused", "no_statement", "Tệp không có sao kê nào; không ghi gì.")
    return Applied(
        account.payer_id, account.provider_id, account.contract_id, total.counts, total.amounts,
        tuple(total.journals),
    )  # fmt: skip


# --- whose, and in which order -------------------------------------------------------------------


def _account(conn: Connection, ctx: Context, statement: Statement) -> _Account:
    """Find our contract by the statement's account (never stored in clear).

    A renewed contract keeps the account: its statements go on under the first one.
    """
    bics = conn.execute(text("SELECT DISTINCT coalesce(bic, '') FROM provider")).scalars()
    lock = " FOR UPDATE OF c" if conn.dialect.name == "postgresql" else ""
    for bic in sorted(bics):
        row = conn.execute(
            text(
                "SELECT c.id, c.payer_id, y.code, c.provider_id, p.code FROM provider_contract c "
                "JOIN payer y ON y.id = c.payer_id JOIN provider p ON p.id = c.provider_id "
                f"WHERE c.deposit_account_blind = :b ORDER BY c.valid_from, c.id{lock}"
            ),
            {"b": ctx.keys.blind("account", f"{bic}{statement.account}")},
        ).first()
        if row is not None:
            return _Account(*row)
    raise NotTakenError(
        "refused",
        "other_account",
        f"Sao kê {statement.id[:35]} là của tài khoản đuôi {statement.account[-4:]}, không phải "
        "tài khoản tiền gửi của đơn vị nào ở đây; không ghi gì. Hãy kiểm tra đã chọn đúng tệp.",
    )


def _continue(
    conn: Connection, ctx: Context, account: _Account, statement: Statement, answer_id: int
) -> None:
    """Check that the statement follows the last one of the account, and record it."""
    last = conn.execute(
        text(
            "SELECT sequence, bank_sequence, closing_vnd, statement_id, last_day FROM "
            "bank_statement WHERE contract_id = :c ORDER BY sequence DESC LIMIT 1"
        ),
        {"c": account.contract_id},
    ).first()
    seen = conn.execute(
        text(
            "SELECT opening_vnd, closing_vnd FROM bank_statement WHERE contract_id = :c "
            "AND statement_id = :s"
        ),
        {"c": account.contract_id, "s": statement.id},
    ).first()
    if seen is not None:
        raise _seen(account, statement, seen)
    first_day, last_day = _days(statement)
    _is_over(account, ctx, statement, last_day)
    if last is not None:
        _follows(account, statement, last)
    elif statement.opening_vnd:
        _opening_break(conn, ctx, account, statement, answer_id)
    conn.execute(
        text(
            "INSERT INTO bank_statement (id, answer_id, contract_id, statement_id, sequence, "
            "bank_sequence, opening_vnd, closing_vnd, first_day, last_day) "
            "VALUES (:i, :a, :c, :s, :n, :k, :o, :e, :f, :l)"
        ),
        {
            "i": ids.block(conn, "bank_statement", 1), "a": answer_id, "c": account.contract_id,
            "s": statement.id, "n": 1 if last is None else last.sequence + 1,
            "k": statement.sequence, "o": statement.opening_vnd or 0,
            "e": statement.closing_vnd or 0, "f": first_day, "l": last_day,
        },
    )  # fmt: skip


def _seen(account: _Account, statement: Statement, seen: Row[Any]) -> NotTakenError:
    """Say that this statement is in the books: the same in other bytes, or altered (F13)."""
    name = f"Sao kê {statement.id[:35]} của {account.payer}"
    if (seen.opening_vnd, seen.closing_vnd) == (statement.opening_vnd, statement.closing_vnd):
        return _not_taken(
            account, "repeated", "statement_seen", f"{name} đã ghi từ tệp khác; không ghi lại."
        )
    return _not_taken(
        account, "refused", "statement_altered",
        f"{name} đã ghi rồi với số dư khác; không ghi gì. Hãy hỏi ngân hàng vì sao có hai bản.",
    )  # fmt: skip


def _is_over(account: _Account, ctx: Context, statement: Statement, last_day: str) -> None:
    """Refuse a statement that reaches into the future.

    Where statements reach is the proof that a payment was not debited (evidence.py): a day that is
    not over proves nothing.
    """
    now = today(ctx.clock)
    if last_day > now.isoformat():
        raise _not_taken(
            account, "refused", "statement_future",
            f"Sao kê {statement.id[:35]} của {account.payer} ghi đến ngày "
            f"{date.fromisoformat(last_day):%d/%m/%Y}, sau hôm nay ({now:%d/%m/%Y}); không ghi gì. "
            "Hãy kiểm tra đã chọn đúng tệp, hoặc xin ngân hàng gửi lại tệp đúng.",
        )  # fmt: skip


def _follows(account: _Account, statement: Statement, last: Row[Any]) -> None:
    name = f"Sao kê {statement.id[:35]} của {account.payer}"
    number, before = statement.sequence, last.bank_sequence
    _, day = _days(statement)
    numbered = number is not None and before is not None
    new_year = number == 1 and day[:4] > last.last_day[:4]
    if numbered and number is not None and number <= before and not new_year:
        raise _not_taken(
            account, "refused", "statement_old",
            f"{name} có số thứ tự {number}, đã ghi đến số {before}; không ghi gì. "
            "Hãy kiểm tra đã chọn đúng tệp.",
        )  # fmt: skip
    gap = number != before + 1 and not new_year if numbered else False
    differs = (statement.opening_vnd or 0) != last.closing_vnd
    if gap or (differs and not numbered):
        raise _not_taken(
            account, "waiting", "statement_gap",
            f"{name} chưa nối tiếp sao kê đã ghi gần nhất ({last.statement_id[:35]}, số dư "
            f"{last.closing_vnd} đồng): còn thiếu sao kê ở giữa. Đã giữ lại, sẽ tự ghi khi nhập "
            "sao kê còn thiếu.",
        )  # fmt: skip
    if differs:
        raise _not_taken(
            account, "refused", "balance_gap",
            f"{name} mở đầu với số dư {statement.opening_vnd} đồng, sao kê trước kết thúc với "
            f"{last.closing_vnd} đồng; không ghi gì. Hãy xin ngân hàng gửi lại tệp đúng.",
        )  # fmt: skip


def _not_taken(account: _Account, state: Any, code: str, sentence: str) -> NotTakenError:
    return NotTakenError(
        state, code, sentence, payer_id=account.payer_id, provider_id=account.provider_id
    )


def _days(statement: Statement) -> tuple[str, str]:
    """Return first and last day (ISO): as the statement says, else of its booked entries."""
    first, last = statement.from_date, statement.to_date
    if first is None or last is None:
        days = [e.booking_date for e in statement.entries if e.booking_date is not None]
        first = first or min(days, default=last or date.min)
        last = last or max(days, default=first)
    return first.isoformat(), last.isoformat()


def _opening_break(
    conn: Connection, ctx: Context, account: _Account, statement: Statement, answer_id: int
) -> None:
    """Open a break where an account starts with money that the book knows nothing of."""
    conn.execute(
        text(
            "INSERT INTO break_item (id, kind, payer_id, answer_id, n, amount_vnd, what, "
            "opened_at, owner, state) VALUES (:i, 'opening_balance', :p, :a, 0, :v, :w, :t, '', "
            "'open')"
        ),
        {
            "i": ids.block(conn, "break_item", 1), "p": account.payer_id, "a": answer_id,
            "v": statement.opening_vnd, "w": effects.WHAT["opening_balance"],
            "t": stamp(ctx.clock),
        },
    )  # fmt: skip


# --- entries -------------------------------------------------------------------------------------


def _one(
    conn: Connection,
    ctx: Context,
    account: _Account,
    statement: Statement,
    scope: Scope,
    first: int,
) -> tuple[Effects, int]:
    """Match and book one statement; entries are numbered on from `first` through the file."""
    last = first + len(statement.entries)
    named: dict[int, tuple[str, str]] = {}
    if not len(statement.entries):
        return Effects(), last
    store.stage(conn, _staged(statement.entries, ctx.cell.code, first, named))
    for n, names in named.items():
        _expand_batch(conn, account, n, names, last)
    store.expect(conn, EXPECTED.format(owner=OWNER), {})
    store.judge(conn, owner_of(account.payer_id, account.provider_id))
    _not_anothers(conn, account, statement)
    _without_id(conn, account, scope)
    _touch_batches(conn, ctx)
    done = effects.book(conn, ctx, scope)
    _store_entries(conn, scope.answer_id)
    return done, last


def _not_anothers(conn: Connection, account: _Account, statement: Statement) -> None:
    """Refuse a statement whose payments are all another payer's: its account was mixed up.

    Taken, it would stand in the way of the account's own statement of that day. A single foreign
    debit, or one among our own, is the bank's mistake and is listed as a break.
    """
    ours, foreign = conn.execute(
        text(
            "SELECT count(CASE WHEN verdict <> 'other_payer' THEN 1 END), "
            "count(CASE WHEN verdict = 'other_payer' THEN 1 END) FROM recon_verdict "
            "WHERE batch_id IS NOT NULL"
        )
    ).one()
    if foreign > 1 and not ours:
        raise _not_taken(
            account, "refused", "others_payments",
            f"Sao kê {statement.id[:35]} ghi tài khoản của {account.payer} nhưng cả {foreign} lệnh "
            "chi trong đó là của đơn vị khác; không ghi gì. Hãy xin ngân hàng gửi lại đúng tệp.",
        )  # fmt: skip


def _staged(
    entries: Any, cell_code: str, first: int, named: dict[int, tuple[str, str]]
) -> Iterator[Staged]:
    """Yield the booked entries; `named` takes what debits without an id say of their file."""
    read = id_reader(cell_code)
    for n, entry in enumerate(entries, first + 1):
        if entry.status != "BOOK":
            continue
        found, key = _find_id(entry, read)
        back = entry.side == "CRDT"
        if key is None and not back and (entry.payment_info_id or entry.message_id):
            named[n] = (entry.payment_info_id or "", entry.message_id or "")
        wants = "returned" if back else "credited"
        yield Staged(
            n, wants, wants, key[0] if key else None, key[1] if key else None, found,
            entry.amount_vnd, entry.charges_vnd, "return" if back else "",
            (entry.reason_code or "") if back else "", entry.text[:_WORDS],
            entry.booking_date.isoformat() if entry.booking_date else "",
            entry.acct_svcr_ref or "",
        )  # fmt: skip


def _find_id(entry: Entry, read: Callable[[str], Key | None]) -> tuple[str, Key | None]:
    """Read the attempt out of EndToEndId, else InstrId, else the text; (0, 0): some other id."""
    said = entry.end_to_end_id or ""
    for candidate in (said, entry.instr_id or ""):
        if (key := read(candidate)) is not None:
            return candidate, key
    for match in _IN_TEXT.finditer(entry.text):
        if (key := read(match[0])) is not None:
            return match[0], key
    return said, None if said.upper() in NO_ID else (0, 0)


_FLYING = """
FROM batch b JOIN batch_row r ON r.batch_id = b.id WHERE b.id = :b
AND b.state NOT IN ('held', 'queued', 'withdrawn', 'void', 'cancelled')
AND NOT EXISTS (SELECT 1 FROM attempt_news a WHERE a.batch_id = r.batch_id AND a.n = r.n
  AND a.state IN ('credited', 'rejected', 'returned', 'cancelled'))
"""


def _expand_batch(
    conn: Connection, account: _Account, n: int, names: tuple[str, str], last: int
) -> None:
    """Turn one debit for a whole file into its members, where it is exactly what is under way.

    Members that were rejected or debited singly before are not in it (booked net of rejects).
    Another amount stays one entry, and a break. A debit that names no file of ours is left alone.
    """
    batch = conn.execute(
        text(
            "SELECT id, journal_id FROM batch WHERE payer_id = :p AND provider_id = :v "
            "AND message_id IN (:a, :b, :c)"
        ),
        {"p": account.payer_id, "v": account.provider_id, "a": names[0].removesuffix("-1"),
         "b": names[1], "c": names[0]},
    ).first()  # fmt: skip
    if batch is None:
        return
    amount, day = conn.execute(
        text("SELECT amount_vnd, day FROM recon_item WHERE n = :n"), {"n": n}
    ).one()
    total = conn.execute(
        text(f"SELECT coalesce(sum(r.amount_vnd), 0) {_FLYING}"), {"b": batch.id}
    ).scalar_one()
    if int(total) != amount:
        conn.execute(
            text("UPDATE recon_item SET reference = :r WHERE n = :n"),
            {"r": BATCH_BOOKING, "n": n},
        )
        return
    conn.execute(
        text(
            "INSERT INTO recon_item (n, wants, news, journal_id, row_n, end_to_end_id, "
            "amount_vnd, charges_vnd, code_set, code, words, day, reference) "
            "SELECT :base + r.n, 'credited', 'credited', :j, r.n, r.end_to_end_id, "
            f"r.amount_vnd, 0, '', '', '', :d, '{BATCH_BOOKING}' {_FLYING}"
        ),
        {"base": last + n * 10_000_000, "j": batch.journal_id, "d": day, "b": batch.id},
    )
    conn.execute(text("DELETE FROM recon_item WHERE n = :n"), {"n": n})


def _touch_batches(conn: Connection, ctx: Context) -> None:
    """Mark batches as arrived: a booked debit proves it, also where our own record was lost."""
    conn.execute(
        text(
            "UPDATE batch SET state = CASE WHEN state IN ('sending', 'unknown') THEN 'sent' "
            "ELSE state END, answered_at = coalesce(answered_at, :t) WHERE id IN "
            "(SELECT batch_id FROM recon_verdict WHERE verdict = 'matched')"
        ),
        {"t": stamp(ctx.clock)},
    )


def _store_entries(conn: Connection, answer_id: int) -> None:
    conn.execute(
        text(
            "INSERT INTO bank_entry (answer_id, n, side, amount_vnd, day, end_to_end_id, "
            "bank_reference, code, text, batch_id, row_n, verdict) SELECT :a, n, "
            "CASE wants WHEN 'credited' THEN 'DBIT' ELSE 'CRDT' END, amount_vnd, day, "
            "end_to_end_id, reference, code, words, batch_id, "
            "CASE WHEN batch_id IS NOT NULL THEN row_n END, verdict "
            "FROM recon_verdict WHERE n > 0 ORDER BY n"
        ),
        {"a": answer_id},
    )


# --- money without an id of ours -----------------------------------------------------------------


def _without_id(conn: Connection, account: _Account, scope: Scope) -> None:
    """Recognise the treasury's money, money sent back to it, cash paid out, and the bank's fees."""
    rows = conn.execute(
        text(
            "SELECT n, wants, amount_vnd, words, reference FROM recon_verdict "
            "WHERE verdict IN ('no_id', 'unknown_id') ORDER BY n"
        )
    ).all()
    if not rows:
        return
    waiting = _vouchers(conn, account)
    for n, wants, amount, words, reference in rows:
        verdict: str | None = "batch_differs"
        if reference != BATCH_BOOKING:
            verdict = _recognise(conn, waiting, scope, n, wants, int(amount), words)
        if verdict:
            conn.execute(
                text("UPDATE recon_verdict SET verdict = :v WHERE n = :n"),
                {"v": verdict, "n": n},
            )


FUNDING_IN = frozenset({"draw", "move_in"})
FUNDING_OUT = frozenset({"sendback", "cash", "move_out"})
"""What debits without an id of ours: money sent back or moved on, and what desks paid out.

All are booked already (at the close, at the hand-over, when signed); the entry is their evidence.
"""


@dataclass(frozen=True)
class _Voucher:
    """A treasury voucher whose money has not been seen on the account yet."""

    kind: str
    id: int
    number: str
    amount_vnd: int


def _vouchers(conn: Connection, account: _Account) -> list[_Voucher]:
    unseen = "NOT EXISTS (SELECT 1 FROM funding_entry f WHERE f.kind = '{0}' AND f.ref_id = x.id)"
    rows = conn.execute(
        text(
            "SELECT 'draw', x.id, w.voucher, x.amount_vnd FROM draw_part x "
            "JOIN draw w ON w.id = x.draw_id WHERE w.payer_id = :p AND x.provider_id = :v "
            f"AND x.amount_vnd > 0 AND {unseen.format('draw')} UNION ALL "
            "SELECT 'sendback', x.id, x.voucher, x.sent_back_vnd FROM provider_report x "
            "JOIN run r ON r.id = x.run_id WHERE r.payer_id = :p AND x.provider_id = :v "
            f"AND x.sent_back_vnd > 0 AND {unseen.format('sendback')} UNION ALL "
            "SELECT 'cash', x.id, x.voucher, x.paid_cash_vnd FROM provider_report x "
            "JOIN run r ON r.id = x.run_id WHERE r.payer_id = :p AND x.provider_id = :v "
            f"AND x.paid_cash_vnd > 0 AND {unseen.format('cash')} UNION ALL "
            "SELECT 'move_in', x.id, x.voucher, x.amount_vnd FROM advance_move x "
            "WHERE x.payer_id = :p AND x.to_provider_id = :v AND x.state = 'posted' "
            f"AND {unseen.format('move_in')} UNION ALL "
            "SELECT 'move_out', x.id, x.voucher, x.amount_vnd FROM advance_move x "
            "WHERE x.payer_id = :p AND x.from_provider_id = :v AND x.state = 'posted' "
            f"AND {unseen.format('move_out')}"
        ),
        {"p": account.payer_id, "v": account.provider_id},
    )
    return [_Voucher(*row) for row in rows]


def _recognise(
    conn: Connection,
    waiting: list[_Voucher],
    scope: Scope,
    n: int,
    wants: str,
    amount: int,
    words: str,
) -> str | None:
    kinds = FUNDING_IN if wants == "returned" else FUNDING_OUT
    named = [v for v in waiting if v.kind in kinds and names_voucher(words, v.number)]
    for voucher in named:
        if voucher.amount_vnd == amount:
            waiting.remove(voucher)
            record_funding(conn, voucher.kind, voucher.id, scope.answer_id, n)
            return voucher.kind
    if named:
        return "draw_differs"
    if wants == "credited" and _FEE.search(words.upper()):
        return "fee"
    return None


def names_voucher(words: str, voucher: str) -> bool:
    """Tell whether a text carries a voucher number as a word of its own."""
    return bool(voucher) and bool(
        re.search(rf"(?<![0-9A-Z]){re.escape(voucher.upper())}(?![0-9A-Z])", words.upper())
    )


def record_funding(conn: Connection, kind: str, ref_id: int, answer_id: int, n: int) -> None:
    """Remember which entry brought a draw's money, or took what was sent back."""
    conn.execute(
        text("INSERT INTO funding_entry (kind, ref_id, answer_id, n) VALUES (:k, :r, :a, :n)"),
        {"k": kind, "r": ref_id, "a": answer_id, "n": n},
    )
