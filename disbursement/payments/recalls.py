"""Asking payments back: a request by one officer, signed by another, sent to the bank as camt.055.

Nothing here moves money. A payment that was asked back is `recall_asked` and stays in flight until
the bank refuses it, books it, or the statements show that it was never booked (coins.md 15): what
the bank promises in a camt.029 is kept and shown, and frees nothing. A request has a number of its
own among the numbers of batches, so one outbox and one way over the wire serve both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row

from bank_adapters import camt055, rendering
from bank_adapters.camt055 import CancelHeader, CancelRow
from bank_adapters.contract import AdapterError, OutgoingFile, ParsedAnswer, StatusItem
from bank_adapters.registry import profile_of
from disbursement.beneficiaries.staging import audit
from disbursement.payments import effects
from disbursement.payments.answer import Applied, NotTakenError
from disbursement.payments.attempts import EXPECTED
from disbursement.payments.effects import Scope
from disbursement.payments.rules import News, attempt_state
from disbursement.payments.statuses import (
    EXPANDED,
    Meaning,
    applied,
    only_this_batch,
    scope_of,
    sent_batch,
    staged,
)
from disbursement.platform import files, ids
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import (
    NotAllowedError,
    NotFoundError,
    NotNowError,
    OurFaultError,
    RefusedError,
)
from disbursement.programmes.service import APPROVERS, PROPOSERS, officer, said
from disbursement.runs.batches import outgoing
from disbursement.runs.routes import contract as contract_of
from ledger.bulk import bulk_insert
from ledger.sql import text
from reconciliation import store

ASKABLE = frozenset({"sent", "accepted", "unknown"})
"""States of an attempt that may be asked back: the bank has it, or may have it, and no outcome."""
OPEN = "('held', 'queued', 'sending', 'unknown')"
"""States of a request of which it is not known that it arrived: nothing is asked twice."""
LEFT = "('sending', 'sent', 'unknown')"
"""States of a request that the bank may have."""
ACCEPTED, REFUSED, PENDING = "ACCR", "RJCR", "PDCR"
"""What a bank says of a request: cancelled, not cancelled, not decided."""


@dataclass(frozen=True)
class Recall:
    """A request as lists show it; money in dong.

    `state` is one of held (one signature), queued, sending, sent, unknown, withdrawn; `accepted`,
    `refused`, `pending` count the bank's answers.
    """

    id: int
    batch_id: int
    payer: str
    provider: str
    message_id: str
    file_name: str
    file_sha256: str
    reason: str
    document: str
    payments: int
    total_vnd: int
    state: str
    made_by: str
    made_at: str
    signed_by: str
    signed_at: str
    sent_at: str
    accepted: int
    refused: int
    pending: int


# --- asking --------------------------------------------------------------------------------------


def ask(
    ctx: Context,
    batch_id: int,
    *,
    reason: str,
    document: str,
    actor: str,
    orders: Sequence[str] = (),
) -> Recall:
    """Ask for payments of a sent batch back: all that are in flight, or the `orders` given.

    `orders` are EndToEndIds, `reason` a code of the cancellation set (DUPL, CUST, TECH ...). The
    file is written now, so that the second person signs exactly what leaves. Raises NotFoundError
    `batch`; NotNowError `not_sent`, `nothing_in_flight`; RefusedError `recall_not_offered`,
    `recall_reason`, `recall_order`, `text`; NotAllowedError `role`.
    """
    words = said(document, "--document")
    with files.taken_back_on_error(), ctx.cell.begin() as conn:
        number = ids.block(conn, "batch", 1)
        batch = _batch(conn, batch_id)
        who = officer(ctx, actor, PROPOSERS, batch.payer)
        version = _offered(batch)
        rows = _wanted(conn, batch, orders)
        header = _header(conn, ctx, batch, number, rows)
        path = outgoing(ctx, batch.month, f"{header.message_id}.xml")
        try:
            with files.atomic(path) as out:
                done = camt055.render(version, header, _cancel_rows(header, rows, reason), out)
            camt055.check_elements(path)
        except AdapterError as error:
            path.unlink(missing_ok=True)
            raise RefusedError("recall_reason", error.sentence, en=error.en) from error
        conn.execute(
            text(
                "INSERT INTO recall (id, batch_id, payer_id, provider_id, message_id, version, "
                "file_name, file_sha256, created_text, reason, document, payments, total_vnd, "
                "state, made_by, made_person, made_at) VALUES (:i, :b, :y, :v, :m, :x, :f, :s, :c, "
                ":r, :d, :n, :t, 'held', :u, :p, :a)"
            ),
            {
                "i": number, "b": batch_id, "y": batch.payer_id, "v": batch.provider_id,
                "m": header.message_id, "x": version, "f": path.name,
                "s": bytes.fromhex(done.sha256), "c": header.created_at, "r": reason, "d": words,
                "n": header.count, "t": header.total_vnd, "u": actor, "p": who.person_id,
                "a": stamp(ctx.clock),
            },
        )  # fmt: skip
        bulk_insert(
            conn, "recall_row", ("recall_id", "n", "batch_id", "answer", "reason"),
            [(number, n, batch_id, "", "") for n, _, _ in rows],
        )  # fmt: skip
        audit(conn, ctx, actor, "recall.ask", str(number),
              {"batch": batch_id, "payments": header.count, "reason": reason})  # fmt: skip
        return _one(conn, number)


def _batch(conn: Connection, batch_id: int) -> Row[Any]:
    lock = " FOR UPDATE OF b" if conn.dialect.name == "postgresql" else ""
    batch = conn.execute(
        text(
            "SELECT b.id, b.payer_id, b.provider_id, b.contract_id, b.month, b.rail, b.state, "
            "b.profile, b.message_id, y.code AS payer, y.name AS payer_name FROM batch b "
            f"JOIN payer y ON y.id = b.payer_id WHERE b.id = :b{lock}"
        ),
        {"b": batch_id},
    ).first()
    if batch is None:
        raise NotFoundError("batch", f"Không có lô {batch_id}; xem số lô ở `disburse run status`.")
    return batch


def _offered(batch: Row[Any]) -> str:
    """Return the message by which this batch's payments can be asked back."""
    version = "" if batch.rail == "cash" else rendering.cancel_version(profile_of(batch.profile))
    if not version:
        raise RefusedError(
            "recall_not_offered",
            f"Lô {batch.id} đi theo mẫu {batch.profile}, mẫu này không nhận yêu cầu hủy bằng tệp; "
            "hãy gửi công văn cho nơi chi trả.",
        )
    if batch.state not in ("sent", "accepted", "unknown"):
        raise NotNowError(
            "not_sent",
            f"Lô {batch.id} đang '{batch.state}', chưa được gửi nên không có gì để yêu cầu hủy.",
        )
    return version


