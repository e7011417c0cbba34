"""What the machine has stopped sending, and how a person lets it go on.

A stop is final for the worker: the row stays closed with its reason, nothing of the batch leaves.
An officer looks, puts right what is wrong (a key, the deposit, the provider's own books), and
resumes it with the document that says so. What goes on is what the machine would have done: calls
that may have left are asked about first, those that never left go as the same bytes under the same
id inside the rail's id window, and what is past it is never sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import Connection, text

from disbursement.beneficiaries.staging import audit
from disbursement.jobs.invariants import FINAL
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, NotNowError
from disbursement.programmes.service import APPROVERS, officer, said

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
        OVERDUE: "quá hạn kênh chi trả còn nhớ lệnh; chỉ sao kê, văn bản của nơi chi trả mới rõ",
    }
)
"""What a reason says to an officer; a reason that is not here is a sentence already."""


@dataclass(frozen=True)
class Stopped:
    """A batch, or a request to ask payments back (rail `recall`), that a person must look at.

    `list_id` is 0 for a retry or cash batch; `open_payments` and `open_vnd` are what of it has no
    outcome, in dong; `resumable` is false where only evidence from outside can settle it.
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
  o.state = 'stopped' AS resumable
FROM outbox o JOIN batch b ON b.id = o.batch_id JOIN payer y ON y.id = b.payer_id
JOIN provider p ON p.id = b.provider_id
WHERE o.state = 'stopped' OR (EXISTS (SELECT 1 FROM rail_call c WHERE c.batch_id = b.id
  AND c.state = 'stopped') AND EXISTS (SELECT 1 {open}))
UNION ALL
SELECT c.id, coalesce(b.list_id, 0), y.code, p.code, b.month, 'recall', c.state, o.why,
  o.claimed_at, c.payments, c.total_vnd, c.payments, c.total_vnd, o.state = 'stopped'
FROM outbox o JOIN recall c ON c.id = o.batch_id JOIN batch b ON b.id = c.batch_id
JOIN payer y ON y.id = c.payer_id JOIN provider p ON p.id = c.provider_id
WHERE o.state = 'stopped'
ORDER BY 1
""".replace("{open}", _OPEN)


def stopped(
    conn: Connection, *, month: int = 0, payers: Sequence[str] | None = None
) -> list[Stopped]:
    """Return what waits for a person, by batch; of a month (yyyymm) and payers where given."""
    found = []
    for row in conn.execute(text(_STOPPED)).mappings():
        if (month and row["month"] != month) or (payers and row["payer"] not in payers):
            continue
        told = {**row, "resumable": bool(row["resumable"])}
        why = str(row["why"]) if told["resumable"] else OVERDUE
        found.append(Stopped(**{**told, "why": why, "words": WORDS.get(why, why)}))
    return found


def resume(ctx: Context, batch_id: int, *, document: str, actor: str) -> Stopped:
    """Let the worker go on with a stopped batch; return what it was stopped for.

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
                "UPDATE outbox SET state = 'waiting', why = '', tries = 0 WHERE batch_id = :b "
                "AND state = 'stopped'"
            ),
            {"b": batch_id},
        ).rowcount
        if changed != 1:
            over = batch_id in waiting
            raise NotNowError(
                "not_stopped",
                f"Lô {batch_id} {WORDS[OVERDUE] if over else 'không bị dừng'}; không ghi gì.",
            )
        found = waiting[batch_id]
        audit(conn, ctx, actor, "outbox.resume", str(batch_id),
              {"why": found.why, "document": words})  # fmt: skip
        return found
