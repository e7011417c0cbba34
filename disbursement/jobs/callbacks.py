"""A rail calls us: whose signature it is, then the bytes are kept, then it is answered.

Nothing of a callback is used or kept before its signature was checked over the raw bytes. What is
kept is on the disk before the rail hears that we have it; the worker takes it into the books soon
after, all that speak of one batch in one piece, through the one intake. A rail that reports ten
thousand payments at once is answered at once, and the books are not locked ten thousand times.
One that is signed but speaks of a payment we do not know is kept aside; the same bytes again change
nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bank_adapters.api import log
from bank_adapters.api.contract import Answer, BadCallback, Call, Reading, Reply
from disbursement.jobs.rails import CalledRail, callback_log, provider_rails, take_callbacks
from disbursement.payments.attempts import id_reader
from disbursement.platform import files
from disbursement.platform.context import Context
from disbursement.platform.errors import DisburseError, NotFoundError, RefusedError
from ledger.sql import text

KEPT_HEADERS = ("content-type", "x-content-hash", "x-correlationid", "x-date", "x-signature")
"""Headers that are kept with a callback; keys and tokens are not."""
AT_ONCE = 500
"""Most callbacks that are taken in one piece."""


class BadSignatureError(RefusedError):
    """The callback is not the rail's."""

    http_status = 401


def receive(ctx: Context, name: str, headers: Mapping[str, str], body: bytes) -> Reply:
    """Keep one callback to `/rails/{name}/callback` for the worker; return the rail's answer.

    `headers` by lower-case names. Raises NotFoundError for a name that is no called rail of ours,
    BadSignatureError where no provider of that name has signed it.
    """
    rails = provider_rails(ctx, name)
    if not rails:
        raise NotFoundError("no_rail", "Không có kênh chi trả này.")
    rail = _signed_by(rails, headers, body)
    kept = tuple((k, headers[k]) for k in KEPT_HEADERS if k in headers)
    call = Call("", "callback", "POST", "", kept, b"", ())
    data = callback_log(rail, [(call, Answer(0, "", body))])
    path = _folder(ctx) / rail.provider / f"{hashlib.sha256(data).hexdigest()}.jsonl"
    if not path.exists():
        files.write(path, data)
    return rail.adapter.callback_reply()


def _folder(ctx: Context) -> Path:
    return ctx.settings.home / "callbacks" / ctx.cell.code


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


# --- taking what is kept -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Waiting:
    """One kept callback: its file, what was called, and what it says (nothing if unreadable)."""

    path: Path
    callback: tuple[Call, Answer]
    reading: Reading


def take_kept(ctx: Context) -> tuple[int, int, list[str]]:
    """Take every kept callback into the books.

    Returns how many were taken, how many were not (unknown, unreadable: kept as evidence with the
    reason), and why a provider's stay where they are for now. The file goes when its bytes stand
    in the evidence: after a kill they are taken again, and change nothing.
    """
    taken = refused = 0
    troubles: dict[str, None] = {}
    for folder in sorted(_folder(ctx).glob("*/")):
        try:
            rail = next(r for r in provider_rails(ctx, folder.name) if r.provider == folder.name)
            for group in _groups(ctx, rail, folder):
                done = _take(ctx, rail, group)
                taken += done
                refused += len(group) - done
        except StopIteration:
            troubles[f"{folder.name}: không còn là kênh gọi của tỉnh này."] = None
        except DisburseError as error:
            troubles[error.sentence] = None
    return taken, refused, list(troubles)


def _groups(ctx: Context, rail: CalledRail, folder: Path) -> Iterator[Sequence[_Waiting]]:
    """Return the kept callbacks by the batch they speak of; those of none one by one."""
    read = id_reader(ctx.cell.code)
    by_batch: dict[int, list[_Waiting]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        one = _read(rail, path)
        keys = {read(item.end_to_end_id) for item in one.reading.items}
        key = keys.pop() if len(keys) == 1 else None
        if key is None:
            yield [one]
        else:
            by_batch.setdefault(key[0], []).append(one)
    for group in by_batch.values():
        for first in range(0, len(group), AT_ONCE):
            yield group[first : first + AT_ONCE]


def _read(rail: CalledRail, path: Path) -> _Waiting:
    _, [exchange] = log.read(path.read_bytes())
    try:
        reading = rail.adapter.read_callback(dict(exchange.call.headers), exchange.answer.body)
    except BadCallback:
        reading = Reading(())
    return _Waiting(path, (exchange.call, exchange.answer), reading)


def _take(ctx: Context, rail: CalledRail, group: Sequence[_Waiting]) -> int:
    """Take a group in one piece, one by one where it is refused; return how many were taken."""
    _ask_soon(ctx, [one.reading for one in group if one.reading.request_id])
    result = take_callbacks(ctx, rail, [one.callback for one in group])
    done = len(group) if result.state in ("applied", "repeated") else 0
    if len(group) > 1 and not done:
        return sum(_take(ctx, rail, [one]) for one in group)
    for one in group:
        one.path.unlink(missing_ok=True)
    return done


def _ask_soon(ctx: Context, readings: Sequence[Reading]) -> None:
    """Let the requests that callbacks speak of be inquired at the next look."""
    if not readings:
        return
    with ctx.cell.begin() as conn:
        conn.execute(
            text(
                "UPDATE rail_call SET asks = 0, reference = CASE WHEN :f = '' THEN reference "
                "ELSE :f END WHERE request_id = :r AND state IN ('made', 'asking')"
            ),
            [{"r": one.request_id, "f": one.reference} for one in readings],
        )
