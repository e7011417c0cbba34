"""Events over HTTP: recorded once per key, by whom it may be, one problem for each fault."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Site
from tests.runs.world import PAYER


def stop(site: Site, **more: Any) -> dict[str, Any]:
    reference = site.world.one("SELECT reference FROM person ORDER BY id LIMIT 1")
    body = {
        "kind": "stop", "date": "2026-09-20", "commune": PAYER, "reference": reference,
        "cause": "renounced",
        "decision": {"number": "7/QĐ", "date": "2026-09-20", "signer": "Chủ tịch"},
    }  # fmt: skip
    return {**body, **more}


def send(site: Site, body: Any, name: str = "an", key: str = "event-0001") -> Any:
    headers = site.headers(name, **{"Idempotency-Key": key})
    return site.client.post("/api/v1/events", json=body, headers=headers)


def test_an_event_is_recorded_once(site: Site) -> None:
    body = stop(site)
    first = send(site, body)
    assert first.status_code == 201, first.text
    assert (first.json()["kind"], first.json()["from_month"]) == ("stop", "2026-10")
    again = send(site, body)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    other = send(site, body, key="event-0002")
    assert (other.status_code, other.json()["code"]) == (422, "event_twice")
    assert site.world.rows("SELECT kind, source, recorded_by FROM case_event") == [
        ("stop", "api", "an")
    ]


@pytest.mark.parametrize(
    ("more", "name", "status", "code"),
    [
        ({}, "binh", 403, "role"),
        ({}, "xa", 403, "role"),
        ({"kind": "party"}, "an", 422, "invalid"),
        ({"amount_vnd": 1}, "an", 422, "invalid"),
        ({"date": "2026-09-31"}, "an", 422, "invalid"),
        ({"reference": None, "identity": "001090000009"}, "an", 422, "event_person"),
        ({"reference": None}, "an", 404, "event_person"),
        ({"programme": "NCC"}, "an", 422, "event_programme"),
        ({"decision": None}, "an", 422, "decision_missing"),
        ({"date": "2026-10-01"}, "an", 422, "event_future"),
    ],
)
def test_a_fault_is_one_problem_and_records_nothing(
    site: Site, more: dict[str, Any], name: str, status: int, code: str
) -> None:
    answer = send(site, stop(site, **more), name)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert site.world.one("SELECT count(*) FROM case_event") == 0
    assert site.world.one("SELECT count(*) FROM dirty") == 0
