"""The control note beside an outgoing file: by it the receiver sees that the file is whole.

It names no person and no category. The text form lies in bank_adapters; this is the printed one,
with room for the two who hand the file over and take it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from disbursement.documents import words
from disbursement.documents.figures import dong_words
from disbursement.documents.pdf import compile_pdf
from disbursement.documents.words import Office
from disbursement.platform.clock import show_month
from ledger.money import format_vnd

TITLE = "Phiếu kiểm soát tệp chi trả"


@dataclass(frozen=True)
class ControlNote:
    """What the note says: the file's size in bytes, its SHA-256 (hex), its sums in dong.

    `number` and `version` are the list's, `chain_head` (hex) and `chain_seq` the end of the book
    when the batch was signed, `execution_date` the day the bank is to pay.
    """

    office: Office
    provider: str
    programme: str
    month: int
    number: int
    version: int
    message_id: str
    file_name: str
    file_bytes: int
    sha256: str
    payments: int
    total_vnd: int
    execution_date: date
    chain_head: str
    chain_seq: int
    made_at: str


def control_note_data(note: ControlNote) -> dict[str, Any]:
    """Return the note as the template reads it."""
    return {
        "title": TITLE,
        "committee": note.office.committee,
        "province": note.office.province,
        "payer": note.office.code,
        "file": note.file_name,
        "sha256": note.sha256,
        "payments": format_vnd(note.payments),
        "total": format_vnd(note.total_vnd),
        "in_words": dong_words(note.total_vnd),
        "rows": [
            ["Nơi nhận tệp", note.provider],
            ["Chương trình", words.programme_words(note.programme)],
            ["Kỳ chi trả", f"Tháng {show_month(note.month)}"],
            ["Danh sách", words.list_words(note.number, note.version)],
            ["Mã lô (MsgId)", note.message_id],
            ["Ngày thực hiện", words.short_day(note.execution_date)],
            ["Cỡ tệp", f"{format_vnd(note.file_bytes)} byte"],
        ],
        "head": note.chain_head,
        "seq": format_vnd(note.chain_seq),
        "made": words.instant_words(note.made_at),
    }


def control_note_pdf(note: ControlNote) -> bytes:
    """Return the note as PDF, one A4 page."""
    return compile_pdf("control_note", control_note_data(note), note.made_at)
