"""A bank's file gateway over HTTPS, both sides proved by certificates.

`PUT {out}/{name}` brings a file, `GET {out}/{name}` says which file of this name arrived (JSON
{sha256, size}, or 404), `GET {answers}` lists answers (JSON [{name, size, changed}]) and
`GET {answers}/{name}` gives one. Until the request is written nothing has left; from then on only
what the gateway says of the name counts. A mark is kept before the PUT (`Marks`): a name that was
put and is unknown there is never put again, unless the gateway's terms say that it forgets none.
"""

from __future__ import annotations

import hashlib
import json
import ssl
from pathlib import Path
from typing import Any, Literal

from bank_adapters.api.contract import Answer, Call
from bank_adapters.api.wire import Wire
from bank_adapters.contract import (
    Accepted,
    Conflict,
    Marks,
    NotSent,
    Outcome,
    OutgoingFile,
    Rejected,
    Unknown,
)
from bank_adapters.transports.connection import Https, secret_bytes, unreachable
from bank_adapters.transports.pickup import Fetched, Listed, Looks, due, read


class HttpsDrop:
    """One bank's gateway under its connection file. Not for two senders at once."""

    def __init__(self, where: Https, marks: Marks) -> None:
        self._where = where
        self._marks = marks

    def send(self, file: OutgoingFile) -> Outcome:
        """Put one file; see `Transport`. Raises Conflict, or ConnectionFileError for our keys."""
        body = file.path.read_bytes()
        if hashlib.sha256(body).hexdigest() != file.sha256:
            raise Conflict(
                "file_changed",
                f"Tệp {file.name} khác với bản đã chuẩn bị gửi; không gửi.",
                en=f"{file.name} is not the file that was made ready",
            )
        seen = self._ask(file.name, (file.sha256, file.bytes))
        if not isinstance(seen, NotSent) or seen.far:
            return seen
        self._marks.ask(file.name)
        outcome = self._call("PUT", f"{self._where.out}/{file.name}", body, file.sha256)
        if isinstance(outcome, NotSent):
            self._marks.forget(file.name)
            return NotSent(outcome.reason, far=True)
        if isinstance(outcome, Unknown):
            return outcome
        if outcome.http in (200, 201, 202, 204):
            return Accepted(file.name)
        if 400 <= outcome.http < 500 and outcome.http not in (408, 409, 429):
            return Rejected(str(outcome.http), "")
        return Unknown(f"HTTP {outcome.http}")

    def delivered(self, name: str) -> Accepted | NotSent | Unknown:
        """Ask the gateway about a name; Conflict where it holds another file under it."""
        return self._ask(name, self._marks.expected(name))

    def collect(self, looks: Looks, into: Path) -> list[Fetched]:
        """Bring every answer that stands still; ConnectionFileError where the gateway is mute."""
        out = []
        for one in due(self._listing(), looks, self._where.most_bytes):
            data = self._told(f"{self._where.answers}/{one.name}").body
            if len(data) != one.size:
                del looks[one.name]
                continue
            digest = hashlib.sha256(data).hexdigest()
            if read(looks, one, digest):
                path = into / one.name
                part = path.with_name(f".{path.name}.part")
                part.write_bytes(data)
                part.replace(path)
                out.append(Fetched(one.name, path, digest))
        return out

    def check(self) -> tuple[str, ...]:
        """Connect with our certificate and list the answers; sends nothing."""
        listing = self._listing()
        return (
            f"Cổng {self._where.url}: chứng thư hai bên hợp lệ.",
            f"Trả lời {self._where.answers}: {len(listing)} tệp.",
        )

    # --- one call ---------------------------------------------------------------------------------

    def _ask(self, name: str, expected: tuple[str, int] | None) -> Accepted | NotSent | Unknown:
        outcome = self._call("GET", f"{self._where.out}/{name}")
        if isinstance(outcome, NotSent | Unknown):
            return self._mute(name, outcome.reason)
        if outcome.http == 404:
            return self._absent(name)
        if outcome.http != 200:
            return self._mute(name, f"HTTP {outcome.http}")
        said = _object(outcome.body)
        if said is None:
            return self._mute(name, "câu trả lời không đọc được")
        if expected and (said.get("sha256"), said.get("size")) != expected:
            raise Conflict(
                "name_taken",
                f"Tệp {name} ở nơi nhận khác với bản đã ký; dừng gửi và hỏi ngân hàng.",
                en=f"{name} at the far side is not the file that was signed",
            )
        return Accepted(name, repeated=True)

    def _mute(self, name: str, why: str) -> NotSent | Unknown:
        """No answer came: nothing is known of a file that was put; one that was not is unsent."""
        return Unknown(why) if self._marks.asked(name) else NotSent(why, far=True)

    def _absent(self, name: str) -> NotSent | Unknown:
        if not self._marks.asked(name):
            return NotSent("not there")
        if not self._where.absent_is_final:
            return Unknown("đã gửi, cổng nói không có tệp này; hãy hỏi ngân hàng")
        self._marks.forget(name)
        return NotSent("the gateway never got it")

    def _listing(self) -> list[Listed]:
        data = _json(self._told(self._where.answers).body)
        if not isinstance(data, list):
            raise unreachable(self._where.title, "danh sách trả lời không đọc được")
        try:
            return [Listed(str(x["name"]), int(x["size"]), str(x["changed"])) for x in data]
        except (KeyError, TypeError, ValueError):
            raise unreachable(self._where.title, "danh sách trả lời không đọc được") from None

    def _told(self, path: str) -> Answer:
        outcome = self._call("GET", path)
        if not isinstance(outcome, Answer):
            raise unreachable(self._where.title, f"không trả lời ({outcome.reason})")
        if outcome.http != 200:
            raise unreachable(self._where.title, f"HTTP {outcome.http}")
        return outcome

    def _call(
        self, method: Literal["GET", "PUT"], path: str, body: bytes = b"", digest: str = ""
    ) -> Answer | NotSent | Unknown:
        secret_bytes(self._where.client_key)  # refused where others can read it
        headers = (
            (("Content-Type", "application/octet-stream"), ("X-Content-SHA256", digest))
            if digest
            else (("Accept", "application/json, application/octet-stream"),)
        )
        try:
            with Wire(self._where.wire()) as wire:
                return wire.send(
                    Call("", "pay" if body else "inquiry", method, path, headers, body, ())
                )
        except (OSError, ssl.SSLError):
            raise unreachable(self._where.title, "chứng thư hoặc khóa không đọc được") from None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _object(body: bytes) -> dict[str, Any] | None:
    found = _json(body)
    return found if isinstance(found, dict) else None
