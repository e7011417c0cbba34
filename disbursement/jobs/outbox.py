"""What the machine has stopped sending, and how a person lets it go on.

A stop is final for the worker: the row stays closed with its reason, nothing of the batch leaves.
An officer looks, puts right what is wrong (a key, the deposit, the provider's own books), and
resumes it with the document that says so. What goes on is what the machine would have done: calls
that may have left are asked about first, those that never left go as the same bytes under the same
id inside the rail's id window, and what is past it is never sent again: the provider's letter
settles it (settling.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import Connection

from disbursement.beneficiaries.staging import audit
from disbursement.jobs.invariants import FINAL
from disbursement.platform.clock import stamp
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, NotNowError
from disbursement.programmes.service import APPROVERS, officer, said
from ledger.money import format_vnd
from ledger.sql import text

OVERDUE = "overdue"
"""Why of a batch none of whose calls may be sent or asked about any more."""
WORDS = MappingProxyType(
    {
        "rail_auth": "kênh chi trả từ chối khóa kết nối; kiểm tra tệp kết nối với nơi chi trả",
        "rail_config": "kênh chi trả từ chối cấu hình của đơn vị; hỏi nơi chi trả",
        "rail_closed": "kênh chi trả đang bảo trì; gửi tiếp khi kênh mở lại",
        "no_funds": "số dư ở nơi chi trả không đủ; chuyển tiền, đối chiếu số dư rồi gửi tiếp",
        "batch_items_differ": "lô ở nơi chi trả khác lô đã ký; hỏi nơi chi trả, chưa trả ai",
        "batch_count": "nơi chi trả đọc được số lệnh khác lô đã ký; hỏi nơi chi trả, chưa trả ai",
        "answer_signature": "câu trả lời không mang chữ ký của nơi chi trả; kiểm tra khóa",
        "other_payment": "nơi chi trả trả lời về một lệnh khác; hỏi nơi chi trả",
        "two_payouts": "nơi chi trả giữ hai lệnh cùng một mã; hỏi nơi chi trả đã trả lệnh nào",
        OVERDUE: "quá hạn kênh chi trả còn nhớ lệnh; chỉ văn bản của nơi chi trả mới rõ",
    }
)
"""What a reason says to an officer; a reason that is not here is a sentence already."""

OF_THE_RAIL = frozenset({"rail_auth", "rail_config", "rail_closed", "answer_signature", "no_funds"})
"""Reasons that lie with the rail or the deposit, not with the batch: other batches wait too."""
NO_FUNDS = "no_funds"
"""Of these the one that lies with the payer's own deposit: other payers' batches go on."""
HELD, LET_GO = "held:", "let go"
"""What `claimed_by` says of a batch held along (with the batch it waits for), and of one that an
officer lets go all the same."""


@dataclass(frozen=True)
class Stopped:
    """A batch, or a request to ask payments back (rail `recall`), that a person must look at.

    `list_id` is 0 for a retry or cash batch; `open_payments` and `open_vnd` are what of it has no
    outcome, in dong; `overdue` of them are past the rail's windows (settling.py); `resumable` is
    false where only evidence from outside can settle it; `held_by` is the batch whose stop holds
    this one along, 0 where it stopped by itself.
    """

    batch: int
    list_id: int
    payer: str
    provider: str
    month: int
    rail: str
    state: str
    why: str
    words: str
    since: str
    payments: int
    total_vnd: int
    open_payments: int
    open_vnd: int
    overdue: int
    held_by: int
    resumable: bool


_OPEN = f"""
FROM batch_row r WHERE r.batch_id = b.id AND NOT EXISTS (SELECT 1 FROM attempt_news k
  WHERE k.batch_id = r.batch_id AND k.n = r.n AND k.state IN {FINAL})
"""
_STOPPED = """
SELECT b.id AS batch, coalesce(b.list_id, 0) AS list_id, y.code AS payer, p.code AS provider,
  b.month, b.rail, b.state, o.why, o.claimed_at AS since, b.payments, b.total_vnd,
  (SELECT count(*) {open}) AS open_payments,
  CAST((SELECT coalesce(sum(r.amount_vnd), 0) {open}) AS bigint) AS open_vnd,
  (SELECT count(*) {open} AND EXISTS (SELECT 1 FROM rail_call c WHERE c.batch_id = b.id
    AND c.state = 'stopped' AND r.n BETWEEN c.first_n AND c.last_n)) AS overdue,
  o.claimed_by AS held_by,
  o.state = 'stopped' AS resumable
FROM outbox o JOIN batch b ON b.id = o.batch_id JOIN payer y ON y.id = b.payer_id
JOIN provider p ON p.id = b.provider_id
WHERE o.state = 'stopped' OR (EXISTS (SELECT 1 FROM rail_call c WHERE c.batch_id = b.id
  AND c.state = 'stopped') AND EXISTS (SELECT 1 {open}))
UNION ALL
SELECT c.id, coalesce(b.list_id, 0), y.code, p.code, b.month, 'recall', c.state, o.why,
  o.claimed_at, c.payments, c.total_vnd, c.payments, c.total_vnd, 0, '',
  o.state = 'stopped'
