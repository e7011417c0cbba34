"""The second opinion against a real cell: what its book owes is what the law's reader says.

A few hundred random people live through October and November 2026 in a commune with a ledger, on
both databases: paid by the old level in October, events told afterwards, the decree decided in
November. For every person and month the book must owe what the second opinion finds, after what
October paid.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from disbursement.beneficiaries.event_checks import EventError
from disbursement.identity.service import create_user
from disbursement.runs import findings, service
from tests.runs.test_events import credited, record, told
from tests.runs.test_month import budget, healthy, sign_all
from tests.runs.test_rate_versions import close, decide_rise
from tests.runs.world import SECRET, Person, World, add_people, build
from tests.second_opinion.opinion import Answer, of_month
from tests.second_opinion.people import BANDS, between, birth, facts

PEOPLE = 300
FIRST, SECOND = 202610, 202611
BEFORE, AFTER = date(2026, 9, 24), date(2026, 10, 23)
EVENTS = ("change", "change", "death", "prison", "renounced", "false_file", "stop", "suspend",
          "refusal", "remarriage", "detention")  # fmt: skip


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    url = request.getfixturevalue("pg_cell_url") if request.param == "postgres" else None
    made = build(tmp_path, url)
    yield made
    made.ctx.database.dispose()


def drawn(rng: Random) -> dict[str, Any]:
    """One person with one to three cases, on the roll since October."""
    band = rng.choice(sorted(set(BANDS) - {"old_law"}))
    cases: dict[str, dict[str, Any]] = {}
    for _ in range(rng.choice([1, 1, 2, 3])):
        clause = rng.choice(BANDS[band])
        cases[clause] = facts(rng, clause, [])
        if clause == "K6":
            cases[clause]["certificate_date"] = "2023-05-01"
    return {"born": birth(rng, band, FIRST), "cases": cases}


def entered(one: dict[str, Any]) -> Person:
    rows = []
    for clause, told_facts in one["cases"].items():
        row = {"clause": clause, "programme": "SP" if clause == "SP" else "SA", **told_facts}
        if "certificate_date" in row:
            row["certificate_date"] = date.fromisoformat(row["certificate_date"])
        rows.append(row)
    return Person(one["born"], rows[0], also=tuple(rows[1:]))


def asked(one: dict[str, Any], known_on: date, month: int, run: int) -> Answer:
    cases = [
        {"id": c, "holder": "p", "category": c, "province": "25", "facts": f,
         "decision": {"date": "2023-05-10"}, "on_roll_since": "2026-10"}
        for c, f in one["cases"].items()
    ]  # fmt: skip
    dossier = {
        "people": [{"id": "p", "born": one["born"].isoformat()}],
        "cases": cases,
        "events": one.get("events", []),
        "ask": {
            "months": [], "run_month": f"{run // 100}-{run % 100:02d}",
            "known_on": known_on.isoformat(),
        },
    }  # fmt: skip
    return of_month(dossier, month)["own p"]


def lived(rng: Random, world: World, person: int, one: dict[str, Any], n: int) -> None:
    """Tell the cell of an event, and the second opinion of the same if the cell takes it."""
    kind, day = rng.choice(EVENTS), between(rng, date(2026, 10, 1), date(2026, 10, 22))
    clause = rng.choice(sorted(one["cases"]))
    members: dict[str, Any] = {}
    event: dict[str, Any] = {"kind": kind, "date": day.isoformat(), "case": clause}
    if kind == "change":
        new = facts(rng, clause, [])
        if not new:
            return
        name = rng.choice(sorted(new))
        members = {"facts": {name: new[name]}}
    elif kind == "stop":
        members = {"cause": rng.choice(["lost_eligibility", "prison", "renounced"])}
    elif kind == "detention":
        members = {"until": (day + timedelta(days=45)).isoformat()}
    more: dict[str, Any] = {"clause": clause, "members": members}
    if kind == "death":
        event = {"kind": kind, "date": day.isoformat(), "person": "p"}
        more = {"decided_on": None, "n": ""}
    number = more.pop("n", f"{n}/QĐ")
    try:
        record(world, told(world, person, kind, day, number, **more))
    except EventError:
        return
    one["events"] = [{**event, **members}]


def prepared(world: World, month: int) -> int:
    """Prepare; clear by a paper what the check of ages found, and prepare again. Returns how many.

    The crowd holds people outside the ages of their clause on purpose: here the law answers.
    """
    service.prepare(world.ctx, month, world.signers["an"])
    open_ones = "SELECT id FROM hold WHERE reason = 'age_category' AND resolved_at IS NULL"
    found = [int(hold) for (hold,) in world.rows(open_ones)]
    for hold in found:
        findings.resolve(world.ctx, hold, "1/GT", "em")
    if found:
        service.prepare(world.ctx, month, world.signers["an"])
    assert world.rows(open_ones) == []
    return len(found)


_OWED = """
SELECT l.sub_id, l.cover, l.due_after FROM line l
WHERE l.sub_id IS NOT NULL AND l.rev IS NOT NULL AND l.move = 0 AND l.rev =
  (SELECT max(x.rev) FROM line x WHERE x.sub_id = l.sub_id AND x.cover = l.cover)
"""


def test_the_book_owes_what_the_second_opinion_says(world: World) -> None:
    rng = Random(335)
    crowd = [drawn(rng) for _ in range(PEOPLE)]
    made = add_people(world, [entered(one) for one in crowd])
    budget(world, sa=10_000_000_000, sp=10_000_000_000)
    create_user(world.ctx, "em", "Cán bộ em", "030080000032", ["checker"], SECRET)
    assert prepared(world, FIRST) > PEOPLE // 10
    sign_all(world)
    owed = {(s, c): v for s, c, v in world.rows(_OWED)}
    for person, one in zip(made, crowd, strict=True):
        answer = asked(one, BEFORE, FIRST, FIRST)
        assert not answer.free
        assert owed.get((person, FIRST), 0) == answer.low, one
    credited(world, FIRST)
    close(world, AFTER)
    for n, (person, one) in enumerate(zip(made, crowd, strict=True)):
        if rng.random() < 0.5:
            lived(rng, world, person, one, n)
    assert sum("events" in one for one in crowd) > PEOPLE // 4
    prepared(world, SECOND)
    decide_rise(world, SECOND)
    prepared(world, SECOND)
    sign_all(world, SECOND)
    now = {(s, c): v for s, c, v in world.rows(_OWED)}
    compared = 0
    for person, one in zip(made, crowd, strict=True):
        for month in (FIRST, SECOND):
            answer = asked(one, AFTER, month, SECOND)
            if answer.free:
                continue
            before = owed.get((person, month), 0)
            wanted = max(answer.low, min(before, answer.high))
            assert now.get((person, month), 0) == wanted, (month, answer, before, one)
            compared += 1
    assert compared > 1.9 * PEOPLE
    healthy(world)