def _wanted(conn: Connection, batch: Row[Any], orders: Sequence[str]) -> list[tuple[int, str, int]]:
    """Return (n, EndToEndId, dong) of what is asked back, in the batch's order."""
    states = _states(conn, batch)
    asked = {
        int(n)
        for n in conn.execute(
            text(
                "SELECT w.n FROM recall_row w JOIN recall c ON c.id = w.recall_id "
                f"WHERE w.batch_id = :b AND c.state IN {OPEN}"
            ),
            {"b": batch.id},
        ).scalars()
    }
    free = {
        e2e: (n, e2e, vnd)
        for e2e, (n, vnd, state) in states.items()
        if state in ASKABLE and n not in asked
    }
    for order in orders:
        if order not in states:
            raise RefusedError(
                "recall_order", f"Lô {batch.id} không có lệnh {order[:35]!r}; kiểm tra lại mã."
            )
        if order not in free:
            n, _, state = states[order]
            why = "đã có yêu cầu hủy chưa gửi xong" if n in asked else f"đang '{state}'"
            raise NotNowError(
                "recall_order", f"Lệnh {order} {why}; không yêu cầu hủy được. Chưa ghi gì."
            )
    rows = sorted(free[order] for order in set(orders)) if orders else sorted(free.values())
    if not rows:
        raise NotNowError(
            "nothing_in_flight",
            f"Lô {batch.id} không còn lệnh nào đang chuyển mà chưa yêu cầu hủy.",
        )
    return rows


