"""What the objects of the GSMA Mobile Money API 1.2 say of a payment. Pure; nothing raises.

Source: GSMA Mobile Money API 1.2.0, disbursements OpenAPI file and "Get started" guide
(gsmainclusivetechlab/mobilemoneyapi-devportal@c9af377, MIT). The two disagree on spelling
(`businessRule` and `BusinessRule`, `errordescription` and `errorDescription`, `error` and
`errorReference` in a request state): both are read, the OpenAPI form is what we send.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from bank_adapters.api.codes import wallet_code
from bank_adapters.api.contract import Fate, Item
from bank_adapters.api.shared import text_of

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,17})(?:\.([0-9]{1,4}))?")
_MSISDN = re.compile(r"(?:\+?84|0)([1-9][0-9]{8})")


def error_of(body: Any) -> tuple[str, str, str]:
    """Return category, code and text of an error object, in the OpenAPI spelling.

    A request state's `error` or `errorReference` is looked into. ("", "", "") where there is none.
    """
    if not isinstance(body, dict):
        return "", "", ""
    for name in ("error", "errorReference"):
        if isinstance(body.get(name), dict):
            body = body[name]
    words = text_of(body, "errorDescription") or text_of(body, "errordescription")
    return _lower(text_of(body, "errorCategory")), _lower(text_of(body, "errorCode")), words


def transaction(body: dict[str, Any], members: Sequence[str]) -> Item:
    """Return what a transaction object says.

    One without our reference is that of the only member asked about; one with another's
    reference is kept under that reference, and says nothing of the member.
    """
    mine = text_of(body, "requestingOrganisationTransactionReference")
    if not mine and len(members) == 1:
        mine = members[0]
    status = f"status {' '.join(text_of(body, 'transactionStatus').lower().split())}"
    fate = wallet_code("gsma", "inquiry", status).fate
    amount, whole = _amount(body)
    if not whole or text_of(body, "type") not in ("", "disbursement"):
        fate = "unknown"
    return Item(
        mine, fate, status, text_of(body, "descriptionText"), amount,
        account(body.get("creditParty")), text_of(body, "transactionReference"),
    )  # fmt: skip


def listed(row: Any, seen_before: Collection[str] = ()) -> Item:
    """Return what a row of a batch's completions or rejections says; its kind by its fields.

    A row in the list of rejections was refused, whatever words say why; only a reason that means
    "seen before" leaves it open.
    """
    if not isinstance(row, dict):
        return Item("", "unknown", "", "")
    mine = text_of(row, "requestingOrganisationTransactionReference")
    reference = text_of(row, "transactionReference")
    payee = account(row.get("creditParty"))
    reason = text_of(row, "rejectionReason")
    if reason:
        code = _lower(reason.split(":", 1)[0])
        fate: Fate = "unknown" if code in seen_before else "rejected"
        code = code if wallet_code("gsma", "pay", code).known else "genericError"
        return Item(mine, fate, code, reason, None, payee, reference)
    if text_of(row, "completionDate"):
        amount, whole = _amount(row)
        fate = "credited" if whole else "unknown"
        return Item(mine, fate, "status completed", "", amount, payee, reference)
    return Item(mine, "unknown", "", "", None, payee, reference)


def account(parties: Any) -> str | None:
    """Return the payee's telephone number of a creditParty in our form (0 and nine digits)."""
    if not isinstance(parties, list):
        return None
    for party in parties:
        if text_of(party, "key").lower() == "msisdn":
            value = text_of(party, "value")
            found = _MSISDN.fullmatch(re.sub(r"[ .-]", "", value))
            return f"0{found[1]}" if found else value
    return None


def whole_vnd(text: str) -> int | None:
    """Return an amount in đồng; None where it is no amount or has a fraction."""
    found = _AMOUNT.fullmatch(text)
    if found is None or (found[2] or "").strip("0"):
        return None
    return int(found[1])


def _amount(body: dict[str, Any]) -> tuple[int | None, bool]:
    """Return the amount (None where none is given), and whether what is given is whole đồng."""
    if "amount" not in body and "currency" not in body:
        return None, True
    amount = whole_vnd(text_of(body, "amount"))
    return amount, amount is not None and text_of(body, "currency") in ("", "VND")


def _lower(word: str) -> str:
    word = "".join(word.split())
    return word[:1].lower() + word[1:]
