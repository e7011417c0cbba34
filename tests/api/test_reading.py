from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import text

from disbursement.platform.ids import clean_reference
from tests.api.conftest import OTHER_PAYER, Site
from tests.runs.world import PAYER

READERS = ("an", "binh", "chi", "dung", "kiem")


def test_what_a_month_looks_like(site: Site) -> None:
    (run,) = site.get("/runs").json()["items"]
    assert (run["payer"], run["month"], run["state"]) == (PAYER, "2026-10", "open")
    lists = site.get("/lists", run=run["id"]).json()["items"]
    assert [(x["programme"], x["state"], x["payments"], x["total_vnd"]) for x in lists] == [
        ("SA", "prepared", 1, 750_000),
        ("SP", "prepared", 2, 1_000_000),
    ]
    assert [(x["minted_vnd"], x["held_payment_vnd"]) for x in lists] == [
        (1_500_000, 750_000),
        (1_000_000, 0),
    ]
    detail = site.get(f"/lists/{lists[1]['id']}").json()
    assert [(s["role"], s["username"]) for s in detail["signatures"]] == [("prepare", "an")]
    batches = site.get("/batches", list=lists[1]["id"]).json()["items"]
    assert [b["id"] for b in batches] == detail["batches"]
    assert [(b["rail"], b["payments"], b["total_vnd"], b["state"]) for b in batches] == [
        ("bank", 1, 500_000, "held"),
        ("cash", 1, 500_000, "held"),
    ]
    assert re.fullmatch("[0-9a-f]{64}", batches[0]["file_sha256"])
    assert site.get(f"/batches/{batches[0]['id']}").json() == batches[0]


def test_payments_with_their_states(site: Site) -> None:
    payments = site.get("/payments", list=1).json()["items"]
    assert [(p["rail"], p["amount_vnd"], p["state"], p["hold_reason"]) for p in payments] == [
        ("bank", 750_000, "planned", ""),
        ("wallet", 750_000, "held", "rail_not_available"),
    ]
    with site.world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE batch SET state = 'accepted' WHERE list_id = 1"))
        conn.execute(
            text(
                "INSERT INTO attempt_news (batch_id, n, seq, state, code_set, code, text, "
                "answer_id, day) VALUES (1, 1, 2, 'returned', 'iso', 'AC04', '', 0, '2026-10-07'), "
                "(1, 1, 1, 'credited', 'camt', '', '', 0, '2026-10-05')"
            )
        )
    detail = site.get(f"/payments/{payments[0]['id']}").json()
    assert detail["state"] == "returned"
    (attempt,) = detail["attempts"]
    assert (attempt["state"], attempt["amount_vnd"]) == ("returned", 750_000)
    assert [(n["state"], n["code"], n["day"]) for n in attempt["news"]] == [
        ("credited", "", "2026-10-05"),
        ("returned", "AC04", "2026-10-07"),
    ]
    assert site.get("/payments", list=1).json()["items"][0]["state"] == "returned"


def test_nothing_personal_is_sent(site: Site) -> None:
    seen = "".join(
        ask(site, path, "an").text
        for path in ("/runs", "/lists", "/lists/1", "/batches", "/payments?list=2", "/payments/1")
    )
    people = site.world.rows("SELECT name, birth_from, identity_last4 FROM person")
    assert len(people) == 4
    for name, birth, _last4 in people:
        assert name not in seen
        assert birth not in seen
    assert "190000000" not in seen  # the accounts' first digits
    references = re.findall(r'"reference":"(\w+)"', seen)
    assert references
    assert all(clean_reference(r) == r for r in references)


def test_pages_follow_each_other_without_gap_or_repeat(site: Site) -> None:
    with site.world.ctx.cell.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO run (id, payer_id, month, state, opened_at) "
                "SELECT 100 + x.n, :p, 203001 + x.n, 'closed', '' FROM "
                "(SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) x"
            ),
            {"p": site.world.payer_id},
        )
    seen: list[int] = []
    cursor = None
    for _ in range(3):
        page = site.get("/runs", limit=2, **({"cursor": cursor} if cursor else {})).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [1, 100, 101, 102, 103]
    assert cursor is None
    assert [r["id"] for r in site.get("/runs", month="2030-02").json()["items"]] == [101]
    assert site.get("/runs", limit=5).json()["next_cursor"] is None
    assert site.get("/runs", limit=4).json()["next_cursor"] == "102"
    assert site.get("/runs", payer=OTHER_PAYER).json()["items"] == []


