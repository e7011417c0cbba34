from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from jose import jws
from sqlalchemy import text

from disbursement.identity import service, tokens
from disbursement.identity.tokens import InvalidTokenError, KeySet
from disbursement.platform.clock import SetClock
from disbursement.platform.context import Context
from disbursement.platform.errors import OurFaultError, UsageError

NOW = 1_792_460_000
KID, RETIRED = "0123456789abcdef", "old"
KEY = bytes(range(32))
KEYS = KeySet(
    KID,
    {
        KID: tokens._Key(KID, "HS256", KEY, None),
        RETIRED: tokens._Key(RETIRED, "HS256", KEY[::-1], NOW + 100),
    },
)
AUD = "disburse/25"
CLAIMS: dict[str, Any] = {
    "iss": "disburse",
    "sub": "an",
    "aud": AUD,
    "exp": NOW + 3600,
    "nbf": NOW,
    "iat": NOW,
    "jti": "0" * 32,
}
HEADER: dict[str, Any] = {"alg": "HS256", "typ": "JWT", "kid": KID}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw_token(header: bytes | str, payload: bytes | str, key: bytes = KEY) -> str:
    """A token signed rightly with HMAC-SHA256 whatever its parts say: the oracle's own code."""
    first = header if isinstance(header, str) else b64(header)
    second = payload if isinstance(payload, str) else b64(payload)
    mac = hmac.new(key, f"{first}.{second}".encode(), hashlib.sha256).digest()
    return f"{first}.{second}.{b64(mac)}"


def token(
    header: dict[str, Any] | None = None, claims: dict[str, Any] | None = None, key: bytes = KEY
) -> str:
    return raw_token(
        json.dumps(HEADER if header is None else header).encode(),
        json.dumps(CLAIMS if claims is None else claims).encode(),
        key,
    )


def without(source: dict[str, Any], name: str) -> dict[str, Any]:
    return {k: v for k, v in source.items() if k != name}


def check(given_token: str, now: int = NOW, keys: KeySet = KEYS) -> tokens.Claims:
    return tokens.verify(given_token, keys, AUD, now)


def refused(given_token: str, now: int = NOW, keys: KeySet = KEYS) -> None:
    with pytest.raises(InvalidTokenError) as caught:
        check(given_token, now, keys)
    assert caught.value.code == "token"
    assert caught.value.http_status == 401
    assert str(caught.value) == str(InvalidTokenError())


def test_the_right_token_is_accepted() -> None:
    assert check(token()) == tokens.Claims("an", AUD, NOW, NOW, NOW + 3600, "0" * 32)
    assert check(jws.sign(CLAIMS, KEY, headers={"kid": KID}, algorithm="HS256")).subject == "an"


def _pem_and_friends() -> list[tuple[str, bytes]]:
    private = rsa.generate_private_key(65537, 2048)
    curve = ec.generate_private_key(ec.SECP256R1())
    out = []
    for name, key in (("rsa", private), ("ec", curve)):
        public = key.public_key()
        out += [
            (f"{name} pem", public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
            (f"{name} der", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
            (f"{name} ssh", public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)),
            (
                f"{name} private",
                key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            ),
        ]
    return out


def test_any_other_key_is_refused() -> None:
    for _, key in [*_pem_and_friends(), ("empty", b""), ("other", b"x" * 32)]:
        refused(token(key=key))


@pytest.mark.parametrize(
    "alg",
    [
        "none",
        "None",
        "NONE",
        "",
        "HS384",
        "RS256",
        "ES256",
        "hs256",
        "HS256 ",
        None,
        1,
        [],
        ["HS256"],
        {},
        True,
    ],
)
def test_any_other_algorithm_is_refused(alg: Any) -> None:
    refused(token({**HEADER, "alg": alg}))
    first, second, _ = token({**HEADER, "alg": alg}).split(".")
    refused(f"{first}.{second}.")
    refused(f"{first}.{second}")


def test_real_signatures_of_other_algorithms_are_refused() -> None:
    for alg in ("HS384", "HS512"):
        refused(jws.sign(CLAIMS, KEY, headers={"kid": KID}, algorithm=alg))
    private = rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    refused(jws.sign(CLAIMS, pem.decode(), headers={"kid": KID}, algorithm="RS256"))


@pytest.mark.parametrize(
    "extra",
    [
        {"crit": ["exp"]},
        {"crit": []},
        {"jwk": {"kty": "oct", "k": b64(KEY)}},
        {"jku": "https://attacker.example/keys"},
        {"x5u": "https://attacker.example/keys"},
        {"x5c": ["AA=="]},
        {"b64": False},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"kid ": KID},
    ],
)
def test_any_other_header_member_is_refused(extra: dict[str, Any]) -> None:
    refused(token({**HEADER, **extra}))


@pytest.mark.parametrize("name", sorted(HEADER))
def test_a_missing_header_member_is_refused(name: str) -> None:
    refused(token(without(HEADER, name)))
    refused(token({**HEADER, name: None}))


