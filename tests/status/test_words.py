from __future__ import annotations

from datetime import date

import pytest

from disbursement.payments.rules import ATTEMPT_STATES
from disbursement.status.words import ASK, Fact, sentences


def said(state: str, **more: object) -> str:
    given = {"rail": "bank", "account_last4": "1234", **more}
    return " ".join(sentences(Fact(202611, 810_000, state, **given)))


@pytest.mark.parametrize(
    ("expected", "state", "more"),
    [
        (
            "Tháng 11/2026: 810.000 đồng đã chuyển vào tài khoản ****1234 ngày 05/11/2026.",
            "credited",
            {"day": date(2026, 11, 5)},
        ),
        (
            "Tháng 11/2026: 810.000 đồng đã chuyển vào ví điện tử ****1234.",
            "credited",
            {"rail": "wallet"},
        ),
        (
            "Tháng 11/2026: 810.000 đồng chuyển không thành công vì tài khoản đã đóng. Số tiền này "
            "vẫn được giữ cho người hưởng: sẽ chuyển lại sau khi sửa thông tin tài khoản, hoặc chi "
            f"bằng tiền mặt. Để sửa thông tin, {ASK}",
            "returned",
            {"code": "AC04"},
        ),
        (
            "Tháng 11/2026: 810.000 đồng được chi bằng tiền mặt tại Trụ sở UBND Xã Thử, từ ngày "
            "12/11/2026 đến hết ngày 16/11/2026. Chuyển khoản không thành công vì tài khoản đã "
            "đóng. Khi đến nhận, mời mang theo thẻ căn cước và mã tra cứu này; người nhận thay "
            "mang theo giấy ủy quyền.",
            "ordered",
            {
                "code": "AC04",
                "place": "Trụ sở UBND Xã Thử",
                "first_day": date(2026, 11, 12),
                "last_day": date(2026, 11, 16),
            },
        ),
        (
            "Tháng 11/2026: 810.000 đồng được chi bằng tiền mặt. Mời xem lại sau vài ngày để biết "
            "nơi nhận.",
            "ordered",
            {},
        ),
        (
            "Tháng 11/2026: 810.000 đồng đã nhận bằng tiền mặt ngày 13/11/2026. Nếu không phải "
            f"như vậy, {ASK}",
            "collected",
            {"day": date(2026, 11, 13)},
        ),
        (
            f"Tháng 11/2026: 810.000 đồng chưa nhận, sẽ được chi cùng kỳ sau. Để biết thêm, {ASK}",
            "carried",
            {},
        ),
    ],
)
def test_in_words(expected: str, state: str, more: dict[str, object]) -> None:
    assert said(state, **more) == expected


EVERY = sorted({*ATTEMPT_STATES, "held", "carried", "ended"})


@pytest.mark.parametrize("state", EVERY)
def test_every_state_has_words_and_a_next_step(state: str) -> None:
    words = said(state)
    assert words.startswith("Tháng 11/2026: 810.000 đồng ")
    assert state not in words
    assert state == "credited" or "ời xem lại" in words or ASK in words


def test_a_death_is_nobodys_business() -> None:
    assert "vì" not in said("rejected", code="MD07")


def test_accepted_is_never_told_as_paid() -> None:
    for state in ("queued", "sending", "sent", "accepted", "unknown", "recall_asked", "parked"):
        assert "đã chuyển" not in said(state)
