from __future__ import annotations

import base64
import hashlib
import html
import re
import time
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from disbursement.api.app import create_app
from disbursement.fallback.service import open_roster
from disbursement.platform.ids import new_reference
from disbursement.status import pages
from disbursement.status.pages import Pace
from disbursement.status.words import NOT_FOUND, NOTHING_YET
from tests.api.conftest import Site
from tests.runs.test_month import sign_all

FORM = "application/x-www-form-urlencoded"


def client(site: Site, source: str = "10.0.0.1", pace: Pace | None = None) -> TestClient:
    app = create_app(site.world.ctx, pace=pace or Pace(0))
    return TestClient(app, client=(source, 50_000), raise_server_exceptions=False)


def people(site: Site) -> list[tuple[str, int]]:
    rows = site.world.rows("SELECT reference, birth_from FROM person ORDER BY id")
    return [(code, int(born[:4])) for code, born in rows]


def ask(site: Site, code: str, year: object, **more: Any) -> Any:
    return client(site, **more).post("/status", data={"code": code, "year": str(year)})


def answered(page: Any) -> list[str]:
    found = re.search(r'<div class="answer" role="status">(.*?)</div>', page.text, re.DOTALL)
    assert found is not None
    return [html.unescape(s) for s in re.findall("<p>(.*?)</p>", found[1])]


def released(site: Site) -> None:
    sign_all(site.world)


def news(site: Site, batch_id: int, seq: int, state: str, code: str, day: str) -> None:
    with site.world.ctx.cell.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO attempt_news (batch_id, n, seq, state, code_set, code, text, "
                "answer_id, day) VALUES (:b, 1, :q, :s, 'iso', :c, '', 0, :d)"
            ),
            {"b": batch_id, "q": seq, "s": state, "c": code, "d": day},
        )


