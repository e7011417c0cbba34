"""A POST with the same key and the same body has one effect and one answer.

The key is claimed in a transaction of its own before the work, so that two requests at the same
instant do not both work; the answer is stored after it. A claim whose worker died is taken over
after `STALE_SECONDS`: the use case itself refuses to do the thing twice.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from fastapi import Request, Response
from sqlalchemy import Connection

from disbursement.api import problems
from disbursement.api.guard import BODY
from disbursement.platform.clock import Clock, stamp
from disbursement.platform.context import Context
from disbursement.platform.errors import DisburseError, NotNowError, RefusedError, UsageError
from ledger.sql import text

STALE_SECONDS = 300
KEEP_DAYS = 7
_KEY = re.compile(r"[A-Za-z0-9_.:-]{8,128}", re.ASCII)
_IN_PROGRESS = 0


def once(
    ctx: Context, request: Request, actor: str, work: Callable[[], tuple[int, dict[str, Any]]]
) -> Response:
    """Run `work` (status, body) for this request's Idempotency-Key, or repeat its first answer.

    Refusals are answers too and are repeated; what is our fault is forgotten, so that the same key
    may try again. Raises UsageError `idempotency_key` (missing or malformed), RefusedError
    `idempotency_mismatch` (another request under the key), NotNowError `in_progress`.
    """
    key = request.headers.get("idempotency-key", "")
    if not _KEY.fullmatch(key):
        raise UsageError(
            "idempotency_key",
            "Cần tiêu đề Idempotency-Key: 8 đến 128 ký tự, mới cho mỗi việc.",
            en="An Idempotency-Key header of 8 to 128 characters is needed, new for each act.",
        )
    stored = _claim(ctx, key, actor, _digest(request))
    if stored is not None:
        return _answer(stored[0], stored[1], repeated=True)
    try:
        status, body = _work(work)
    except BaseException:
        _forget(ctx, key, actor)
        raise
    written = json.dumps(body, ensure_ascii=False)
    with ctx.cell.begin() as conn:
        conn.execute(
            text("UPDATE idempotency SET status = :s, body = :b WHERE key = :k AND actor = :a"),
            {"s": status, "b": written, "k": key, "a": actor},
        )
    return _answer(status, written, repeated=False)


def _work(work: Callable[[], tuple[int, dict[str, Any]]]) -> tuple[int, dict[str, Any]]:
    try:
        return work()
    except DisburseError as error:
        if error.http_status >= 500:
            raise
        return error.http_status, problems.of_error(error)


def _digest(request: Request) -> bytes:
    head = f"{request.method}\n{request.url.path}\n{request.url.query}\n".encode()
    return hashlib.sha256(head + request.scope[BODY]).digest()


def _claim(ctx: Context, key: str, actor: str, digest: bytes) -> tuple[int, str] | None:
    """Take the key for this request (None), or return the answer it had."""
    now = stamp(ctx.clock)
    with ctx.cell.begin() as conn:
        conn.execute(
            text("DELETE FROM idempotency WHERE created_at < :old"),
            {"old": _ago(ctx.clock, timedelta(days=KEEP_DAYS))},
        )
        taken = conn.execute(
            text(
                "INSERT INTO idempotency (key, actor, request_digest, status, body, created_at) "
                "VALUES (:k, :a, :d, :s, '', :t) ON CONFLICT (key, actor) DO NOTHING"
            ),
            {"k": key, "a": actor, "d": digest, "s": _IN_PROGRESS, "t": now},
        ).rowcount
        if taken:
            return None
        row = conn.execute(
            text(
                "SELECT request_digest, status, body, created_at FROM idempotency "
                "WHERE key = :k AND actor = :a"
            ),
            {"k": key, "a": actor},
        ).one()
        if bytes(row.request_digest) != digest:
            raise RefusedError(
                "idempotency_mismatch",
                "Khóa Idempotency-Key này đã dùng cho một yêu cầu khác: hãy dùng khóa mới.",
                en="This Idempotency-Key was used for another request: use a new one.",
            )
        if row.status != _IN_PROGRESS:
            return row.status, row.body
        _take_over(conn, ctx, key, actor, row.created_at)
    return None


def _take_over(conn: Connection, ctx: Context, key: str, actor: str, since: str) -> None:
    stale = since < _ago(ctx.clock, timedelta(seconds=STALE_SECONDS))
    if (
        not stale
        or not conn.execute(
            text(
                "UPDATE idempotency SET created_at = :t "
                "WHERE key = :k AND actor = :a AND created_at = :since AND status = 0"
            ),
            {"t": stamp(ctx.clock), "k": key, "a": actor, "since": since},
        ).rowcount
    ):
        raise NotNowError(
            "in_progress",
            "Yêu cầu với khóa này đang được xử lý: hãy hỏi lại sau ít giây.",
            en="A request with this key is being worked on: ask again in some seconds.",
        )


def _forget(ctx: Context, key: str, actor: str) -> None:
    with ctx.cell.begin() as conn:
        conn.execute(
            text("DELETE FROM idempotency WHERE key = :k AND actor = :a AND status = 0"),
            {"k": key, "a": actor},
        )


def _ago(clock: Clock, span: timedelta) -> str:
    return (clock.now() - span).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _answer(status: int, body: str, *, repeated: bool) -> Response:
    media_type = problems.MEDIA_TYPE if status >= 400 else "application/json"
    headers = {"Idempotent-Replayed": "true"} if repeated else {}
    return Response(body.encode(), status, headers, media_type)