def _states(conn: Connection, batch: Row[Any]) -> dict[str, tuple[int, int, str]]:
    """Return EndToEndId -> (n, dong, state) of a batch's attempts."""
    news = {
        n: [News(state, code, code_set) for _, state, code, code_set in group]
        for n, group in groupby(
            conn.execute(
                text(
                    "SELECT n, state, code, code_set FROM attempt_news WHERE batch_id = :b "
                    "ORDER BY n, seq"
                ),
                {"b": batch.id},
            ),
            key=itemgetter(0),
        )
    }
    rows = conn.execute(
        text("SELECT n, end_to_end_id, amount_vnd FROM batch_row WHERE batch_id = :b"),
        {"b": batch.id},
    )
    return {
        str(e2e): (int(n), int(vnd), attempt_state(batch.state, batch.rail, news.get(n, ())))
        for n, e2e, vnd in rows
    }


def _header(
    conn: Connection,
    ctx: Context,
    batch: Row[Any],
    number: int,
    rows: Sequence[tuple[int, str, int]],
) -> CancelHeader:
    profile = profile_of(batch.profile)
    return CancelHeader(
        message_id=f"DS{ctx.cell.code}R{number:010d}",
        created_at=stamp(ctx.clock)[:19] + "Z",
        asker=rendering.debtor_name(profile, f"UBND {batch.payer_name}"),
        bank_bic=contract_of(conn, ctx, batch.contract_id).bic,
        original_message_id=batch.message_id,
        original_message=rendering.message_version(profile),
        original_payment_info_id=f"{batch.message_id}-1",
        count=len(rows),
        total_vnd=sum(vnd for _, _, vnd in rows),
    )


def _cancel_rows(
    header: CancelHeader, rows: Sequence[tuple[int, str, int]], reason: str
) -> Iterator[CancelRow]:
    for n, e2e, vnd in rows:
        yield CancelRow(n, f"{header.message_id}-{n}", e2e, vnd, reason)


# --- deciding ------------------------------------------------------------------------------------


def sign(ctx: Context, number: int, *, actor: str) -> Recall:
    """Sign a request as the second person: it goes out with the next run of the outbox.

    Raises NotFoundError `recall`; NotNowError `recall_decided`, `recall_stale` where a payment in
    it has an outcome since; OurFaultError `file_changed`; NotAllowedError `role`, `same_person`.
    """
    with ctx.cell.begin() as conn:
        ids.block(conn, "recall_sign", 1)  # one signature at a time
        found = _one(conn, number)
        who = officer(ctx, actor, APPROVERS, found.payer)
        if found.state != "held":
            raise NotNowError("recall_decided", f"Yêu cầu hủy số {number} đã '{found.state}'.")
        maker = conn.execute(
            text("SELECT made_person FROM recall WHERE id = :i"), {"i": number}
        ).scalar_one()
        if maker == who.person_id:
            raise NotAllowedError(
                "same_person",
                f"Người lập yêu cầu hủy số {number} không tự ký được, dù bằng tên đăng nhập khác; "
                "cần người thứ hai.",
            )
        batch = _batch(conn, found.batch_id)
        states = {n: state for n, _, state in _states(conn, batch).values()}
        over = [n for n in _rows_of(conn, number) if states[n] not in ASKABLE]
        if over:
            raise NotNowError(
                "recall_stale",
                f"{len(over)} lệnh trong yêu cầu hủy số {number} đã có kết quả; hãy rút yêu cầu "
                f"này (`disburse recall withdraw {number}`) và lập lại.",
            )
        _unchanged(ctx, found, batch.month)
        conn.execute(
            text(
                "UPDATE recall SET state = 'queued', signed_by = :u, signed_person = :p, "
                "signed_at = :t WHERE id = :i AND state = 'held'"
            ),
            {"u": actor, "p": who.person_id, "t": stamp(ctx.clock), "i": number},
        )
        conn.execute(
            text(
                "INSERT INTO outbox (batch_id, file_name, not_before, state, why, claimed_by, "
                "claimed_at, tries) VALUES (:i, :f, :d, 'waiting', '', '', '', 0)"
            ),
            {"i": number, "f": found.file_name, "d": today(ctx.clock).isoformat()},
        )
        audit(conn, ctx, actor, "recall.sign", str(number), {"sha256": found.file_sha256})
        return _one(conn, number)


