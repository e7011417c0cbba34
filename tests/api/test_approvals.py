from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any

import pytest

from disbursement.api import idempotency
from disbursement.identity import service as identity
from disbursement.identity import tokens
from disbursement.identity.service import Signer
from tests.api.conftest import SECRET, Site
from tests.runs.test_month import healthy
from tests.runs.world import OFFICERS, PAYER, PROVIDER

STEPS = (("binh", "check", "checked"), ("chi", "sign2", "second"), ("dung", "sign1", "released"))


def act(site: Site, name: str, role: str, list_id: int = 1, key: Signer | None = None) -> Any:
    """What a signer's own program does: fetch, sign with the user's key, make the body."""
    told = site.get(f"/lists/{list_id}/statements", name, role=role).json()
    signer = key or site.world.signers[name]
    return {
        "role": role,
        "signed_at": told["signed_at"],
        "signatures": [
            {
                "journal_id": s["journal_id"],
                "signature": signer.sign(bytes.fromhex(s["message"])).hex(),
            }
            for s in told["statements"]
        ],
    }


def send(site: Site, name: str, body: Any, list_id: int = 1, key: str = "act-00000001") -> Any:
    return site.client.post(
        f"/api/v1/lists/{list_id}/approvals",
        json=body,
        headers=site.headers(name, **{"Idempotency-Key": key}),
    )


def refused(site: Site, status: int, code: str, *args: Any, **kwargs: Any) -> None:
    before = site.tables()
    answer = send(site, *args, **kwargs)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    after = site.tables()
    assert {k: v for k, v in after.items() if k != "idempotency"} == {
        k: v for k, v in before.items() if k != "idempotency"
    }


def test_three_signatures_release_the_list_as_the_command_line_does(site: Site) -> None:
    for list_id in (1, 2):
        for name, role, state in STEPS:
            answer = send(
                site, name, act(site, name, role, list_id), list_id, f"key-{list_id}-{role}"
            )
            assert answer.status_code == 201, answer.text
            assert answer.json()["state"] == state
    assert [(s["role"], s["username"]) for s in answer.json()["signatures"]] == [
        ("prepare", "an"),
        ("check", "binh"),
        ("sign2", "chi"),
        ("sign1", "dung"),
    ]
    world = site.world
    assert world.balance(f"transit.{PAYER}.{PROVIDER}") == -1_250_000
    assert world.balance(f"agent.{PAYER}.{PROVIDER}") == -500_000
    assert world.balance(f"payable.{PAYER}") == -750_000
    assert world.rows("SELECT DISTINCT state FROM batch") == [("queued",)]
    assert world.one("SELECT count(*) FROM outbox") == 3
    healthy(world)


def test_the_first_signature_names_the_day(site: Site) -> None:
    send(site, "binh", act(site, "binh", "check"), key="act-key-check")
    body = act(site, "chi", "sign2")
    refused(
        site, 400, "release_on", "chi", {**body, "release_on": "2026-10-02"}, key="act-key-wrong"
    )
    send(site, "chi", body, key="act-key-sign2")
    body = {**act(site, "dung", "sign1"), "release_on": "2026-10-02"}
    assert send(site, "dung", body, key="act-key-sign1").json()["release_on"] == "2026-10-02"
    assert site.world.rows("SELECT not_before FROM outbox") == [("2026-10-02",)]


def test_the_same_key_and_body_is_one_act_and_one_answer(site: Site) -> None:
    body = act(site, "binh", "check")
    first = send(site, "binh", body)
    counts = site.tables()
    again = send(site, "binh", body)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert site.tables() == counts
    assert counts["signature"] == 5 + 1  # prepare: two lists and three batches; check: the list


def test_the_same_key_with_another_body_is_refused(site: Site) -> None:
    send(site, "binh", act(site, "binh", "check"))
    refused(site, 422, "idempotency_mismatch", "binh", act(site, "binh", "check", 2))
    refused(site, 422, "idempotency_mismatch", "binh", act(site, "binh", "check", 2), 2)


def test_keys_of_two_users_do_not_meet(site: Site) -> None:
    send(site, "binh", act(site, "binh", "check"))
    assert send(site, "chi", act(site, "chi", "sign2")).status_code == 201


def test_a_refusal_is_repeated_too(site: Site) -> None:
    body = act(site, "binh", "check")
    body["signatures"][0]["signature"] = "00" * 64
    refused(site, 422, "bad_signature", "binh", body)
    again = send(site, "binh", body)
    assert (again.status_code, again.json()["code"]) == (422, "bad_signature")
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("key", ["", "short", "x" * 129, "with space", "ă" * 8, "a\tb-------"])
def test_a_key_is_needed(still: Site, key: str) -> None:
    site = still
    answer = site.client.post(
        "/api/v1/lists/1/approvals",
        json=act(site, "binh", "check"),
        headers={
            **site.headers("binh"),
            **({"Idempotency-Key": key.encode()} if key else {}),
        },
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key")


def test_at_the_same_instant_one_of_them_works(site: Site) -> None:
    body = act(site, "binh", "check")
    answers: list[Any] = []
    barrier = threading.Barrier(4)

    def go() -> None:
        barrier.wait()
        answers.append(send(site, "binh", body))

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {a.status_code for a in answers} <= {201, 409}
    assert {a.json().get("code") for a in answers if a.status_code == 409} <= {"in_progress"}
    assert any(a.status_code == 201 for a in answers)
    assert site.world.one("SELECT count(*) FROM signature WHERE role = 'check'") == 1


def test_a_key_whose_worker_died_is_taken_over(site: Site) -> None:
    body = act(site, "binh", "check")
    calls = []

    def die(*_args: object, **_kwargs: object) -> None:
        calls.append(1)
        raise ZeroDivisionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idempotency, "_work", die)
        patch.setattr(idempotency, "_forget", lambda *_: None)  # a killed process forgets nothing
        assert send(site, "binh", body).status_code == 500
    assert calls == [1]
    assert site.world.rows("SELECT status FROM idempotency") == [(0,)]
    refused(site, 409, "in_progress", "binh", body)
    later = site.world.clock.now() + timedelta(seconds=idempotency.STALE_SECONDS)
    site.world.clock._now = later
    assert send(site, "binh", body).status_code == 201


