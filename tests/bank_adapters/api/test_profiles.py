"""The terms of our own called rails against the table of codes."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, datetime

import pytest

from bank_adapters.api.codes import wallet_code
from bank_adapters.api.contract import BadCallback, Secrets
from bank_adapters.api.profile import api_profile, api_profile_ids, load_api_profile
from bank_adapters.api.registry import api_adapter, capabilities_of
from bank_adapters.codes import read_data
from bank_adapters.contract import NotOffered
from bank_adapters.profiles import ProfileError
from bank_adapters.simulators.wallet.rails import made_up_keys

NOW = datetime(2026, 11, 5, tzinfo=UTC)
OURS = ("momo", "zalopay", "payos", "gsma")


@pytest.mark.parametrize("name", api_profile_ids())
def test_a_final_refusal_is_one_in_the_table_too(name: str) -> None:
    profile = load_api_profile(name)
    final = {
        (row["rail"], row["code"]): row["final"] for row in read_data("wallet_result_codes.csv")
    }
    assert profile.adapter in OURS
    assert profile.final_refusals
    for code in profile.final_refusals:
        said = wallet_code(profile.adapter, "pay", code)
        assert (said.says, said.stop) == ("rejected", ""), code
        assert final[profile.adapter, code] == "yes", code


def test_a_code_is_not_final_and_seen_before_at_once() -> None:
    data = asdict(load_api_profile("zalopay-1"))
    told = {**data, "cut_off": "22:00", "seen_before": ["status 2"], "final_refusals": ["status 2"]}
    with pytest.raises(ProfileError, match="seen_before"):
        api_profile(told, "zalopay-1.yaml")


@pytest.mark.parametrize("name", api_profile_ids())
def test_a_called_rail_offers_what_it_says_and_no_cancel(name: str) -> None:
    adapter = api_adapter(name)
    offers = capabilities_of(adapter)
    assert (offers.kind, offers.cancel, offers.inquire) == ("api", False, True)
    assert (offers.verify_payee, offers.verify_callback) == {
        "momo": (True, True), "gsma": (True, True), "zalopay": (True, False),
        "payos": (False, False),
    }[adapter.name]  # fmt: skip
    keys = Secrets(made_up_keys(adapter.name, 1)[1])
    with nullcontext() if offers.verify_payee else pytest.raises(NotOffered):
        adapter.name_call("MOMO", "0900000001", "NGUYEN VAN THU", NOW, "N1", keys)
    with pytest.raises(BadCallback) as refused:
        adapter.check_callback({}, b"{}", keys)
    assert (refused.value.code == "no_callback") is not offers.verify_callback
