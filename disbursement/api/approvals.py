"""Signing over HTTP: fetch the statements, sign them on one's own machine, send the signatures."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from disbursement.api import body, queries, signing
from disbursement.api.access import Caller, Ctx, Within
from disbursement.api.idempotency import once
from disbursement.api.routes import PathId
from disbursement.api.schemas import ApprovalIn, ListDetail, StatementsOut, StatementsQuery
from disbursement.platform.errors import RefusedError

router = APIRouter(prefix="/api/v1", tags=["approve"])


@router.get("/lists/{list_id}/statements", response_model=StatementsOut)
def statements(
    ctx: Ctx,
    within: Within,
    who: Caller,
    list_id: PathId,
    query: Annotated[StatementsQuery, Query()],
) -> Any:
    """Return what the caller would sign in this role, and the exact bytes."""
    with ctx.cell.read() as conn:
        queries.list_detail(conn, within, list_id)
    at, waiting = signing.to_sign(ctx, list_id, query.role, who)
    return {
        "list_id": list_id,
        "role": query.role,
        "signed_at": at,
        "valid_minutes": signing.VALID_MINUTES,
        "statements": [
            {
                "kind": w.document.kind,
                "journal_id": w.document.journal_id,
                "statement": w.document.body,
                "digest": w.document.digest.hex(),
                "message": w.message.hex(),
            }
            for w in waiting
        ],
    }


@router.post(
    "/lists/{list_id}/approvals",
    response_model=ListDetail,
    status_code=201,
    openapi_extra=body.schema(ApprovalIn)
    | {
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{8,128}$"},
            }
        ]
    },
)
def approve(ctx: Ctx, within: Within, who: Caller, list_id: PathId, request: Request) -> Response:
    """Take the signatures of one role; the first signature (sign1) releases the list."""
    with ctx.cell.read() as conn:
        queries.list_detail(conn, within, list_id)
    given = body.read(request, ApprovalIn)
    day = _day(given.release_on)

    def work() -> tuple[int, dict[str, Any]]:
        signing.accept(
            ctx,
            list_id,
            given.role,
            who,
            signed_at=given.signed_at,
            signatures=[(s.journal_id, bytes.fromhex(s.signature)) for s in given.signatures],
            release_on=day,
        )
        with ctx.cell.read() as conn:
            found = queries.list_detail(conn, within, list_id)
        return 201, ListDetail.model_validate(found).model_dump(mode="json")

    return once(ctx, request, str(who.id), work)


def _day(given: str | None) -> date | None:
    if given is None:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError as error:
        raise RefusedError(
            "release_on", "release_on không phải là một ngày.", en="release_on is no day."
        ) from error
