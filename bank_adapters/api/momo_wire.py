"""How a MoMo request is written and signed, and what all its answers have in common.

Source: see momo.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from bank_adapters.api.contract import Answer, Call, Item, Reading, Secrets, Step
from bank_adapters.api.shared import whole_of
from bank_adapters.contract import AdapterError


def signature(fields: Mapping[str, str], secret_key: str) -> str:
    """Return HMAC-SHA256 (hex) over `key=value&…`, keys from a to z."""
    words = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    return hmac.new(secret_key.encode(), words.encode(), hashlib.sha256).hexdigest()


def call(
    step: Step,
    path: str,
    request_id: str,
    members: tuple[str, ...],
    body: Mapping[str, Any],
    signed: Sequence[str],
    secrets: Secrets,
    headers: tuple[tuple[str, str], ...] = (),
    also: Mapping[str, str] | None = None,
) -> Call:
    """Write a call signed over the named fields of its body, the access key, and `also`."""
    fields = {name: plain(body[name]) for name in signed} | dict(also or {})
    fields["accessKey"] = secrets["access_key"]
    value = {**body, "signature": signature(fields, secrets["secret_key"])}
    return Call(
        request_id, step, "POST", path,
        (("Content-Type", "application/json; charset=UTF-8"), *headers),
        json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), members,
    )  # fmt: skip


def encrypted(value: Mapping[str, Any], public_key: str) -> str:
    """Return base64(RSA PKCS#1 v1.5(JSON)). AdapterError where it does not fit or the key is bad.

    The text itself never stands in an error.
    """
    key = _key(public_key)
    words = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    most = key.key_size // 8 - 11
    if len(words) > most:
        raise AdapterError(
            "method_too_long",
            f"Thông tin người nhận dài {len(words)} byte, khóa MoMo chỉ mã hóa được {most}; "
            "hãy rút gọn tên.",
            en=f"{len(words)} bytes do not fit into the key's {most}",
        )
    return base64.b64encode(key.encrypt(words, PKCS1v15())).decode()


@lru_cache(maxsize=8)
def _key(text: str) -> RSAPublicKey:
    inner = re.sub(r"-----[A-Z ]+-----|\s", "", text)
    try:
        key = load_der_public_key(base64.b64decode(inner, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None  # told below, without the text of the key
    if isinstance(key, RSAPublicKey) and key.key_size >= 2048:
        return key
    raise AdapterError(
        "secret_unreadable",
        "Khóa public_key của MoMo không phải khóa RSA từ 2048 bit; hãy chép lại từ MoMo.",
        en="public_key is no RSA key of at least 2048 bits",
    )


def group_of(secrets: Secrets) -> dict[str, Any]:
    """Return orderGroupId where the contract has one."""
    group = secrets.get("order_group_id")
    return {"orderGroupId": int(group) if group.isdigit() else group} if group else {}


def plain(value: Any) -> str:
    """Return a value as it stands in a string to be signed; what is no text or number is ""."""
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else ""


def code_of(body: Any) -> str:
    """Return resultCode as text; "" where it is missing or no whole number."""
    return whole_of(body.get("resultCode")) if isinstance(body, dict) else ""


def unread(call: Call, answer: Answer, code: str = "") -> Reading:
    """Return what follows from an answer that says nothing about the payments: ask later."""
    said = code or f"HTTP {answer.http}"
    items = tuple(Item(m, "unknown", said, "") for m in call.members)
    return Reading(items, ask=True, stop="rail_auth" if answer.http in (401, 403) else "")
