"""What a beneficiary is told about one payment: month, amount, what happened, what to do. Pure.

No name, no programme, no category, no full number: whoever looks over a shoulder learns a month and
an amount (money-flow.md, "What a beneficiary sees").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from disbursement.platform.clock import show_month
from ledger.money import format_vnd

WHY = {
    "AC01": "số tài khoản không đúng",
    "AC04": "tài khoản đã đóng",
    "AC06": "tài khoản bị khóa",
    "BE01": "tên chủ tài khoản không khớp",
    "RC01": "mã ngân hàng không đúng",
}
"""Codes of ISO 20022 ExternalStatusReason1Code and ExternalReturnReason1Code that the holder can
do something about. Any other code is told without a reason (MD07, say, is nobody's business)."""

ASK = "hãy hỏi Ủy ban nhân dân xã, phường và đọc mã tra cứu này."
PLACES = {
    "bank": "tài khoản",
    "wallet": "ví điện tử",
    "mobile_money": "tài khoản Mobile Money",
}
NOTHING_YET = ("Chưa có khoản chi nào theo mã này. Mời xem lại sau ngày chi trả của tháng.",)
NOT_FOUND = (
    "Không có khoản chi nào ứng với mã và năm sinh đã nhập.",
    f"Hãy xem lại mã và năm sinh trên giấy báo; nếu vẫn không thấy, {ASK}",
)


@dataclass(frozen=True)
class Fact:
    """One payment as far as its beneficiary is concerned.

    `state` is a name of payments/rules.py; `day` the day of the last news; `code` the code of the
    last failure; `place`, `first_day`, `last_day` those of the open roster.
    """

    month: int
    amount_vnd: int
    state: str
    rail: str
    account_last4: str = ""
    day: date | None = None
    code: str = ""
    place: str = ""
    first_day: date | None = None
    last_day: date | None = None


def sentences(fact: Fact) -> tuple[str, ...]:
    """Return the sentences for a payment; total over every state of the graph."""
    head = f"Tháng {show_month(fact.month)}: {format_vnd(fact.amount_vnd)} đồng"
    return _SAY.get(fact.state, _check)(head, fact)


def _account(fact: Fact) -> str:
    place = PLACES.get(fact.rail, "tài khoản")
    return f"{place} ****{fact.account_last4}" if fact.account_last4 else place


def _on(day: date | None) -> str:
    return f" ngày {day:%d/%m/%Y}" if day else ""


def _waiting(head: str, _fact: Fact) -> tuple[str, ...]:
    return (f"{head} đã được duyệt chi.", "Mời xem lại sau ngày chi trả.")


def _moving(head: str, fact: Fact) -> tuple[str, ...]:
    return (
        f"{head} đang được chuyển vào {_account(fact)}.",
        f"Nếu sau 5 ngày làm việc vẫn chưa nhận được, {ASK}",
    )


def _check(head: str, _fact: Fact) -> tuple[str, ...]:
    return (
        f"{head} đang được kiểm tra lại với nơi chi trả.",
        f"Chưa cần làm gì; mời xem lại sau vài ngày. Nếu cần gấp, {ASK}",
    )


def _credited(head: str, fact: Fact) -> tuple[str, ...]:
    return (f"{head} đã chuyển vào {_account(fact)}{_on(fact.day)}.",)


def _failed(head: str, fact: Fact) -> tuple[str, ...]:
    why = f" vì {WHY[fact.code]}" if fact.code in WHY else ""
    return (
        f"{head} chuyển không thành công{why}.",
        "Số tiền này vẫn được giữ cho người hưởng: sẽ chuyển lại sau khi sửa thông tin tài khoản, "
        "hoặc chi bằng tiền mặt.",
        f"Để sửa thông tin, {ASK}",
    )


def _ordered(head: str, fact: Fact) -> tuple[str, ...]:
    why = f"Chuyển khoản không thành công vì {WHY[fact.code]}. " if fact.code in WHY else ""
    if not (fact.place and fact.first_day and fact.last_day):
        return (
            f"{head} được chi bằng tiền mặt.",
            f"{why}Mời xem lại sau vài ngày để biết nơi nhận.",
        )
    return (
        f"{head} được chi bằng tiền mặt tại {fact.place}, từ ngày {fact.first_day:%d/%m/%Y} "
        f"đến hết ngày {fact.last_day:%d/%m/%Y}.",
        f"{why}Khi đến nhận, mời mang theo thẻ căn cước và mã tra cứu này; "
        "người nhận thay mang theo giấy ủy quyền.",
    )


def _collected(head: str, fact: Fact) -> tuple[str, ...]:
    return (f"{head} đã nhận bằng tiền mặt{_on(fact.day)}.", f"Nếu không phải như vậy, {ASK}")


def _kept(head: str, _fact: Fact) -> tuple[str, ...]:
    return (
        f"{head} chưa nhận, sẽ được chi cùng kỳ sau.",
        f"Để biết thêm, {ASK}",
    )


def _held(head: str, _fact: Fact) -> tuple[str, ...]:
    return (f"{head} đang tạm giữ vì hồ sơ hoặc nơi nhận tiền cần bổ sung.", f"Để bổ sung, {ASK}")


def _ended(head: str, _fact: Fact) -> tuple[str, ...]:
    return (f"{head} không chi theo danh sách này.", f"Để biết thêm, {ASK}")


_SAY = {
    "planned": _waiting,
    "held": _held,
    "queued": _moving,
    "sending": _moving,
    "sent": _moving,
    "accepted": _moving,
    "credited": _credited,
    "rejected": _failed,
    "returned": _failed,
    "cancelled": _failed,
    "ordered": _ordered,
    "collected": _collected,
    "uncollected": _kept,
    "carried": _kept,
    "withdrawn": _ended,
    "ended": _ended,
}
"""unknown, recall_asked and parked are "being looked at", as is any state not named here."""
