"""The control note beside every outgoing file: what the bank can check it against, and an anchor.

The head of the ledger's chain is printed on it, so that somebody outside holds a proof of the
book's state on that day (coins.md, ledger.md: without an outside anchor a privileged administrator
could rebuild the chain).
"""

from __future__ import annotations

from ledger.money import format_vnd, in_words_vi

_TITLE = "PHIẾU KIỂM SOÁT TỆP CHI"
_TITLE_BACK = "PHIẾU KIỂM SOÁT TỆP YÊU CẦU HỦY LỆNH CHI"
NOT_VALIDATED = "not schema-validated (đã đối chiếu với bảng phần tử của chương trình)"
"""Said of a message that no pinned package has a schema of: camt.055."""


def control_note(
    *,
    file_name: str,
    count: int,
    total_vnd: int,
    sha256: str,
    list_name: str,
    chain_seq: int,
    chain_head: str,
    created_at: str,
    asks_back: str = "",
    validated: bool = True,
) -> str:
    """Return the note as text: Vietnamese, one `name: value` a line, ends with a line feed.

    `asks_back` is the id of the file whose payments are asked back, '' for a file that pays;
    `validated` is False for a message whose schema no pinned package carries. `total_vnd` in dong;
    `sha256` and `chain_head` in hex; `created_at` the file's own instant.
    """
    lines = (
        (_TITLE_BACK if asks_back else _TITLE, ""),
        ("Tệp", file_name),
        *((("Hủy lệnh của tệp", asks_back),) if asks_back else ()),
        ("Danh sách", list_name),
        ("Lập lúc (UTC)", created_at),
        ("Số khoản chi", str(count)),
        ("Tổng số tiền (đồng)", format_vnd(total_vnd)),
        ("Bằng chữ", in_words_vi(total_vnd)),
        ("SHA-256 của tệp", sha256),
        *(() if validated else (("Lược đồ XSD", NOT_VALIDATED),)),
        ("Niêm phong cuối của sổ cái", f"số {chain_seq}, {chain_head}"),
    )
    return "".join(f"{name}: {value}\n" if value else f"{name}\n" for name, value in lines)
