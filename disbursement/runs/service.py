"""Use cases of a month: prepare, sign, draw, close; each is one unit of work per payer or cell."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from sqlalchemy import Connection

from disbursement.beneficiaries.national.freshness import require_fresh
from disbursement.beneficiaries.national.raising import hold_known_dead
from disbursement.beneficiaries.payers import BUDGET_LINES, define_payer_accounts
from disbursement.identity.service import Signer, require, user
from disbursement.platform import files, ids
from disbursement.platform.clock import add_months, month_of, show_month, stamp, today
from disbursement.platform.context import Context
from disbursement.platform.database import alone
from disbursement.platform.errors import NotFoundError, NotNowError, RefusedError
from disbursement.runs import approvals, batches, books, repeated
from disbursement.runs.books import Amount
from disbursement.runs.prepare import Prepared, payers_of, prepare_lists
from ledger import chart
from ledger.bulk import bulk_insert
from ledger.money import format_vnd
from ledger.sql import text

LONGEST = 100
"""Characters of a voucher's or decision's number, or of a signer's name: papers print them."""


@dataclass(frozen=True)
class RunResult:
    """What a preparation left: lists, payments, dong, holds.

    `held` counts people whose right is held (they have no payment), `held_payments` payments
    that are on a list and wait for a document or a rail.
    """

    lists: int
    batches: int
    payments: int
    total_vnd: int
    minted_vnd: int
    held: int
    rerating_people: int
    rerating_vnd: int
    held_payments: int


def assess_stage(
    conn: Connection, ctx: Context, month: int, *, codes: Sequence[str] | None, law_on: date | None
) -> Prepared:
    """Assess, compare and plan: leaves draft lists behind (see runs/prepare.py)."""
    return prepare_lists(conn, ctx, month, codes=codes, law_on=law_on)


def render_stage(
    conn: Connection, ctx: Context, month: int, prepared: Prepared
) -> list[batches.Frozen]:
    """Freeze the batches of prepared lists, commit the budget, write what is to be signed."""
    list_ids = [row.id for row in prepared.lists]
    frozen = batches.freeze(conn, ctx, batches.list_specs(conn, list_ids, today(ctx.clock)))
    deltas = [
        (row.payer_code, row.programme, vnd)
        for row in prepared.lists
        for vnd in [_commitment(conn, row.id)]
    ]
    back = [(code, line, -vnd) for code, line, _, vnd in prepared.given_back]
    journals = ",".join(str(row.journal_id) for row in prepared.lists)
    key = hashlib.sha256(journals.encode()).hexdigest()[:32]
    day = today(ctx.clock)
    books.commit_lists(conn, ctx, month, day, f"commit:{key}", _net(back + deltas))
    approvals.write_statements(conn, ctx, list_ids)
    return frozen


def _commitment(conn: Connection, list_id: int) -> int:
    row = conn.execute(
        text("SELECT minted_vnd - cancelled_vnd FROM pay_list WHERE id = :l"), {"l": list_id}
    ).scalar_one()
    return int(row)