PATHS = (
    "/lists/{}",
    "/batches/{}",
    "/payments/{}",
    "/payments?list={}",
    "/lists/{}/statements?role=check",
)


def ask(site: Site, address: str, name: str) -> Any:
    return site.client.get(f"/api/v1{address}", headers=site.headers(name))


def test_another_office_learns_nothing(site: Site) -> None:
    """What lies outside the caller's payers is answered like what does not exist."""
    for path in PATHS:
        outside = ask(site, path.format(1), "xa")
        unknown = ask(site, path.format(987654), "an")
        assert outside.status_code == unknown.status_code == 404
        assert outside.content == unknown.content
    post = site.client.post("/api/v1/lists/1/approvals", json={}, headers=site.headers("xa"))
    assert post.status_code == 404


def test_another_offices_collections_are_empty(site: Site) -> None:
    for path in ("/runs", "/lists", "/batches"):
        assert site.get(path, "xa").json() == {"items": [], "next_cursor": None}
        assert site.get(path, "xa", payer=PAYER).json()["items"] == []
    for name in READERS:
        assert len(site.get("/lists", name).json()["items"]) == 2


def routes(site: Site) -> list[tuple[str, str]]:
    document = site.get("/openapi.json").json()
    return [
        (method, path)
        for path, methods in document["paths"].items()
        for method in methods
        if path.startswith("/api/")
    ]


def call(site: Site, method: str, path: str, headers: dict[str, str]) -> Any:
    address = re.sub(r"\{\w+\}", "1", path)
    query = {"list": "1"} if path.endswith("/payments") else {}
    query |= {"role": "check"} if path.endswith("/statements") else {}
    return site.client.request(method, address, params=query, headers=headers)


def test_every_route_denies_by_default(site: Site) -> None:
    """Generated from the OpenAPI document: a new route is in the matrix by itself."""
    found = routes(site)
    assert {("get", "/api/v1/runs"), ("post", "/api/v1/explain")} <= set(found)
    good = site.tokens["an"]
    stale = [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x.y.z",
        f"Basic {good}",
        f"Bearer {good}x",
        f"Bearer {good} {good}",
        f"Token {good}",
    ]
    answers = set()
    for method, path in found:
        for header in stale:
            answer = call(site, method, path, {"Authorization": header} if header else {})
            assert answer.status_code == 401, (method, path, header)
            assert answer.headers["www-authenticate"] == "Bearer"
            answers.add(answer.content)
        for name in ("day", "quan"):  # roles that read nothing
            answer = call(site, method, path, site.headers(name))
            assert answer.status_code == 403, (method, path, name)
            assert answer.json()["code"] == "role"
        # past the gate: answered, not there, or sent back for its body
        assert call(site, method, path, site.headers("xa")).status_code in (200, 404, 415)
    assert len(answers) == 1


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=1e3",
        "limit=NaN",
        "limit=99999999999999999999999",
        "limit=",
        "limit=1&limit=2",
        "cursor=abc",
        "cursor=-1",
        "cursor=9999999999999999999",
        "cursor=%00",
        "cursor=1%27%20OR%201=1",
        "month=2026-13",
        "month=202611",
        "month=2026-11%0a",
        "payer=%27%3B--",
        "payer=%ff",
        "run=0",
        "run=9223372036854775808",
        "run=%D9%A1",
        "office_id=1",
        "payer=a&payer=b",
        "status%5B%5D=released",
        "a",
        "&&&",
        "=",
        "&".join(f"x{n}=1" for n in range(17)),
        "month=" + "9" * 3000,
    ],
)
def test_bad_queries_are_refused(still: Site, query: str) -> None:
    answer = still.client.get(f"/api/v1/lists?{query}", headers=still.headers("an"))
    assert answer.status_code in (400, 414, 422)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "bad",
    ["0", "-1", "9223372036854775808", "1.0", "NaN", "%00", "a", "1%27", "%ff", "1 ", "..%2f1"],
)
def test_bad_ids_are_refused(still: Site, bad: str) -> None:
    for path in ("lists", "batches", "payments"):
        answer = still.client.get(f"/api/v1/{path}/{bad}", headers=still.headers("an"))
        assert answer.status_code in (400, 404, 422)