@pytest.mark.parametrize(
    "kid",
    [
        "../../../dev/null",
        "' OR 1=1 --",
        "",
        "0",
        RETIRED + "x",
        0,
        [KID],
        {"a": 1},
        KID.upper(),
        "/etc/passwd",
        KID + "\n",
    ],
)
def test_an_unknown_kid_is_refused(kid: Any) -> None:
    refused(token({**HEADER, "kid": kid}))
    refused(token({**HEADER, "kid": kid}, key=b""))


@pytest.mark.parametrize("typ", ["jwt", "JWE", "at+jwt", "", 1, ["JWT"]])
def test_another_type_is_refused(typ: Any) -> None:
    refused(token({**HEADER, "typ": typ}))


PAYLOAD = json.dumps(CLAIMS).encode()
HEAD = json.dumps(HEADER).encode()


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"none","alg":"HS256","typ":"JWT","kid":"%s"}' % KID.encode(),
        b'{"alg":"HS256","typ":"JWT","kid":"%s","\\u0061lg":"none"}' % KID.encode(),
        b'{"alg":"HS256","typ":"JWT","kid":' + b"[" * 1300 + b"]" * 1300 + b"}",
        b'{"alg":"HS256","typ":"JWT","kid":' + b'{"a":' * 400 + b"1" + b"}" * 400 + b"}",
        b"[" * 1500 + b"]" * 1500,
        b"[]",
        b"null",
        b'"HS256"',
        b"",
        b"{",
        b"\xef\xbb\xbf" + HEAD,
        HEAD.decode().encode("utf-16"),
        b'{"alg":"HS256","typ":"JWT","kid":"%s","x":NaN}' % KID.encode(),
    ],
)
def test_a_strange_header_is_refused(header: bytes) -> None:
    refused(raw_token(header, PAYLOAD))


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_a_missing_claim_is_refused(name: str) -> None:
    refused(token(claims=without(CLAIMS, name)))


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize(
    "value",
    [
        "null",
        "[]",
        "{}",
        "Infinity",
        "-Infinity",
        "NaN",
        "1e400",
        "1e10",
        "true",
        '"1792463600"',
        f"{NOW + 60}.5",
        f"[{NOW + 60}]",
        "9" * 30,
        "0",
        "-1",
        "9223372036854775807",
    ],
)
def test_an_instant_of_another_type_is_refused(name: str, value: str) -> None:
    body = json.dumps(without(CLAIMS, name))[:-1] + f', "{name}": {value}}}'
    refused(raw_token(HEAD, body.encode()))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "disburse/26"},
        {"aud": [AUD]},
        {"aud": [AUD, "disburse/26"]},
        {"aud": ""},
        {"aud": None},
        {"iss": "other"},
        {"iss": ["disburse"]},
        {"sub": 7},
        {"sub": None},
        {"jti": ""},
        {"jti": 1},
        {"jti": "z" * 32},
        {"exp": NOW},
        {"exp": NOW - 1},
        {"exp": NOW + 24 * 3600 + 1},
        {"nbf": NOW + 61, "iat": NOW + 61},
        {"nbf": NOW - 1},
        {"iat": NOW + 3600, "nbf": NOW + 3600},
        {"admin": True},
        {"scope": "*"},
    ],
)
def test_wrong_claims_are_refused(changes: dict[str, Any]) -> None:
    refused(token(claims={**CLAIMS, **changes}))


def test_a_repeated_claim_is_refused() -> None:
    refused(raw_token(HEAD, PAYLOAD[:-1] + b', "sub": "admin"}'))


def test_the_edges_of_time() -> None:
    assert check(token(), NOW + 3599)
    refused(token(), NOW + 3600)
    assert check(token(), NOW - 60)
    refused(token(), NOW - 61)


def test_base64_has_one_spelling() -> None:
    good = token()
    first, second, third = good.split(".")
    assert check(good)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = third[:-1] + alphabet[alphabet.index(third[-1]) ^ 1]  # the unused bits of 32 bytes
    assert base64.urlsafe_b64decode(twin + "=") == base64.urlsafe_b64decode(third + "=")
    for bad in (
        f"{first}.{second}.{twin}",
        f"{good}=",
        f" {good}",
        f"{good}\n",
        f"{first}.{second}.{third}.",
        f"{first}..{second}.{third}",
        f".{second}.{third}",
        f"{first}..{third}",
        good.replace(".", "\u3002"),
        good.replace(".", "%2e"),
        f"{first}.{second}.{third[:20]}\u00e9{third[20:]}",
        f"{first}.{second[:8]}\r\n{second[8:]}.{third}",
        "",
        ".",
        "..",
        "a.b.c",
    ):
        refused(bad)


def test_json_serialisation_of_jws_is_refused() -> None:
    first, second, third = token().split(".")
    refused(json.dumps({"protected": first, "payload": second, "signature": third}))


def test_size_is_limited() -> None:
    refused(token(claims={**CLAIMS, "sub": "a" * 5000}))
    refused("a." * 100_000)
    refused("\ud800.\ud800.\ud800")


def test_a_retired_key_verifies_until_it_retires() -> None:
    old = token({**HEADER, "kid": RETIRED}, key=KEY[::-1])
    assert check(old, NOW + 99)
    refused(old, NOW + 100)


