"""Who may be handed cash, and who not: pure decisions and the sentences they give."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bank_adapters.api.codes import wallet_code
from bank_adapters.api.profile import ApiProfile
from bank_adapters.codes import DUPLICATES, classify
from disbursement.payments.rules import IN_FLIGHT, LETTER
from disbursement.platform.errors import DisburseError, NotAllowedError, NotNowError, RefusedError
from ledger.money import format_vnd

PROOFS = {
    "identity": "giấy tờ tùy thân",
    "signature": "chữ ký",
    "one_time_code": "mã một lần",
    "authorisation": "giấy ủy quyền",
}
"""What the beneficiary proves with; an authorisation must be named (number, term, certifier)."""
NO_DEBIT = "NO_DEBIT"
"""Code of an unknown that the statements decided: no debit was booked (coins.md 15 c)."""


PAYEE_SIDE = frozenset(
    {
        "PAYEE_ACCOUNT_INVALID", "PAYEE_ACCOUNT_BLOCKED", "PAYEE_KYC_INCOMPLETE", "PAYEE_LIMIT",
        "PAYEE_REJECTED", "AMOUNT_OUT_OF_RANGE", "RETURNED",
    }
)  # fmt: skip
"""Reasons of called rails (wallet_result_codes.csv) that lie with the payee or his account."""


def cash_allowed(reason: str, profile: ApiProfile | None = None) -> bool:
    """Tell whether a failure `rejected:AC04` or `returned:AC06` may fall to cash by itself.

    `profile` is that of a called rail, whose codes are its own; None for rails of files. A reason
    to stop or to look into (the payee is dead, a duplicate, our own account lacked money) never
    does; a code that we do not know does not either. A final refusal without a reason does where
    the rail's profile calls it final: not paid, and will not be paid.
    """
    event, _, code = reason.partition(":")
    if event not in {"rejected", "returned"} or code in DUPLICATES:
        return False
    if code in {NO_DEBIT, LETTER}:
        return True
    if profile is not None:
        said = wallet_code(profile.adapter, "pay", code)
        payee = said.fate == event and said.reason in PAYEE_SIDE
        return payee or (event == "rejected" and code in profile.final_refusals)
    found = classify("status" if event == "rejected" else "return", code)
    return found.treatment == "cash_fallback" or found.if_not_resolved == "cash_fallback"


@dataclass(frozen=True)
class Order:
    """A cash order as the desk meets it; amounts in dong, days those of Vietnam.

    `others` are the states of the payment's other attempts, `state` this attempt's own; `paid_day`
    and `paid_rail` say when and by which rail it was paid, '' where it was not.
    """

    payer: str
    amount_vnd: int
    state: str
    others: tuple[str, ...]
    roster_state: str
    first_day: str
    last_day: str
    died: bool
    paid_day: str
    paid_rail: str


RAIL_WORDS = {"bank": "chuyển khoản", "cash": "tiền mặt"}


def show_day(day: str) -> str:
    """Write an ISO day as dd/mm/yyyy; '' stays ''."""
    return f"{day[8:10]}/{day[5:7]}/{day[:4]}" if day else ""


def already_paid(order: Order) -> NotNowError:
    """Say on which day and by which rail an order was paid."""
    rail = RAIL_WORDS.get(order.paid_rail, order.paid_rail)
    return NotNowError(
        "already_paid",
        f"Khoản này đã trả {format_vnd(order.amount_vnd)} đồng ngày {show_day(order.paid_day)} "
        f"bằng {rail}; không được trả lần nữa.",
        en=f"Already paid on {order.paid_day} by {order.paid_rail}.",
    )


def refusal(order: Order, day: date) -> DisburseError | None:
    """Return why the money must not be handed over on that day; None where it may be."""
    if order.paid_day:
        return already_paid(order)
    if "parked" in (order.state, *order.others):
        return NotNowError(
            "parked", "Khoản này có kết quả trái nhau, đang chờ hai người xử lý; chưa được trả."
        )
    if any(s in IN_FLIGHT and s != "ordered" for s in order.others):
        unknown = "unknown" in order.others
        return NotNowError(
            "unknown" if unknown else "in_flight",
            "Khoản này "
            + ("chưa rõ kết quả chuyển khoản" if unknown else "đang được chuyển khoản")
            + "; không được trả tiền mặt cho đến khi có kết quả.",
        )
    if order.roster_state != "ordered" or order.state != "ordered":
        return NotNowError(
            "roster_closed",
            "Danh sách ký nhận này đã đóng; khoản chưa nhận chuyển sang kỳ sau.",
        )
    if day.isoformat() < order.first_day:
        return NotNowError(
            "roster_early",
            f"Danh sách ký nhận này chi từ ngày {show_day(order.first_day)}; mời người hưởng đến "
            "từ ngày đó.",
        )
    if day.isoformat() > order.last_day:
        return NotNowError(
            "roster_over",
            f"Danh sách ký nhận này chỉ chi đến hết ngày {show_day(order.last_day)}; khoản chưa "
            "nhận chuyển sang kỳ sau.",
        )
    if order.died:
        return NotNowError(
            "dead",
            "Người hưởng được báo đã chết; cần quyết định về người nhận thay trước khi trả.",
        )
    return None


def check_proof(proof: str, note: str) -> None:
    """Check the beneficiary's proof. Raises RefusedError."""
    if proof not in PROOFS:
        raise RefusedError(
            "proof",
            f"Giấy tờ chứng minh '{proof}' không có; chọn một trong: {', '.join(PROOFS)}.",
        )
    if proof == "authorisation" and not note.strip():
        raise RefusedError(
            "proof_note", "Nhận theo ủy quyền phải ghi số giấy, thời hạn và nơi chứng thực."
        )


def other_commune(payer: str, actor: str) -> NotAllowedError:
    """Say that the order is on another commune's roster."""
    return NotAllowedError(
        "other_roster",
        f"Lệnh này thuộc danh sách của đơn vị khác, {actor} không được chi; mời người hưởng đến "
        f"điểm chi của đơn vị mã {payer}.",
    )
