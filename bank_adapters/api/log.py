"""The file of raw answers: what a rail said, word for word, before anything reads it.

JSON Lines, UTF-8. The header names the rail's profile and the batch; every further line is one
exchange: the call it answers (id, step, method, path, members) and the answer's status, signature
and body, as text where it is UTF-8 and base64 where it is not. The intake stores these bytes under
their SHA-256, then parses them; the same file twice changes nothing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from bank_adapters.api.contract import Answer, Call
from bank_adapters.contract import RefusedFile

FORMAT = "disburse.answers/1"
MARK = b'{"format":"' + FORMAT.encode() + b'"'
Way = Literal["call", "callback"]
_DO = "Không sửa tệp này bằng tay; hãy hỏi lại kênh chi trả."


@dataclass(frozen=True, slots=True)
class Head:
    """Whose answers these are. `message_id` is that of our batch; `at` ISO text, when read."""

    provider: str
    profile: str
    message_id: str
    way: Way
    at: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call without its body, and what came back."""

    call: Call
    answer: Answer


def write(head: Head, exchanges: Iterable[tuple[Call, Answer]]) -> bytes:
    """Return the file's bytes; of what was asked only id, step, method, path and members.

    A callback (step `callback`) keeps its headers, which carry its signature.
    """
    lines = [
        _line(
            {
                "format": FORMAT, "provider": head.provider, "profile": head.profile,
                "message_id": head.message_id, "way": head.way, "at": head.at,
            }
        )
    ]  # fmt: skip
    for call, answer in exchanges:
        value: dict[str, Any] = {
            "request_id": call.request_id, "step": call.step, "method": call.method,
            "path": call.path, "members": call.members, "http": answer.http,
            "type": answer.content_type,
        }  # fmt: skip
        if call.step == "callback":
            value["headers"] = call.headers
        if answer.signature:
            value["signature"] = answer.signature
        try:
            value["body"] = answer.body.decode()
        except UnicodeDecodeError:
            value["base64"] = base64.b64encode(answer.body).decode()
        lines.append(_line(value))
    lines.append(_line({"exchanges": len(lines) - 1}))
    return b"".join(lines)


def is_log(start: bytes) -> bool:
    """Tell from its first bytes whether a file is one of raw answers."""
    return start.startswith(MARK)


def read(data: bytes) -> tuple[Head, list[Exchange]]:
    """Read a file of answers whole. RefusedFile where it is cut or not ours."""
    lines = data.split(b"\n")
    if lines.pop() != b"":
        raise _refused(len(lines) + 1, "tệp bị cắt")
    objects = [_object(line, n) for n, line in enumerate(lines, 1)]
    if len(objects) < 2 or objects[0].pop("format", None) != FORMAT:
        raise _refused(1, "không phải tệp câu trả lời của kênh gọi")
    if objects[-1] != {"exchanges": len(objects) - 2}:
        raise _refused(len(objects), "tệp bị cắt, thiếu dòng cuối")
    try:
        return Head(**objects[0]), list(_exchanges(objects[1:-1]))
    except (TypeError, KeyError, ValueError):
        raise _refused(1, "tệp thiếu hoặc thừa mục") from None


def _exchanges(objects: Iterable[dict[str, Any]]) -> Iterator[Exchange]:
    for value in objects:
        if "base64" in value:
            body = base64.b64decode(value["base64"], validate=True)
        else:
            body = value["body"].encode()
        call = Call(
            value["request_id"], value["step"], value["method"], value["path"],
            tuple((str(k), str(v)) for k, v in value.get("headers", ())), b"",
            tuple(value["members"]),
        )  # fmt: skip
        answer = Answer(int(value["http"]), value["type"], body, value.get("signature", ""))
        yield Exchange(call, answer)


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _object(line: bytes, n: int) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        raise _refused(n, "không đọc được dòng này") from None
    if not isinstance(value, dict):
        raise _refused(n, "không đọc được dòng này")
    return value


def _refused(line: int, what: str) -> RefusedFile:
    return RefusedFile("answers_file", what, _DO, line=line, en="not a whole file of answers")
