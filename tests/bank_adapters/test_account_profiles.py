"""Profiles of bulk account opening: what ships is sound; unknown fields and missing words are not."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bank_adapters.account_profiles import (
    ANSWERS,
    account_profile_ids,
    account_profile_on,
    from_mapping,
)
from bank_adapters.profiles.values import ProfileError

GOOD: dict[str, Any] = {
    "id": "thu", "version": 1, "title": "Thử", "valid_from": date(2026, 1, 1), "valid_to": None,
    "asks": {"reference": "Mã tra cứu", "name": "Họ và tên"},
    "answers": {"mở": "issued", "không": "refused", "quầy": "counter", "giám hộ": "guardian"},
    "confidence": "own", "source": "made up for this test",
}  # fmt: skip


def test_every_profile_that_ships_is_sound_and_says_where_it_is_from() -> None:
    assert account_profile_ids() == ("account-drive-1",)
    found = account_profile_on("account-drive-1", date(2026, 11, 26))
    assert found.key == "account-drive-1/1"
    assert set(found.answers.values()) == set(ANSWERS)
    assert found.source
    with pytest.raises(ProfileError, match="không có bản nào dùng cho ngày"):
        account_profile_on("account-drive-1", date(2026, 1, 1))


def test_a_good_profile_is_read() -> None:
    assert from_mapping(GOOD, "thu.yaml").asks["name"] == "Họ và tên"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"asks": {"reference": "a", "phone": "b"}}, "'phone' không nằm trong"),
        ({"asks": {"name": "Họ và tên"}}, "phải hỏi 'reference'"),
        ({"asks": {"reference": "a", "name": "a"}}, "hai cột cùng tiêu đề"),
        ({"answers": {"mở": "issued"}}, "phải có từ cho mỗi kết quả"),
        ({"source": ""}, "mục source"),
        ({"colour": "red"}, "không có tham số này"),
    ],
)
def test_a_wrong_profile_is_refused_by_field(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ProfileError) as refused:
        from_mapping({**GOOD, **changes}, "thu.yaml")
    assert says in refused.value.sentence


def test_a_profile_without_a_source_is_refused() -> None:
    with pytest.raises(ProfileError, match="còn thiếu"):
        from_mapping({k: v for k, v in GOOD.items() if k != "source"}, "thu.yaml")