def withdraw(ctx: Context, number: int, *, actor: str) -> Recall:
    """Take a request back before it leaves; by anybody of the office who may ask.

    Raises NotFoundError `recall`; NotNowError `recall_decided` where it left or was withdrawn;
    NotAllowedError `role`.
    """
    with ctx.cell.begin() as conn:
        found = _one(conn, number)
        officer(ctx, actor, PROPOSERS, found.payer)
        changed = conn.execute(
            text(
                "UPDATE recall SET state = 'withdrawn' WHERE id = :i AND state IN ('held', "
                "'queued')"
            ),
            {"i": number},
        ).rowcount
        if changed != 1:
            raise NotNowError(
                "recall_decided", f"Yêu cầu hủy số {number} đã '{found.state}'; không rút được."
            )
        conn.execute(
            text("UPDATE outbox SET state = 'done', why = 'withdrawn' WHERE batch_id = :i"),
            {"i": number},
        )
        audit(conn, ctx, actor, "recall.withdraw", str(number), {})
        return _one(conn, number)


# --- looking -------------------------------------------------------------------------------------


def recalls(ctx: Context, payers: Sequence[str] | None = None) -> list[Recall]:
    """Return every request, of the payers given where there are any, by number."""
    with ctx.cell.read() as conn:
        found = _recalls(conn)
    return [r for r in found if payers is None or r.payer in payers]


def _recalls(conn: Connection, number: int = 0) -> list[Recall]:
    answers = ", ".join(
        f"(SELECT count(*) FROM recall_row w WHERE w.recall_id = c.id AND w.answer = '{code}')"
        for code in (ACCEPTED, REFUSED, PENDING)
    )
    rows = conn.execute(
        text(
            "SELECT c.id, c.batch_id, y.code, v.code, c.message_id, c.file_name, c.file_sha256, "
            "c.reason, c.document, c.payments, c.total_vnd, c.state, c.made_by, c.made_at, "
            "coalesce(c.signed_by, ''), coalesce(c.signed_at, ''), coalesce(c.sent_at, ''), "
            f"{answers} FROM recall c JOIN payer y ON y.id = c.payer_id "
            "JOIN provider v ON v.id = c.provider_id WHERE :i = 0 OR c.id = :i ORDER BY c.id"
        ),
        {"i": number},
    )
    out = []
    for row in rows:
        values: list[Any] = [*row[:6], bytes(row[6]).hex(), *row[7:]]
        out.append(Recall(*values))
    return out


def _one(conn: Connection, number: int) -> Recall:
    found = _recalls(conn, number)
    if not found:
        raise NotFoundError(
            "recall", f"Không có yêu cầu hủy số {number}; xem `disburse recall list`."
        )
    return found[0]


def _rows_of(conn: Connection, number: int) -> list[int]:
    rows = conn.execute(
        text("SELECT n FROM recall_row WHERE recall_id = :i ORDER BY n"), {"i": number}
    )
    return [int(n) for n in rows.scalars()]


# --- sending -------------------------------------------------------------------------------------


def file_of(ctx: Context, number: int) -> tuple[Recall, OutgoingFile]:
    """Return a request and its file, as the outbox hands it over."""
    with ctx.cell.read() as conn:
        found = _one(conn, number)
        path = outgoing(ctx, _batch_month(conn, found), found.file_name)
    return found, OutgoingFile(found.file_name, path, found.file_sha256, path.stat().st_size)


def claim(ctx: Context, number: int) -> None:
    """Check what was signed and commit `sending` before the first byte leaves.

    Raises OurFaultError `file_changed`, NotNowError `claimed`.
    """
    with ctx.cell.begin() as conn:
        found = _one(conn, number)
        _unchanged(ctx, found, _batch_month(conn, found))
        changed = conn.execute(
            text("UPDATE recall SET state = 'sending' WHERE id = :i AND state = 'queued'"),
            {"i": number},
        ).rowcount
        if changed != 1:
            raise NotNowError("claimed", f"Yêu cầu hủy {number} đang được tiến trình khác gửi.")


