"""What the checks found on a list: read, resolved by a person, and the limits behind the rules.

A finding is resolved by the act that releases any hold (beneficiaries/holds.py): a named person
and a recorded document; the next preparation then pays, and shows it as resolved.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from sqlalchemy import Connection

from disbursement.beneficiaries.holds import HoldRow, release_hold
from disbursement.beneficiaries.rules import clean
from disbursement.beneficiaries.staging import audit
from disbursement.identity.service import require, user
from disbursement.platform import files
from disbursement.platform.clock import stamp
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, RefusedError, UsageError
from disbursement.runs.check_rules import check_rules, read_limits
from ledger.sql import text

MAX_LIMIT = 100_000
MAX_DOCUMENT = 300


@dataclass(frozen=True)
class FindingRow:
    """A finding of a list; the state is today's: open, resolved, or note (holds nobody).

    `others` are the other people in it by reference, last four digits and payer; `document` is
    what would resolve it, `resolved_document` what did.
    """

    n: int
    rule: str
    reason: str
    title: str
    state: str
    hold: int | None
    reference: str
    last4: str
    detail: str
    document: str
    resolved_by: str
    resolved_document: str
    others: list[dict[str, str]] = field(default_factory=list)


_FOUND = """
SELECT f.n, f.rule, f.state, f.hold_id, f.detail, f.others, p.reference, p.identity_last4,
  h.resolved_at, h.resolved_by, h.document FROM list_finding f
LEFT JOIN person p ON p.id = f.person_id LEFT JOIN hold h ON h.id = f.hold_id
WHERE f.list_id = :l ORDER BY f.n
"""


def read_findings(conn: Connection, list_id: int) -> list[FindingRow]:
    """Return what was found when the list was prepared, each with its state of today."""
    out = []
    for row in conn.execute(text(_FOUND), {"l": list_id}):
        rule = check_rules()[row.rule]
        state = "resolved" if row.state == "open" and row.resolved_at is not None else row.state
        out.append(
            FindingRow(
                int(row.n), rule.rule, rule.reason, rule.title_vi, state,
                None if row.hold_id is None else int(row.hold_id), row.reference or "",
                row.identity_last4 or "", row.detail, rule.document_vi, row.resolved_by or "",
                row.document or "", json.loads(row.others),
            )
        )  # fmt: skip
    return out


def list_findings(ctx: Context, list_id: int) -> list[FindingRow]:
    """Return the findings of a list. Raises NotFoundError where there is no such list."""
    ctx.cell.require()
    with ctx.cell.read() as conn:
        known = conn.execute(text("SELECT 1 FROM pay_list WHERE id = :l"), {"l": list_id}).first()
        if known is None:
            raise NotFoundError(
                "list", f"Không có danh sách số {list_id}; xem số ở `disburse run status`."
            )
        return read_findings(conn, list_id)


def resolve(ctx: Context, hold_id: int, document: str, actor: str) -> HoldRow:
    """Resolve a finding by a recorded document; the caller has checked the officer's role.

    Raises NotFoundError where no check raised such a hold, and the errors of `release_hold`
    (`own_hold`: nobody resolves what concerns their own person or account).
    """
    with ctx.cell.read() as conn:
        reason = conn.execute(
            text("SELECT reason FROM hold WHERE id = :h"), {"h": hold_id}
        ).scalar()
    if reason not in {r.reason for r in check_rules().values()}:
        raise NotFoundError(
            "finding",
            f"Không có phát hiện nào mang số hồ sơ giữ {hold_id}; xem `disburse run findings "
            "DANH_SÁCH` (các loại giữ khác: `disburse register release`).",
        )
    return release_hold(ctx, hold_id, document, actor)


@dataclass(frozen=True)
class LimitRow:
    """A rule with its limit for one payer; `limit` None: the rule counts nothing."""

    rule: str
    title: str
    kind: str
    limit: int | None
    default: int | None
    unit: str
    document: str
    source: str


def limits(ctx: Context, payer: str | None = None) -> list[LimitRow]:
    """Return every rule with its limit, of a payer or of the whole cell."""
    ctx.cell.require()
    with ctx.cell.read() as conn:
        found = read_limits(conn)
    payer_id = next((i for i, code in found.codes.items() if code == payer), 0)
    return [
        LimitRow(
            r.rule, r.title_vi, r.kind,
            None if r.limit is None else found.of(r.rule, payer_id), r.limit, r.unit,
            r.document_vi, r.source,
        )
        for r in check_rules().values()
    ]  # fmt: skip


def set_limit(
    ctx: Context, rule: str, value: int, *, payer: str, document: str, actor: str
) -> LimitRow:
    """Set a rule's limit for a payer by a document; by an administrator of it. Returns the rule.

    The decision is kept as evidence, the setting names its document. A repeat changes nothing.
    Raises RefusedError `rule`, `document`, UsageError `limit`, NotFoundError `payer`,
    NotAllowedError.
    """
    found = check_rules().get(rule)
    if found is None or found.limit is None:
        having = ", ".join(r.rule for r in check_rules().values() if r.limit is not None)
        raise RefusedError("rule", f"Không có giới hạn nào cho '{rule}': chọn một trong {having}.")
    if not 0 <= value <= MAX_LIMIT:
        raise UsageError("limit", f"Giới hạn là số nguyên từ 0 đến {MAX_LIMIT}.")
    said = clean(document)
    if not said or len(said) > MAX_DOCUMENT:
        raise RefusedError(
            "document", "Ghi số, ngày văn bản làm căn cứ (không để trống, tối đa 300 ký tự)."
        )
    ctx.cell.require()
    who = user(ctx, actor)
    with ctx.cell.begin() as conn:
        known = conn.execute(text("SELECT 1 FROM payer WHERE code = :c"), {"c": payer}).first()
        if known is None:
            raise NotFoundError(
                "payer", f"Không có đơn vị chi trả mã {payer}; xem `disburse payer list`."
            )
        require(conn, who, "administrator", payer)
        before = conn.execute(
            text("SELECT value, document FROM setting WHERE name = :n AND payer = :p"),
            {"n": found.setting, "p": payer},
        ).first()
        if before is None or tuple(before) != (str(value), said):
            _write_limit(conn, ctx, found.setting, payer, value, said, actor)
    return next(r for r in limits(ctx, payer) if r.rule == rule)


def _write_limit(
    conn: Connection, ctx: Context, setting: str, payer: str, value: int, document: str, actor: str
) -> None:
    at = stamp(ctx.clock)
    record = {
        "what": "check_limit", "cell": ctx.cell.code, "payer": payer, "setting": setting,
        "value": value, "document": document, "by": actor, "at": at,
    }  # fmt: skip
    body = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    _, digest = files.keep_evidence(ctx.settings.files / "evidence", body)
    conn.execute(
        text(
            "INSERT INTO setting (name, payer, value, document, set_by, set_at) "
            "VALUES (:n, :p, :v, :d, :by, :at) ON CONFLICT (name, payer) DO UPDATE SET "
            "value = excluded.value, document = excluded.document, set_by = excluded.set_by, "
            "set_at = excluded.set_at"
        ),
        {"n": setting, "p": payer, "v": str(value), "d": document, "by": actor, "at": at},
    )
    detail = {"setting": setting, "value": value, "evidence": digest.hex()}
    audit(conn, ctx, actor, "check_limit_set", payer, detail)
