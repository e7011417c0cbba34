"""The control note beside every outgoing file: what the bank can check it against, and an anchor.

The head of the ledger's chain is printed on it, so that somebody outside holds a proof of the
book's state on that day (coins.md, ledger.md: without an outside anchor a privileged administrator
could rebuild the chain).
"""

from __future__ import annotations

from ledger.money import format_vnd, in_words_vi


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
) -> str:
    """Return the note as text: Vietnamese, one `name: value` a line, ends with a line feed.

    `total_vnd` in dong; `sha256` and `chain_head` in hex; `created_at` the file's own instant.
    """
    lines = (
        ("PHIẾU KIỂM SOÁT TỆP CHI", ""),
        ("Tệp", file_name),
        ("Danh sách", list_name),
        ("Lập lúc (UTC)", created_at),
        ("Số khoản chi", str(count)),
        ("Tổng số tiền (đồng)", format_vnd(total_vnd)),
        ("Bằng chữ", in_words_vi(total_vnd)),
        ("SHA-256 của tệp", sha256),
        ("Niêm phong cuối của sổ cái", f"số {chain_seq}, {chain_head}"),
    )
    return "".join(f"{name}: {value}\n" if value else f"{name}\n" for name, value in lines)
