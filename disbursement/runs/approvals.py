"""Signing lists and batches, and the release that the first signature is.

What is signed is the digest of a statement: canonical JSON of what the list books and of exactly
what leaves (coins.md 4). Four roles in order for a list (prepare, check, sign2, sign1), three for a
batch; the ledger refuses the wrong order, the same person twice, another digest. The first
signature releases: in one transaction the list and its batches are sealed and the files are put
into the outbox.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection

from disbursement.beneficiaries.national.freshness import require_fresh
from disbursement.documents.words import LIST_STATES
from disbursement.identity.service import Signer, require
from disbursement.platform import files
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import DisburseError, NotAllowedError, NotNowError, OurFaultError
from disbursement.runs import batches, books, receivables
from ledger import chart, definitions, posting, signing
from ledger.errors import LedgerError
from ledger.posting import Header, Root
from ledger.sql import text

ROLE_OF = {
    "prepare": "preparer",
    "check": "checker",
    "sign2": "second_signer",
    "sign1": "first_signer",
}
"""Role in the signature table -> role of the user who may give it."""
NEXT_STATE = {"prepare": "prepared", "check": "checked", "sign2": "second", "sign1": "released"}
STATE_BEFORE = {"prepare": "draft", "check": "prepared", "sign2": "checked", "sign1": "second"}
ROLE_VI = {
    "prepare": "người lập",
    "check": "người kiểm tra",
    "sign2": "chữ ký thứ hai (kế toán)",
    "sign1": "chữ ký thứ nhất (chủ tài khoản)",
}


@dataclass(frozen=True)
class Document:
    """Something to sign: a list or a batch, with its journal and its statement."""

    kind: str  # list | batch
    id: int
    journal_id: int
    payer_id: int
    body: str

    @property
    def digest(self) -> bytes:
        """Return the SHA-256 of the statement."""
        return hashlib.sha256(self.body.encode()).digest()


def canonical(value: dict[str, Any]) -> str:
    """Write a statement: keys sorted, no spaces, UTF-8; the same facts give the same bytes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def write_statements(conn: Connection, ctx: Context, list_ids: Sequence[int]) -> None:
    """Write the statements of freshly prepared lists and of their batches."""
    head = books.head(conn)
    drafted = _draft_roots(conn, list_ids)
    for list_id in list_ids:
        _list_statement(conn, ctx, list_id, head, drafted[list_id])
        for batch_id in _batches_of(conn, list_id):
            write_batch_statement(conn, ctx, batch_id, head)


def _batches_of(conn: Connection, list_id: int) -> list[int]:
    rows = conn.execute(
        text("SELECT id FROM batch WHERE list_id = :l AND state = 'held' ORDER BY id"),
        {"l": list_id},
    )
    return [r[0] for r in rows]


def _draft_roots(conn: Connection, list_ids: Sequence[int]) -> dict[int, Root]:
    """Return the root of each list's draft, by list: all in one pass over the drafts."""
    query = text("SELECT journal_id FROM pay_list WHERE id = :l")
    journals = {i: int(conn.execute(query, {"l": i}).scalar_one()) for i in list_ids}
    roots = posting.draft_roots(conn, list(journals.values()))
    return {i: roots[j] for i, j in journals.items()}


def _list_statement(
    conn: Connection, ctx: Context, list_id: int, head: tuple[int, bytes], root: Root
) -> None:
    row = (
        conn.execute(
            text(
                "SELECT l.*, y.code AS payer FROM pay_list l JOIN payer y ON y.id = l.payer_id "
                "WHERE l.id = :l"
            ),
            {"l": list_id},
        )
        .mappings()
        .one()
    )
    body = canonical(
        {
            "v": 1,
            "purpose": "list",
            "cell": ctx.cell.code,
            "payer": row["payer"],
            "programme": row["programme"],
            "month": row["month"],
            "number": row["number"],
            "version": row["version"],
            "journal": row["journal_id"],
            "root": root.root.hex(),
            "lines": root.line_count,
            "lines_total_vnd": root.total,
            "minted_vnd": row["minted_vnd"],
            "cancelled_vnd": row["cancelled_vnd"],
            "receivable_vnd": row["receivable_vnd"],
            "restored_vnd": row["restored_vnd"],
            "carried_vnd": row["carried_vnd"],
            "payments": row["payments"],
            "total_vnd": row["total_vnd"],
            "law_on": row["law_on"],
            "recorded_by": row["recorded_by"],
            "rates_sha256": row["rates_sha256"],
            "settings_sha256": row["settings_sha256"],
            "chain_seq": head[0],
            "chain_head": head[1].hex(),
            "nonce": row["nonce"],
            "expires_at": row["expires_at"],
        }
    )
    signing.record_statement(conn, row["journal_id"], "list", body)


