"""GET /status and POST /status: a beneficiary, or who helps them, asks by code and year of birth.

The page is small, has no script and works on any telephone. What it answers to a wrong code, a
wrong year and a right pair differs in words only: same status, same size, and not before the same
time has passed (P7, F73). The form posts, so that neither code nor year stands in an address.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from disbursement.platform.context import Context
from disbursement.platform.ids import clean_reference
from disbursement.status import throttle
from disbursement.status.answer import answer

router = APIRouter(tags=["beneficiaries"])

PAGE_BYTES = 12_288
"""Every page is filled up to a multiple of this, so that its size says nothing."""
LEAST_SECONDS = 0.25
"""No answer about a code comes sooner; the work itself takes some milliseconds."""

TEMPLATES = Path(__file__).parent / "templates"
STYLE = (TEMPLATES / "style.txt").read_text(encoding="utf-8")
_style_hash = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_style_hash}'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_YEAR = re.compile(r"(18|19|20)[0-9]{2}", re.ASCII)
_env = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)

BAD_CODE = "Mã tra cứu gồm 10 ký tự và mã này bị gõ nhầm: hãy xem lại trên giấy báo."
BAD_YEAR = "Năm sinh gồm 4 chữ số, ví dụ 1950."
TOO_MANY = (
    "Đã tra cứu quá nhiều lần. Mời quay lại sau một giờ, hoặc hỏi Ủy ban nhân dân xã, phường."
)


@dataclass(frozen=True)
class Pace:
    """A least duration, by the machine's monotonic clock; passed in so that tests need not wait."""

    seconds: float = LEAST_SECONDS
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def wait(self, since: float) -> None:
        """Return when `seconds` have passed since `since`."""
        left = since + self.seconds - self.now()
        if left > 0:
            self.sleep(left)


@router.get("/status", response_class=Response)
def form(request: Request) -> Response:
    """Show the form; with `code` and `year` in the address, answer as the form does."""
    query = request.url.query
    return _serve(request, query) if query else _page(200)


@router.post("/status", response_class=Response)
def ask(request: Request) -> Response:
    """Answer a filled form (application/x-www-form-urlencoded)."""
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        return _page(415, errors=(("code", BAD_CODE), ("year", BAD_YEAR)))
    return _serve(request, request.scope["disburse.body"])


def _serve(request: Request, given: str | bytes) -> Response:
    fields = _fields(given)
    code = clean_reference(fields.get("code", "").strip())
    year = fields.get("year", "").strip()
    errors = []
    if code is None:
        errors.append(("code", BAD_CODE))
    if not _YEAR.fullmatch(year):
        errors.append(("year", BAD_YEAR))
    if code is None or errors:
        return _page(422, errors=errors)
    ctx: Context = request.app.state.context
    pace: Pace = request.app.state.pace
    source = request.client.host if request.client else ""
    if not throttle.allow(ctx, code, source):
        page = _page(429, answer=(TOO_MANY,))
        page.headers["Retry-After"] = str(throttle.RETRY_SECONDS)
        return page
    begun = pace.now()
    try:
        return _page(200, answer=answer(ctx, code, int(year)))
    finally:
        pace.wait(begun)


def _fields(given: str | bytes) -> dict[str, str]:
    """Read `code` and `year`; anything else, or anything twice, reads as nothing given."""
    try:
        text = given if isinstance(given, str) else given.decode("ascii")
        pairs = parse_qsl(text, strict_parsing=True, errors="strict", max_num_fields=2)
    except ValueError:
        return {}
    return dict(pairs) if len({name for name, _ in pairs}) == len(pairs) else {}


def _page(
    status: int,
    *,
    answer: Sequence[str] = (),
    errors: Sequence[tuple[str, str]] = (),
) -> Response:
    text = _env.get_template("status.html").render(
        style=STYLE,
        answer=answer,
        errors=errors,
        wrong={field for field, _ in errors},
        tries=throttle.TRIES,
    )
    data = text.encode()
    data += b" " * (-len(data) % PAGE_BYTES)
    headers = {"Content-Security-Policy": POLICY}
    return Response(data, status, headers, "text/html; charset=utf-8")
