"""What a simulated bank does with a request to give payments back: camt.055 in, camt.029 out.

It reads with a parser of its own. What it has not paid yet it promises to stop, and stops, unless
it is made to break its promises: then the statement shows the debit all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from lxml import etree

_LOOK = 1 << 10
_STATES = {"ACCR": "CNCL", "RJCR": "RJCR"}


@dataclass(frozen=True)
class Cancellation:
    """A request as the bank read it: its id, the file that it means, the payments asked back."""

    message: str
    original: str
    orders: tuple[str, ...]


def read_cancellation(path: Path) -> Cancellation | None:
    """Read a camt.055; None for a file that is none. Raises ValueError where its count lies."""
    with path.open("rb") as stream:  # orders may be large: their start tells that they are none
        if b"CstmrPmtCxlReq" not in stream.read(_LOOK):
            return None
    root = etree.parse(
        str(path), etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    ).getroot()
    asked = root.find("{*}CstmrPmtCxlReq")
    if asked is None:
        raise ValueError(f"{path.name}: no camt.055")
    orders = tuple(e.text or "" for e in asked.iterfind(".//{*}TxInf/{*}OrgnlEndToEndId"))
    if int(asked.findtext("{*}CtrlData/{*}NbOfTxs") or -1) != len(orders):
        raise ValueError(f"{path.name}: the count differs from the header")
    return Cancellation(
        asked.findtext("{*}Assgnmt/{*}Id") or "",
        asked.findtext(".//{*}OrgnlGrpInf/{*}OrgnlMsgId") or "",
        orders,
    )


def resolution(asked: Cancellation, rows: Iterable[tuple[str, str, str]], day: date) -> str:
    """Write the camt.029.001.09 that answers: rows of (EndToEndId, ACCR or RJCR, reason)."""
    listed = list(rows)
    body = "".join(
        f"<TxInfAndSts><CxlStsId>{asked.message}-{n}</CxlStsId><OrgnlEndToEndId>{e2e}"
        f"</OrgnlEndToEndId><TxCxlSts>{status}</TxCxlSts>"
        + (f"<CxlStsRsnInf><Rsn><Cd>{why}</Cd></Rsn></CxlStsRsnInf>" if why else "")
        + "</TxInfAndSts>"
        for n, (e2e, status, why) in enumerate(listed, 1)
    )
    all_of = {status for _, status, _ in listed}
    conf = _STATES[all_of.pop()] if len(all_of) == 1 else "PECR"
    agent = "<Agt><FinInstnId><BICFI>ICBVVNVX</BICFI></FinInstnId></Agt>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.029.001.09"><RsltnOfInvstgtn>'
        f"<Assgnmt><Id>R{asked.message}</Id><Assgnr>{agent}</Assgnr><Assgne>{agent}</Assgne>"
        f"<CreDtTm>{day.isoformat()}T11:00:00Z</CreDtTm></Assgnmt><Sts><Conf>{conf}</Conf></Sts>"
        f"<CxlDtls><OrgnlGrpInfAndSts><OrgnlMsgId>{asked.original}</OrgnlMsgId>"
        "<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts>"
        f"<OrgnlPmtInfId>{asked.original}-1</OrgnlPmtInfId>{body}</OrgnlPmtInfAndSts></CxlDtls>"
        "</RsltnOfInvstgtn></Document>"
    )