def test_the_form_is_small_and_has_no_script(site: Site) -> None:
    page = client(site).get("/status")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert len(page.content) == pages.PAGE_BYTES < 30_000
    body = page.text
    assert "<script" not in body.lower()
    assert not re.search(r"\son\w+=", body)
    assert not re.search(r"(src|href)=\"(?!/status|data:,)", body)
    assert body.count("<label for=") == 2
    assert 'lang="vi"' in body
    assert 'method="post" action="/status"' in body
    style = re.search("<style>(.*?)</style>", body, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = page.headers["content-security-policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"


def test_the_month_as_its_beneficiary_sees_it(site: Site) -> None:
    (k6, k6_year), (pension, pension_year), (cash, cash_year), (wallet, wallet_year) = people(site)
    assert answered(ask(site, k6, k6_year)) == list(NOTHING_YET)  # prepared, not yet released
    released(site)
    assert answered(ask(site, k6, k6_year))[0] == (
        "Tháng 10/2026: 750.000 đồng đang được chuyển vào tài khoản ****0001."
    )
    assert answered(ask(site, wallet, wallet_year))[0] == (
        "Tháng 10/2026: 750.000 đồng đang tạm giữ vì hồ sơ hoặc nơi nhận tiền cần bổ sung."
    )
    assert answered(ask(site, cash, cash_year))[0] == (
        "Tháng 10/2026: 500.000 đồng được chi bằng tiền mặt."
    )
    with site.world.ctx.cell.begin() as conn:
        open_roster(conn, site.world.ctx, site.world.one("SELECT id FROM batch WHERE rail='cash'"))
    ((place, *days),) = site.world.rows("SELECT place, first_day, last_day FROM roster")
    begin, end = (f"{date.fromisoformat(d):%d/%m/%Y}" for d in days)
    assert answered(ask(site, cash, cash_year))[0] == (
        f"Tháng 10/2026: 500.000 đồng được chi bằng tiền mặt tại {place}, từ ngày {begin} "
        f"đến hết ngày {end}."
    )
    batch = dict(
        site.world.rows(
            "SELECT r.sub_id, r.batch_id FROM batch_row r JOIN batch b ON b.id = r.batch_id"
        )
    )
    first, second = sorted(batch)[:2]
    with site.world.ctx.cell.begin() as conn:
        conn.execute(text("UPDATE batch SET state = 'accepted' WHERE rail = 'bank'"))
    news(site, batch[first], 1, "credited", "", "2026-10-05")
    news(site, batch[second], 1, "rejected", "AC04", "2026-10-06")
    site.world.clock._now += timedelta(hours=2)
    assert answered(ask(site, k6, k6_year)) == [
        "Tháng 10/2026: 750.000 đồng đã chuyển vào tài khoản ****0001 ngày 05/10/2026."
    ]
    assert answered(ask(site, pension, pension_year))[0] == (
        "Tháng 10/2026: 500.000 đồng chuyển không thành công vì tài khoản đã đóng."
    )


def test_a_code_may_be_typed_as_people_type(site: Site) -> None:
    code, year = people(site)[0]
    spaced = f" {code[:5].lower()}-{code[5:]} "
    assert answered(ask(site, spaced, f" {year} ")) == list(NOTHING_YET)


def test_get_answers_as_the_form_does(site: Site) -> None:
    code, year = people(site)[0]
    by_get = client(site).get("/status", params={"code": code, "year": year})
    assert by_get.content == ask(site, code, year).content


def test_unknown_wrong_and_right_are_alike(site: Site) -> None:
    released(site)
    code, year = people(site)[0]
    unknown = ask(site, new_reference(), year)
    wrong = ask(site, code, year + 1)
    right = ask(site, code, year)
    assert unknown.content == wrong.content
    assert answered(unknown) == list(NOT_FOUND)
    assert answered(right) != list(NOT_FOUND)
    assert {len(p.content) for p in (unknown, wrong, right)} == {pages.PAGE_BYTES}
    assert {p.status_code for p in (unknown, wrong, right)} == {200}
    heads = [{k: v for k, v in p.headers.items() if k != "date"} for p in (unknown, wrong, right)]
    assert heads[0] == heads[1] == heads[2]


def test_no_answer_comes_before_its_time(site: Site) -> None:
    """By a clock of the test's own: whatever the work took, the answer leaves at the same time."""
    code, year = people(site)[0]
    for given, work in (((code, year), 0.03), ((new_reference(), year), 0.01)):
        ticks = iter([100.0, 100.0 + work])
        slept: list[float] = []
        pace = Pace(0.25, lambda ticks=ticks: next(ticks), slept.append)
        ask(site, *given, pace=pace)
        assert slept == [pytest.approx(0.25 - work)]
    late: list[float] = []
    Pace(0.25, lambda: 101.0, late.append).wait(100.0)
    assert late == []


def test_no_answer_comes_before_the_pace(site: Site) -> None:
    """With the real clock: known, wrong and unknown wait alike (that they differ by nothing else
    is proved above, by ticks)."""
    released(site)
    code, year = people(site)[0]
    pace = Pace(0.12)
    tries = [(code, year), (code, year + 1), (new_reference(), year)]
    for n, given in enumerate(tries):
        here = client(site, f"10.1.0.{n}", pace)
        begun = time.perf_counter()
        here.post("/status", data={"code": given[0], "year": str(given[1])})
        assert time.perf_counter() - begun >= 0.12


def test_the_sixth_try_is_refused_alike(site: Site) -> None:
    code, year = people(site)[0]
    for n in range(5):
        assert ask(site, code, year + 1, source=f"10.0.0.{n}").status_code == 200
    right = ask(site, code, year, source="10.0.0.9")
    assert right.status_code == 429
    assert answered(right) == [pages.TOO_MANY]
    assert right.headers["retry-after"] == "4200"
    nobody = new_reference()
    for n in range(5):
        ask(site, nobody, year, source=f"10.0.2.{n}")
    assert ask(site, nobody, year, source="10.0.2.9").content == right.content


def test_one_source_has_five_tries(site: Site) -> None:
    codes = [new_reference() for _ in range(6)]
    statuses = [ask(site, code, 1950).status_code for code in codes]
    assert statuses == [200] * 5 + [429]


@pytest.mark.parametrize(
    ("code", "year", "wrong"),
    [
        ("", "", {"code", "year"}),
        ("WCWER2AKG8", "1950", {"code"}),
        ("<script>alert(1)</script>", "1950", {"code"}),
        ("WCWER2AKG7", "50", {"year"}),
        ("WCWER2AKG7", "１９５０", {"year"}),
        ("WCWER2AKG7", "1950; --", {"year"}),
        ("' OR 1=1", "x", {"code", "year"}),
    ],
)
def test_a_slip_of_the_pen_costs_no_try(still: Site, code: str, year: str, wrong: set[str]) -> None:
    page = ask(still, code, year)
    assert page.status_code == 422
    assert set(re.findall(r'<a href="#(\w+)">', page.text)) == wrong
    assert set(re.findall(r'id="(\w+)"[^>]*aria-invalid="true"', page.text)) == wrong
    assert "alert(1)" not in page.text
    assert len(page.content) == pages.PAGE_BYTES
    assert still.world.one("SELECT count(*) FROM throttle") == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"code",
        b"code=WCWER2AKG7&code=95T824KCV3&year=1950",
        b"code=WCWER2AKG7&year=1950&name=x",
        b"code=%ff&year=1950",
        b"code=\xff&year=1950",
        b"code=%00&year=1950",
        b'{"code":"WCWER2AKG7","year":1950}',
        b"&" * 1000,
        b"x" * 60_000,
    ],
)
def test_a_strange_form_is_a_slip_too(still: Site, body: bytes) -> None:
    page = client(still).post("/status", content=body, headers={"Content-Type": FORM})
    assert page.status_code == 422
    assert still.world.one("SELECT count(*) FROM throttle") == 0


