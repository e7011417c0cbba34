"""The control note beside an outgoing file: by it the receiver sees that the file is whole.

It names no person and no category. One `ControlNote` gives both forms: the text, which a machine
reads (its wording lies in bank_adapters), and the printed one, with room for the two who hand the
file over and take it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from bank_adapters.control_note import NOT_VALIDATED, control_note
from disbursement.documents import words
from disbursement.documents.figures import dong_words
from disbursement.documents.pdf import compile_pdf
from disbursement.documents.words import Office
from disbursement.platform.clock import show_month
from ledger.money import format_vnd

TITLE = "Phiếu kiểm soát tệp chi trả"
TITLE_BACK = "Phiếu kiểm soát tệp yêu cầu hủy lệnh chi"


@dataclass(frozen=True)
class ControlNote:
    """What the note says: the file's size in bytes, its SHA-256 (hex), its sums in dong.

    `number` and `version` are the list's, None for a batch made of several lists' payments;
    `chain_head` (hex) and `chain_seq` the end of the book when the file's money was held for
    sending, `execution_date` the day the bank is to pay, `made_at` the file's own instant.
    """

    office: Office
    provider: str
    programme: str
    month: int
    number: int | None
    version: int | None
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
    asks_back: str = ""
    """Of a request: the id of the file whose payments are asked back."""
    validated: bool = True
    """False for a message that no pinned schema describes."""


def control_note_data(note: ControlNote) -> dict[str, Any]:
    """Return the note as the template reads it."""
    return {
        "title": TITLE_BACK if note.asks_back else TITLE,
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
            ["Danh sách", _list_words(note)],
            ["Mã lô (MsgId)", note.message_id],
            *([["Hủy lệnh của tệp", note.asks_back]] if note.asks_back else []),
            *([] if note.validated else [["Lược đồ XSD", NOT_VALIDATED]]),
            ["Ngày thực hiện", words.short_day(note.execution_date)],
            ["Cỡ tệp", f"{format_vnd(note.file_bytes)} byte"],
        ],
        "head": note.chain_head,
        "seq": format_vnd(note.chain_seq),
        "made": words.instant_words(note.made_at),
    }


def _list_words(note: ControlNote) -> str:
    if note.number is None or note.version is None:
        return "Nhiều danh sách trong kỳ"
    return words.list_words(note.number, note.version)


def control_note_text(note: ControlNote) -> str:
    """Return the note as text, UTF-8, one `name: value` a line; sums in dong, digests in hex."""
    return control_note(
        file_name=note.file_name,
        count=note.payments,
        total_vnd=note.total_vnd,
        sha256=note.sha256,
        list_name=f"{note.office.code} {note.programme} {note.month}, {_list_words(note)}",
        chain_seq=note.chain_seq,
        chain_head=note.chain_head,
        created_at=note.made_at,
        asks_back=note.asks_back,
        validated=note.validated,
    )


def control_note_pdf(note: ControlNote) -> bytes:
    """Return the note as PDF, one A4 page."""
    return compile_pdf("control_note", control_note_data(note), note.made_at)