def write_batch_statement(
    conn: Connection, ctx: Context, batch_id: int, head: tuple[int, bytes]
) -> None:
    """Write the statement of one frozen batch (coins.md 4)."""
    row = (
        conn.execute(
            text(
                "SELECT b.*, y.code AS payer, p.code AS provider, c.deposit_account_blind AS debit "
                "FROM batch b JOIN payer y ON y.id = b.payer_id "
                "JOIN provider p ON p.id = b.provider_id "
                "JOIN provider_contract c ON c.id = b.contract_id WHERE b.id = :b"
            ),
            {"b": batch_id},
        )
        .mappings()
        .one()
    )
    root = books.batch_root(conn, batch_id)
    body = canonical(
        {
            "v": 1,
            "purpose": f"batch:{row['purpose']}",
            "cell": ctx.cell.code,
            "payer": row["payer"],
            "provider": row["provider"],
            "programme": row["programme"],
            "run": row["month"],
            "batch": batch_id,
            "version": row["version"],
            "journal": row["journal_id"],
            "root": root.hex(),
            "rail": row["rail"],
            "debit_account": bytes(row["debit"]).hex(),
            "profile": row["profile"],
            "message_id": row["message_id"],
            "value_date": row["value_date"],
            "payments": row["payments"],
            "coins": row["coins"],
            "total_vnd": row["total_vnd"],
            "manifest_root": bytes(row["manifest_root"]).hex(),
            "file_sha256": bytes(row["file_sha256"]).hex() if row["file_sha256"] else None,
            "chain_seq": head[0],
            "chain_head": head[1].hex(),
            "nonce": row["nonce"],
            "expires_at": row["expires_at"],
        }
    )
    signing.record_statement(conn, row["journal_id"], "batch", body)


def documents(conn: Connection, list_id: int, role: str) -> list[Document]:
    """Return what a signer of `role` signs for a list: the list, and (not the checker) batches."""
    row = conn.execute(
        text("SELECT journal_id, payer_id FROM pay_list WHERE id = :l"), {"l": list_id}
    ).one()
    wanted = [("list", list_id, row[0])]
    if role != "check":
        wanted += [
            ("batch", b, j)
            for b, j in conn.execute(
                text(
                    "SELECT id, journal_id FROM batch WHERE list_id = :l AND state = 'held' "
                    "AND purpose <> 'retry' ORDER BY id"
                ),
                {"l": list_id},
            )
        ]
    return [Document(k, i, j, row[1], statement_of(conn, j)) for k, i, j in wanted]


def given(conn: Connection, journal_id: int) -> int:
    """Return how many signatures a journal has so far."""
    count = conn.execute(
        text("SELECT count(*) FROM signature WHERE journal_id = :j"), {"j": journal_id}
    )
    return int(count.scalar_one())


def statement_of(conn: Connection, journal_id: int) -> str:
    """Return the statement that is signed for a journal."""
    return str(
        conn.execute(
            text("SELECT body FROM statement WHERE journal_id = :j"), {"j": journal_id}
        ).scalar_one()
    )


def sign_list(
    conn: Connection, ctx: Context, list_id: int, role: str, signer: Signer
) -> list[Document]:
    """Give one signature to a list and what leaves with it; return what was signed.

    The first signature releases the list. Raises NotNowError for a wrong order, an expired or
    edited list; NotAllowedError for a wrong person.
    """
    _check_list(conn, ctx, list_id, role, signer)
    signed = documents(conn, list_id, role)
    sign_documents(conn, ctx, signed, role, signer)
    conn.execute(
        text("UPDATE pay_list SET state = :s WHERE id = :l"),
        {"s": NEXT_STATE[role], "l": list_id},
    )
    if role == "sign1":
        release_list(conn, ctx, list_id)
    return signed


