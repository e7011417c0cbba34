"""Errors as RFC 9457 problem details: a stable code for programs, a sentence for people.

Nothing of the request is ever repeated in an answer (F76, F81), and nothing of our inside.
"""

from __future__ import annotations

import http
import json
from collections.abc import Mapping
from typing import Any

from disbursement.platform.errors import DisburseError

MEDIA_TYPE = "application/problem+json"


def body(
    status: int, code: str, detail: str, en: str, *, instance: str | None = None, **more: Any
) -> dict[str, Any]:
    """Return the members of a problem; `detail` is Vietnamese, `detail_en` English."""
    made = {
        "type": f"urn:disburse:problem:{code}",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "detail_en": en,
        **more,
    }
    return made if instance is None else {**made, "instance": instance}


def of_error(error: DisburseError) -> dict[str, Any]:
    """Return the problem that one of our errors is."""
    return body(error.http_status, error.code, error.sentence, error.en)


def dump(problem: Mapping[str, Any]) -> bytes:
    """Write a problem as UTF-8."""
    return json.dumps(problem, ensure_ascii=False).encode()


_COMMON = {
    400: ("request", "Yêu cầu không đúng dạng.", "The request is malformed."),
    404: ("not_found", "Không có mục này.", "There is nothing here."),
    405: ("method", "Địa chỉ này không nhận phương thức đó.", "The method is not allowed here."),
    406: ("not_acceptable", "Không có dạng trả lời đó.", "That form of answer does not exist."),
    408: ("slow", "Yêu cầu gửi quá chậm.", "The request came too slowly."),
    413: ("too_large", "Yêu cầu quá lớn.", "The request is too large."),
    414: ("long_address", "Địa chỉ quá dài.", "The address is too long."),
    415: ("media_type", "Thân yêu cầu phải là application/json.", "Send application/json."),
    422: ("invalid", "Dữ liệu gửi lên không hợp lệ.", "The data is not valid."),
    431: ("large_headers", "Phần đầu yêu cầu quá lớn.", "The headers are too large."),
    500: (
        "our_fault",
        "Lỗi của hệ thống; hãy báo người vận hành mã sự việc này.",
        "Our fault; tell the operator the incident's number.",
    ),
    503: ("busy", "Sổ đang bận, hãy thử lại sau ít giây.", "The book is busy, try again soon."),
}


def of_status(status: int, *, instance: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the problem for a bare HTTP status."""
    known = status if status in _COMMON else 400 if status < 500 else 500
    code, detail, en = _COMMON[known]
    return body(status, code, detail, en, instance=instance, **more)
