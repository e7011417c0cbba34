"""Hostile input: nothing gives a 5xx, nothing is echoed, nothing changes (P6)."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from disbursement.api import guard, queries
from disbursement.api.app import create_app
from tests.api.conftest import Site
from tests.api.test_approvals import act
from tests.identity.test_strict_json import REFUSED

JSON = "application/json"
CANARY = "030080999911"
relaxed = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def post(site: Site, body: bytes, name: str = "binh", **headers: str) -> Any:
    sent = {"Content-Type": JSON, "Idempotency-Key": "key-hostile", **headers}
    return site.client.post(
        "/api/v1/lists/1/approvals", content=body, headers=site.headers(name, **sent)
    )


@pytest.mark.parametrize("body", REFUSED, ids=range(len(REFUSED)))
def test_what_is_not_strict_json_is_refused(still: Site, body: bytes) -> None:
    answer = post(still, body)
    assert answer.status_code in (400, 413)
    assert answer.json()["code"] in ("json", "too_large")


GOOD = {
    "role": "check",
    "signed_at": "2026-09-24T01:00:00.000000Z",
    "signatures": [{"journal_id": 6, "signature": "0" * 128}],
}


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "root"},
        {"role": None},
        {"role": ["check"]},
        {"role": "check\n"},
        {"signed_at": 0},
        {"signed_at": "now"},
        {"signatures": []},
        {"signatures": {}},
        {"signatures": [GOOD["signatures"][0]] * 201},
        {"signatures": [{"journal_id": "6", "signature": "0" * 128}]},
        {"signatures": [{"journal_id": True, "signature": "0" * 128}]},
        {"signatures": [{"journal_id": 0, "signature": "0" * 128}]},
        {"signatures": [{"journal_id": 6, "signature": "0" * 127}]},
        {"signatures": [{"journal_id": 6, "signature": "G" * 128}]},
        {"signatures": [{"journal_id": 6, "signature": "0" * 128, "person_id": 4}]},
        {"release_on": "2026-13-01"},
        {"release_on": "tomorrow"},
        {"release_on": 20261001},
        {"release_on": False},
        *({name: 1} for name in (
            "status", "state", "approved_by", "office_id", "payer_id", "amount", "total_vnd",
            "person_id", "user_id", "journal_id", "version", "released_at", "__class__", "id",
        )),
        {CANARY: CANARY},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_the_model_is_refused(still: Site, changes: dict[str, Any]) -> None:
    answer = post(still, json.dumps({**GOOD, **changes}).encode())
    assert answer.status_code == 422
    assert CANARY not in answer.text
    said = answer.json()
    assert said["code"] in ("invalid", "release_on")
    if said["code"] == "invalid":
        assert said["fields"]


@pytest.mark.parametrize("value", [[], "x", 1, None, True, [GOOD]])
def test_a_body_must_be_an_object(still: Site, value: Any) -> None:
    assert post(still, json.dumps(value).encode()).status_code == 422


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
     "application/json; charset=utf-16", "application/jsonx", "", "application/xml"],
)  # fmt: skip
def test_json_is_declared(still: Site, media_type: str) -> None:
    answer = post(still, json.dumps(GOOD).encode(), **{"Content-Type": media_type})
    assert (answer.status_code, answer.json()["code"]) == (415, "media_type")


@relaxed
@given(st.binary(max_size=300))
def test_any_bytes(still: Site, body: bytes) -> None:
    assert post(still, body).status_code in (400, 422)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda x: st.lists(x, max_size=4) | st.dictionaries(st.text(max_size=10), x, max_size=4),
    max_leaves=8,
)


@relaxed
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "role": st.sampled_from(["check", "sign1", "x"]) | plain,
            "signed_at": st.just(GOOD["signed_at"]) | plain,
            "signatures": st.lists(
                st.fixed_dictionaries(
                    {},
                    optional={
                        "journal_id": st.integers() | plain,
                        "signature": st.just("0" * 128) | plain,
                    },
                ),
                max_size=3,
            )
            | plain,
            "release_on": st.dates().map(str) | plain,
        },
    )
)
def test_any_json(still: Site, value: Any) -> None:
    # A body that happens to be well-formed is refused by the act, under a key that is then known.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("disbursement.api.approvals.once", lambda *_: 1 / 0)
        answer = post(still, json.dumps(value).encode())
    assert answer.status_code in (400, 422, 500)
    if answer.status_code == 500:  # it went through to the act: it was a model after all
        assert set(value) >= {"role", "signed_at", "signatures"}


@relaxed
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_query(still: Site, name: str, value: str) -> None:
    try:
        params = {name.encode(): value.encode()}
    except UnicodeEncodeError:
        return
    for path in ("/runs", "/payments", "/lists/1"):
        answer = still.client.get(f"/api/v1{path}", params=params, headers=still.headers("an"))
        assert answer.status_code < 500


@relaxed
@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_address(still: Site, path: str) -> None:
    answer = still.client.get(
        "http://testserver/" + "".join(f"%{b:02x}" for b in path.encode()),
        headers=still.headers("an"),
    )
    assert answer.status_code < 500


@relaxed
@given(st.binary(max_size=80))
def test_any_authorization(still: Site, value: bytes) -> None:
    answer = still.client.get("/api/v1/runs", headers={"Authorization": b"Bearer " + value})
    assert answer.status_code == 401


def test_injection_strings_find_no_row_and_no_fault(still: Site) -> None:
    for attack in ("' OR '1'='1", "1; DROP TABLE payer", "1 UNION SELECT 1", "\\", "%", "_", "*"):
        for field in ("payer", "month", "cursor", "run"):
            answer = still.get("/lists", **{field: attack})
            assert answer.status_code == 422 or answer.json()["items"] == []


def test_sizes_are_limited(still: Site) -> None:
    big = b'{"role":"' + b"x" * 70_000 + b'"}'
    assert post(still, big).json()["code"] == "too_large"

    def pieces() -> Any:
        for _ in range(100):
            yield b"x" * 1_000

    answer = still.client.post(
        "/api/v1/lists/1/approvals", content=pieces(), headers=still.headers("binh")
    )
    assert answer.status_code == 413
    many = {f"X-{n}": "1" for n in range(70)}
    assert still.client.get("/healthz", headers=many).status_code == 431
    assert still.client.get("/healthz", headers={"X": "1" * 20_000}).status_code == 431
    assert still.client.get("/healthz?x=" + "1" * 3_000).status_code == 414


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
        [("Idempotency-Key", "aaaaaaaa"), ("Idempotency-Key", "bbbbbbbb")],
        [("Content-Type", JSON), ("Content-Type", "text/plain")],
        [("Host", "a"), ("Host", "b")],
        [("Content-Length", "-1")],
        [("Content-Length", "1e3")],
    ],
)
def test_headers_that_two_readers_read_differently(still: Site, headers: Any) -> None:
    assert still.client.get("/healthz", headers=headers).status_code == 400


def run_guard(scope: dict[str, Any], messages: list[Any], limits: guard.Limits) -> list[Any]:
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("must not be reached")

    async def receive() -> Any:
        if not messages:
            await asyncio.sleep(60)
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(guard.Guard(app, limits=limits)(scope, receive, send))
    return sent


HTTP = {"type": "http", "path": "/", "raw_path": b"/", "query_string": b"", "headers": []}


def test_a_slow_body_is_given_up() -> None:
    half = [{"type": "http.request", "body": b"{", "more_body": True}]
    sent = run_guard(dict(HTTP), half, guard.Limits(seconds=0.05))
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


def test_a_caller_who_leaves_and_a_socket_are_let_go() -> None:
    gone = [{"type": "http.disconnect"}]
    assert run_guard(dict(HTTP), gone, guard.Limits())[0]["status"] == 400
    assert run_guard({"type": "websocket"}, [], guard.Limits()) == [
        {"type": "websocket.close", "code": 1008}
    ]


def test_a_fault_of_ours_shows_nothing_and_is_found_again(
    still: Site, monkeypatch: Any, caplog: Any
) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise ValueError(f"row of {CANARY}")

    monkeypatch.setattr(queries, "runs", broken)
    with caplog.at_level(logging.DEBUG):
        answer = still.get("/runs")
    said = answer.json()
    assert (answer.status_code, said["code"]) == (500, "our_fault")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert CANARY not in answer.text
    assert "Traceback" not in answer.text
    logged = "\n".join(r.getMessage() for r in caplog.records if "disbursement" in r.name)
    assert said["instance"] in logged
    assert "ValueError" in logged
    assert "routes.py" in logged
    assert CANARY not in caplog.text


def test_a_busy_book_is_told_apart_from_a_broken_one(still: Site, monkeypatch: Any) -> None:
    import sqlite3

    for words, status in (("database is locked", 503), ("no such table: run", 500)):
        error = OperationalError("SELECT", {}, sqlite3.OperationalError(words))

        def fail(*_a: object, error: Exception = error, **_k: object) -> None:
            raise error

        monkeypatch.setattr(queries, "runs", fail)
        answer = still.get("/runs")
        assert answer.status_code == status
        assert words not in answer.text


def test_every_answer_carries_the_security_headers(still: Site) -> None:
    answers = [
        still.get("/runs"),
        still.get("/nothing"),
        still.client.get("/healthz"),
        still.client.get("/status"),
        still.client.get("/api/v1/runs"),
        still.client.get("/healthz?a=1&a=2"),
        post(still, b"{"),
        still.client.delete("/api/v1/lists/1", headers=still.headers("an")),
        still.client.options("/api/v1/lists/1"),
    ]
    for answer in answers:
        for name, value in guard.SECURITY_HEADERS:
            if name != b"content-security-policy":
                assert answer.headers[name.decode()] == value.decode()
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
        assert answer.status_code < 500
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == answer.status_code


def test_no_pages_for_trying_calls_out(still: Site) -> None:
    for path in ("/docs", "/redoc", "/openapi.json", "/api/v1/docs", "/debug", "/.env", "/metrics"):
        assert still.client.get(path).status_code == 404


def test_in_production_the_description_asks_for_a_token(still: Site) -> None:
    import dataclasses

    from fastapi.testclient import TestClient

    ctx = still.world.ctx
    real = dataclasses.replace(ctx, settings=ctx.settings.model_copy(update={"env": "production"}))
    client = TestClient(create_app(real), raise_server_exceptions=False)
    assert client.get("/api/v1/openapi.json").status_code == 401
    told = client.get("/api/v1/openapi.json", headers=still.headers("an"))
    assert told.status_code == 200
    assert told.headers["strict-transport-security"].startswith("max-age=63072000")
    assert still.client.get("/api/v1/openapi.json").status_code == 200


def test_the_description_is_complete(still: Site) -> None:
    document = still.get("/openapi.json").json()
    post_ = document["paths"]["/api/v1/lists/{list_id}/approvals"]["post"]
    schema = post_["requestBody"]["content"]["application/json"]["schema"]
    assert set(schema["properties"]) == {"role", "signed_at", "signatures", "release_on"}
    assert schema["additionalProperties"] is False
    assert any(p["name"] == "Idempotency-Key" for p in post_["parameters"])
    assert any(p["name"] == "list_id" for p in post_["parameters"])
    assert "/status" in document["paths"]


def test_statements_are_what_is_signed(still: Site) -> None:
    """The bytes to sign come from the book's own function; the body above is what they hold."""
    import hashlib

    told = still.get("/lists/1/statements", "binh", role="check").json()
    (only,) = told["statements"]
    assert hashlib.sha256(only["statement"].encode()).hexdigest() == only["digest"]
    assert only["digest"] in only["message"]
    assert json.loads(only["statement"])["total_vnd"] == 750_000
    assert act(still, "binh", "check")["signatures"][0]["journal_id"] == only["journal_id"]