def _check_list(conn: Connection, ctx: Context, list_id: int, role: str, signer: Signer) -> None:
    row = conn.execute(
        text(
            "SELECT l.state, l.expires_at, y.code, l.programme, y.scan_required, l.scan_sha256, "
            "l.payer_id FROM pay_list l JOIN payer y ON y.id = l.payer_id WHERE l.id = :l"
        ),
        {"l": list_id},
    ).one()
    name = f"Danh sách {row[3]} của {row[2]}"
    require(conn, signer, ROLE_OF[role], row[2])
    if row[0] in ("void", "released", "closed"):
        state = {"void": "đã hủy (có phiên bản mới)"}.get(row[0], "đã duyệt chi")
        raise NotNowError("list_state", f"{name} {state}; không ký được nữa.")
    if row[0] != STATE_BEFORE[role]:
        raise NotNowError(
            "list_order",
            f"{name} đang ở bước '{LIST_STATES.get(row[0], row[0])}'; chưa đến lượt "
            f"{ROLE_VI[role]} hoặc đã ký rồi.",
        )
    if row[1] < today(ctx.clock).isoformat():
        raise NotNowError(
            "list_expired",
            f"{name} đã quá hạn ký ({date.fromisoformat(row[1]):%d/%m/%Y}); hãy lập lại bằng "
            "`disburse run prepare`.",
        )
    if role == "check":
        require_fresh(conn, [(row[6], row[2])], today(ctx.clock))
    if role == "sign1" and row[4] and row[5] is None:
        raise NotNowError(
            "scan_missing", f"{name}: đơn vị yêu cầu đính kèm phiếu duyệt đã ký trước khi chi."
        )


def sign_documents(
    conn: Connection, ctx: Context, signed: Iterable[Document], role: str, signer: Signer
) -> None:
    """Give one role's signature to documents; who may give it is the caller's to check.

    Raises NotNowError for a wrong order, NotAllowedError for a person who has signed already,
    OurFaultError for a signature that the registered key did not make.
    """
    at = stamp(ctx.clock)
    rows = []
    for document in signed:
        seat = _seat(conn, document, role, signer)
        message = signing.signing_message(
            document.journal_id,
            document.kind,
            role,
            signer.person_id,
            signer.user_id,
            document.digest,
            at,
            seat,
        )
        rows.append(
            signing.Signature(
                document.journal_id,
                role,
                signer.person_id,
                signer.user_id,
                document.digest,
                signer.sign(message),
                at,
                seat,
            )
        )
    try:
        signing.sign_many(conn, rows)
    except LedgerError as error:
        raise _explain(error) from error


def _seat(conn: Connection, document: Document, role: str, signer: Signer) -> int:
    """Return 1 where the checker of a payer with few staff also gives the second signature.

    Refused here where the payer does not allow it: the book would refuse it at the seal only, when
    the first signature is given.
    """
    if role != "sign2" or document.kind != "list":
        return 0
    checked = conn.execute(
        text("SELECT 1 FROM signature WHERE journal_id = :j AND role = 'check' AND person_id = :p"),
        {"j": document.journal_id, "p": signer.person_id},
    ).first()
    if checked is not None and not definitions.checker_may_second(conn, document.payer_id):
        raise NotAllowedError(
            "same_person",
            f"{signer.username} đã ký kiểm tra danh sách này: kế toán phải là người khác, trừ khi "
            "đơn vị được phép (`disburse payer policy --checker-may-second yes`).",
        )
    return 1 if checked is not None else 0


def _explain(error: LedgerError) -> DisburseError:
    if error.code in ("role_taken", "role_missing", "role_order"):
        return NotNowError(error.code, "Chưa đến lượt chữ ký này hoặc văn bản đã thay đổi.")
    if error.code in ("bad_signature", "statement"):
        return OurFaultError(
            error.code, "Chữ ký không khớp với khóa đã đăng ký hoặc văn bản; hãy kiểm tra khóa."
        )
    if error.code == "same_person":
        return NotAllowedError(
            error.code,
            "Một người không được ký hai lần trên cùng một danh sách, dù bằng tài khoản nào.",
        )
    return NotNowError(error.code, f"Sổ cái từ chối: {error}")


