"""`disburse receivable` as it is typed, and what the API shows of it."""

from __future__ import annotations

from fastapi.testclient import TestClient

from disbursement.api.app import create_app
from disbursement.identity import tokens
from disbursement.identity.service import create_user, user
from tests.cli.conftest import Type
from tests.runs.test_receivables import claimed
from tests.runs.world import PAYER, SECRET, World

DAY = {"day": "2026-10-24"}
PAPER = ("--number", "45/QĐ-UBND", "--date", "2026-10-23", "--signer", "Chủ tịch A")


def test_from_the_claim_to_the_money_that_came_back(world: World, typed: Type) -> None:
    (found,) = claimed(world)
    (row,) = typed("receivable", "list", "--payer", PAYER, "--json", **DAY).json
    assert (row["id"], row["month"], row["amount_vnd"], row["open_vnd"]) == (
        found.id, "2026-10", 750_000, 750_000,
    )  # fmt: skip
    assert (row["person"], row["last4"], row["cause"]) == (found.person, found.last4, "death")
    said = typed("receivable", "list", **DAY).out
    assert "tháng 10/2026: 750.000 đồng, còn 750.000" in said
    assert "chết ngày 20/09/2026: thôi hưởng từ tháng sau. NĐ 20/2021/NĐ-CP Điều 8" in said
    one = ("receivable", "decide", found.id, "--decision")
    typed(*one, "recover", *PAPER, "--as", "an", **DAY).refused("role", 4)
    done = typed(*one, "recover", *PAPER, "--as", "dung", "--json", **DAY).json
    assert (done["state"], done["amount_vnd"]) == ("recorded", 750_000)
    paid = ("receivable", "repaid", found.id, "--voucher", "NT01", "--date", "2026-10-24")
    typed(*paid, "--amount", "750001", "--as", "chi", **DAY).refused("repaid_too_much", 3)
    assert (
        "còn phải thu 450.000 đồng" in typed(*paid, "--amount", "300000", "--as", "chi", **DAY).out
    )
    proposed = typed(*one, "write-off", "--number", "50/QĐ", *PAPER[2:], "--as", "an", **DAY).out
    assert "450.000 đồng" in proposed
    assert "disburse receivable sign 2" in proposed
    typed("receivable", "sign", 2, "--as", "chi", **DAY)
    assert typed("receivable", "sign", 2, "--as", "dung", "--json", **DAY).json["state"] == "posted"
    assert typed("receivable", "list", "--json", **DAY).json == []
    (row,) = typed("receivable", "list", "--all", "--json", **DAY).json
    assert (row["repaid_vnd"], row["written_off_vnd"], row["state"]) == (
        300_000, 450_000, "settled",
    )  # fmt: skip
    paths = typed("receivable", "paper", "--payer", PAYER, "--json", **DAY).json
    assert [p.rsplit("/", 1)[1] for p in paths] == [
        f"phai-thu-{PAYER}.pdf", f"phai-thu-{PAYER}.xlsx",
    ]  # fmt: skip
    assert typed("doctor", **DAY).code == 0
    typed("receivable", "list", "--payer", "99999", **DAY).refused("payer", 3)


def test_the_api_shows_it_without_a_name_and_within_reach(world: World) -> None:
    (found,) = claimed(world)
    create_user(world.ctx, "xa", "Cán bộ xa", "030080000031", ["auditor:08990"], SECRET)
    client = TestClient(create_app(world.ctx))

    def ask(who: str, **params: str) -> dict[str, object]:
        head = {"Authorization": f"Bearer {tokens.issue(world.ctx, user(world.ctx, who))}"}
        said: dict[str, object] = client.get(
            "/api/v1/receivables", params=params, headers=head
        ).json()
        return said

    page = ask("an")
    assert page["next_cursor"] is None
    (row,) = page["items"]  # type: ignore[misc]  # one row, or the test fails here
    assert (row["reference"], row["open_vnd"], row["state"]) == (
        found.reference, 750_000, "waiting",
    )  # fmt: skip
    assert not {"person", "last4"} & set(row)
    assert ask("an", cursor=str(found.id))["items"] == []
    assert ask("xa")["items"] == []
    assert ask("xa", payer=PAYER)["items"] == []
    assert client.get("/api/v1/receivables").status_code == 401
