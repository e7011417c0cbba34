"""What the machine refuses - a lock, a full disk, a lost database - as one sentence for people.

A use case raises our own errors (errors.py). What comes from below them is explained here, at the
boundary: the transaction is gone by then, so nothing of it was changed.
"""

from __future__ import annotations

import errno
import sqlite3

from sqlalchemy.exc import DBAPIError

from disbursement.platform.errors import DisburseError, NotNowError, OurFaultError, RefusedError
from ledger.errors import LedgerError, translate

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""No room: the disk, the user's share of it, or the largest file the system allows."""

_BUSY = frozenset({"40001", "40P01", "55P03"})
_FULL_STATES = frozenset({"53100"})  # disk_full

_BOOK = {
    "limit": "một tài khoản sẽ bị trừ quá số đang có",
    "coin_moved": "khoản tiền vừa được chuyển ở nơi khác",
    "stale_difference": "số phải trả vừa được tính ở nơi khác",
    "same_person": "người này đã ký văn bản này",
    "role_taken": "vai trò này đã ký văn bản này",
    "idem_conflict": "việc này đã ghi trước đó với nội dung khác",
    "protected": "sổ không cho sửa những gì đã ghi",
    "exists": "việc này đã ghi rồi",
    "period_closed": "tháng này đã khóa sổ (`disburse ledger reopen` mở lại)",
    "bad_value": "một giá trị nằm ngoài mức cho phép",
}


def explain(error: BaseException) -> DisburseError | None:
    """Return our error for a failure of the machine or a refusal of the book; None where unknown.

    Neither statement nor values of the database are repeated: they may hold somebody's name.
    """
    if isinstance(error, LedgerError):
        return _book(error)
    driver = error.orig if isinstance(error, DBAPIError) else error
    if type(driver).__module__.startswith(("psycopg", "sqlite3")):
        known = translate(error)
        # A bare duplicate or a bad value from below the ledger is a fault of ours: not explained.
        told = known is not None and known.code not in ("exists", "bad_value", "protected")
        return _book(known) if known is not None and told else _database(driver)
    if isinstance(error, OSError):
        return of_os(error)
    return None


def of_os(error: OSError, name: str = "") -> NotNowError:
    """Explain a file that could not be read or written; `name` without its folder."""
    named = name or _name(error)
    if error.errno in FULL:
        return NotNowError(
            "disk_full",
            f"Hết chỗ trên đĩa khi ghi {named}: chưa có gì thay đổi, "
            "hãy giải phóng dung lượng rồi làm lại.",
            en=f"No room on the disk while {named} was written: nothing changed; make room.",
        )
    return NotNowError(
        "cannot_write",
        f"Không đọc hoặc ghi được {named} ({why(error)}): chưa có gì thay đổi, "
        "hãy kiểm tra tệp, thư mục rồi làm lại.",
        en=f"Cannot read or write {named} ({error.strerror}): nothing changed; check it.",
    )


def why(error: OSError) -> str:
    """Say in a few Vietnamese words why a file could not be read or written."""
    return _WHY.get(error.errno or 0, error.strerror or type(error).__name__)


_WHY = {
    errno.EACCES: "không có quyền",
    errno.EPERM: "không có quyền",
    errno.EROFS: "ổ đĩa chỉ đọc",
    errno.EISDIR: "đây là thư mục, không phải tệp",
    errno.ENOTDIR: "đây là tệp, không phải thư mục",
    errno.EEXIST: "đã có tệp cùng tên",
    errno.ENOENT: "không có tệp hoặc thư mục này",
    errno.ENAMETOOLONG: "tên quá dài",
}


def _name(error: OSError) -> str:
    given = error.filename if error.filename2 is None else error.filename2
    return str(given).rsplit("/", 1)[-1] if given else "tệp"


def _book(error: LedgerError) -> DisburseError:
    why = _BOOK.get(error.code)
    if why is None:
        return OurFaultError(
            error.code,
            f"Sổ cái từ chối ({error.code}: {error}); chưa ghi gì. Hãy chạy `disburse doctor` và "
            "báo quản trị.",
        )
    return NotNowError(
        error.code,
        f"Sổ cái từ chối: {why}; chưa ghi gì. Hãy kiểm tra lại số tiền và bước đang làm.",
        en=f"The book refused this ({error.code}); nothing was recorded.",
    )


def _database(error: BaseException | None) -> DisburseError | None:
    text = str(error)
    state = getattr(error, "sqlstate", None)
    if state in _BUSY or (isinstance(error, sqlite3.Error) and "locked" in text):
        return NotNowError(
            "busy",
            "Một tiến trình khác đang ghi sổ này: chưa có gì thay đổi, hãy đợi việc kia xong rồi "
            "làm lại.",
            en="Another process is writing these books: nothing changed; try again later.",
        )
    if state in _FULL_STATES or (isinstance(error, sqlite3.Error) and _sqlite_full(error)):
        return NotNowError(
            "disk_full",
            "Hết chỗ trên đĩa khi ghi sổ: chưa có gì thay đổi, hãy giải phóng dung lượng rồi làm "
            "lại.",
            en="No room on the disk for the books: nothing changed; make room.",
        )
    if isinstance(error, sqlite3.DatabaseError) and (
        "not a database" in text or "malformed" in text
    ):
        return OurFaultError(
            "broken_books",
            "Tệp sổ bị hỏng hoặc không phải tệp sổ: dừng lại và khôi phục từ bản sao lưu.",
        )
    if isinstance(error, sqlite3.OperationalError) and "unable to open" in text:
        return RefusedError(
            "cannot_open",
            "Không mở được tệp sổ: kiểm tra --home và quyền đọc, ghi thư mục đó.",
        )
    if isinstance(error, sqlite3.OperationalError) and "readonly" in text:
        return RefusedError(
            "cannot_open", "Tệp sổ chỉ đọc: kiểm tra quyền ghi thư mục dữ liệu rồi làm lại."
        )
    if state is None and type(error).__module__.startswith("psycopg"):
        return NotNowError(
            "no_database",
            "Không kết nối được PostgreSQL: kiểm tra DATABASE_URL và máy chủ cơ sở dữ liệu; nếu "
            "việc đang dở, xem lại bằng `disburse run status` trước khi làm lại.",
            en="PostgreSQL cannot be reached: check DATABASE_URL and the server.",
        )
    return None


def _sqlite_full(error: sqlite3.Error) -> bool:
    """SQLITE_FULL, or a file that the system did not let grow (a limit on the size of a file)."""
    name = getattr(error, "sqlite_errorname", "")
    return name.startswith(("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"))