def release_list(conn: Connection, ctx: Context, list_id: int) -> None:
    """Seal a fully signed list and its batches, and queue what leaves (coins.md 4).

    Checks again, under the same transaction: no death, stop or hold since the freeze, the
    destinations still current, the file unchanged. Raises NotNowError and changes nothing.
    """
    row = (
        conn.execute(
            text(
                "SELECT l.*, y.code AS payer FROM pay_list l JOIN payer y ON y.id = l.payer_id "
                "WHERE l.id = :l"
            ),
            {"l": list_id},
        )
        .mappings()
        .one()
    )
    day = today(ctx.clock)
    _still_good(conn, row["id"], row["payer"], row["prepared_at"], day)
    statement = conn.execute(
        text("SELECT digest FROM statement WHERE journal_id = :j"), {"j": row["journal_id"]}
    ).scalar_one()
    held = _batches_of(conn, list_id)
    try:
        if row["coins"]:
            posting.post_draft(
                conn,
                Header(
                    id=row["journal_id"],
                    book=chart.FINANCIAL,
                    payer_id=row["payer_id"],
                    kind="list",
                    idem_key=f"list:{row['journal_id']}",
                    month=row["month"],
                    effective_date=day,
                    recorded_at=stamp(ctx.clock),
                    evidence=None,
                    statement_digest=bytes(statement),
                ),
            )
        for batch_id in held:
            books.post_batch(conn, ctx, batch_id, day)
    except LedgerError as error:
        raise NotNowError(error.code, f"Sổ cái từ chối duyệt chi: {error}") from error
    _after_release(conn, ctx, row, held, day)


def _still_good(conn: Connection, list_id: int, payer: str, since: str, day: date) -> None:
    """Refuse a release where somebody was held, died or got another account since the freeze.

    Or where an event was recorded that reaches a month of the list (coins.md 18).
    """
    held = conn.execute(
        text(
            "SELECT count(*) FROM payment p JOIN hold h ON h.person_id = p.person_id "
            "WHERE p.list_id = :l AND p.hold_reason = '' AND h.resolved_at IS NULL "
            "AND h.raised_at > :t"
        ),
        {"l": list_id, "t": since},
    ).scalar_one()
    dead = conn.execute(
        text(
            "SELECT count(*) FROM payment p JOIN person x ON x.id = p.person_id "
            "JOIN destination d ON d.id = p.destination_id WHERE p.list_id = :l "
            "AND p.hold_reason = '' AND x.died_on IS NOT NULL "
            "AND (d.owner_relation = 'self' OR d.usable_from <= x.died_on)"
        ),
        {"l": list_id},
    ).scalar_one()
    told = conn.execute(
        text(
            "SELECT count(DISTINCT p.person_id) FROM payment p "
            "JOIN pay_list l ON l.id = p.list_id "
            "JOIN dirty x ON x.sub_id = p.person_id AND x.from_month <= l.month "
            "AND x.seq > l.recorded_by JOIN case_event e ON e.person_id = p.person_id "
            "AND e.seq > l.recorded_by WHERE p.list_id = :l AND p.hold_reason = ''"
        ),
        {"l": list_id},
    ).scalar_one()
    moved = conn.execute(
        text(
            "SELECT count(*) FROM payment p JOIN destination d ON d.id = p.destination_id "
            "WHERE p.list_id = :l AND p.hold_reason = '' AND EXISTS (SELECT 1 FROM destination e "
            "WHERE e.person_id = d.person_id AND e.version > d.version AND e.usable_from <= :d)"
        ),
        {"l": list_id, "d": day.isoformat()},
    ).scalar_one()
    if held or dead or moved or told:
        happened = ", ".join(
            f"{count} người {what}"
            for count, what in (
                (held, "mới bị giữ lại"),
                (dead, "báo tử"),
                (moved, "đổi nơi nhận"),
                (told, "có quyết định hoặc sự kiện mới"),
            )
            if count
        )
        raise NotNowError(
            "list_stale",
            f"{payer}: sau khi lập danh sách có {happened}; hãy lập lại danh sách.",
        )