def left(conn: Connection, ctx: Context, number: int, state: str) -> None:
    """Record that a request left (`sent`) or may have left (`unknown`).

    From then on its payments are `recall_asked`, with the file itself as the evidence; they stay
    in flight.
    """
    found = _one(conn, number)
    batch = _batch(conn, found.batch_id)
    first = conn.execute(
        text("SELECT 1 FROM recall WHERE id = :i AND sent_at IS NULL"), {"i": number}
    ).first()
    conn.execute(
        text("UPDATE recall SET state = :s, sent_at = coalesce(sent_at, :t) WHERE id = :i"),
        {"s": state, "t": stamp(ctx.clock), "i": number},
    )
    if first is None:
        return
    answer_id = _as_evidence(conn, ctx, found, batch)
    conn.execute(
        text(
            "INSERT INTO attempt_news (batch_id, n, seq, state, code_set, code, text, answer_id, "
            "day) SELECT w.batch_id, w.n, coalesce((SELECT max(a.seq) FROM attempt_news a "
            "WHERE a.batch_id = w.batch_id AND a.n = w.n), 0) + 1, 'recall_asked', "
            "'cancellation', :r, :m, :a, :d FROM recall_row w WHERE w.recall_id = :i"
        ),
        {
            "r": found.reason, "m": found.message_id, "a": answer_id,
            "d": today(ctx.clock).isoformat(), "i": number,
        },
    )  # fmt: skip


def _as_evidence(conn: Connection, ctx: Context, found: Recall, batch: Row[Any]) -> int:
    path = outgoing(ctx, batch.month, found.file_name)
    _, digest = files.keep_evidence(ctx.settings.files / "evidence", path.read_bytes())
    answer_id = ids.block(conn, "answer", 1)
    conn.execute(
        text(
            "INSERT INTO answer (id, sha256, kind, file_name, size, received_at, payer_id, "
            "provider_id, message_id, state, why) VALUES (:i, :s, 'evidence', :f, :z, :t, :p, :v, "
            "'', 'applied', '')"
        ),
        {
            "i": answer_id, "s": digest, "f": found.file_name, "z": path.stat().st_size,
            "t": stamp(ctx.clock), "p": batch.payer_id, "v": batch.provider_id,
        },
    )  # fmt: skip
    return answer_id


def _batch_month(conn: Connection, found: Recall) -> int:
    return int(
        conn.execute(
            text("SELECT month FROM batch WHERE id = :b"), {"b": found.batch_id}
        ).scalar_one()
    )


def _unchanged(ctx: Context, found: Recall, month: int) -> None:
    path: Path = outgoing(ctx, month, found.file_name)
    if not path.exists() or files.sha256_of(path).hex() != found.file_sha256:
        raise OurFaultError(
            "file_changed", f"Tệp {found.file_name} khác với bản đã lập. Dừng và kiểm tra."
        )


# --- the bank's resolution -----------------------------------------------------------------------


def take(
    conn: Connection, ctx: Context, parsed: ParsedAnswer, answer_id: int, evidence: bytes
) -> Applied:
    """Apply a camt.029 inside the caller's transaction: words about payments asked back.

    No word of it moves money: a promise to cancel leaves the payment `recall_asked`, a refusal
    leaves it `unknown`, and statements decide. Raises NotTakenError: unknown message
    (quarantined), several batches, payments that nobody asked back.
    """
    items = [replace(item, reason_text=_words(item)) for item in parsed.statuses()]
    originals = {item.original_msg_id for item in items if item.original_msg_id}
    if not originals and parsed.original_message_id:
        originals = {parsed.original_message_id}
    batches = {_message_of_batch(conn, original) for original in originals}
    if len(batches) != 1:
        raise NotTakenError(
            "refused",
            "several_messages",
            f"Tệp trả lời yêu cầu hủy của {len(batches)} lô khác nhau; mỗi tệp phải trả lời đúng "
            "một lô. Hãy xin ngân hàng gửi riêng từng lô.",
        )
    batch = sent_batch(conn, batches.pop())
    scope = scope_of(conn, ctx, batch, answer_id, evidence)
    store.stage(conn, staged(items, ctx.cell.code, scope.day.isoformat(), _meaning))
    _expand(conn, batch, items, scope)
    _arrived(conn, ctx, batch)
    store.expect(conn, EXPECTED.format(owner="b.id"), {})
    only_this_batch(store.judge(conn, batch.id), batch)
    _asked_by_us(conn, batch)
    _keep_answers(conn, batch)
    return applied(batch, effects.book(conn, ctx, scope))


def _message_of_batch(conn: Connection, original: str) -> str:
    """Return the message id of the batch that an answer means, also where it names the request."""
    found = conn.execute(
        text(
            "SELECT b.message_id FROM recall c JOIN batch b ON b.id = c.batch_id "
            "WHERE c.message_id = :m"
        ),
        {"m": original},
    ).scalar()
    return original if found is None else str(found)


