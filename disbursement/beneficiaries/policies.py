"""What a payer allows itself: the checker as second signer, the signed sheet before money leaves.

The first is a definition in the book, whose seal reads it (coins.md 5: never fewer than three
people); the payer's row says the same for people and pages. One act sets both.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from disbursement.beneficiaries.payers import definition
from disbursement.beneficiaries.staging import audit
from disbursement.identity.service import require, user
from disbursement.platform import files
from disbursement.platform.clock import stamp, today
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, NotNowError, UsageError
from ledger.definitions import Policy, define_policies
from ledger.sql import text


@dataclass(frozen=True)
class PayerView:
    """A payer as `payer list` shows it; `providers` are those with a contract in force today."""

    code: str
    name: str
    go_live_month: int
    people: int
    providers: tuple[str, ...]
    checker_may_second: bool
    scan_required: bool


_VIEW = """
SELECT y.code, y.name, y.go_live_month, coalesce(n.people, 0), y.id, y.checker_may_second,
       y.scan_required
FROM payer y LEFT JOIN (SELECT payer_id, count(*) AS people FROM person GROUP BY payer_id) n
  ON n.payer_id = y.id ORDER BY y.code
"""
_IN_FORCE = """
SELECT DISTINCT c.payer_id, p.code FROM provider_contract c JOIN provider p ON p.id = c.provider_id
WHERE c.valid_from <= :d AND (c.valid_to IS NULL OR c.valid_to >= :d) ORDER BY c.payer_id, p.code
"""


def list_payers(ctx: Context) -> list[PayerView]:
    """Return every payer of the cell, by code."""
    ctx.cell.require()
    with ctx.cell.read() as conn:
        rows = conn.execute(text(_VIEW)).all()
        providers: dict[int, list[str]] = {}
        for payer, code in conn.execute(text(_IN_FORCE), {"d": today(ctx.clock).isoformat()}):
            providers.setdefault(int(payer), []).append(code)
    return [
        PayerView(r[0], r[1], int(r[2]), int(r[3]), tuple(providers.get(int(r[4]), ())),
                  bool(r[5]), bool(r[6]))
        for r in rows
    ]  # fmt: skip


def set_policy(
    ctx: Context,
    code: str,
    *,
    checker_may_second: bool | None = None,
    scan_required: bool | None = None,
    actor: str,
) -> PayerView:
    """Set what is given (None: stays) for a payer; by an administrator of it. Returns the payer.

    A repeat changes nothing and records nothing. Raises NotFoundError `payer`, NotAllowedError,
    UsageError `policy` where nothing is given, NotNowError `policy_in_use` where a list waits for
    its first signature that the checker has signed twice.
    """
    if checker_may_second is None and scan_required is None:
        raise UsageError("policy", "Cho ít nhất một trong --checker-may-second, --scan-required.")
    ctx.cell.require()
    who = user(ctx, actor)
    with ctx.cell.begin() as conn:
        row = conn.execute(
            text("SELECT id, checker_may_second, scan_required FROM payer WHERE code = :c"),
            {"c": code},
        ).first()
        if row is None:
            raise NotFoundError(
                "payer", f"Không có đơn vị chi trả mã {code}; xem `disburse payer list`."
            )
        require(conn, who, "administrator", code)
        before = {"checker_may_second": bool(row[1]), "scan_required": bool(row[2])}
        asked = {"checker_may_second": checker_may_second, "scan_required": scan_required}
        after = {k: before[k] if v is None else v for k, v in asked.items()}
        if after != before:
            _change(conn, ctx, int(row[0]), code, before, after, actor)
    return next(p for p in list_payers(ctx) if p.code == code)


def _change(
    conn: Connection, ctx: Context, payer_id: int, code: str, before: dict[str, bool],
    after: dict[str, bool], actor: str,
) -> None:  # fmt: skip
    record: dict[str, Any] = {
        "what": "payer_policy", "cell": ctx.cell.code, "payer": code, "by": actor,
        "at": stamp(ctx.clock), "before": before, "after": after,
    }  # fmt: skip
    body = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
    conn.execute(
        text("UPDATE payer SET checker_may_second = :c, scan_required = :s WHERE id = :p"),
        {
            "c": int(after["checker_may_second"]), "s": int(after["scan_required"]),
            "p": payer_id,
        },
    )  # fmt: skip
    if after["checker_may_second"] != before["checker_may_second"]:
        if not after["checker_may_second"]:
            _not_in_use(conn, payer_id, code)
        _, digest = files.keep_evidence(ctx.settings.files / "evidence", body)
        header = definition(conn, ctx, "", digest)
        define_policies(
            conn,
            replace(header, idem_key=f"policy/{payer_id}/{header.id}"),
            [Policy(payer_id, after["checker_may_second"])],
        )
    audit(conn, ctx, actor, "payer_policy_set", code, {"before": before, "after": after})


def _not_in_use(conn: Connection, payer_id: int, code: str) -> None:
    """Refuse where a list would be stuck: its first signature could no longer seal it."""
    found = conn.execute(
        text(
            "SELECT count(*) FROM pay_list l JOIN signature s ON s.journal_id = l.journal_id "
            "AND s.seat = 1 WHERE l.payer_id = :p AND l.state = 'second'"
        ),
        {"p": payer_id},
    ).scalar_one()
    if found:
        raise NotNowError(
            "policy_in_use",
            f"{code}: {found} danh sách do người kiểm tra ký thay kế toán đang chờ chữ ký thứ "
            "nhất; duyệt chi hoặc lập lại các danh sách đó trước.",
        )
