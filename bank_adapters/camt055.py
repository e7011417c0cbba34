"""Writing and looking into camt.055 (customer payment cancellation request): asking payments back.

No package that may be pinned carries its schema, so what is written is held to the writer's own
element table (`ELEMENTS`: order, how often, form of every text), and the control note says
`not schema-validated`. The table is a part of every version from .01 to .12.

Source: ISO 20022 CustomerPaymentCancellationRequest (camt.055), message definitions .01 to .12.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO
from xml.sax.saxutils import escape

from lxml import etree

from bank_adapters.codes import classify
from bank_adapters.contract import Rendered, Source
from bank_adapters.refusals import (
    END_TO_END,
    MESSAGE_ID,
    MOST_VND,
    batch_refused,
    is_instant,
    row_refused,
)
from bank_adapters.xmlsource import opened

VERSIONS = tuple(f"camt.055.001.{n:02d}" for n in (1, 5, 8, 9, 11, 12))
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class CancelHeader:
    """What stands once: who asks which bank, about which file of ours; sum in đồng.

    `original_message` is the version of the pain.001 that is meant, e.g. pain.001.001.09.
    """

    message_id: str
    created_at: str
    asker: str
    bank_bic: str
    original_message_id: str
    original_message: str
    original_payment_info_id: str
    count: int
    total_vnd: int


@dataclass(frozen=True, slots=True)
class CancelRow:
    """One payment asked back; `reason` is a code of the cancellation set (DUPL, CUST, TECH ...)."""

    n: int
    cancel_id: str
    end_to_end_id: str
    amount_vnd: int
    reason: str


@dataclass(frozen=True, slots=True)
class Element:
    """An element of the table: name, fewest, most (0: any number), form of its text or None."""

    name: str
    least: int
    most: int
    text: re.Pattern[str] | None = None


_ID = re.compile(r"[A-Za-z0-9-]{1,35}")
_NAME = re.compile(r"[^\x00-\x1f]{1,140}")
_COUNT = re.compile(r"[1-9][0-9]{0,14}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?")
_MESSAGE = re.compile(r"pain\.001\.001\.\d\d")
_CODE = re.compile(r"[A-Z0-9]{4}")
ELEMENTS: dict[str, tuple[Element, ...]] = {
    "Document": (Element("CstmrPmtCxlReq", 1, 1),),
    "CstmrPmtCxlReq": (
        Element("Assgnmt", 1, 1), Element("CtrlData", 1, 1), Element("Undrlyg", 1, 1),
    ),
    "Assgnmt": (
        Element("Id", 1, 1, _ID), Element("Assgnr", 1, 1), Element("Assgne", 1, 1),
        Element("CreDtTm", 1, 1, _INSTANT),
    ),
    "Assgnr": (Element("Pty", 1, 1),),
    "Pty": (Element("Nm", 1, 1, _NAME),),
    "Assgne": (Element("Agt", 1, 1),),
    "Agt": (Element("FinInstnId", 1, 1),),
    "FinInstnId": (Element("BIC", 0, 1, _BIC), Element("BICFI", 0, 1, _BIC)),
    "CtrlData": (Element("NbOfTxs", 1, 1, _COUNT), Element("CtrlSum", 1, 1, _COUNT)),
    "Undrlyg": (Element("OrgnlPmtInfAndCxl", 1, 1),),
    "OrgnlPmtInfAndCxl": (
        Element("OrgnlPmtInfId", 1, 1, _ID), Element("OrgnlGrpInf", 1, 1), Element("TxInf", 1, 0),
    ),
    "OrgnlGrpInf": (
        Element("OrgnlMsgId", 1, 1, _ID), Element("OrgnlMsgNmId", 1, 1, _MESSAGE),
    ),
    "TxInf": (
        Element("CxlId", 1, 1, _ID), Element("OrgnlInstrId", 1, 1, END_TO_END),
        Element("OrgnlEndToEndId", 1, 1, END_TO_END), Element("OrgnlInstdAmt", 1, 1, _COUNT),
        Element("CxlRsnInf", 1, 1),
    ),
    "CxlRsnInf": (Element("Rsn", 1, 1),),
    "Rsn": (Element("Cd", 1, 1, _CODE),),
}  # fmt: skip


def render(
    version: str, header: CancelHeader, rows: Iterable[CancelRow], out: BinaryIO
) -> Rendered:
    """Write one camt.055; the same input gives the same bytes. Raises RefusedRow, RefusedBatch."""
    _check_header(version, header)
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(version, header, rows):
        digest.update(piece)
        size += len(piece)
        out.write(piece)
    return Rendered(digest.hexdigest(), header.count, header.total_vnd, size)


def _check_header(version: str, header: CancelHeader) -> None:
    tests = (
        ("version", version in VERSIONS),
        ("message_id", MESSAGE_ID.fullmatch(header.message_id)),
        ("created_at", is_instant(header.created_at)),
        ("asker", _NAME.fullmatch(header.asker) and header.asker == header.asker.strip()),
        ("bank_bic", _BIC.fullmatch(header.bank_bic)),
        ("original_message_id", MESSAGE_ID.fullmatch(header.original_message_id)),
        ("original_message", _MESSAGE.fullmatch(header.original_message)),
        ("original_payment_info_id", MESSAGE_ID.fullmatch(header.original_payment_info_id)),
        ("count", type(header.count) is int and header.count >= 1),
        ("total_vnd", type(header.total_vnd) is int and 0 < header.total_vnd <= MOST_VND),
    )
    for name, good in tests:
        if not good:
            raise batch_refused(
                f"header_{name}",
                f"mục {name} của yêu cầu hủy không đúng",
                f"header field {name} of the cancellation is wrong",
            )


def _pieces(version: str, header: CancelHeader, rows: Iterable[CancelRow]) -> Iterator[bytes]:
    bic = "BIC" if version == VERSIONS[0] else "BICFI"
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}"><CstmrPmtCxlReq>\n'
        f"<Assgnmt><Id>{header.message_id}</Id><Assgnr><Pty><Nm>{escape(header.asker)}</Nm></Pty>"
        f"</Assgnr><Assgne><Agt><FinInstnId><{bic}>{header.bank_bic}</{bic}></FinInstnId></Agt>"
        f"</Assgne><CreDtTm>{header.created_at}</CreDtTm></Assgnmt>\n"
        f"<CtrlData><NbOfTxs>{header.count}</NbOfTxs><CtrlSum>{header.total_vnd}</CtrlSum>"
        f"</CtrlData>\n<Undrlyg><OrgnlPmtInfAndCxl><OrgnlPmtInfId>"
        f"{header.original_payment_info_id}</OrgnlPmtInfId><OrgnlGrpInf><OrgnlMsgId>"
        f"{header.original_message_id}</OrgnlMsgId><OrgnlMsgNmId>{header.original_message}"
        "</OrgnlMsgNmId></OrgnlGrpInf>\n"
    ).encode()
    chunk: list[str] = []
    for row in _checked(header, rows):
        chunk.append(
            f"<TxInf><CxlId>{row.cancel_id}</CxlId><OrgnlInstrId>{row.end_to_end_id}"
            f"</OrgnlInstrId><OrgnlEndToEndId>{row.end_to_end_id}</OrgnlEndToEndId>"
            f'<OrgnlInstdAmt Ccy="VND">{row.amount_vnd}</OrgnlInstdAmt>'
            f"<CxlRsnInf><Rsn><Cd>{row.reason}</Cd></Rsn></CxlRsnInf></TxInf>\n"
        )
        if len(chunk) == _CHUNK:
            yield "".join(chunk).encode()
            chunk.clear()
    chunk.append("</OrgnlPmtInfAndCxl></Undrlyg></CstmrPmtCxlReq></Document>\n")
    yield "".join(chunk).encode()


def _checked(header: CancelHeader, rows: Iterable[CancelRow]) -> Iterator[CancelRow]:
    seen: set[str] = set()
    last = total = 0
    for row in rows:
        n, amount = row.n, row.amount_vnd
        tests = (
            ("n", type(n) is int and n > last, "số thứ tự phải là số nguyên tăng dần"),
            ("cancel_id", MESSAGE_ID.fullmatch(row.cancel_id), "mã yêu cầu không đúng dạng"),
            (
                "end_to_end_id",
                END_TO_END.fullmatch(row.end_to_end_id) and row.end_to_end_id not in seen,
                "mã không đúng dạng hoặc bị trùng",
            ),
            ("amount_vnd", type(amount) is int and 0 < amount <= MOST_VND, "phải lớn hơn 0"),
            ("reason", classify("cancellation", row.reason).known, "mã lý do không có trong bảng"),
        )
        for name, good, why in tests:
            if not good:
                raise row_refused(n, name, why, "wrong or doubled")
        last = n
        seen.add(row.end_to_end_id)
        total += amount
        yield row
    if len(seen) != header.count or total != header.total_vnd:
        raise batch_refused(
            "totals_differ",
            f"yêu cầu hủy ghi {header.count} khoản, {header.total_vnd} đồng nhưng các dòng không "
            "cộng đúng như vậy",
            "rows do not add up to the header's count and total",
        )


def check_elements(source: Source) -> None:
    """Hold a file that is about to leave to the element table, whole. Raises RefusedBatch."""
    try:
        with opened(source) as stream:
            parser = etree.XMLParser(
                resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
            )
            root = etree.parse(stream, parser).getroot()
    except etree.XMLSyntaxError as error:
        raise batch_refused(
            "elements", f"tệp hủy không phải XML đọc được (dòng {error.lineno})", "not XML"
        ) from None
    name = etree.QName(root)
    version = (name.namespace or "").rpartition(":")[2]
    if name.localname != "Document" or version not in VERSIONS:
        raise _against(root, "Document")
    _check(root, name.namespace or "")
    bank = root.find(".//{*}FinInstnId")
    if bank is None or len(bank) != 1:
        raise _against(root if bank is None else bank, "FinInstnId")


def _check(element: etree._Element, namespace: str) -> None:
    """Compare the children of an element with the table, and theirs."""
    allowed = ELEMENTS[etree.QName(element).localname]
    at = seen = 0
    for child in element:
        name = etree.QName(child) if isinstance(child.tag, str) else None
        if name is None or name.namespace != namespace:
            raise _against(element, "?")
        while at < len(allowed) and allowed[at].name != name.localname:
            if seen < allowed[at].least:
                raise _against(child, allowed[at].name)
            at, seen = at + 1, 0
        if at == len(allowed):
            raise _against(child, name.localname)
        seen += 1
        rule = allowed[at]
        if rule.most and seen > rule.most:
            raise _against(child, rule.name)
        if rule.text is None:
            _check(child, namespace)
        elif len(child) or not rule.text.fullmatch(child.text or ""):
            raise _against(child, rule.name)
    for rule in allowed[at:]:
        if seen < rule.least:
            raise _against(element, rule.name)
        seen = 0


def _against(element: etree._Element, name: str) -> Exception:
    return batch_refused(
        "elements",
        f"tệp hủy không đúng bảng phần tử ở {name} (dòng {element.sourceline})",
        f"the cancellation is against the element table at {name}",
    )
