"""Rows, headers and answer files for the tests of this folder; every name is invented."""

from __future__ import annotations

import io

from bank_adapters import pain001
from bank_adapters.conformance.orders import DAY, header, row
from bank_adapters.contract import PaymentRow, Rendered
from bank_adapters.profiles import Profile, load_profile

__all__ = ["DAY", "header", "row"]
PROFILE = load_profile("iso-vn-1")


def render(
    rows: list[PaymentRow], profile: Profile = PROFILE, **changes: object
) -> tuple[bytes, Rendered]:
    out = io.BytesIO()
    done = pain001.render(profile, header(rows, **changes), rows, out)
    return out.getvalue(), done


def entry(
    amount: str = "810000",
    side: str = "DBIT",
    e2e: str = "DS25000000000001",
    status: str = "BOOK",
    ccy: str = "VND",
    inside: str = "",
    after: str = "",
    day: str = "<Dt>2026-11-05</Dt>",
) -> str:
    return (
        f'<Ntry><Amt Ccy="{ccy}">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
        f"<Sts><Cd>{status}</Cd></Sts><BookgDt>{day}</BookgDt><AcctSvcrRef>FT1</AcctSvcrRef>"
        "<BkTxCd><Prtry><Cd>CHI</Cd></Prtry></BkTxCd>"
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{e2e}</EndToEndId></Refs>{inside}</TxDtls></NtryDtls>"
        f"{after}</Ntry>\n"
    )


def balance(code: str, amount: int, ccy: str = "VND") -> str:
    side = "CRDT" if amount >= 0 else "DBIT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{ccy}">{abs(amount)}</Amt>'
        f"<CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>2026-11-05</Dt></Dt></Bal>\n"
    )


def statement(
    entries: str,
    opening: int = 0,
    closing: int = 0,
    *,
    extra: str = "",
    declaration: str = '<?xml version="1.0" encoding="UTF-8"?>\n',
    namespace: str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08",
    sequence: int = 1,
) -> bytes:
    return (
        f'{declaration}<Document xmlns="{namespace}"><BkToCstmrStmt>'
        "<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-05T18:00:00+07:00</CreDtTm></GrpHdr>\n"
        f"<Stmt><Id>S1</Id><ElctrncSeqNb>{sequence}</ElctrncSeqNb>"
        "<CreDtTm>2026-11-05T18:00:00+07:00</CreDtTm><FrToDt>"
        "<FrDtTm>2026-11-04T17:00:00Z</FrDtTm><ToDtTm>2026-11-05T23:59:59+07:00</ToDtTm></FrToDt>"
        "<Acct><Id><Othr><Id>10000001</Id></Othr></Id><Ccy>VND</Ccy></Acct>\n"
        f"{balance('OPBD', opening)}{balance('CLBD', closing)}{extra}{entries}"
        "</Stmt></BkToCstmrStmt></Document>\n"
    ).encode()


def report(inside: str, group: str = "", original: str = "DS25B1") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>'
        "<GrpHdr><MsgId>R1</MsgId><CreDtTm>2026-11-05T10:00:00+07:00</CreDtTm></GrpHdr>\n"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{original}</OrgnlMsgId>"
        f"<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{group}</OrgnlGrpInfAndSts>\n"
        f"{inside}</CstmrPmtStsRpt></Document>\n"
    ).encode()


def status(e2e: str, code: str = "RJCT", reason: str = "AC04", more: str = "") -> str:
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>" if reason else ""
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{e2e}</OrgnlEndToEndId><TxSts>{code}</TxSts>"
        f"{why}{more}</TxInfAndSts>\n"
    )