def _after_release(
    conn: Connection, ctx: Context, row: Any, held: Sequence[int], day: date
) -> None:
    """Queue what leaves, keep what stays with its reason, and take marks that were dealt with."""
    _queue(conn, ctx, held, row["release_on"] or day.isoformat())
    if row["carried"] or row["cancelled_vnd"]:
        _take_carried(conn, row)
    if row["held_payment"]:
        _keep_held(conn, row)
    if row["receivable_vnd"]:
        receivables.open_receivables(conn, row, stamp(ctx.clock))
    conn.execute(
        text("UPDATE pay_list SET released_at = :t WHERE id = :l"),
        {"t": stamp(ctx.clock), "l": row["id"]},
    )
    _take_marks(conn, row)


def _take_marks(conn: Connection, row: Any) -> None:
    """Take away the marks `dirty` that this month's lists of the payer have dealt with.

    Not while another list of the payer waits for signatures (it may be made again and must find
    them), not what was recorded after this list was prepared, and not who is held: the months of
    all these are compared again (coins.md 12).
    """
    conn.execute(
        text(
            "DELETE FROM dirty WHERE seq < :seq "
            "AND (sub_id IN (SELECT id FROM person WHERE payer_id = :p) "
            "OR sub_id IN (SELECT u.sub_id FROM list_unit u WHERE u.payer_id = :p) "
            "OR sub_id IN (SELECT sub_id FROM unit_profile WHERE payer_id = :p) "
            "OR sub_id IN (SELECT person_id FROM case_event WHERE payer_id = :p)) "
            "AND NOT EXISTS (SELECT 1 FROM pay_list o WHERE o.payer_id = :p "
            "AND o.state IN ('draft', 'prepared', 'checked', 'second')) "
            f"AND sub_id NOT IN ({_HELD}) AND sub_id NOT IN (SELECT u.sub_id FROM list_unit u "
            f"WHERE u.person_id IN ({_HELD})) "
            # Who moved: not before the other commune's list of the month has dealt with it too.
            "AND NOT EXISTS (SELECT 1 FROM case_event e JOIN pay_list o "
            "ON o.payer_id = e.payer_id AND o.payer_id <> :p "
            "AND o.state IN ('draft', 'prepared', 'checked', 'second') "
            "WHERE e.person_id = dirty.sub_id AND e.kind IN ('move_out', 'move_in')) "
            "AND NOT EXISTS (SELECT 1 FROM unit_profile u WHERE u.sub_id = dirty.sub_id "
            "AND u.payer_id <> :p AND NOT EXISTS (SELECT 1 FROM pay_list o "
            "WHERE o.payer_id = u.payer_id AND o.month = :m "
            "AND o.state IN ('released', 'closed') AND o.recorded_by > dirty.seq))"
        ),
        {"seq": row["recorded_by"], "p": row["payer_id"], "m": row["month"]},
    )


_HELD = (
    "SELECT h.person_id FROM list_hold h JOIN pay_list l ON l.id = h.list_id "
    "WHERE l.payer_id = :p AND l.month = :m AND l.state <> 'void' AND h.kind = 'right' "
    "AND h.reason <> 'written_off'"
)


def _take_carried(conn: Connection, row: Any) -> None:
    """Coins that lay free are on their way now, or were cancelled by this list."""
    sent = (
        "SELECT x.sub_id, x.cover, x.item FROM payment p "
        "JOIN payment_coin x ON x.payment_id = p.id WHERE p.list_id = :l AND p.hold_reason = ''"
    )
    cancelled = (
        "SELECT x.sub_id, x.cover, x.item FROM line x WHERE x.journal_id = :j AND x.move > 0"
    )
    for query in (sent, cancelled):
        conn.execute(
            text(
                f"DELETE FROM free_coin WHERE payer_id = :p AND (sub_id, cover, item) IN ({query})"
            ),
            {"l": row["id"], "j": row["journal_id"], "p": row["payer_id"]},
        )