def test_another_media_type_is_refused(still: Site) -> None:
    page = client(still).post("/status", json={"code": "WCWER2AKG7", "year": "1950"})
    assert page.status_code == 415


def test_a_year_known_only_roughly_may_be_any_of_its_years(site: Site) -> None:
    code, _ = people(site)[0]
    with site.world.ctx.cell.begin() as conn:
        conn.execute(
            text(
                "UPDATE person SET birth_from = '1950-01-01', birth_to = '1951-12-31' "
                "WHERE reference = :c"
            ),
            {"c": code},
        )
    assert [answered(ask(site, code, y)) == list(NOT_FOUND) for y in (1949, 1950, 1951, 1952)] == [
        True,
        False,
        False,
        True,
    ]


def test_nobody_is_named(site: Site) -> None:
    released(site)
    names = [r[0] for r in site.world.rows("SELECT name FROM person")]
    for n, (code, year) in enumerate(people(site)):
        page = ask(site, code, year, source=f"10.0.3.{n}").text
        for word in (*names, "SA", "SP", "K6", "khuyết tật", "hưu trí", code):
            assert word not in re.sub("<style>.*?</style>", "", page, flags=re.DOTALL)


def test_months_are_told_newest_first_and_three_at_most(site: Site) -> None:
    released(site)
    code, year = people(site)[0]
    with site.world.ctx.cell.begin() as conn:
        for n, month in enumerate((202607, 202609, 202608)):
            _past_payment(conn, n, month)
    told = answered(ask(site, code, year))
    months = re.findall(r"Tháng (\d\d/\d{4})", " ".join(told))
    assert months == ["10/2026", "09/2026", "08/2026"]


def _past_payment(conn: Any, n: int, month: int) -> None:
    row = dict(conn.execute(text("SELECT * FROM pay_list WHERE id = 1")).mappings().one())
    row |= {"id": 50 + n, "month": month}
    names = ", ".join(row)
    conn.execute(
        text(f"INSERT INTO pay_list ({names}) VALUES ({', '.join(':' + c for c in row)})"), row
    )
    row = dict(conn.execute(text("SELECT * FROM payment ORDER BY id LIMIT 1")).mappings().one())
    row |= {"id": 900 + n, "list_id": 50 + n, "closed_as": "carried"}
    names = ", ".join(row)
    conn.execute(
        text(f"INSERT INTO payment ({names}) VALUES ({', '.join(':' + c for c in row)})"), row
    )
