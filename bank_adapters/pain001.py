"""Writing pain.001 (customer credit transfer initiation), versions .03 .09 .11 .12, in đồng.

The schema of ISO 20022 allows what must never leave: amount 0, five decimals, a doubled id, sums
that do not add up. So every rule is checked here on every row, and the XSD beside it (xsd.py).
The same header and rows give the same bytes: a file that was lost is rendered again, with the same
hash (coins.md 4, F2).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import BinaryIO
from xml.sax.saxutils import escape

from bank_adapters.contract import BatchHeader, PaymentRow, Rendered
from bank_adapters.profiles import Profile
from bank_adapters.refusals import (
    ACCOUNT,
    END_TO_END,
    MESSAGE_ID,
    MOST_VND,
    REFERENCE,
    batch_refused,
    is_instant,
    row_refused,
)
from bank_adapters.text import ALLOWED

_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
_CHUNK = 500


def render(
    profile: Profile, header: BatchHeader, rows: Iterable[PaymentRow], out: BinaryIO
) -> Rendered:
    """Write one pain.001 to `out` and return its SHA-256, count, sum (đồng) and size (bytes).

    Streaming: memory holds the ids of one file and a few hundred rows. Raises RefusedRow (row and
    field) or RefusedBatch; what was written to `out` until then is worthless and must be thrown
    away, which is why callers write to a temporary name.
    """
    digest = hashlib.sha256()
    size = 0
    for piece in _pieces(profile, header, rows):
        digest.update(piece)
        size += len(piece)
        if size > profile.max_bytes_per_file:
            raise batch_refused(
                "file_too_large",
                f"tệp vượt {profile.max_bytes_per_file} byte, mức ngân hàng nhận; "
                "hãy chia lô nhỏ hơn",
                f"file exceeds {profile.max_bytes_per_file} bytes",
            )
        out.write(piece)
    return Rendered(digest.hexdigest(), header.count, header.total_vnd, size)


def validate(profile: Profile, header: BatchHeader, rows: Iterable[PaymentRow]) -> None:
    """Run every check of `render` and write nothing. Raises RefusedRow or RefusedBatch."""
    check_header(profile, header)
    for _ in _checked(profile, header, rows):
        pass


def check_header(profile: Profile, header: BatchHeader) -> None:
    """Check what stands once in the file. Raises RefusedBatch."""
    allowed = ALLOWED[profile.charset]
    tests = (
        ("message_id", MESSAGE_ID.fullmatch(header.message_id)),
        ("payment_info_id", MESSAGE_ID.fullmatch(header.payment_info_id)),
        ("created_at", is_instant(header.created_at)),
        (
            "execution_date",
            type(header.execution_date) is date and profile.in_force(header.execution_date),
        ),
        ("debtor_name", _written(header.debtor_name, profile.name_length, allowed)),
        ("debtor_account", _account(header.debtor_account, profile)),
        ("debtor_bic", _BIC.fullmatch(header.debtor_bic)),
        ("category_purpose", header.category_purpose in profile.category_purposes),
        ("purpose", header.purpose in profile.purposes),
        ("lot", type(header.lot) is int and header.lot >= 1),
        ("count", type(header.count) is int and header.count >= profile.min_payments_per_file),
        ("total_vnd", type(header.total_vnd) is int and 0 < header.total_vnd <= MOST_VND),
    )
    for name, good in tests:
        if not good:
            raise batch_refused(
                f"header_{name}",
                f"mục {name} của lô không đúng với bộ tham số {profile.key}",
                f"header field {name} does not fit profile {profile.key}",
            )
    if header.count > profile.max_payments_per_file:
        raise batch_refused(
            "too_many_payments",
            f"lô có {header.count} khoản, ngân hàng nhận nhiều nhất "
            f"{profile.max_payments_per_file} khoản một tệp; hãy chia lô",
            f"{header.count} payments, at most {profile.max_payments_per_file} in a file",
        )


def _pieces(profile: Profile, header: BatchHeader, rows: Iterable[PaymentRow]) -> Iterator[bytes]:
    check_header(profile, header)
    yield _head(profile, header).encode()
    bic = "BIC" if profile.message_version == "pain.001.001.03" else "BICFI"
    purpose = header.purpose
    # The x set holds no markup, so only wider sets are escaped.
    esc = escape if profile.charset != "x" else str
    chunk: list[str] = []
    for row in _checked(profile, header, rows):
        chunk.append(
            f"<CdtTrfTxInf><PmtId><InstrId>{row.end_to_end_id}</InstrId>"
            f"<EndToEndId>{row.end_to_end_id}</EndToEndId></PmtId>"
            f'<Amt><InstdAmt Ccy="VND">{row.amount_vnd}</InstdAmt></Amt>'
            f"<CdtrAgt><FinInstnId><{bic}>{row.bank_code}</{bic}></FinInstnId></CdtrAgt>"
            f"<Cdtr><Nm>{esc(row.name)}</Nm></Cdtr>"
            f"<CdtrAcct><Id><Othr><Id>{row.account}</Id></Othr></Id></CdtrAcct>"
            f"<Purp><Cd>{purpose}</Cd></Purp>"
            f"<RmtInf><Ustrd>{esc(row.text)}</Ustrd></RmtInf></CdtTrfTxInf>\n"
        )
        if len(chunk) == _CHUNK:
            yield "".join(chunk).encode()
            chunk.clear()
    chunk.append("</PmtInf></CstmrCdtTrfInitn></Document>\n")
    yield "".join(chunk).encode()


def _head(profile: Profile, header: BatchHeader) -> str:
    old = profile.message_version == "pain.001.001.03"
    day = header.execution_date.isoformat()
    if profile.date_form == "datetime":
        when = f"<DtTm>{day}T08:00:00+07:00</DtTm>"
    else:
        when = day if old else f"<Dt>{day}</Dt>"
    bic = "BIC" if old else "BICFI"
    sums = f"<NbOfTxs>{header.count}</NbOfTxs><CtrlSum>{header.total_vnd}</CtrlSum>"
    name = escape(header.debtor_name)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="{escape(profile.namespace)}"><CstmrCdtTrfInitn>\n'
        f"<GrpHdr><MsgId>{header.message_id}</MsgId><CreDtTm>{header.created_at}</CreDtTm>{sums}"
        f"<InitgPty><Nm>{name}</Nm></InitgPty></GrpHdr>\n"
        f"<PmtInf><PmtInfId>{header.payment_info_id}</PmtInfId><PmtMtd>TRF</PmtMtd>"
        f"<BtchBookg>{'true' if profile.batch_booking else 'false'}</BtchBookg>{sums}"
        f"<PmtTpInf><CtgyPurp><Cd>{header.category_purpose}</Cd></CtgyPurp></PmtTpInf>"
        f"<ReqdExctnDt>{when}</ReqdExctnDt><Dbtr><Nm>{name}</Nm></Dbtr>"
        f"<DbtrAcct><Id><Othr><Id>{header.debtor_account}</Id></Othr></Id><Ccy>VND</Ccy></DbtrAcct>"
        f"<DbtrAgt><FinInstnId><{bic}>{header.debtor_bic}</{bic}></FinInstnId></DbtrAgt>"
        f"<ChrgBr>{profile.charge_bearer}</ChrgBr>\n"
    )


def _checked(
    profile: Profile, header: BatchHeader, rows: Iterable[PaymentRow]
) -> Iterator[PaymentRow]:
    """Yield rows that passed every check, and check the totals after the last one."""
    seen: set[str] = set()
    allowed, names, texts = ALLOWED[profile.charset], profile.name_length, profile.text_length
    last = total = 0
    for row in rows:
        e2e = row.end_to_end_id
        if type(row.n) is not int or row.n <= last:
            raise row_refused(
                row.n, "n", "số thứ tự phải là số nguyên tăng dần", "must be ascending"
            )
        last = row.n
        if not END_TO_END.fullmatch(e2e):
            raise row_refused(
                last, "end_to_end_id", "phải gồm 16-20 ký tự A-Z 0-9 -", "16-20 [A-Z0-9-]"
            )
        if e2e in seen:
            raise row_refused(
                last, "end_to_end_id", "mã bị trùng trong tệp", "doubled in this file"
            )
        seen.add(e2e)
        # `type is int`: True is an int in Python, and no amount.
        if type(row.amount_vnd) is not int or not 0 < row.amount_vnd <= MOST_VND:
            raise row_refused(last, "amount_vnd", "phải là số đồng nguyên, lớn hơn 0", "whole, > 0")
        if not _BIC.fullmatch(row.bank_code):
            raise row_refused(
                last, "bank_code", "mã BIC của ngân hàng không đúng dạng", "not a BIC"
            )
        if not _account(row.account, profile):
            raise row_refused(
                last, "account", "số tài khoản chỉ gồm chữ và số, không dấu cách", "account"
            )
        if not _written(row.name, names, allowed):
            raise row_refused(
                last, "name", _WRITTEN_VI.format(names), f"1-{names} characters of the set"
            )
        if not _written(row.text, texts, allowed):
            raise row_refused(
                last, "text", _WRITTEN_VI.format(texts), f"1-{texts} characters of the set"
            )
        if not REFERENCE.fullmatch(row.reference) or not row.text.startswith(row.reference):
            raise row_refused(
                last, "reference", "nội dung phải bắt đầu bằng mã tra cứu", "must lead text"
            )
        total += row.amount_vnd
        if len(seen) > header.count:
            break
        yield row
    if len(seen) != header.count or total != header.total_vnd:
        raise batch_refused(
            "totals_differ",
            f"đầu lô ghi {header.count} khoản, {header.total_vnd} đồng nhưng các dòng không cộng "
            "đúng như vậy; hãy lập lại lô",
            "rows do not add up to the header's count and total",
        )


_WRITTEN_VI = "phải có 1-{} ký tự thuộc bộ ký tự ngân hàng nhận, không thừa dấu cách"


def _written(value: str, most: int, allowed: re.Pattern[str]) -> bool:
    return (
        0 < len(value) <= most and allowed.fullmatch(value) is not None and value == value.strip()
    )


def _account(value: str, profile: Profile) -> bool:
    return len(value) <= profile.account_length and ACCOUNT.fullmatch(value) is not None
