"""VietQR: the account in a payee's own code, read and written. Pure, bytes in and out as text.

NAPAS "QR Format T&C" v1.0 VN (09/2021) and v1.5.2 EN (10/2022) over EMVCo merchant-presented mode:
fields of two digits id, two digits length, value. 00 = 01; 01 = 11 static or 12 with an amount;
38 = {00 = A000000727, 01 = {00 = BIN, 01 = account}, 02 = service}; 53 = 704 (VND); 54 = amount;
58 = VN; 62 = {08 = purpose}; 63 = CRC-16 (polynomial 1021, start FFFF) over all before it and
`6304`. A payee's code is the surest way to take down bank and account: nobody types digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from bank_adapters.contract import AdapterError

Service = Literal["QRIBFTTA", "QRIBFTTC", "QRPUSH", "QRCASH"]
"""To an account, to a card, payment, cash withdrawal."""

AID = "A000000727"
CURRENCY = "704"
MAX_ACCOUNT = 19
MAX_AMOUNT_DIGITS = 13
MAX_PURPOSE = 90
"""The paper says 25; banks read more, up to what two digits of length leave (99 with the tag)."""
MAX_PAYLOAD = 512


class QrRefused(AdapterError):  # noqa: N818 - sibling of BankRefused
    """The text is no VietQR of an account, or such a code cannot be written."""

    action = "fix"


@dataclass(frozen=True, slots=True)
class VietQr:
    """What a code says. `amount_vnd` in whole dong, None where the payer types it in."""

    bin: str
    account: str
    amount_vnd: int | None = None
    purpose: str | None = None
    service: Service = "QRIBFTTA"


def write_qr(code: VietQr) -> str:
    """Return the payload. Raises QrRefused where a field does not fit the format."""
    _check(code)
    account = _field("00", code.bin) + _field("01", code.account)
    target = _field("00", AID) + _field("01", account) + _field("02", code.service)
    parts = [
        _field("00", "01"),
        _field("01", "11" if code.amount_vnd is None else "12"),
        _field("38", target),
        _field("53", CURRENCY),
        "" if code.amount_vnd is None else _field("54", str(code.amount_vnd)),
        _field("58", "VN"),
        _field("62", _field("08", code.purpose)) if code.purpose else "",
    ]
    body = "".join(parts) + "6304"
    return body + f"{crc16(body):04X}"


def read_qr(payload: str) -> VietQr:
    """Read a payload. Raises QrRefused: damaged, of another scheme, or not in dong."""
    text = payload.strip()
    if not text or len(text) > MAX_PAYLOAD:
        raise _refused("qr_length", "mã trống hoặc dài quá", "empty or too long")
    if not re.fullmatch(r".*6304[0-9A-Fa-f]{4}", text, re.DOTALL):
        raise _refused("qr_crc", "thiếu mã kiểm tra ở cuối", "no checksum at the end")
    if crc16(text[:-4]) != int(text[-4:], 16):
        raise _refused("qr_crc", "mã kiểm tra không khớp, có chữ số bị sai", "checksum differs")
    fields = _fields(text[:-8])
    if fields.get("00") != "01" or "38" not in fields:
        raise _refused("qr_scheme", "không phải mã VietQR của NAPAS", "not a VietQR code")
    if fields.get("53") != CURRENCY or fields.get("58", "VN") != "VN":
        raise _refused("qr_currency", "không phải mã bằng đồng Việt Nam", "not in VND")
    target = _fields(fields["38"])
    if target.get("00") != AID or "01" not in target:
        raise _refused("qr_scheme", "không phải mã VietQR của NAPAS", "not a VietQR code")
    account = _fields(target["01"])
    amount = fields.get("54")
    if amount is not None and not re.fullmatch(r"[0-9]{1,13}(\.0{1,2})?", amount):
        raise _refused("qr_amount", "số tiền không phải số đồng", "amount is not whole dong")
    found = VietQr(
        account.get("00", ""),
        account.get("01", ""),
        None if amount is None else int(amount.split(".")[0]),
        _fields(fields["62"]).get("08") if "62" in fields else None,
        _service(target.get("02", "QRIBFTTA")),
    )
    _check(found)
    return found


def crc16(text: str) -> int:
    """Return CRC-16/CCITT-FALSE of the text's UTF-8 bytes (ISO/IEC 13239, start FFFF)."""
    value = 0xFFFF
    for byte in text.encode():
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1) ^ 0x1021 if value & 0x8000 else value << 1
        value &= 0xFFFF
    return value


def _check(code: VietQr) -> None:
    if not re.fullmatch(r"[0-9]{6}", code.bin):
        raise _refused("qr_bin", "mã BIN phải gồm 6 chữ số", "a BIN has 6 digits")
    if not re.fullmatch(rf"[0-9A-Za-z]{{1,{MAX_ACCOUNT}}}", code.account):
        raise _refused(
            "qr_account", f"số tài khoản phải có 1 đến {MAX_ACCOUNT} chữ số", "account length"
        )
    _service(code.service)
    amount = code.amount_vnd
    if amount is not None and not 0 < amount < 10**MAX_AMOUNT_DIGITS:
        raise _refused("qr_amount", "số tiền phải lớn hơn 0", "amount must be above 0")
    purpose = code.purpose
    if purpose is not None and not re.fullmatch(rf"[ -~]{{1,{MAX_PURPOSE}}}", purpose):
        raise _refused(
            "qr_purpose",
            f"nội dung phải là chữ không dấu, nhiều nhất {MAX_PURPOSE} ký tự",
            "purpose must be plain letters",
        )


def _service(value: str) -> Service:
    for service in get_args(Service):
        if service == value:
            found: Service = service
            return found
    raise _refused("qr_service", "loại dịch vụ không có trong VietQR", "unknown service")


def _field(tag: str, value: str) -> str:
    return f"{tag}{len(value):02d}{value}"


def _fields(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        head = text[at : at + 4]
        if not re.fullmatch(r"[0-9]{4}", head):
            raise _refused("qr_fields", "các trường của mã bị hỏng", "broken fields")
        end = at + 4 + int(head[2:])
        if end > len(text) or head[:2] in found:
            raise _refused("qr_fields", "các trường của mã bị hỏng", "broken fields")
        found[head[:2]] = text[at + 4 : end]
        at = end
    return found


def _refused(code: str, why_vi: str, why_en: str) -> QrRefused:
    return QrRefused(
        code, f"Mã VietQR không dùng được: {why_vi}; hãy quét lại mã của người nhận.", en=why_en
    )