def _keep_held(conn: Connection, row: Any) -> None:
    """Coins of a payment under a hold stay in payable, each with its reason."""
    conn.execute(
        text(
            "INSERT INTO free_coin (sub_id, cover, item, move, payer_id, programme, amount_vnd, "
            "reason, since_month) SELECT c.sub_id, c.cover, c.item, c.move, p.payer_id, :g, "
            "c.amount_vnd, 'held:' || p.hold_reason, :m FROM payment p "
            "JOIN payment_coin c ON c.payment_id = p.id "
            "WHERE p.list_id = :l AND p.hold_reason <> '' "
            "ON CONFLICT (sub_id, cover, item) DO UPDATE SET reason = excluded.reason"
        ),
        {"l": row["id"], "g": row["programme"], "m": row["month"]},
    )


def sign_batches(
    conn: Connection, ctx: Context, batch_ids: Sequence[int], role: str, signer: Signer
) -> int:
    """Give one signature to batches that belong to no open list (retry and cash), in one act."""
    docs = []
    for batch_id in batch_ids:
        row = conn.execute(
            text(
                "SELECT b.journal_id, b.payer_id, y.code, b.state FROM batch b "
                "JOIN payer y ON y.id = b.payer_id WHERE b.id = :b"
            ),
            {"b": batch_id},
        ).one()
        require(conn, signer, ROLE_OF[role], row[2])
        if row[3] != "held":
            raise NotNowError("batch_state", f"Lô {batch_id} đang ở trạng thái '{row[3]}'.")
        docs.append(Document("batch", batch_id, row[0], row[1], statement_of(conn, row[0])))
    sign_documents(conn, ctx, docs, role, signer)
    if role == "sign1":
        day = today(ctx.clock)
        for batch_id in batch_ids:
            try:
                books.post_batch(conn, ctx, batch_id, day)
            except LedgerError as error:
                raise NotNowError(error.code, f"Sổ cái từ chối duyệt chi: {error}") from error
        _queue(conn, ctx, batch_ids, day.isoformat())
        _take_sent(conn, batch_ids)
    return len(docs)


def _ids(batch_ids: Sequence[int]) -> str:
    """Write our own row ids for an IN (…)."""
    return ",".join(str(int(b)) for b in batch_ids) or "0"


def _queue(conn: Connection, ctx: Context, batch_ids: Sequence[int], not_before: str) -> None:
    """Put sealed batches into the outbox; their coins are reserved no longer."""
    within = f"({_ids(batch_ids)})"
    conn.execute(
        text(f"UPDATE batch SET state = 'queued', released_at = :t WHERE id IN {within}"),
        {"t": stamp(ctx.clock)},
    )
    conn.execute(
        text(
            "INSERT INTO outbox (batch_id, file_name, not_before, state, why, claimed_by, "
            "claimed_at, tries) SELECT id, coalesce(file_name, ''), :nb, 'waiting', '', '', '', 0 "
            f"FROM batch WHERE id IN {within}"
        ),
        {"nb": not_before},
    )
    conn.execute(text(f"DELETE FROM coin_reserved WHERE batch_id IN {within}"))


def _take_sent(conn: Connection, batch_ids: Sequence[int]) -> None:
    """Take the coins of retry and cash batches out of what lies free."""
    conn.execute(
        text(
            "DELETE FROM free_coin WHERE (sub_id, cover, item) IN (SELECT c.sub_id, c.cover, "
            "c.item FROM batch_row r JOIN payment_coin c ON c.payment_id = r.payment_id "
            f"WHERE r.batch_id IN ({_ids(batch_ids)}))"
        )
    )


def verify_frozen(conn: Connection, ctx: Context, batch_id: int) -> None:
    """Recompute both digests of a batch before its first byte leaves; stop on a difference."""
    stored, file_sha, name, month = conn.execute(
        text("SELECT manifest_root, file_sha256, file_name, month FROM batch WHERE id = :b"),
        {"b": batch_id},
    ).one()
    if batches.recompute_manifest(conn, ctx, batch_id) != bytes(stored):
        raise OurFaultError(
            "manifest", f"Lô {batch_id}: dòng chi khác với bản đã ký. Dừng gửi và kiểm tra."
        )
    if name is not None:
        path = batches.outgoing(ctx, month, name)
        if not path.exists() or files.sha256_of(path) != bytes(file_sha):
            raise OurFaultError(
                "file_changed", f"Tệp {name} khác với bản đã ký. Dừng gửi và kiểm tra."
            )