FROM outbox o JOIN recall c ON c.id = o.batch_id JOIN batch b ON b.id = c.batch_id
JOIN payer y ON y.id = c.payer_id JOIN provider p ON p.id = c.provider_id
WHERE o.state = 'stopped'
ORDER BY 1
""".replace("{open}", _OPEN)


def held_by(claimed_by: str) -> int:
    """Return the batch whose stop holds an outbox row along, 0 where none does."""
    return int(claimed_by.removeprefix(HELD)) if claimed_by.startswith(HELD) else 0


def stop_of_rail(conn: Connection, batch_id: int) -> tuple[int, str]:
    """Return the stopped batch, and why, whose reason holds this one too; (0, '') where none does.

    A batch that an officer let go is not held again by the same stop.
    """
    reasons = ", ".join(f"'{why}'" for why in sorted(OF_THE_RAIL))
    found = conn.execute(
        text(
            "SELECT x.id, o.why FROM batch b JOIN outbox m ON m.batch_id = b.id "
            "JOIN batch x ON x.provider_id = b.provider_id AND x.id <> b.id "
            "JOIN outbox o ON o.batch_id = x.id WHERE b.id = :b AND m.claimed_by <> :go "
            f"AND o.state = 'stopped' AND o.why IN ({reasons}) AND o.claimed_by NOT LIKE :held "
            f"AND (o.why <> '{NO_FUNDS}' OR x.payer_id = b.payer_id) ORDER BY x.id LIMIT 1"
        ),
        {"b": batch_id, "go": LET_GO, "held": f"{HELD}%"},
    ).first()
    return (int(found[0]), str(found[1])) if found is not None else (0, "")


def hold_along(conn: Connection, ctx: Context, batch_id: int, origin: int, why: str) -> None:
    """Close a batch for the machine because another one's stop is the rail's."""
    conn.execute(
        text(
            "UPDATE outbox SET state = 'stopped', why = :w, claimed_by = :h, claimed_at = :t "
            "WHERE batch_id = :b"
        ),
        {"w": why, "h": f"{HELD}{origin}", "t": stamp(ctx.clock), "b": batch_id},
    )


def stopped(
    conn: Connection, *, month: int = 0, payers: Sequence[str] | None = None
) -> list[Stopped]:
    """Return what waits for a person, by batch; of a month (yyyymm) and payers where given."""
    found = []
    for row in conn.execute(text(_STOPPED)).mappings():
        if (month and row["month"] != month) or (payers and row["payer"] not in payers):
            continue
        told = {
            **row, "resumable": bool(row["resumable"]), "held_by": held_by(str(row["held_by"])),
        }  # fmt: skip
        why = str(row["why"]) if told["resumable"] else OVERDUE
        found.append(Stopped(**{**told, "why": why, "words": WORDS.get(why, why)}))
    return found


def line(one: Stopped) -> str:
    """Return a stopped batch as one line for an officer."""
    then = f"; gửi tiếp: disburse outbox resume {one.batch}" if one.resumable else ""
    along = f"theo lô {one.held_by} " if one.held_by else ""
    if one.overdue:
        then += (
            f"; {one.overdue} khoản ghi theo văn bản của nơi chi trả: "
            f"disburse outbox settle {one.batch}"
        )
    return (
        f"Lô {one.batch} ({one.payer}, {one.provider}): dừng {along}vì {one.words}. Còn "
        f"{one.open_payments} khoản, {format_vnd(one.open_vnd)} đồng chưa có kết quả{then}"
    )


def resume(ctx: Context, batch_id: int, *, document: str, actor: str) -> Stopped:
    """Let the worker go on with a stopped batch; return what it was stopped for.

    What the stop of its rail held along goes on with it. A batch held along may be let go alone.
    `document` is number and day of the paper on which the officer goes on. It is written down with
    the reason. Raises NotFoundError `batch`; NotNowError `not_stopped`; RefusedError `text`;
    NotAllowedError `role`.
    """
    words = said(document, "--document")
    with ctx.cell.begin() as conn:
        payer = conn.execute(
            text(
                "SELECT y.code FROM outbox o JOIN payer y ON y.id = coalesce((SELECT b.payer_id "
                "FROM batch b WHERE b.id = o.batch_id), (SELECT c.payer_id FROM recall c "
                "WHERE c.id = o.batch_id)) WHERE o.batch_id = :b"
            ),
            {"b": batch_id},
        ).scalar()
        if payer is None:
            raise NotFoundError(
                "batch", f"Không có lô {batch_id} nào đã duyệt chi; xem `disburse outbox list`."
            )
        officer(ctx, actor, APPROVERS, payer)
        waiting = {one.batch: one for one in stopped(conn)}
        changed = conn.execute(
            text(
                "UPDATE outbox SET state = 'waiting', why = '', tries = 0, claimed_by = :go "
                "WHERE batch_id = :b AND state = 'stopped'"
            ),
            {"b": batch_id, "go": LET_GO},
        ).rowcount
        if changed != 1:
            over = batch_id in waiting
            raise NotNowError(
                "not_stopped",
                f"Lô {batch_id} {WORDS[OVERDUE] if over else 'không bị dừng'}; không ghi gì.",
            )
        found = waiting[batch_id]
        conn.execute(
            text(
                "UPDATE outbox SET state = 'waiting', why = '', tries = 0, claimed_by = '' "
                "WHERE claimed_by = :h AND state = 'stopped'"
            ),
            {"h": f"{HELD}{batch_id}"},
        )
        audit(conn, ctx, actor, "outbox.resume", str(batch_id),
              {"why": found.why, "document": words})  # fmt: skip
        return found