@given(st.text(max_size=300))
def test_any_text_is_refused(text_given: str) -> None:
    refused(text_given)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_any_changed_character_is_refused(at: int, byte: int) -> None:
    good = token()
    at %= len(good)
    bad = good[:at] + chr(byte) + good[at + 1 :]
    if bad != good:
        refused(bad)


def test_jose_is_reached_by_checked_tokens_only() -> None:
    """Each hole of the library that the wrapper closes is really there without it."""
    for header in ({**HEADER, "crit": ["x"]}, {**HEADER, "jku": "https://attacker.example"}):
        assert jws.verify(token(header), KEY, algorithms=["HS256"]) == PAYLOAD
        refused(token(header))
    repeated = raw_token(b'{"alg":"none",' + HEAD[1:], PAYLOAD)
    assert jws.verify(repeated, KEY, algorithms=["HS256"]) == PAYLOAD
    refused(repeated)


# --- with a database ---------------------------------------------------------------------------


def add(ctx: Context, username: str = "an") -> service.User:
    return service.create_user(
        ctx, username, "Nguyễn Văn An", "001080000017", ["auditor:25207"], "một mật khẩu dài"
    )


def test_issue_and_authenticate(ctx: Context) -> None:
    who = add(ctx)
    made = tokens.issue(ctx, who)
    assert tokens.authenticate(ctx, made) == who
    assert len(made) < 500
    path = tokens.key_file(ctx)
    assert path.stat().st_mode & 0o777 == 0o600
    for hours in (0, 25, -1):
        with pytest.raises(UsageError):
            tokens.issue(ctx, who, hours=hours)


def test_a_token_ends_with_its_user_its_roles_or_by_revocation(ctx: Context) -> None:
    who = add(ctx)
    first, second = tokens.issue(ctx, who), tokens.issue(ctx, who)
    service.set_roles(ctx, "an", ["auditor:25208"], actor="root")
    assert tokens.authenticate(ctx, first).may_read() == {"25208"}
    tokens.revoke(ctx, first, actor="root")
    tokens.revoke(ctx, first, actor="root")
    with pytest.raises(InvalidTokenError):
        tokens.authenticate(ctx, first)
    assert tokens.authenticate(ctx, second).username == "an"
    service.disable_user(ctx, "an", actor="root")
    with pytest.raises(InvalidTokenError):
        tokens.authenticate(ctx, second)


def test_a_token_of_nobody_is_refused(ctx: Context) -> None:
    who = add(ctx)
    made = tokens.issue(ctx, who)
    with ctx.database.begin("shared") as conn:
        conn.execute(text("DELETE FROM app_user"))
    with pytest.raises(InvalidTokenError):
        tokens.authenticate(ctx, made)


def test_keys_rotate(ctx: Context) -> None:
    who = add(ctx)
    before = tokens.issue(ctx, who)
    kid = tokens.rotate_keys(ctx)
    after = tokens.issue(ctx, who)
    keys = tokens.load_keys(tokens.key_file(ctx))
    assert keys.current == kid
    assert len(keys.keys) == 2
    assert {tokens.authenticate(ctx, t).username for t in (before, after)} == {"an"}
    retires = next(k.retires_at for k in keys.keys.values() if k.kid != kid)
    assert retires is not None
    with pytest.raises(InvalidTokenError):
        tokens.verify(before, keys, AUD, retires)
    assert isinstance(ctx.clock, SetClock)
    ctx.clock.set(date(2026, 10, 23))
    tokens.rotate_keys(ctx)
    assert len(tokens.load_keys(tokens.key_file(ctx)).keys) == 2


def _entry(kid: str, alg: str = "HS256", secret: str = KEY.hex(), retires: str = "null") -> str:
    return f'"{kid}":{{"alg":"{alg}","secret":"{secret}","retires_at":{retires}}}'


@pytest.mark.parametrize(
    ("current", "entries"),
    [
        ("a", ""),
        ("b", _entry("a")),
        ("a", _entry("a", alg="none")),
        ("a", _entry("a", secret="")),
        ("a", _entry("a", secret="00" * 31)),
        ("a", _entry("a", secret="zz" * 32)),
        ("a", _entry("a", retires="1")),
        ("b", _entry("a", retires='"1"') + "," + _entry("b")),
        ("A/", _entry("A/")),
        ("a", _entry("a") + "," + _entry("a")),
    ],
)
def test_a_broken_key_file_stops_the_api(tmp_path: Path, current: str, entries: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(f'{{"current":"b","keys":{{{_entry("b")}}}}}')
    assert tokens.load_keys(path).current == "b"
    path.write_text(f'{{"current":"{current}","keys":{{{entries}}}}}')
    with pytest.raises(OurFaultError) as caught:
        tokens.load_keys(path)
    assert caught.value.code == "token_keys"
    assert KEY.hex() not in str(caught.value)


def test_two_processes_agree_on_the_first_key(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from disbursement.identity import tokens;"
        "print(tokens.load_keys(Path(sys.argv[1])).current)"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "tokens.json")],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    assert len({process.communicate()[0] for process in running}) == 1
