"""Bearer tokens of the API: the only module that touches python-jose.

The library is lenient (it takes any algorithm by default, lets `aud` and `exp` be absent, ignores
`crit`, and fails with RecursionError on a nested header), so nothing reaches it before the token
passed the checks here, and it is asked for one thing: is this signature right under this key and
this algorithm. Times are compared with our own clock. Every failure, ours or the library's, is the
same `InvalidTokenError`: a caller learns nothing from it. Algorithm and key file:
docs/adr/0006-tokens-hs256.md.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jose import jws

from disbursement.identity import secret_file, service, strict_json
from disbursement.identity.rules import User
from disbursement.platform.clock import Clock, stamp
from disbursement.platform.context import Context
from disbursement.platform.errors import DisburseError, OurFaultError, UsageError
from ledger.sql import text

ALGORITHM = "HS256"
ISSUER = "disburse"
MAX_TOKEN = 4096
MAX_HOURS = 24
LEEWAY_SECONDS = 60
"""How far another machine's clock may run ahead of ours at `iat` and `nbf`; never at `exp`."""

_HEADER_KEYS = {"alg", "typ", "kid"}
_CLAIM_KEYS = {"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}
_PART = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_KID = re.compile(r"[a-z0-9]{1,32}", re.ASCII)
_JTI = re.compile(r"[0-9a-f]{32}", re.ASCII)


class InvalidTokenError(DisburseError):
    """No valid token: sign in again. One code and one sentence for every reason."""

    exit_code = 4
    http_status = 401

    def __init__(self) -> None:
        super().__init__(
            "token",
            "Cần mã truy cập còn hiệu lực: xin mã mới bằng `disburse token`.",
            en="A valid access token is needed: get a new one with `disburse token`.",
        )


@dataclass(frozen=True)
class Claims:
    """What a valid token says. Instants are seconds since 1970, UTC (RFC 7519, 2)."""

    subject: str
    audience: str
    issued_at: int
    not_before: int
    expires_at: int
    token_id: str


@dataclass(frozen=True)
class _Key:
    kid: str
    algorithm: str
    secret: bytes = field(repr=False)
    retires_at: int | None


@dataclass(frozen=True)
class KeySet:
    """Keys by id, each for one algorithm; `current` signs, the others verify until they retire."""

    current: str
    keys: Mapping[str, _Key] = field(repr=False)


def audience(cell: str) -> str:
    """Return the audience of a cell's API: a token of one province opens no other."""
    return f"disburse/{cell}"


# --- the key file ------------------------------------------------------------------------------


def key_file(ctx: Context) -> Path:
    """Return the file with the token keys."""
    return ctx.settings.home / "keys" / "tokens.json"


def load_keys(path: Path) -> KeySet:
    """Read the key file, made at first use, readable by its owner only.

    Raises OurFaultError `token_keys` where it is broken: better no API than a weak key.
    """
    if not path.exists():
        current = _new_kid()
        with contextlib.suppress(FileExistsError):  # another process was first: its keys hold
            _save(path, KeySet(current, {current: _new_key(current)}))
    try:
        return _read_keys(strict_json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OurFaultError(
            "token_keys",
            f"Tệp khóa {path.name} hỏng: hãy khôi phục từ bản sao lưu, hoặc xóa đi để tạo khóa "
            "mới (mọi mã truy cập đang dùng sẽ hết hiệu lực).",
            en=f"The key file {path.name} is broken: restore it, or delete it to start anew.",
        ) from error


def rotate_keys(ctx: Context) -> str:
    """Make a new signing key; the old one verifies until its last token has expired.

    Returns the new key's id. Keys past their time are dropped from the file.
    """
    path, now = key_file(ctx), _seconds(ctx.clock)
    old = load_keys(path)
    kid = _new_kid()
    until = now + MAX_HOURS * 3600
    kept = {
        k.kid: _Key(k.kid, k.algorithm, k.secret, k.retires_at or until)
        for k in old.keys.values()
        if k.retires_at is None or k.retires_at > now
    }
    _save(path, KeySet(kid, {**kept, kid: _new_key(kid)}), replace=True)
    return kid


def _new_kid() -> str:
    return secrets.token_hex(8)


def _new_key(kid: str) -> _Key:
    return _Key(kid, ALGORITHM, secrets.token_bytes(32), None)


def _read_keys(body: Any) -> KeySet:
    found = {kid: _read_key(kid, entry) for kid, entry in body["keys"].items()}
    if found[body["current"]].retires_at is not None:
        raise ValueError("the signing key is retired")
    return KeySet(body["current"], found)


def _read_key(kid: str, entry: Any) -> _Key:
    secret = bytes.fromhex(entry["secret"])
    retires = entry["retires_at"]
    if not _KID.fullmatch(kid) or entry["alg"] != ALGORITHM or len(secret) != 32:
        raise ValueError("a key is not a 256-bit key for HS256")
    if retires is not None and type(retires) is not int:
        raise ValueError("retires_at is no instant")
    return _Key(kid, ALGORITHM, secret, retires)


def _save(path: Path, keys: KeySet, *, replace: bool = False) -> None:
    body = {
        "current": keys.current,
        "keys": {
            k.kid: {"alg": k.algorithm, "secret": k.secret.hex(), "retires_at": k.retires_at}
            for k in keys.keys.values()
        },
    }
    secret_file.write(path, json.dumps(body, indent=1).encode(), replace=replace)


# --- making and checking -----------------------------------------------------------------------


def issue(ctx: Context, who: User, *, hours: int = 8) -> str:
    """Return a token for an active user, for this cell. Raises UsageError `hours`."""
    if not 1 <= hours <= MAX_HOURS:
        raise UsageError(
            "hours",
            f"Mã truy cập có hạn từ 1 đến {MAX_HOURS} giờ.",
            en=f"A token lives between 1 and {MAX_HOURS} hours.",
        )
    now = _seconds(ctx.clock)
    claims = {
        "iss": ISSUER,
        "sub": who.username,
        "aud": audience(ctx.settings.cell),
        "exp": now + hours * 3600,
        "nbf": now,
        "iat": now,
        "jti": secrets.token_hex(16),
    }
    keys = load_keys(key_file(ctx))
    key = keys.keys[keys.current]
    return str(jws.sign(claims, _jwk(key), headers={"kid": key.kid}, algorithm=key.algorithm))


def verify(token: str, keys: KeySet, audience: str, now: int) -> Claims:
    """Check a token; `now` in seconds since 1970. Raises InvalidTokenError, and nothing else."""
    try:
        return _verify(token, keys, audience, now)
    except Exception as error:
        raise InvalidTokenError from error


def authenticate(ctx: Context, token: str) -> User:
    """Return the active user behind a token of this cell, read from the database now.

    Raises InvalidTokenError for any token that is wrong, expired, revoked, or of a stopped user.
    """
    claims = verify(
        token, load_keys(key_file(ctx)), audience(ctx.settings.cell), _seconds(ctx.clock)
    )
    with service.read_shared(ctx) as conn:
        revoked = conn.execute(
            text("SELECT 1 FROM revoked_token WHERE jti = :jti"), {"jti": claims.token_id}
        ).first()
        who = service.find(conn, claims.subject)
    demo_elsewhere = who is not None and who.demo and ctx.settings.env != "demo"
    if revoked is not None or who is None or not who.active or demo_elsewhere:
        raise InvalidTokenError
    return who


def revoke(ctx: Context, token: str, *, actor: str) -> Claims:
    """End a token before its time. Raises InvalidTokenError where it is none of ours."""
    claims = verify(
        token, load_keys(key_file(ctx)), audience(ctx.settings.cell), _seconds(ctx.clock)
    )
    with ctx.database.begin("shared") as conn:
        conn.execute(
            text(
                "INSERT INTO revoked_token (jti, revoked_at, revoked_by) VALUES (:jti, :at, :by) "
                "ON CONFLICT (jti) DO NOTHING"
            ),
            {"jti": claims.token_id, "at": stamp(ctx.clock), "by": actor},
        )
    return claims


def _seconds(clock: Clock) -> int:
    return int(clock.now().timestamp())


def _jwk(key: _Key) -> dict[str, str]:
    """Return the key typed, so that the library cannot take its bytes for anything else."""
    return {"kty": "oct", "alg": key.algorithm, "k": _encode(key.secret)}


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(part: str) -> bytes:
    """Decode base64url without padding; the canonical spelling only (RFC 7515, 2)."""
    data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if _encode(data) != part:
        raise ValueError("not canonical")
    return data


def _object(part: str, names: set[str]) -> dict[str, Any]:
    value = strict_json.loads(_decode(part), max_bytes=MAX_TOKEN, max_depth=1)
    if not isinstance(value, dict) or set(value) != names:
        raise ValueError("wrong members")
    return value


def _verify(token: str, keys: KeySet, audience: str, now: int) -> Claims:
    parts = token.split(".")
    if len(token) > MAX_TOKEN or len(parts) != 3 or not all(map(_PART.fullmatch, parts)):
        raise ValueError("not three parts of base64url in 4 KB")
    header = _object(parts[0], _HEADER_KEYS)
    key = keys.keys[header["kid"]]
    if header["typ"] != "JWT" or header["alg"] != key.algorithm:
        raise ValueError("another algorithm than the key's")
    if key.retires_at is not None and now >= key.retires_at:
        raise ValueError("the key is retired")
    _decode(parts[2])
    jws.verify(token, _jwk(key), algorithms=[key.algorithm])
    return _claims(_object(parts[1], _CLAIM_KEYS), audience, now)


def _claims(body: dict[str, Any], audience: str, now: int) -> Claims:
    instants = [body[name] for name in ("iat", "nbf", "exp")]
    words = [body[name] for name in ("iss", "sub", "aud", "jti")]
    if any(type(i) is not int for i in instants) or any(type(w) is not str for w in words):
        raise ValueError("a claim of another type")
    issued_at, not_before, expires_at = instants
    if not (0 < issued_at <= not_before < expires_at <= issued_at + MAX_HOURS * 3600):
        raise ValueError("instants out of order")
    if not_before > now + LEEWAY_SECONDS or expires_at <= now:
        raise ValueError("not yet, or no longer")
    if body["iss"] != ISSUER or body["aud"] != audience or not _JTI.fullmatch(body["jti"]):
        raise ValueError("for somebody else")
    return Claims(body["sub"], body["aud"], issued_at, not_before, expires_at, body["jti"])
