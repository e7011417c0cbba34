"""A rail calls us: whose signature it is, then the one intake, then what the rail wants to hear.

Nothing of a callback is used or kept before its signature was checked over the raw bytes. One that
is signed but speaks of a payment we do not know is kept aside and answered as the rail demands, so
that it stops asking; the same bytes again change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import text

from bank_adapters.api.contract import BadCallback, Reading, Reply
from disbursement.jobs.rails import CalledRail, provider_rails, take_callback
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, RefusedError

KEPT_HEADERS = ("content-type", "x-content-hash", "x-correlationid", "x-date", "x-signature")
"""Headers that are kept with a callback; keys and tokens are not."""


class BadSignatureError(RefusedError):
    """The callback is not the rail's."""

    http_status = 401


def receive(ctx: Context, name: str, headers: Mapping[str, str], body: bytes) -> Reply:
    """Take one callback to `/rails/{name}/callback`; return what the rail is answered.

    `headers` by lower-case names. Raises NotFoundError for a name that is no called rail of ours,
    BadSignatureError where no provider of that name has signed it.
    """
    rails = provider_rails(ctx, name)
    if not rails:
        raise NotFoundError("no_rail", "Không có kênh chi trả này.")
    rail = _signed_by(rails, headers, body)
    kept = [(k, headers[k]) for k in KEPT_HEADERS if k in headers]
    try:
        reading = rail.adapter.read_callback(headers, body)
    except BadCallback:
        reading = Reading(())
    if reading.request_id:
        _ask_soon(ctx, reading)
    take_callback(ctx, rail, kept, body)
    return rail.adapter.callback_reply()


def _signed_by(rails: list[CalledRail], headers: Mapping[str, str], body: bytes) -> CalledRail:
    for rail in rails:
        try:
            rail.adapter.check_callback(headers, body, rail.secrets)
        except BadCallback:
            continue
        return rail
    raise BadSignatureError(
        "callback_signature", "Thông báo không mang chữ ký của tổ chức chi trả; không ghi gì."
    )


def _ask_soon(ctx: Context, reading: Reading) -> None:
    """Let the request that a callback speaks of be inquired at the next look."""
    with ctx.cell.begin() as conn:
        conn.execute(
            text(
                "UPDATE rail_call SET asks = 0, reference = CASE WHEN :f = '' THEN reference "
                "ELSE :f END WHERE request_id = :r AND state IN ('made', 'asking')"
            ),
            {"r": reading.request_id, "f": reading.reference},
        )