def _net(deltas: Sequence[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    total: dict[tuple[str, str], int] = {}
    for payer, line, vnd in deltas:
        total[payer, line] = total.get((payer, line), 0) + vnd
    return [(p, line, v) for (p, line), v in total.items()]


def prepare(
    ctx: Context,
    month: int,
    signer: Signer,
    *,
    codes: Sequence[str] | None = None,
    law_on: date | None = None,
) -> RunResult:
    """Prepare, render and sign as preparer, all in one transaction.

    Raises the errors of the parts, and NotNowError `list_unchanged` or `nothing_new` where that
    would only void signatures; nothing is left behind then, no file either.
    """
    with files.taken_back_on_error(), ctx.cell.begin() as conn:
        _check_pay_month(ctx, month)
        _check_law_day(month, law_on)
        alone(conn, "lists")
        payers = payers_of(conn, codes)
        for payer_id, code in payers:
            require(conn, signer, "preparer", code)
            _check_order(conn, payer_id, code, month)
        _check_opened(conn, [p for p, _ in payers])
        day = today(ctx.clock)
        require_fresh(conn, payers, day)
        hold_known_dead(conn, ctx, payers, day, signer.username)
        before = _before(conn, ctx, month, [p for p, _ in payers])
        prepared = assess_stage(conn, ctx, month, codes=codes, law_on=law_on)
        frozen = render_stage(conn, ctx, month, prepared)
        _check_new(conn, month, prepared, before)
        for row in prepared.lists:
            approvals.sign_list(conn, ctx, row.id, "prepare", signer)
    batches.set_aside_withdrawn(ctx, month)
    return RunResult(
        len(prepared.lists),
        len(frozen),
        sum(f.payments for f in frozen),
        sum(f.total_vnd for f in frozen),
        prepared.minted_vnd,
        prepared.held,
        prepared.rerating_people,
        prepared.rerating_vnd,
        prepared.held_payments,
    )


@dataclass(frozen=True)
class _Before:
    """What stood before a preparation: contents of open lists, and whether all runs were open."""

    lists: int
    contents: dict[repeated.List, bytes]
    opened: bool


def _before(conn: Connection, ctx: Context, month: int, payer_ids: Sequence[int]) -> _Before:
    open_ones = repeated.standing(conn, payer_ids)
    runs = set(
        conn.execute(text("SELECT payer_id FROM run WHERE month = :m"), {"m": month}).scalars()
    )
    return _Before(
        len(open_ones), repeated.contents(conn, ctx, open_ones), runs.issuperset(payer_ids)
    )


def _check_new(conn: Connection, month: int, prepared: Prepared, before: _Before) -> None:
    """Refuse a preparation that says what stands already, or nothing at all."""
    if before.contents and before.contents == repeated.digests(
        conn, [row.id for row in prepared.lists]
    ):
        raise NotNowError(
            "list_unchanged",
            f"Kỳ {show_month(month)} đã lập và không có gì thay đổi từ đó; lập lại chỉ làm mất các "
            "chữ ký đã có. Hãy ký tiếp, xem bước đang chờ bằng `disburse run status --month "
            f"{month // 100}-{month % 100:02d}`.",
        )
    if before.opened and not (before.lists or prepared.lists or prepared.rerating_people):
        raise NotNowError(
            "nothing_new",
            f"Kỳ {show_month(month)}: không có khoản nào mới so với các danh sách đã duyệt chi; "
            "không lập danh sách bổ sung.",
        )


def _check_pay_month(ctx: Context, month: int) -> None:
    """Refuse a month far from today: a list is for this month, a neighbour, or the one after."""
    now = month_of(today(ctx.clock))
    index = (month // 100 - now // 100) * 12 + month % 100 - now % 100
    if not -2 <= index <= 2:
        raise RefusedError(
            "month",
            f"Hôm nay là kỳ {show_month(now)}; không lập kỳ {show_month(month)}, cách quá hai "
            "tháng: kiểm tra lại --month.",
        )


def _check_law_day(month: int, law_on: date | None) -> None:
    """Refuse a day of the law that is not near the month: everybody would be held, or re-rated."""
    if law_on is not None and not add_months(month, -2) <= month_of(law_on) <= month:
        raise RefusedError(
            "law_on",
            f"--law-on {law_on:%d/%m/%Y} không gần kỳ {show_month(month)}; ghi một ngày từ "
            f"{show_month(add_months(month, -2))} đến hết kỳ, hoặc bỏ tùy chọn này.",
        )


def _check_order(conn: Connection, payer_id: int, code: str, month: int) -> None:
    """Refuse a month before go-live, and one that would leave a month out.

    Compare looks at one month after the other: what a month left out was due would never be paid.
    """
    live, last, opened = conn.execute(
        text(
            "SELECT y.go_live_month, (SELECT max(r.month) FROM run r WHERE r.payer_id = y.id), "
            "EXISTS (SELECT 1 FROM benefit_case c WHERE c.payer_id = y.id "
            "AND c.opening_month < y.go_live_month) FROM payer y WHERE y.id = :p"
        ),
        {"p": payer_id},
    ).one()
    if month < live:
        raise RefusedError(
            "before_go_live",
            f"{code} vận hành từ kỳ {show_month(live)}; kỳ {show_month(month)} đã trả trước đó và "
            "thuộc số mở sổ, không lập ở đây.",
        )
    first = add_months(last, 1) if last is not None else live if opened else month
    if month > first:
        raise NotNowError(
            "run_skipped",
            f"{code} chưa có kỳ {show_month(first)}; hãy lập và đóng kỳ đó trước, rồi mới lập kỳ "
            f"{show_month(month)}.",
        )


def _check_opened(conn: Connection, payer_ids: Sequence[int]) -> None:
    """Refuse while what was paid before going live is known and not in the book yet.

    Those months would be compared with an empty book, and paid a second time.
    """
    waiting = conn.execute(
        text(
            "SELECT DISTINCT y.id, y.code, y.go_live_month FROM (SELECT p.payer_id FROM opening o "
            "JOIN person p ON p.id = o.person_id WHERE o.journal_id IS NULL UNION ALL "
            "SELECT u.payer_id FROM list_opening o JOIN list_unit u ON u.sub_id = o.sub_id "
            "WHERE o.journal_id IS NULL) q JOIN payer y ON y.id = q.payer_id ORDER BY y.code"
        )
    ).all()
    for payer_id, code, live in waiting:
        if int(payer_id) in payer_ids:
            through = add_months(int(live), -1)
            raise NotNowError(
                "not_opened",
                f"{code} có số đã trả trước tháng vận hành chưa ghi vào sổ; chạy `disburse "
                f"register open --through {through // 100}-{through % 100:02d}` trước, rồi lập "
                "danh sách.",
            )


def open_lists(
    conn: Connection, month: int, state: str, codes: Sequence[str] | None = None
) -> list[int]:
    """Return ids of a month's lists in a state, of the payers asked for."""
    rows = conn.execute(
        text(
            "SELECT l.id, y.code FROM pay_list l JOIN payer y ON y.id = l.payer_id "
            "WHERE l.month = :m AND l.state = :s ORDER BY y.code, l.programme, l.number"
        ),
        {"m": month, "s": state},
    )
    return [i for i, code in rows if codes is None or code in codes]


def sign(
    ctx: Context,
    month: int,
    role: str,
    signer: Signer,
    *,
    codes: Sequence[str] | None = None,
    list_ids: Sequence[int] | None = None,
    release_on: date | None = None,
) -> int:
    """Give one signature to every list that waits for it; return how many lists.

    One transaction per list: another payer's trouble stops nobody (P8). `release_on` sets the day
    on which what leaves may leave (first signature only).
    """
    with ctx.cell.read() as conn:
        waiting = (
            list(list_ids)
            if list_ids is not None
            else open_lists(conn, month, approvals.STATE_BEFORE[role], codes)
        )
    if not waiting:
        raise NotNowError(
            "nothing_to_sign",
            f"Kỳ {show_month(month)}: không có danh sách nào chờ {approvals.ROLE_VI[role]}; xem "
            f"đang ở bước nào bằng `disburse run status --month {month // 100}-{month % 100:02d}`.",
        )
    with ctx.cell.read() as conn:
        for code in _payers_of_lists(conn, waiting):
            require(conn, signer, approvals.ROLE_OF[role], code)
    for list_id in waiting:
        with ctx.cell.begin() as conn:
            if release_on is not None and role == "sign1":
                conn.execute(
                    text("UPDATE pay_list SET release_on = :d WHERE id = :l"),
                    {"d": release_on.isoformat(), "l": list_id},
                )
            approvals.sign_list(conn, ctx, list_id, role, signer)
    return len(waiting)


def _payers_of_lists(conn: Connection, list_ids: Sequence[int]) -> list[str]:
    """Return the payers of lists: who may not sign for one of them signs none."""
    every = conn.execute(
        text("SELECT l.id, y.code FROM pay_list l JOIN payer y ON y.id = l.payer_id")
    )
    wanted = set(list_ids)
    return sorted({code for list_id, code in every if list_id in wanted})


def set_budget(
    ctx: Context,
    *,
    payer: str,
    programme: str,
    year: int,
    amount_vnd: int,
    decision_number: str,
    decision_date: date,
    actor: str,
) -> int:
    """Book the year's authority of a payer on a programme's line; return the new total, dong.

    A second decision adds to the first (or takes away, with a negative amount). The same decision
    number again is refused.
    """
    with ctx.cell.begin() as conn:
        require(conn, user(ctx, actor), "second_signer", payer)
        set_budgets(
            conn,
            ctx,
            [(payer, programme, year, amount_vnd, decision_number, decision_date)],
        )
        return int(
            conn.execute(
                text("SELECT credit - debit FROM account WHERE code = :c"),
                {"c": chart.authority(payer, programme, year)},
            ).scalar_one()
        )


def set_budgets(
    conn: Connection,
    ctx: Context,
    rows: Sequence[tuple[str, str, int, int, str, date]],
) -> None:
    """Book many authorities, one journal per payer and decision.

    Rows: (payer code, programme, year, dong, decision number, decision date).
    """
    first = ids.block(conn, "budget", len(rows))
    for i, (payer, programme, year, vnd, number, day) in enumerate(rows):
        payer_id = conn.execute(
            text("SELECT id FROM payer WHERE code = :c"), {"c": payer}
        ).scalar_one_or_none()
        if payer_id is None:
            raise NotFoundError(
                "payer",
                f"Không có đơn vị chi trả mã {payer}: kiểm tra lại mã xã (5 số), hoặc chạy "
                "`disburse register payers` trước.",
            )
        lines = {
            *BUDGET_LINES,
            *conn.execute(
                text("SELECT DISTINCT programme FROM list_unit WHERE payer_id = :p"),
                {"p": payer_id},
            ).scalars(),
        }
        _check_budget(ctx, payer, programme, year, vnd, number, day, lines)
        known = conn.execute(
            text(
                "SELECT 1 FROM budget WHERE payer_id = :p AND line = :l AND year = :y "
                "AND decision_number = :n"
            ),
            {"p": payer_id, "l": programme, "y": year, "n": number},
        ).first()
        if known is not None:
            raise NotNowError(
                "budget_repeated",
                f"Quyết định {number} đã ghi dự toán {programme} {year} cho {payer} rồi; xem "
                f"`disburse budget show --year {year}`, quyết định điều chỉnh phải có số khác.",
            )
        define_payer_accounts(conn, ctx, [(payer_id, payer)], year=year)
        available = chart.available(payer, programme, year)
        authority = chart.authority(payer, programme, year)
        pair = (available, authority) if vnd > 0 else (authority, available)
        if vnd < 0:
            _check_left(conn, payer, programme, year, vnd)
        sealed = books.post_gl(
            conn, ctx, book=chart.BUDGETARY, kind="authority", payer_id=payer_id,
            key=f"budget:{payer}:{programme}:{year}:{number}", month=year * 100 + day.month
            if day.year == year else year * 100 + 1, day=day,
            amounts=[Amount(*pair, abs(vnd))],
            evidence=hashlib.sha256(f"{number}|{day.isoformat()}".encode()).digest(),
        )  # fmt: skip
        conn.execute(
            text(
                "INSERT INTO budget (id, payer_id, programme, line, year, decision_number, "
                "decision_date, amount_vnd, journal_id) VALUES (:id, :p, :g, :g, :y, :n, :d, :v, "
                ":j)"
            ),
            {
                "id": first + i, "p": payer_id, "g": programme, "y": year, "n": number,
                "d": day.isoformat(), "v": vnd, "j": sealed.journal_id if sealed else 0,
            },
        )  # fmt: skip


def _check_budget(
    ctx: Context,
    payer: str,
    programme: str,
    year: int,
    vnd: int,
    number: str,
    day: date,
    lines: Collection[str],
) -> None:
    """Refuse what no decision on a year's authority can say."""
    now = today(ctx.clock)
    where = f"Dự toán {programme} năm {year} của {payer}"
    if programme not in lines:
        raise RefusedError(
            "budget_programme",
            f"Dự toán của {payer}: không có chương trình '{programme}'; ghi một trong "
            f"{', '.join(sorted(lines))}.",
        )
    if not now.year - 1 <= year <= now.year + 1:
        raise RefusedError(
            "budget_year",
            f"{where}: năm phải từ {now.year - 1} đến {now.year + 1}; kiểm tra lại năm ngân sách.",
        )
    if vnd == 0 or not 0 < len(number.strip()) <= LONGEST:
        raise RefusedError(
            "budget",
            f"{where}: số tiền phải khác 0, số quyết định phải có từ 1 đến {LONGEST} ký tự; ghi "
            "lại rồi nhập.",
        )
    if day > now:
        raise RefusedError(
            "budget_date",
            f"{where}: ngày quyết định {day:%d/%m/%Y} ở tương lai; ghi ngày ký thật.",
        )


def _check_left(conn: Connection, payer: str, programme: str, year: int, vnd: int) -> None:
    """Refuse a reduction beyond what is not yet bound."""
    left = int(
        conn.execute(
            text("SELECT debit - credit FROM account WHERE code = :c"),
            {"c": chart.available(payer, programme, year)},
        ).scalar_one()
    )
    if left + vnd < 0:
        raise NotNowError(
            "budget_bound",
            f"Dự toán {programme} năm {year} của {payer} chỉ còn {format_vnd(left)} đồng chưa cam "
            f"kết, không giảm được {format_vnd(-vnd)} đồng; ghi số nhỏ hơn.",
        )


def draw(
    ctx: Context, list_id: int, *, voucher: str, day: date, amount_vnd: int, actor: str
) -> int:
    """Book the money drawn at the treasury for a released list; return what was carried, dong.

    Refuses an amount other than the list's total less what already lies free at the provider.
    """
    with ctx.cell.begin() as conn:
        return book_draw(conn, ctx, list_id, voucher, day, amount_vnd, actor)


def book_draw(
    conn: Connection,
    ctx: Context,
    list_id: int,
    voucher: str,
    day: date,
    amount_vnd: int,
    actor: str,
) -> int:
    """Book one draw inside the caller's transaction (see `draw`)."""
    alone(conn, "draw")
    row = conn.execute(
        text(
            "SELECT l.state, y.code, l.programme, l.payer_id, l.month, l.total_vnd FROM pay_list l "
            "JOIN payer y ON y.id = l.payer_id WHERE l.id = :l"
        ),
        {"l": list_id},
    ).first()
    if row is None:
        raise NotFoundError(
            "list", f"Không có danh sách số {list_id}; xem số ở `disburse run status`."
        )
    state, payer, programme, payer_id, month, total = row
    require(conn, user(ctx, actor), "second_signer", payer)
    if state != "released":
        raise NotNowError(
            "draw_order",
            f"Danh sách {list_id} ({programme} của {payer}) chưa được duyệt chi hoặc đã đóng (đang "
            f"'{state}'); chỉ ghi rút cho danh sách đã có chữ ký thứ nhất.",
        )
    if conn.execute(text("SELECT 1 FROM draw WHERE list_id = :l"), {"l": list_id}).first():
        raise NotNowError("drawn", f"Danh sách {list_id} đã ghi rút dự toán rồi; không ghi gì.")
    check_voucher(conn, ctx, payer_id, voucher, day)
    parts = books.draw_parts(conn, list_id)
    wanted, carried = sum(p.wanted for p in parts), sum(p.carried for p in parts)
    if amount_vnd != wanted:
        raise RefusedError(
            "draw_amount",
            f"Danh sách {programme} của {payer}: tổng {format_vnd(total)} đồng, còn ở đơn vị chi "
            f"trả {format_vnd(carried)} đồng, phải rút {format_vnd(wanted)} đồng, không phải "
            f"{format_vnd(amount_vnd)} đồng; đối chiếu giấy rút dự toán, chưa ghi gì.",
        )
    journal = _post_draw(
        conn, ctx, _Draw(list_id, payer_id, payer, month, voucher, day, wanted), parts
    )
    first = ids.block(conn, "draw", max(len(parts), 1))
    conn.execute(
        text(
            "INSERT INTO draw (id, list_id, payer_id, voucher, drawn_on, amount_vnd, carried_vnd, "
            "journal_id) VALUES (:id, :l, :p, :v, :d, :a, :c, :j)"
        ),
        {
            "id": first, "l": list_id, "p": payer_id, "v": voucher,
            "d": day.isoformat(), "a": amount_vnd, "c": carried, "j": journal,
        },
    )  # fmt: skip
    bulk_insert(
        conn,
        "draw_part",
        ("id", "draw_id", "provider_id", "amount_vnd", "carried_vnd"),
        [(first + n, first, p.provider_id, p.wanted, p.carried) for n, p in enumerate(parts)],
    )
    return carried


@dataclass(frozen=True)
class _Draw:
    """One draw, checked; the amount in whole dong."""

    list_id: int
    payer_id: int
    payer: str
    month: int
    voucher: str
    day: date
    amount_vnd: int


def _post_draw(conn: Connection, ctx: Context, draw: _Draw, parts: Sequence[books.DrawPart]) -> int:
    """Post treasury -> each provider's advance, in both books; return the journal, 0 where none."""
    if not parts:
        return 0
    payer = draw.payer
    written = f"{draw.voucher}|{draw.day}|{draw.amount_vnd}"
    post = partial(
        books.post_gl, conn, ctx, payer_id=draw.payer_id, month=draw.month, day=draw.day,
        evidence=hashlib.sha256(written.encode()).digest(),
    )  # fmt: skip
    sealed = post(
        book=chart.FINANCIAL, kind="draw", key=f"draw:{draw.list_id}",
        amounts=[
            Amount(chart.advance(payer, p.provider), chart.treasury(payer), p.wanted)
            for p in parts
        ],
    )  # fmt: skip
    post(
        book=chart.BUDGETARY, kind="cash_plan", key=f"cash_free:{draw.list_id}",
        amounts=[
            Amount(chart.cash_free(payer, p.provider), chart.cash_source(payer, p.provider),
                   p.wanted)
            for p in parts
        ],
    )  # fmt: skip
    return sealed.journal_id if sealed else 0


def check_voucher(conn: Connection, ctx: Context, payer_id: int, voucher: str, day: date) -> None:
    """Refuse a voucher without a number or from the future, or one that moved money already.

    The bank's statement names the voucher: two moves under one number could not be told apart.
    """
    now = today(ctx.clock)
    if voucher != voucher.strip() or not 0 < len(voucher) <= LONGEST:
        raise RefusedError(
            "voucher",
            f"Số chứng từ phải có từ 1 đến {LONGEST} ký tự, không có khoảng trắng ở đầu, "
            "cuối; ghi lại --voucher SỐ.",
        )
    if not now - timedelta(days=92) <= day <= now:
        raise RefusedError(
            "draw_date",
            f"Ngày rút {day:%d/%m/%Y} ở tương lai hoặc đã quá 92 ngày; ghi ngày trên chứng từ "
            "(--date).",
        )
    used = conn.execute(
        text(
            "SELECT 'danh sách ' || list_id FROM draw WHERE payer_id = :p AND voucher = :v "
            "UNION ALL SELECT 'lần chuyển tiền ' || id FROM advance_move "
            "WHERE payer_id = :p AND voucher = :v AND state <> 'withdrawn'"
        ),
        {"p": payer_id, "v": voucher},
    ).scalar()
    if used is not None:
        raise NotNowError(
            "voucher_used",
            f"Chứng từ {voucher} đã ghi cho {used}; mỗi chứng từ chỉ ghi một lần, kiểm tra lại số.",
        )


def record_rerating(
    ctx: Context, month: int, *, number: str, day: date, signer_name: str, actor: str
) -> int:
    """Record the re-rating decision's number, date and signer, one act for all drafts; count."""
    if not all(0 < len(said.strip()) <= LONGEST for said in (number, signer_name)):
        raise RefusedError(
            "decision",
            "Quyết định điều chỉnh mức phải có số và người ký, mỗi thứ từ 1 đến "
            f"{LONGEST} ký tự; ghi --number, --signer.",
        )
    if day > today(ctx.clock):
        raise RefusedError(
            "decision_date",
            f"Ngày quyết định {day:%d/%m/%Y} ở tương lai; ghi ngày ký thật (--date).",
        )
    who = user(ctx, actor)
    with ctx.cell.begin() as conn:
        codes = conn.execute(
            text("SELECT DISTINCT y.code FROM rerating r JOIN payer y ON y.id = r.payer_id")
        ).scalars()
        for code in codes:
            require(conn, who, "preparer", code)
        done = conn.execute(
            text(
                "UPDATE rerating SET decision_number = :n, decision_date = :d, "
                "decision_signer = :s, recorded_by = :a, recorded_at = :t "
                "WHERE decision_number IS NULL AND last_month <= :m"
            ),
            {"n": number, "d": day.isoformat(), "s": signer_name, "a": actor,
             "t": stamp(ctx.clock), "m": month},
        ).rowcount  # fmt: skip
    if not done:
        raise NotNowError(
            "no_draft", "Không có dự thảo quyết định điều chỉnh mức nào đang chờ; không ghi gì."
        )
    return done


def waiting_batches(
    conn: Connection, month: int, role: str, codes: Sequence[str] | None
) -> list[int]:
    """Return the batches outside open lists (retry, cash) that wait for a role's signature."""
    before = {"sign2": "prepare", "sign1": "sign2"}.get(role)
    if before is None:
        return []
    rows = conn.execute(
        text(
            "SELECT b.id, y.code FROM batch b JOIN payer y ON y.id = b.payer_id "
            "WHERE b.month = :m AND b.state = 'held' AND b.list_id IS NULL "
            "AND EXISTS (SELECT 1 FROM signature s WHERE s.journal_id = b.journal_id "
            "AND s.role = :before) AND NOT EXISTS (SELECT 1 FROM signature s "
            "WHERE s.journal_id = b.journal_id AND s.role = :role) ORDER BY b.id"
        ),
        {"m": month, "before": before, "role": role},
    )
    return [i for i, code in rows if codes is None or code in codes]


def sign_all(
    ctx: Context,
    month: int,
    role: str,
    signer: Signer,
    *,
    codes: Sequence[str] | None = None,
    release_on: date | None = None,
) -> int:
    """Give one role's signature to every list, and every retry or cash batch, that waits for it.

    One act; one transaction per list, one for all batches. Returns how many documents. Raises
    NotNowError where nothing waits.
    """
    _check_release_day(ctx, role, release_on)
    with ctx.cell.read() as conn:
        lists = open_lists(conn, month, approvals.STATE_BEFORE[role], codes)
        loose = waiting_batches(conn, month, role, codes)
    done = 0
    if lists or not loose:
        done = sign(ctx, month, role, signer, list_ids=lists, release_on=release_on)
    if loose:
        with ctx.cell.begin() as conn:
            done += approvals.sign_batches(conn, ctx, loose, role, signer)
    return done


def _check_release_day(ctx: Context, role: str, day: date | None) -> None:
    """Refuse a day of release that is over, beyond a month, or not the first signature's to set."""
    if day is None:
        return
    now = today(ctx.clock)
    if role != "sign1":
        raise RefusedError(
            "release_on", "Ngày được gửi (--on) chỉ ghi cùng chữ ký thứ nhất; bỏ tùy chọn này."
        )
    if not now <= day <= now + timedelta(days=31):
        raise RefusedError(
            "release_on",
            f"Ngày được gửi {day:%d/%m/%Y} phải từ hôm nay ({now:%d/%m/%Y}) và trong 31 ngày tới; "
            "sửa lại --on.",
        )


def prepare_batches(
    conn: Connection, ctx: Context, signer: Signer, specs: Sequence[batches.BatchSpec]
) -> list[batches.Frozen]:
    """Freeze retry or cash batches of failed payments and give the preparer's signature."""
    frozen = batches.freeze(conn, ctx, specs)
    head = books.head(conn)
    for one in frozen:
        approvals.write_batch_statement(conn, ctx, one.id, head)
    if frozen:
        approvals.sign_batches(conn, ctx, [f.id for f in frozen], "prepare", signer)
    return frozen
