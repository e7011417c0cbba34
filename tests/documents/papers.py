"""Made-up papers with exact sums, and readers of what was written."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from disbursement.documents.control_note import ControlNote
from disbursement.documents.figures import Figure
from disbursement.documents.rerating import LeftBefore, Rerated, ReratingDraft
from disbursement.documents.roster import Roster, RosterRow
from disbursement.documents.sheet import ApprovalSheet, BatchFile, BudgetLine, Hold, Signer
from disbursement.documents.words import Office

MADE = "2026-10-23T02:05:00.000000Z"
OFFICE = Office("07900", "Phường Việt Trì", "Tỉnh Phú Thọ")
LOWER = "aàáảãạăằắẳẵặâầấẩẫậbcdđeèéẻẽẹêềếểễệghiìíỉĩịklmnoòóỏõọôồốổỗộơờớởỡợpqrstuùúủũụưừứửữựvxyỳýỷỹỵ"
LETTERS = LOWER + LOWER.upper()
HOSTILE = (
    "#panic()", "*x*", "_y_", "$z$", "`r`", "a -- b", '"q"', "[c]", "<l> @r", "// c", "/* d */",
    "\\n", "=1+1", "+1", "-1", "@SUM(1)", "~ t", "https://a.vn", "{=1}",
)  # fmt: skip


def sheet() -> ApprovalSheet:
    return ApprovalSheet(
        office=OFFICE,
        programme="SA",
        month=202611,
        number=0,
        version=2,
        made_at=MADE,
        payments=2412,
        people=2398,
        total_vnd=1_987_650_000,
        carried=Figure("carried", 12, 9_720_000),
        rails=(Figure("bank", 1900, 1_500_000_000), Figure("cash", 512, 487_650_000)),
        lines=(BudgetLine("SA", 2026, 1_977_930_000, 2_100_000_000, 202612),),
        before_payments=2400,
        before_vnd=1_800_000_000,
        changes=(
            Figure("came", 14, 8_100_000),
            Figure("left", 2, -1_080_000),
            Figure("amount_up", 1800, 180_630_000),
            Figure("account_changed", 31, 0),
        ),
        holds=(
            Hold("right", "no_identity", 4, 3_240_000),
            Hold("right", "open_point:rerating_decision_missing", 1200, 120_000_000),
            Hold("payment", "rail_not_available", 3, 2_430_000),
        ),
        law_on=date(2026, 10, 23),
        rate_set="SA 2",
        citations=("NĐ 335/2026/NĐ-CP Điều 6 khoản 1", "NĐ 20/2021/NĐ-CP Điều 6"),
        rates_sha256="ab" * 32,
        digest="0123456789abcdef" * 4,
        chain_head="fedcba9876543210" * 4,
        chain_seq=1234,
        batches=(
            BatchFile(
                "DS25A", "NHA", "first", "a.xml", "1a" * 32, 1900, 1_500_000_000, "Ngân hàng A"
            ),
            BatchFile("DS25B", "BDB", "cash", "", "2b" * 32, 512, 487_650_000, "BDB"),
        ),
        signers=(Signer("prepare", "Nguyễn Thị Lập", "2026-10-23T02:10:00Z"),),
    )


def roster(n: int = 40, name: str = "Nguyễn Thị Ưởng") -> Roster:
    rows = tuple(
        RosterRow(
            i, f"{name} {i}", "1950", f"{i:04d}", f"7K2M9Q{i:04d}", f"DS25{i:012d}",
            (202607, 202608, 202609, 202611) if i == 1 else (202611,), 810_000 + i,
            "Lê Văn Giám" if i == 2 else "", "cash_by_choice" if i % 2 else "cash_fallback",
        )
        for i in range(1, n + 1)
    )  # fmt: skip
    return Roster(
        office=OFFICE,
        programme="SA",
        month=202611,
        message_id="DS25B",
        desk="Bưu điện B",
        place="Nhà văn hóa khu 3",
        first_day=date(2026, 11, 12),
        last_day=date(2026, 11, 17),
        copies=2,
        digest="cd" * 32,
        made_at=MADE,
        payments=n,
        total_vnd=n * 810_000 + n * (n + 1) // 2,
        rows=rows,
    )


def draft(n: int = 3) -> ReratingDraft:
    months = (202607, 202608, 202609, 202610)
    rows = tuple(
        Rerated(f"Trần Văn {i}", "1948", "4321", f"8K2M9Q{i:04d}", 500_000, 540_000, months)
        for i in range(n)
    )
    return ReratingDraft(
        office=OFFICE,
        month=202611,
        instrument="335/2026/NĐ-CP",
        in_force=date(2026, 10, 5),
        money_from=202607,
        basis=("Nghị định số 335/2026/NĐ-CP Điều 32 khoản 4",),
        rates_sha256="ef" * 32,
        made_at=MADE,
        people=n,
        total_vnd=n * 160_000,
        rows=rows,
        left=(
            LeftBefore(
                "Phạm Thị Xa",
                "1940",
                "9876",
                "9K2M9Q0001",
                202608,
                "Chết",
                (202607, 202608),
                80_000,
            ),
        ),
    )


def note() -> ControlNote:
    return ControlNote(
        office=OFFICE,
        provider="Ngân hàng A",
        programme="SA",
        month=202611,
        number=1,
        version=1,
        message_id="DS25A",
        file_name="a.xml",
        file_bytes=1_834_567,
        sha256="1a" * 32,
        payments=1900,
        total_vnd=1_500_000_000,
        execution_date=date(2026, 11, 5),
        chain_head="fe" * 32,
        chain_seq=1234,
        made_at=MADE,
    )


def pages(pdf: bytes) -> list[str]:
    """Return each page's text: blanks made single, soft breaks out, dots as dots."""
    texts = (page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return [" ".join(text.replace("\u200b", "").replace("…", "...").split()) for text in texts]


def said(pdf: bytes) -> str:
    return " ".join(pages(pdf))


def cells(book: bytes, tab: str | None = None) -> list[list[Any]]:
    """Return a worksheet's cells as another reader (calamine) sees them."""
    work = CalamineWorkbook.from_filelike(io.BytesIO(book))
    return work.get_sheet_by_name(tab or work.sheet_names[0]).to_python(skip_empty_area=False)
