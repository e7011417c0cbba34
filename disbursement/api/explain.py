"""`POST /api/v1/explain`: a dossier in, lines out. Reads no book and changes nothing.

So it takes no Idempotency-Key: the same dossier always has the same answer. The dossier is not
kept and not logged. A caller needs a role that may read.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field

from disbursement.api.access import Within
from disbursement.api.body import require_json
from disbursement.api.guard import BODY
from disbursement.api.schemas import Out
from disbursement.entitlements.dossier import read
from disbursement.entitlements.explain import explain

router = APIRouter(prefix="/api/v1", tags=["explain"])
PATH = "/api/v1/explain"


class LineOut(Out):
    """One line of an explanation; amounts in whole dong, months `2026-11`."""

    amount_vnd: int
    covers_months: list[str]
    holder: str
    payee: str
    case: str
    rate_code: str
    arithmetic: str
    citation: str
    confidence: str
    state: str = Field(pattern="^(due|recover|held)$")
    text_vi: str
    text_en: str


class ExplainOut(Out):
    """The answer to a dossier; `total_vnd` sums what is due, `recover_vnd` is never netted."""

    model_config = ConfigDict(extra="forbid")

    total_vnd: int
    recover_vnd: int
    held_vnd: int
    lines: list[LineOut]
    not_covered: list[str]
    not_covered_vi: list[str]


def _openapi() -> dict[str, Any]:
    """Return the request body for OpenAPI (the route reads the bytes itself)."""
    schema = {"type": "object", "description": "A dossier; its schema: docs/dossier.schema.json"}
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


@router.post("/explain", response_model=ExplainOut, openapi_extra=_openapi())
def answer(within: Within, request: Request) -> Any:
    """Explain a dossier (docs/dossier.md): what is due, to be recovered, held, and why."""
    del within  # any role that may read; the dossier holds what the caller already knows
    require_json(request)
    return explain(read(request.scope[BODY])).as_dict()