def test_what_is_our_fault_may_be_tried_again(site: Site, monkeypatch: Any) -> None:
    body = act(site, "binh", "check")

    def broken(*_args: object, **_kwargs: object) -> None:
        raise ZeroDivisionError("0300800000017")

    monkeypatch.setattr("disbursement.api.signing.accept", broken)
    answer = send(site, "binh", body)
    assert (answer.status_code, answer.json()["code"]) == (500, "our_fault")
    assert "0300800000017" not in answer.text
    assert site.tables()["idempotency"] == 0
    monkeypatch.undo()
    assert send(site, "binh", body).status_code == 201


def test_signatures_that_do_not_count(site: Site) -> None:
    good = act(site, "binh", "check")
    (only,) = good["signatures"]

    def with_(**changes: Any) -> Any:
        return {**good, "signatures": [{**only, **changes}]}

    flipped = f"{int(only['signature'][0], 16) ^ 1:x}" + only["signature"][1:]
    refused(site, 422, "bad_signature", "binh", with_(signature=flipped), key="act-key-flip")
    refused(site, 422, "bad_signature", "binh", with_(signature="0" * 128), key="act-key-null")
    by_chi = act(site, "binh", "check", key=site.world.signers["chi"])
    refused(site, 422, "bad_signature", "binh", by_chi, key="key-of-chi")
    other_list = act(site, "binh", "check", 2)["signatures"][0]["signature"]
    refused(site, 422, "bad_signature", "binh", with_(signature=other_list), key="act-key-other")
    other_time = {**good, "signed_at": act(site, "binh", "check")["signed_at"]}
    refused(site, 422, "bad_signature", "binh", other_time, key="act-key-time")
    refused(site, 422, "signatures", "binh", with_(journal_id=999), key="act-key-journal")
    twice = {**good, "signatures": [only, only]}
    refused(site, 422, "signatures", "binh", twice, key="act-key-twice")
    assert send(site, "binh", good, key="act-key-good").status_code == 201
    refused(site, 409, "list_order", "binh", good, key="act-key-again")


def test_every_statement_must_be_signed(site: Site) -> None:
    send(site, "binh", act(site, "binh", "check", 2), 2, key="act-key-check")
    body = act(site, "chi", "sign2", 2)
    assert len(body["signatures"]) == 3  # the list, a bank batch, a cash batch
    short = {**body, "signatures": body["signatures"][:2]}
    refused(site, 422, "signatures", "chi", short, 2, key="act-key-short")
    mixed = [dict(s) for s in body["signatures"]]
    mixed[0]["signature"], mixed[1]["signature"] = mixed[1]["signature"], mixed[0]["signature"]
    refused(
        site, 422, "bad_signature", "chi", {**body, "signatures": mixed}, 2, key="act-key-mixed"
    )
    backwards = {**body, "signatures": body["signatures"][::-1]}
    assert send(site, "chi", backwards, 2, key="act-key-good").status_code == 201


def test_order_roles_and_people(site: Site) -> None:
    for name, role, status, code in (
        ("chi", "sign2", 409, "list_order"),
        ("dung", "sign1", 409, "list_order"),
        ("chi", "check", 403, "role"),
        ("an", "check", 403, "role"),
        ("kiem", "check", 403, "role"),
        ("an", "prepare", 409, "list_order"),
    ):
        answer = site.get("/lists/1/statements", name, role=role)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (name, role)
    good = act(site, "binh", "check")
    refused(site, 403, "role", "chi", good, key="act-key-stolen")
    ctx = site.world.ctx
    identity.create_user(ctx, "an2", "Cán bộ an", OFFICERS["an"][1], ["checker"], SECRET)
    identity.register_signers(ctx)
    site.tokens["an2"] = tokens.issue(ctx, identity.user(ctx, "an2"))
    body = act(site, "an2", "check", key=identity.unlock(ctx, "an2", SECRET))
    refused(site, 403, "same_person", "an2", body, key="act-key-an2")


def test_a_signature_ages(site: Site) -> None:
    body = act(site, "binh", "check")
    site.world.clock._now += timedelta(minutes=15)
    refused(site, 409, "signature_age", "binh", body, key="act-key-old")
    ahead = {**act(site, "binh", "check"), "signed_at": "2027-01-01T00:00:00.000000Z"}
    refused(site, 409, "signature_age", "binh", ahead, key="act-key-ahead")
    impossible = {**ahead, "signed_at": "2026-02-31T00:00:00.000000Z"}
    refused(site, 422, "signed_at", "binh", impossible, key="act-key-impossible")
    site.world.clock.set(date(2026, 12, 1))
    late = site.get("/lists/1/statements", "binh", role="check")
    assert late.status_code == 401  # the token, too, has expired


def test_a_stopped_signer_is_out_at_once(site: Site) -> None:
    body = act(site, "binh", "check")
    identity.disable_user(site.world.ctx, "binh", actor="root")
    refused(site, 401, "token", "binh", body)


def test_asking_what_to_sign_changes_nothing(site: Site) -> None:
    before = site.tables()
    for _ in range(3):
        assert site.get("/lists/1/statements", "binh", role="check").status_code == 200
    assert site.tables() == before
