"""Taking a file from a bank: stored before it is read, applied whole or not at all (P3).

The bytes are kept under their SHA-256 and recorded as an `answer` before anything parses them.
Then the file is read whole and checked (bank_adapters), and everything it does to the books is one
transaction. The same bytes twice change nothing. What is refused stays on record with one sentence
that says what is wrong, where, and what to do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row

from bank_adapters import answers
from bank_adapters.ahead import Parse, Read, read_ahead
from bank_adapters.contract import BOOKED_KINDS, STATUS_KINDS, ParsedAnswer, RefusedFile
from bank_adapters.mt940 import looks_like_mt
from bank_adapters.registry import profile_of
from bank_adapters.sheets.profile import SheetProfile
from bank_adapters.sheets.results import parse_result
from disbursement.identity.service import user
from disbursement.payments import calls, recalls, statements, statuses
from disbursement.payments.answer import AnswerResult, Applied, NotTakenError
from disbursement.platform import files, ids
from disbursement.platform.clock import stamp
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, RefusedError
from ledger.errors import LedgerError
from ledger.sql import text

__all__ = [
    "AnswerResult",
    "Warned",
    "refuse_answer",
    "take_answer",
    "take_answers",
    "take_folder",
    "warned",
]

MACHINES = frozenset({"worker"})
"""Actors that pick files up by themselves; people need a role for the payer."""
MAY_IMPORT = ("preparer", "checker", "second_signer")
_PIECE = 1 << 20
_WARNINGS = 3
_SAME_BYTES = "Tệp này đã nhập rồi; không có gì thay đổi."


def take_answer(
    ctx: Context,
    source: bytes | Path,
    *,
    source_name: str,
    actor: str,
    parse: Parse = answers.parse,
) -> AnswerResult:
    """Take one pain.002, camt.029, camt.053 or MT940; return what became of it.

    `parse` reads other kinds, which never come as files from outside (a called rail's answers).

    `source_name` is a label only (F35). Raises NotFoundError where there is no such file and
    NotAllowedError for an actor without a right; a file that is not taken is no exception: its
    state and sentence say why. Statements that waited for this one are taken after it.
    """
    kept = _keep(ctx, source, _label(source_name))
    with _one_connection(ctx) as begin:
        with begin() as conn:
            answer_id, before = _record(conn, ctx, kept)
        if _done(before):
            return _repeated(answer_id)
        return _take_kept(ctx, begin, kept, answer_id, actor, lambda: parse(kept.path))


def take_folder(ctx: Context, folder: Path, *, actor: str) -> list[AnswerResult]:
    """Take every file of a folder in the order of names. Raises NotFoundError for no folder."""
    if not folder.is_dir():
        raise NotFoundError("no_folder", f"Không có thư mục {folder.name}.")
    names = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    return take_answers(ctx, names, actor=actor)


def take_answers(
    ctx: Context, paths: Sequence[Path], *, actor: str, parse: Parse = answers.parse
) -> list[AnswerResult]:
    """Take many files in this order; all are on record before the first one is read.

    `parse` reads what the provider sends (`reader_of`).
    Each is still a unit of its own: one that is not taken stops nobody (P8). Raises as
    `take_answer`.
    """
    with files.synced_together():
        kept = [_keep(ctx, path, _label(path.name)) for path in paths]
    with _one_connection(ctx) as begin:
        with begin() as conn:
            known = [_record(conn, ctx, one) for one in kept]
        new = [one.path for one, (_, before) in zip(kept, known, strict=True) if not _done(before)]
        with closing(read_ahead(parse, new)) as reads:
            return [
                _repeated(answer_id)
                if _done(before)
                else _take_kept(ctx, begin, one, answer_id, actor, next(reads))
                for one, (answer_id, before) in zip(kept, known, strict=True)
            ]


def reader_of(ctx: Context, provider: str) -> Parse:
    """Return what reads a provider's answers: bank messages, and its result lists where it has any.

    A provider we do not know sends bank messages or nothing.
    """
    with ctx.cell.read() as conn:
        name = conn.execute(
            text("SELECT profile FROM provider WHERE code = :c"), {"c": provider}
        ).scalar()
    profile = profile_of(str(name)) if name else None
    if not isinstance(profile, SheetProfile) or profile.result is None:
        return answers.parse

    return partial(_message_or_result, profile)


def _message_or_result(profile: SheetProfile, path: Path) -> ParsedAnswer:
    with path.open("rb") as stream:
        start = stream.read(4096)
    message = start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") or looks_like_mt(start)
    return answers.parse(path) if message else parse_result(profile, path)


def refuse_answer(
    ctx: Context, source: Path, error: RefusedFile, *, source_name: str
) -> AnswerResult:
    """Record a file that was refused before it could be read: not the bank's, not opened.

    Nothing of it is parsed; the bytes stay as evidence. The same bytes twice change nothing.
    """
    kept = _keep(ctx, source, _label(source_name))
    with _one_connection(ctx) as begin:
        with begin() as conn:
            answer_id, _ = _record(conn, ctx, kept)
        why = NotTakenError("refused", error.code, error.sentence)
        return _put_aside(begin, answer_id, "", why)


Begin = Callable[[], AbstractContextManager[Connection]]
"""Opens one unit of work on the one connection of a call."""


@contextmanager
def _one_connection(ctx: Context) -> Iterator[Begin]:
    """Keep one connection for all units of a call: opening one costs as much as a small file."""
    ctx.cell.require()
    with ctx.database.engine(ctx.cell.name).connect() as conn:

        @contextmanager
        def begin() -> Iterator[Connection]:
            with conn.begin():
                yield conn

        yield begin


# --- keeping the bytes ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Kept:
    """Bytes kept as evidence: where, their SHA-256, their size, the label they came under."""

    path: Path
    digest: bytes
    size: int
    name: str


def _keep(ctx: Context, source: bytes | Path, name: str) -> _Kept:
    """Store the bytes under their SHA-256, in pieces where they are a file."""
    folder = ctx.settings.files / "evidence"
    if isinstance(source, bytes):
        digest, size = hashlib.sha256(source).digest(), len(source)
        pieces: Iterable[bytes] = (source,)
    else:
        if not source.is_file():
            raise NotFoundError("no_file", f"Không có tệp {source.name}; kiểm tra lại đường dẫn.")
        digest, size = files.sha256_of(source), source.stat().st_size
        pieces = _pieces(source)
    path = folder / digest.hex()[:2] / digest.hex()
    if not path.exists() or path.stat().st_size != size:  # a power cut may leave a name and no more
        _store(path, pieces, digest)
    return _Kept(path, digest, path.stat().st_size, name)


def _pieces(source: Path) -> Iterator[bytes]:
    with source.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece


def _store(path: Path, pieces: Iterable[bytes], digest: bytes) -> None:
    """Write evidence whole; what is no longer what was digested gets no name."""
    again = hashlib.sha256()
    with files.atomic(path) as out:
        for piece in pieces:
            again.update(piece)
            out.write(piece)
        if again.digest() != digest:
            raise RefusedError(
                "file_changing", "Tệp đang được ghi dở (F33); hãy đợi ghi xong rồi nhập lại."
            )


def _label(name: str) -> str:
    """Keep a file's name as a short label without anything that could act."""
    return "".join(c for c in Path(name).name if c.isprintable())[:80]


def _record(conn: Connection, ctx: Context, kept: _Kept) -> tuple[int, str]:
    """Record that the bytes came; return the answer's id and its state before ('' if new)."""
    made = conn.execute(
        text(
            "INSERT INTO answer (id, sha256, kind, file_name, size, received_at, payer_id, "
            "provider_id, message_id, state, why) VALUES (:i, :s, '', :f, :z, :t, NULL, NULL, "
            "'', 'stored', '') ON CONFLICT (sha256) DO NOTHING"
        ),
        {
            "i": (answer_id := ids.block(conn, "answer", 1)), "s": kept.digest, "f": kept.name,
            "z": kept.size, "t": stamp(ctx.clock),
        },
    ).rowcount  # fmt: skip
    if made == 1:
        return answer_id, ""
    row = conn.execute(
        text("SELECT id, state FROM answer WHERE sha256 = :s"), {"s": kept.digest}
    ).one()
    return int(row[0]), str(row[1])


# --- applying ------------------------------------------------------------------------------------


def _done(before: str) -> bool:
    return before == "applied"


def _repeated(answer_id: int) -> AnswerResult:
    return AnswerResult("repeated", "same_bytes", _SAME_BYTES, answer_id=answer_id)


def _take_kept(
    ctx: Context, begin: Begin, kept: _Kept, answer_id: int, actor: str, read: Read
) -> AnswerResult:
    """Read a recorded file whole, then apply it."""
    try:
        parsed = read()
    except RefusedFile as error:
        why = NotTakenError("refused", error.code, error.sentence)
        return _put_aside(begin, answer_id, "", why)
    return _take(ctx, begin, parsed, answer_id, kept.digest, actor)


def _take(
    ctx: Context, begin: Begin, parsed: ParsedAnswer, answer_id: int, digest: bytes, actor: str
) -> AnswerResult:
    waiting: Sequence[Row[Any]] = ()
    try:
        with begin() as conn:
            _lock_new(conn, answer_id)
            done = _apply(conn, ctx, parsed, answer_id, digest)
            _allowed(conn, ctx, actor, done.payer_id)
            _new_message(conn, parsed, done.provider_id, answer_id)
            _close(conn, answer_id, parsed, done)
            if parsed.kind in BOOKED_KINDS:
                waiting = _waiting(conn, done)
    except NotTakenError as why:
        known = _what_actor_may_know(ctx, begin, actor, why)
        return _put_aside(begin, answer_id, parsed.kind, known)
    except LedgerError as error:
        return _put_aside(begin, answer_id, parsed.kind, _refused_by_book(error))
    return AnswerResult(
        "applied", "", _sentence(parsed, done), parsed.kind, answer_id, done.counts, done.amounts,
        done.journals, parsed.warnings, _take_waiting(ctx, begin, waiting, actor),
    )  # fmt: skip


def _waiting(conn: Connection, done: Applied) -> Sequence[Row[Any]]:
    """Return the statements of this account that wait for an earlier one."""
    return conn.execute(
        text(
            "SELECT id, sha256 FROM answer WHERE state = 'stored' "
            "AND kind IN ('camt.053', 'mt940') AND payer_id = :p "
            "AND provider_id = :v AND why LIKE 'statement_gap:%' ORDER BY id"
        ),
        {"p": done.payer_id, "v": done.provider_id},
    ).all()


def _take_waiting(
    ctx: Context, begin: Begin, waiting: Sequence[Row[Any]], actor: str
) -> tuple[AnswerResult, ...]:
    """Take the statement that waited for the one just applied; it takes those after it."""
    for row in waiting:
        answer_id, digest = int(row.id), bytes(row.sha256)
        name = digest.hex()
        parsed = answers.parse(ctx.settings.files / "evidence" / name[:2] / name)
        again = _take(ctx, begin, parsed, answer_id, digest, actor)
        if again.state == "applied":
            return (replace(again, then=()), *again.then)
    return ()


def _apply(
    conn: Connection, ctx: Context, parsed: ParsedAnswer, answer_id: int, digest: bytes
) -> Applied:
    if parsed.kind == "calls":
        return calls.take(conn, ctx, parsed, answer_id, digest)
    if parsed.kind == "camt.029":
        return recalls.take(conn, ctx, parsed, answer_id, digest)
    take = statuses.take if parsed.kind in STATUS_KINDS else statements.take
    return take(conn, ctx, parsed, answer_id, digest)


def _refused_by_book(error: LedgerError) -> NotTakenError:
    return NotTakenError(
        "refused",
        f"ledger_{error.code}",
        f"Sổ cái không nhận tệp này ({error.code}): {error}. Chưa ghi gì; hãy báo quản trị.",
    )


def _lock_new(conn: Connection, answer_id: int) -> None:
    """Lock the answer against a second import of the same bytes (F45), and see if it was first."""
    lock = " FOR UPDATE" if conn.dialect.name == "postgresql" else ""
    state = conn.execute(
        text(f"SELECT state FROM answer WHERE id = :i{lock}"), {"i": answer_id}
    ).scalar_one()
    if state == "applied":
        raise NotTakenError("repeated", "same_bytes", _SAME_BYTES)


def _may(conn: Connection, ctx: Context, actor: str, payer_id: int) -> bool:
    if actor in MACHINES:
        return True
    code = conn.execute(text("SELECT code FROM payer WHERE id = :p"), {"p": payer_id}).scalar_one()
    return any(user(ctx, actor).holds(role, code) for role in MAY_IMPORT)


def _allowed(conn: Connection, ctx: Context, actor: str, payer_id: int) -> None:
    """Refuse an actor who has no role for the payer whose file it is."""
    if not _may(conn, ctx, actor, payer_id):
        raise _other_office(actor)


def _other_office(actor: str) -> NotTakenError:
    return NotTakenError(
        "refused",
        "other_office",
        f"Tệp là của đơn vị khác, ngoài phạm vi của {actor}; không ghi gì. Hãy chuyển cho "
        "người phụ trách đơn vị đó.",
    )


def _what_actor_may_know(
    ctx: Context, begin: Begin, actor: str, why: NotTakenError
) -> NotTakenError:
    """Hide another office's affairs (P7): not even why its file is not taken is told."""
    if why.payer_id is None:
        return why
    with begin() as conn:
        return why if _may(conn, ctx, actor, why.payer_id) else _other_office(actor)


def _new_message(conn: Connection, parsed: ParsedAnswer, provider_id: int, answer_id: int) -> None:
    """Refuse other content under a message id that this provider has used before."""
    if not parsed.message_id:
        return
    used = conn.execute(
        text(
            "SELECT 1 FROM answer WHERE kind = :k AND message_id = :m AND provider_id = :p "
            "AND state = 'applied' AND id <> :i"
        ),
        {"k": parsed.kind, "m": parsed.message_id, "p": provider_id, "i": answer_id},
    ).first()
    if used is not None:
        raise NotTakenError(
            "refused",
            "message_reused",
            f"Mã tệp {parsed.message_id[:35]} đã nhận trước đó với nội dung khác; không ghi gì. "
            "Hãy hỏi ngân hàng bản nào đúng.",
            provider_id=provider_id,
        )


def _close(conn: Connection, answer_id: int, parsed: ParsedAnswer, done: Applied) -> None:
    conn.execute(
        text(
            "UPDATE answer SET kind = :k, payer_id = :p, provider_id = :v, message_id = :m, "
            "state = 'applied', why = '', warning = :w WHERE id = :i"
        ),
        {
            "k": parsed.kind, "p": done.payer_id, "v": done.provider_id,
            "m": parsed.message_id, "i": answer_id, "w": _warning(parsed.warnings),
        },
    )  # fmt: skip


def _warning(warnings: Sequence[str]) -> str:
    """Put warnings into one short text: the first few, and how many more there are."""
    shown = "; ".join(warnings[:_WARNINGS])
    more = len(warnings) - _WARNINGS
    return f"{shown}; và {more} lưu ý khác" if more > 0 else shown


@dataclass(frozen=True)
class Warned:
    """Files of one bank that were taken with the same warning: how many, and the latest."""

    provider: str
    kind: str
    files: int
    last_file: str
    last_received: str
    warning: str


def warned(conn: Connection, since: date) -> list[Warned]:
    """Return what was taken with a warning since that day, one row per bank and warning.

    Nothing is wrong with the money; the bank should hear of it.
    """
    rows = conn.execute(
        text(
            "SELECT p.code, a.kind, w.files, a.file_name, a.received_at, a.warning FROM ("
            "SELECT count(*) AS files, max(id) AS last FROM answer WHERE warning <> '' "
            "AND state = 'applied' AND received_at >= :d GROUP BY provider_id, kind, warning) w "
            "JOIN answer a ON a.id = w.last JOIN provider p ON p.id = a.provider_id "
            "ORDER BY p.code, a.kind, w.last"
        ),
        {"d": since.isoformat()},
    )
    return [Warned(*row) for row in rows]


_STORED = {"waiting": "stored", "quarantined": "quarantined", "refused": "refused"}


def _put_aside(begin: Begin, answer_id: int, kind: str, why: NotTakenError) -> AnswerResult:
    """Record why a file was not taken; nothing else changes."""
    state = _STORED.get(why.state)
    with begin() as conn:
        if state is not None:
            conn.execute(
                text(
                    "UPDATE answer SET kind = :k, payer_id = :p, provider_id = :v, state = :s, "
                    "why = :w WHERE id = :i AND state <> 'applied'"
                ),
                {
                    "k": kind, "p": why.payer_id, "v": why.provider_id, "s": state,
                    "w": f"{why.code}: {why.sentence}", "i": answer_id,
                },
            )  # fmt: skip
        elif why.code != "same_bytes":
            conn.execute(
                text("UPDATE answer SET kind = :k, state = 'repeated', why = :w WHERE id = :i"),
                {"k": kind, "w": why.code, "i": answer_id},
            )
    return AnswerResult(why.state, why.code, why.sentence, kind, answer_id)


_NAMES = {
    "credited": "đã vào tài khoản",
    "returned": "bị hoàn trả",
    "rejected": "bị từ chối",
    "settled": "ngân hàng báo đã quyết toán (chờ sao kê)",
    "noted": "đang xử lý",
    "repeated": "đã biết",
    "fee": "phí",
    "draw": "tiền rút dự toán",
    "sendback": "nộp trả kho bạc",
    "move_in": "tiền chuyển từ nơi chi trả khác sang",
    "move_out": "tiền chuyển sang nơi chi trả khác",
    "cash": "tiền mặt đơn vị chi trả đã chi",
}
GOOD = frozenset(_NAMES)
"""Names of counts that need nobody's attention; every other count is a break."""


def _sentence(parsed: ParsedAnswer, done: Applied) -> str:
    good = [f"{done.counts[k]} {words}" for k, words in _NAMES.items() if k in done.counts]
    odd = sum(n for k, n in done.counts.items() if k not in GOOD)
    parts = good + ([f"{odd} sai lệch cần xem"] if odd else [])
    done_words = f"{parsed.kind}: {', '.join(parts) or 'không có dòng nào về lệnh chi'}."
    warning = _warning(parsed.warnings)
    return f"{done_words} Lưu ý: {warning}." if warning else done_words