def _meaning(item: StatusItem) -> Meaning:
    """Return how a word about a request is recorded; an unknown one leaves it asked."""
    status = item.status or ""
    return "noted", "unknown" if status == REFUSED else "recall_asked", status


def _words(item: StatusItem) -> str:
    """Return codes and text of why, as they came."""
    said = (item.reason_code, *item.more_reasons, item.reason_text)
    return " ".join(part for part in said if part)


def _expand(conn: Connection, batch: Row[Any], items: Sequence[StatusItem], scope: Scope) -> None:
    """Give what is said of the file or batch to every payment asked back that is not listed."""
    whole = next((i for i in items if i.level != "transaction" and i.status), None)
    if whole is None or whole.status == "PACR":  # partly accepted: the list says which
        return
    _, news, code = _meaning(whole)
    conn.execute(
        text(
            "INSERT INTO recon_item (n, wants, news, journal_id, row_n, end_to_end_id, "
            "amount_vnd, charges_vnd, code_set, code, words, day, reference) "
            f"SELECT {EXPANDED} + r.n, 'noted', :s, :j, r.n, r.end_to_end_id, NULL, 0, "
            "'cancellation', :c, :w, :d, '' FROM batch_row r WHERE r.batch_id = :b "
            f"AND r.n IN (SELECT w.n {_LEFT_ROWS}) AND NOT EXISTS "
            "(SELECT 1 FROM recon_item i WHERE i.journal_id = :j AND i.row_n = r.n)"
        ),
        {"s": news, "j": batch.journal_id, "c": code, "w": whole.reason_text[:140],
         "d": scope.day.isoformat(), "b": batch.id},
    )  # fmt: skip


_LEFT_ROWS = (
    "FROM recall_row w JOIN recall c ON c.id = w.recall_id "
    f"WHERE w.batch_id = :b AND c.state IN {LEFT}"
)


def _asked_by_us(conn: Connection, batch: Row[Any]) -> None:
    """Refuse an answer to a question nobody asked: mixed up, or altered."""
    strange = conn.execute(
        text(
            "SELECT count(*) FROM recon_verdict v WHERE v.batch_id = :b "
            f"AND v.row_n NOT IN (SELECT w.n {_LEFT_ROWS})"
        ),
        {"b": batch.id},
    ).scalar_one()
    if strange:
        raise NotTakenError(
            "refused",
            "never_asked",
            f"Tệp trả lời yêu cầu hủy {strange} lệnh của lô {batch.id} mà chúng ta không yêu cầu "
            "hủy; không ghi gì. Hãy hỏi ngân hàng ngay.",
            payer_id=batch.payer_id,
            provider_id=batch.provider_id,
        )


def _keep_answers(conn: Connection, batch: Row[Any]) -> None:
    """Write the answer beside the newest request for each payment; the news tell the history."""
    last = (
        "(SELECT v.{} FROM recon_verdict v WHERE v.batch_id = :b AND v.row_n = recall_row.n "
        "AND v.verdict = 'matched' ORDER BY v.n DESC LIMIT 1)"
    )
    conn.execute(
        text(
            f"UPDATE recall_row SET answer = {last.format('code')}, "
            f"reason = {last.format('words')} WHERE batch_id = :b AND recall_id = (SELECT max(c.id)"
            " FROM recall c JOIN recall_row x ON x.recall_id = c.id WHERE x.batch_id = :b "
            f"AND x.n = recall_row.n AND c.state IN {LEFT}) AND EXISTS (SELECT 1 FROM recon_verdict"
            " v WHERE v.batch_id = :b AND v.row_n = recall_row.n AND v.verdict = 'matched')"
        ),
        {"b": batch.id},
    )


def _arrived(conn: Connection, ctx: Context, batch: Row[Any]) -> None:
    """Record that a request arrived: an answer proves it, also where our record was lost."""
    rows = conn.execute(
        text(
            "SELECT DISTINCT c.id FROM recall c JOIN recall_row w ON w.recall_id = c.id "
            "JOIN recon_item i ON i.row_n = w.n AND i.journal_id = :j "
            "WHERE c.batch_id = :b AND c.state IN ('sending', 'unknown') ORDER BY c.id"
        ),
        {"b": batch.id, "j": batch.journal_id},
    )
    for number in rows.scalars().all():
        left(conn, ctx, number, "sent")
