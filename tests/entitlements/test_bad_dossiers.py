"""What is no dossier is refused whole, with one sentence and exit code 3, before anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from disbursement.cli.app import app

PAID = {"case": "k6", "covers_month": "2026-10", "amount_vnd": 750_000}


def good() -> dict[str, Any]:
    return {
        "people": [{"id": "an", "born": "1991-05-05"}],
        "cases": [
            {
                "id": "k6",
                "holder": "an",
                "category": "K6",
                "on_roll_since": "2023-02",
                "facts": {"degree": "S"},
            }
        ],
        "ask": {"months": ["2026-11"], "run_month": "2026-11", "known_on": "2026-10-23"},
    }


def with_event(**event: Any) -> dict[str, Any]:
    return {"events": [{"person": "an", **event}]}


def second(**case: Any) -> dict[str, Any]:
    return {"cases": [*good()["cases"], {"id": "b", "holder": "an", **case}]}


DECIDED = {"holder": "an", "category": "K6", "facts": {"degree": "S"}}
BAD: list[Any] = [
    ({"note": "x" * 1_100_000}, "the whole text: is longer than 1 MB"),
    ({"already_paid": [{**PAID, "amount_vnd": -1}]}, "already_paid.0.amount_vnd: must not be neg"),
    ({"already_paid": [{**PAID, "amount_vnd": 750_000.5}]}, "a number has a fraction"),
    ({"already_paid": [{**PAID, "amount_vnd": 750_000.0}]}, "a number has a fraction"),
    ({"already_paid": [{**PAID, "amount_vnd": "750000"}]}, "amount_vnd: must be a whole number"),
    (
        {
            "events": [
                {"kind": "death", "date": "2026-10-01", "person": "an"},
                {"kind": "change", "date": "2026-10-05", "person": "an", "facts": {"degree": "ES"}},
            ]
        },
        "events (change 2026-10-05): is after the death of 2026-10-01",
    ),
    (
        {
            "events": [
                {"kind": "death", "date": "2026-10-01", "person": "an"},
                {"kind": "suspend", "date": "2026-10-05", "case": "k6"},
            ]
        },
        "events (suspend 2026-10-05): is after the death of 2026-10-01",
    ),
    (with_event(kind="release", date="2026-10-05"), "nobody was imprisoned or detained before"),
    ({"events": [{"date": "2026-10-05", "person": "an"}]}, "events.0: needs its kind"),
    ({"people": [{"id": "an", "born": "05/05/1991"}]}, "must be a day, month or year written"),
    ({"people": [{"id": "a n", "born": "1991"}]}, "people.0.id: must be an id of 1 to 40"),
    ({"already_paid": [PAID, PAID]}, "already_paid.1: month 10/2026 of case 'k6' appears twice"),
    ({"already_paid": [{**PAID, "case": "zz"}]}, "already_paid.0: no case 'zz'"),
    ({"already_paid": [{**PAID, "covers_month": "2026-13"}]}, "must be a month written 2026-11"),
    ({"people": [{"id": "an", "born": "2026-02-30"}]}, "people.0.born: is no day of the calendar"),
    ({"people": [{"id": "an", "born": "2031-01-01"}]}, "people an.born: is later than known_on"),
    ({"people": [{"id": "an"}]}, "people an.born: a birth date is needed"),
    ({"people": []}, "people: is empty"),
    ({"people": [good()["people"][0]] * 2}, "people: id 'an' is used twice"),
    ({"cases": [{**good()["cases"][0], "holder": "zz"}]}, "cases k6.holder: no person 'zz'"),
    ({"cases": [{"id": "k6", **DECIDED}]}, "cases k6: needs a decision (decision.date) or on_r"),
    (
        {"cases": [{"id": "k6", **DECIDED, "decision": {"date": "2026-12-01"}}]},
        "cases k6.decision.date: is later than known_on 2026-10-23",
    ),
    (
        {"cases": [{"id": "k6", **DECIDED, "decision": {"date": "1980-12-01"}}]},
        "cases k6.decision.date: is before birth",
    ),
    ({"cases": [{**good()["cases"][0], "commune": "99999"}]}, "no commune '99999' in the 2026"),
    (
        {"cases": [{**good()["cases"][0], "commune": "05128", "province": "01"}]},
        "commune 05128 lies in province 25, not 01",
    ),
    (second(category="K6", facts={"degree": "X"}), "facts.degree: must be one of: S, ES, L"),
    (second(category="K6", facts={"colour": "blue"}), "facts.colour: category K6 does not know"),
    (second(category="K6", facts={"in_facility": "yes"}), "in_facility: must be true or false"),
    (second(category="K8", facts={"hiv": False}), "b.facts.hiv: contradicts K8"),
    (
        second(category="SP", facts={"income": "none", "pension_vnd": 5}),
        "pension_vnd: contradicts income",
    ),
    (
        second(
            category="TB",
            facts={"injury_pct": 50, "special_severity": True},
            on_roll_since="2020-01",
        ),
        "special_severity: is judged from 81 per cent: contradicts injury_pct",
    ),
    (
        second(category="LIST", facts={"amount_vnd": -5, "amount_months": ["2026-11"]}),
        "facts.amount_vnd: must be whole",
    ),
    (with_event(kind="death", date="1980-01-01"), "events (death 1980-01-01): is before birth"),
    (with_event(kind="death", date="2026-11-01"), "is later than known_on 2026-10-23"),
    (with_event(kind="death", date="2026-10-01", person="zz"), "events.0.person: no person 'zz'"),
    (with_event(kind="resume", date="2026-09-01"), "nothing was suspended before"),
    ({"events": [{"kind": "death", "date": "2026-09-01", "person": "an"}] * 2}, "appears twice"),
    (
        {
            "events": [
                {"kind": "death", "date": "2026-09-01", "person": "an"},
                {"kind": "prison", "date": "2026-10-01", "person": "an"},
            ]
        },
        "is after the death of 2026-09-01",
    ),
    ({"ask": {"months": ["2026-11", "2026-11"]}}, "ask.months: 11/2026 appears twice"),
    ({"ask": {"months": ["2026-11"], "purpose": "wish"}}, "ask.purpose: allowed are 'due'"),
    ({"ask": {}}, "ask: needs months, run_month or known_on"),
    ({"settings": {"left_before_rise": "maybe"}}, "settings.left_before_rise: must be one of"),
    ({"settings": {"nope": "hold"}}, "settings.nope: known: facility_resident"),
]
RAW: list[Any] = [
    (b"", "not valid JSON in UTF-8"),
    (b"[]", "top level: must be an object"),
    (b'{"people": [}', "not valid JSON in UTF-8"),
    (b'{"people": [], "people": []}', "a key is repeated"),
    (b'\xef\xbb\xbf{"people": []}', "not valid JSON in UTF-8"),
    (b'{"a": 75e4}', "a number has a fraction or an exponent"),
    (b"[" * 100 + b"]" * 100, "nested deeper than 16"),
]


def run(data: bytes, *options: str) -> Any:
    return CliRunner().invoke(app, ["explain", "-", *options], input=data)


@pytest.mark.parametrize(("change", "words"), BAD, ids=[b[1][:40] for b in BAD])
def test_a_wrong_dossier_is_refused_with_one_sentence(change, words):
    data = json.dumps({**good(), **change}, ensure_ascii=False).encode()
    found = run(data, "--json", "--lang", "en")
    assert (found.exit_code, found.stdout) == (3, "")
    assert words in found.stderr
    assert len(found.stderr.splitlines()) == 1


@pytest.mark.parametrize(("data", "words"), RAW)
def test_what_is_no_json_is_refused_with_one_sentence(data, words):
    found = run(data, "--json", "--lang", "en")
    assert (found.exit_code, found.stdout) == (3, "")
    assert words in found.stderr
    assert len(found.stderr.splitlines()) == 1


def test_not_covered_is_an_answer_that_pays_nothing():
    data = json.dumps({**good(), "cases": [{**good()["cases"][0], "category": "K9"}]}).encode()
    found = run(data, "--json")
    assert found.exit_code == 0
    assert json.loads(found.stdout) == {
        "total_vnd": 0,
        "recover_vnd": 0,
        "held_vnd": 0,
        "lines": [],
        "not_covered": ["not covered: case k6: category 'K9' is not known"],
        "not_covered_vi": ["không thuộc phạm vi tính: hồ sơ k6: không có diện 'K9' trong danh mục"],
    }


def test_a_file_that_is_not_there():
    found = CliRunner().invoke(app, ["explain", "/nowhere/dossier.json", "--lang", "en"])
    assert (found.exit_code, found.stdout) == (2, "")
    assert "Cannot read /nowhere/dossier.json" in found.stderr


def test_two_formats_at_once():
    found = run(json.dumps(good()).encode(), "--json", "--html", "--lang", "en")
    assert (found.exit_code, found.stdout) == (2, "")
    assert "Choose --json or --html." in found.stderr
