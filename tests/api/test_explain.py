"""POST /api/v1/explain: the same answers as the command, behind a token, and quick."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Site
from tests.entitlements.asking import NOVEMBER, case, dossier

DOSSIERS = Path(__file__).parents[1] / "entitlements" / "dossiers"
KEYS = {
    "amount_vnd", "covers_months", "holder", "payee", "case", "rate_code", "arithmetic",
    "citation", "confidence", "state", "text_vi", "text_en",
}  # fmt: skip


def post(site: Site, body: bytes | dict[str, Any], name: str | None = "an") -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    if name:
        headers = site.headers(name, **headers)
    return site.client.post("/api/v1/explain", content=data, headers=headers)


def test_an_answer_has_exactly_the_keys_of_the_contract(site: Site) -> None:
    found = post(site, (DOSSIERS / "S14.json").read_bytes())
    assert found.status_code == 200
    body = found.json()
    assert set(body) == {
        "total_vnd", "recover_vnd", "held_vnd", "lines", "not_covered", "not_covered_vi",
    }  # fmt: skip
    assert all(set(line) == KEYS for line in body["lines"])
    assert (body["total_vnd"], body["recover_vnd"], body["held_vnd"]) == (11_610_000, 0, 0)
    assert all(isinstance(line["amount_vnd"], int) for line in body["lines"])


def test_nobody_without_a_token_is_answered(site: Site) -> None:
    assert post(site, (DOSSIERS / "S03.json").read_bytes(), None).status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 422, "dossier"),
        (b'{"people": 1}', 422, "dossier"),
        (b'{"a": 1.5}', 422, "dossier"),
        (b" " * 1_048_577, 413, "too_large"),
    ],
)
def test_what_is_no_dossier_is_refused(site: Site, body: bytes, status: int, code: str) -> None:
    found = post(site, body)
    assert (found.status_code, found.json()["code"]) == (status, code)


def test_an_unknown_fact_is_named(site: Site) -> None:
    found = post(site, dossier(case("K6", colour="blue"), months="2026-11", **NOVEMBER))
    assert found.status_code == 422
    assert "facts.colour" in found.json()["detail"]


@pytest.mark.parametrize(
    ("paid", "words"),
    [
        ([("2026-10", -1)], "already_paid.0.amount_vnd: không được âm"),
        ([("2026-10", 1.5)], "phải là số nguyên, không có phần lẻ"),
        ([("2026-10", 1), ("2026-10", 2)], "tháng 10/2026 của hồ sơ 'k6' có hai lần"),
        ([("2026-13", 1)], "already_paid.0.covers_month"),
    ],
)
def test_what_was_paid_is_read_to_the_dong(site: Site, paid: Any, words: str) -> None:
    rows = [{"case": "k6", "covers_month": m, "amount_vnd": v} for m, v in paid]
    asked = dossier(case("K6", degree="S"), months="2026-11", already_paid=rows, **NOVEMBER)
    found = post(site, asked)
    assert (found.status_code, found.json()["code"]) == (422, "dossier")
    assert words in found.json()["detail"]


def test_what_is_not_covered_is_answered(site: Site) -> None:
    found = post(site, dossier(case("K9"), months="2026-11", **NOVEMBER))
    assert found.status_code == 200
    assert found.json() == {
        "total_vnd": 0,
        "recover_vnd": 0,
        "held_vnd": 0,
        "lines": [],
        "not_covered": ["not covered: case k9: category 'K9' is not known"],
        "not_covered_vi": ["không thuộc phạm vi tính: hồ sơ k9: không có diện 'K9' trong danh mục"],
    }


def test_a_long_dossier_is_taken_and_another_address_stays_short(site: Site) -> None:
    asked = dossier(case("K6", degree="S"), months="2026-11", note="x" * 400, **NOVEMBER)
    asked["people"] += [{"id": f"p{n}", "note": "y" * 480} for n in range(160)]
    data = json.dumps(asked).encode()
    assert len(data) > 65_536
    assert post(site, data).json()["total_vnd"] == 810_000
    elsewhere = site.client.post("/api/v1/lists/1/approvals", content=data)
    assert elsewhere.status_code == 413


def test_nothing_is_booked(site: Site) -> None:
    before = site.tables()
    post(site, (DOSSIERS / "S11.json").read_bytes())
    assert site.tables() == before
