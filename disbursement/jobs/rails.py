"""A called rail, ready for use: adapter, secrets, wire, and how its answers are taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bank_adapters.api import log
from bank_adapters.api.contract import Answer, ApiAdapter, BadCallback, Call, Item, Secrets
from bank_adapters.api.profile import ApiProfile
from bank_adapters.api.registry import adapter_of
from bank_adapters.api.wire import Connection, Wire
from bank_adapters.contract import ParsedAnswer, RefusedFile
from bank_adapters.registry import profile_of
from disbursement.payments.answer import AnswerResult
from disbursement.payments.intake import take_answer
from disbursement.platform.clock import stamp
from disbursement.platform.connections import load_connection
from disbursement.platform.context import Context
from disbursement.platform.errors import RefusedError
from ledger.sql import text

MOST_LOG_BYTES = 1 << 28


@dataclass(frozen=True)
class CalledRail:
    """One provider's rail under the profile a batch was frozen with."""

    provider: str
    profile: ApiProfile
    adapter: ApiAdapter
    secrets: Secrets
    connection: Connection

    @contextmanager
    def wire(self, before: Callable[[Call], None] | None = None) -> Iterator[Wire]:
        """Open a wire to the rail."""
        with Wire(self.connection, before=before) as wire:
            yield wire


def is_called(profile_key: str) -> bool:
    """Tell whether a batch frozen under this profile is called, not sent as a file."""
    return isinstance(profile_of(profile_key), ApiProfile)


def called_rail(ctx: Context, provider: str, profile_key: str) -> CalledRail:
    """Return a provider's rail.

    Raises NotOffered (no adapter), NotNowError (no connection), RefusedError or AdapterError for a
    connection that must not be used: a simulator's or test endpoint in production, plain HTTP.
    """
    profile = profile_of(profile_key)
    if not isinstance(profile, ApiProfile):
        raise RefusedError(
            "not_called", f"{provider}: hồ sơ {profile_key} là định dạng tệp, không phải kênh gọi."
        )
    where = load_connection(ctx.settings, provider)
    certificate = None
    if where.client_certificate is not None and where.client_key is not None:
        certificate = (where.client_certificate, where.client_key)
    connection = Connection(
        where.base_url, profile.timeout_seconds,
        where.calls_per_second or profile.calls_per_second, profile.concurrency,
        where.ca, certificate,
    )  # fmt: skip
    connection.check(production=ctx.settings.env == "production")
    return CalledRail(provider, profile, adapter_of(profile), Secrets(where.secrets), connection)


def provider_rails(ctx: Context, name: str) -> list[CalledRail]:
    """Return the rails that a callback to this name may be for.

    `name` is a provider's code or an adapter's name, in any case; of several providers with one
    adapter each is returned, the caller finds whose signature it is.
    """
    with ctx.cell.read() as conn:
        rows = conn.execute(text("SELECT code, profile FROM provider ORDER BY code")).all()
    out = []
    for code, profile_id in rows:
        profile = profile_of(profile_id)
        if isinstance(profile, ApiProfile) and name.casefold() in (
            code.casefold(), profile.adapter.casefold(),
        ):  # fmt: skip
            out.append(called_rail(ctx, code, profile.key))
    return out


# --- answers --------------------------------------------------------------------------------------


def take(
    ctx: Context, rail: CalledRail, message_id: str, exchanges: Sequence[tuple[Call, Answer]]
) -> AnswerResult:
    """Take raw answers of one batch into the books: stored first, then read, then matched."""
    head = log.Head(rail.provider, rail.profile.key, message_id, "call", stamp(ctx.clock))
    return _take(ctx, rail, log.write(head, exchanges), f"{message_id}-calls.jsonl")


def callback_log(rail: CalledRail, callbacks: Sequence[tuple[Call, Answer]]) -> bytes:
    """Return callbacks as a file of raw answers.

    It carries no time of ours, so that a repetition is the same file.
    """
    head = log.Head(rail.provider, rail.profile.key, "", "callback", "")
    return log.write(head, callbacks)


def take_callbacks(
    ctx: Context, rail: CalledRail, callbacks: Sequence[tuple[Call, Answer]]
) -> AnswerResult:
    """Take callbacks of one batch, their signatures checked; the same again change nothing."""
    return _take(ctx, rail, callback_log(rail, callbacks), f"{rail.provider}-callback.jsonl")


def _take(ctx: Context, rail: CalledRail, data: bytes, name: str) -> AnswerResult:
    return take_answer(
        ctx, data, source_name=name, actor="worker", parse=lambda path: parse(path, rail)
    )


def parse(path: Path, rail: CalledRail) -> ParsedAnswer:
    """Read a file of raw answers by its rail's adapter. Raises RefusedFile."""
    if path.stat().st_size > MOST_LOG_BYTES:
        raise RefusedFile("too_large", "tệp quá lớn", "Hãy báo quản trị.", en="file too large")
    head, exchanges = log.read(path.read_bytes())
    items: list[Item] = []
    for one in exchanges:
        if one.call.step == "callback":
            try:
                items += rail.adapter.read_callback(dict(one.call.headers), one.answer.body).items
            except BadCallback as error:
                raise RefusedFile(
                    error.code, error.sentence, "Hãy hỏi tổ chức chi trả.", en=error.en
                ) from None
        else:
            items += rail.adapter.read(one.call, one.answer, rail.secrets).items
    return ParsedAnswer("calls", rail.profile.key, "", head.at, head.message_id or None, (), items)
