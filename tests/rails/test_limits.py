"""What a called rail does not take is held when the list is prepared, alone, with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bank_adapters.api import orders
from bank_adapters.api.profile import ApiProfile, load_api_profile
from bank_adapters.profiles import ProfileError
from bank_adapters.registry import AnyProfile, profile_of
from disbursement.jobs import worker
from disbursement.runs import rail_limits, service
from tests.rails.office import EACH, PAYABLE, connect, outcomes, wallet
from tests.runs.test_month import K6, budget, healthy, sign_all
from tests.runs.world import Person, World, add_people

WARD = "guardian"


def lowered(monkeypatch: pytest.MonkeyPatch, **terms: Any) -> None:
    """Let the rail's terms say less than an allowance."""

    def give(key: str) -> AnyProfile:
        profile = profile_of(key)
        return replace(profile, **terms) if isinstance(profile, ApiProfile) else profile

    monkeypatch.setattr(rail_limits, "profile_of", give)


def people(*accounts: str, relation: str = WARD) -> list[Person]:
    return [Person(date(1980, 1, 1), K6, "wallet", a, relation) for a in accounts]


def planned(world: World) -> list[tuple[Any, ...]]:
    return world.rows("SELECT person_id, hold_reason FROM payment ORDER BY id")


@pytest.mark.parametrize(
    "terms", [{"max_amount_vnd": EACH - 1}, {"min_amount_vnd": EACH + 1}], ids=["most", "least"]
)
def test_an_amount_that_no_call_may_carry_is_held_and_the_others_are_paid(
    world: World, monkeypatch: pytest.MonkeyPatch, terms: dict[str, int]
) -> None:
    with wallet(world) as there:
        [a] = add_people(world, people("0900000001"))
        [b] = add_people(world, [Person(date(1980, 1, 1), K6)])
        budget(world)
        lowered(monkeypatch, **terms)
        service.prepare(world.ctx, 202610, world.signers["an"])
        assert planned(world) == [(a, "amount_beyond_rail"), (b, "")]
        assert world.rows("SELECT rail, payments, total_vnd FROM batch") == [("bank", 1, EACH)]
        assert world.rows("SELECT reason, kind, amount_vnd FROM list_hold") == [
            ("amount_beyond_rail", "payment", EACH)
        ]
        sign_all(world)
        assert world.balance(PAYABLE) == -EACH
        assert there.simulator.journal.told() == 0
    healthy(world)


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"max_month_vnd": 2 * EACH - 1}, "month_limit"),
        ({"max_day_vnd": 2 * EACH - 1}, "day_limit"),
        ({"max_day_vnd": 2 * EACH, "max_month_vnd": 2 * EACH}, ""),
    ],
)
def test_two_payments_into_one_account_count_together(
    world: World, monkeypatch: pytest.MonkeyPatch, terms: dict[str, int], reason: str
) -> None:
    with wallet(world):
        made = add_people(world, people("0900000001", "0900000001", "0900000002"))
        budget(world)
        lowered(monkeypatch, **terms)
        service.prepare(world.ctx, 202610, world.signers["an"])
        assert planned(world) == list(zip(made, ["", reason, ""], strict=True))
        sent = 2 if reason else 3
        assert world.rows("SELECT payments, total_vnd FROM batch") == [(sent, sent * EACH)]


def test_what_was_sent_this_month_counts_and_what_failed_does_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with wallet(world) as there:
        there.simulator.answers["0900000001"] = "1007"
        first = add_people(world, people("0900000001", "0900000002"))
        budget(world)
        lowered(monkeypatch, max_month_vnd=2 * EACH - 1)
        service.prepare(world.ctx, 202610, world.signers["an"])
        sign_all(world)
        ((list_id,),) = world.rows("SELECT id FROM pay_list WHERE state = 'released'")
        service.draw(
            world.ctx, list_id, voucher="RDT9", day=date(2026, 9, 24), amount_vnd=2 * EACH,
            actor="chi",
        )  # fmt: skip
        second = add_people(world, people("0900000001", "0900000002"))
        service.prepare(world.ctx, 202610, world.signers["an"])
        told = dict(planned(world))
        assert [told[p] for p in second] == ["month_limit", "month_limit"]
        world.clock.set(date(2026, 10, 5))
        connect(world, there)
        worker.send_due(world.ctx)
        assert outcomes(world) == {"credited": 1, "rejected": 1}
        service.prepare(world.ctx, 202610, world.signers["an"])
        rows = world.rows(
            "SELECT p.person_id, p.hold_reason FROM payment p JOIN pay_list l ON l.id = p.list_id "
            "WHERE l.number = 1 AND l.state = 'prepared' ORDER BY p.id"
        )
        # The refused one is planned again and takes its account's room; the other account is full.
        assert rows == [(first[0], ""), (second[0], "month_limit"), (second[1], "month_limit")]
    healthy(world)


@pytest.mark.parametrize("name", ["max_day_vnd", "max_month_vnd"])
def test_a_profile_whose_period_takes_less_than_a_payment_is_refused(
    tmp_path: Path, name: str
) -> None:
    here = Path(orders.__file__).parent / "profiles" / "momo-1.yaml"
    lines = here.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(f"{name}:")]
    (tmp_path / "momo-1.yaml").write_text("\n".join([f"{name}: 49999999", *kept]), "utf-8")
    with pytest.raises(ProfileError, match=name):
        load_api_profile("momo-1", tmp_path)
