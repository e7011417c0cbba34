"""`/rails/{name}/callback`: where e-wallets and Mobile Money report what became of a payment.

No token of ours: the rail's own signature over the raw bytes is checked. Some rails send POST,
some PUT; both are taken.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from disbursement.api.access import Ctx
from disbursement.api.guard import BODY
from disbursement.jobs.callbacks import receive

router = APIRouter(prefix="/rails", tags=["rails"])

Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]


@router.post("/{name}/callback", operation_id="rail_callback")
@router.put("/{name}/callback", operation_id="rail_callback_put")
def callback(ctx: Ctx, name: Name, request: Request) -> Response:
    """Take one callback and answer as the rail demands."""
    headers = {k.lower(): v for k, v in request.headers.items()}
    reply = receive(ctx, name, headers, request.scope[BODY])
    return Response(reply.body, reply.status, media_type=reply.content_type if reply.body else None)
