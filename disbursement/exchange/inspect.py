"""What a file is, for whom, how much, whether it is whole, and whether the books know it.

Nothing is recorded and nothing of a person is shown: sums, counts, last four digits of the
organisation's account. Works without any books; with them the file's SHA-256 is looked up.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from bank_adapters import answers, orders
from bank_adapters.camt import read_camt
from bank_adapters.contract import STATUS_KINDS, ParsedAnswer, RefusedFile
from bank_adapters.mt940 import looks_like_mt
from bank_adapters.outgoing import inspect_outgoing, outgoing_kind
from bank_adapters.pain002 import read_pain002
from disbursement.beneficiaries.reader import Encoding
from disbursement.exchange import tables_seen
from disbursement.platform import files
from disbursement.platform.clock import show_month
from disbursement.platform.context import Context
from disbursement.platform.errors import NotFoundError, RefusedError
from ledger.money import format_vnd
from ledger.sql import text

KINDS = {
    "pain.001": "tệp lệnh chi",
    "camt.055": "yêu cầu hủy lệnh chi",
    "sheet": "danh sách chi theo mẫu của nơi nhận",
    "pain.002": "trả lời của ngân hàng về lệnh chi",
    "camt.029": "trả lời của ngân hàng về yêu cầu hủy",
    "camt.052": "sao kê trong ngày",
    "camt.053": "sao kê tài khoản",
    "camt.054": "báo có, báo nợ",
    "mt940": "sao kê tài khoản",
    "mt942": "sao kê trong ngày",
    "register": "danh sách đối tượng",
    "opening": "số đã trả trước khi vận hành",
    "deaths": "trả lời của cơ sở dữ liệu dân cư",
    "contracts": "hợp đồng chi trả",
    "budget": "dự toán",
    "cash_result": "kết quả chi tiền mặt",
    "provider_report": "báo cáo của đơn vị cung ứng",
    "other": "tệp không đọc nội dung",
}
"""Kind of a file -> Vietnamese."""


@dataclass(frozen=True)
class Known:
    """Where the books have this very file (the same bytes): `what` names it, `state`, `at`."""

    what: str
    state: str = ""
    at: str = ""


@dataclass(frozen=True)
class Inspected:
    """A file as it was found; amounts in dong, `sha256` in hex.

    `whose`: payer codes, or organisation and account (last four digits). `valid`: satisfies its
    schema; None where there is none to hold it to. `known`: None where no books were asked.
    `details`: (name, value) pairs in Vietnamese.
    """

    name: str
    size: int
    sha256: str
    kind: str
    version: str
    whose: tuple[str, ...]
    rows: int
    total_vnd: int | None
    valid: bool | None
    details: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    known: tuple[Known, ...] | None = field(default=None)


def account(
    path: Path, ctx: Context | None = None, *, encoding: Encoding = "utf-8"
) -> dict[str, Any]:
    """Return what `inspect` says as a mapping, with whether the file is whole and sound.

    Keys of `Inspected`, and complete, importable, errors [{line, message}]; for an outgoing file
    also those of `inspect_outgoing`. What cannot be read is an error in it; never raises for what
    the bytes hold.
    """
    kind = _outgoing(path)
    try:
        if not kind:
            sound = {"complete": True, "importable": True, "errors": []}
            return asdict(inspect(path, ctx, encoding=encoding)) | sound
        about = inspect_outgoing(path, kind)
        digest = files.sha256_of(path)
        accounts = [s["account"] for s in about["statements"] if s["account"]]
        found = Inspected(
            path.name, path.stat().st_size, digest.hex(), kind, about["version"],
            tuple(dict.fromkeys(f"tài khoản đuôi {a[-4:]}" for a in accounts)), about["entries"],
            about["total_vnd"], about["valid"],
            known=_known(ctx, digest) if ctx is not None else None,
        )  # fmt: skip
        if kind == "pain.001" and about["importable"] and about["total_vnd"] is not None:
            found = inspect(path, ctx, encoding=encoding)
    except (RefusedError, NotFoundError) as error:
        about = {
            "kind": kind or "unknown", "version": "", "complete": False, "importable": False,
            "statements": [], "warnings": [],
            "errors": [{"line": None, "message": error.sentence}],
        }  # fmt: skip
        return {"name": path.name} | about
    return asdict(found) | about


def _outgoing(path: Path) -> str:
    try:
        return outgoing_kind(path) if path.is_file() else ""
    except RefusedFile:
        return ""


def inspect(path: Path, ctx: Context | None = None, *, encoding: Encoding = "utf-8") -> Inspected:
    """Look into one file. `ctx` with a cell that exists: say what the books know of it.

    Raises NotFoundError `no_file`, RefusedError in one sentence for what is no file of ours, cut,
    altered, or does not add up. A file of another kind is told only where the books know it.
    """
    if not path.is_file():
        raise NotFoundError("no_file", f"Không có tệp {path.name}; kiểm tra lại đường dẫn.")
    with path.open("rb") as source:
        head = source.read(4096)
    if not head:
        raise RefusedError("empty_file", f"Tệp {path.name} rỗng (0 byte); lấy lại tệp đầy đủ.")
    digest = files.sha256_of(path)
    known = _known(ctx, digest) if ctx is not None else None
    about = (path.name, path.stat().st_size, digest.hex())
    kind = _outgoing(path)
    if kind in ("camt.055", "sheet"):
        return _other_orders(path, kind, about, known)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") or looks_like_mt(head):
        return _bank_file(path, about, known)
    if _binary(head):
        if not known:
            raise RefusedError(
                "unknown_file",
                f"Không nhận ra {path.name}: không phải XML ngân hàng, sổ tính XLSX hay CSV; kiểm "
                "tra đã chọn đúng tệp.",
            )
        return Inspected(*about, "other", "", (), 0, None, None, known=known)
    seen = tables_seen.look(path, encoding)
    months = ", ".join(show_month(m) for m in seen.months)
    details = (("Tháng đã trả", months),) if months else ()
    return Inspected(
        *about, seen.kind, "XLSX" if head.startswith(b"PK") else "CSV", seen.payers, seen.rows,
        seen.total_vnd, None, details, known=known,
    )  # fmt: skip


def _binary(head: bytes) -> bool:
    """Tell what is neither a workbook (which its reader judges) nor text."""
    workbook = head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\xff\xfe", b"\xfe\xff"))
    return not workbook and (b"\0" in head or head.startswith(b"%PDF"))


def _bank_file(
    path: Path, about: tuple[str, int, str], known: tuple[Known, ...] | None
) -> Inspected:
    try:
        if orders.is_orders(path):
            return _orders(path, about, known)
        return _answer(path, about, known)
    except RefusedFile as error:
        where = f", dòng {error.line}" if error.line else ""
        raise RefusedError(
            error.code, f"Tệp {path.name}{where}: {error.what}. {error.do}", en=error.en
        ) from error


def _orders(path: Path, about: tuple[str, int, str], known: tuple[Known, ...] | None) -> Inspected:
    found = orders.read_orders(path)
    whose = tuple(
        f"{d.name}, tài khoản đuôi {d.account_last4}, {d.bic}, chi ngày {d.execution_date}"
        for d in found.debtors
    )
    details = (("Mã tệp", found.message_id), ("Lập lúc", found.created_at))
    return Inspected(
        *about, "pain.001", found.version, whose, found.count, found.total_vnd, found.valid,
        details, found.warnings, known,
    )  # fmt: skip


def _other_orders(
    path: Path, kind: str, about: tuple[str, int, str], known: tuple[Known, ...] | None
) -> Inspected:
    """Tell a cancellation or a table of ours. Raises RefusedError where it is not sound."""
    found = inspect_outgoing(path, kind)
    for error in found["errors"][:1]:
        where = f", dòng {error['line']}" if error["line"] else ""
        raise RefusedError(
            "not_sound", f"Tệp {path.name}{where}: {error['message']}. Không gửi tệp này."
        )
    details = (("Mã tệp", found["message_id"]),) if found["message_id"] else ()
    return Inspected(
        *about, kind, found["version"], (), found["entries"], found["total_vnd"], None, details,
        tuple(found["warnings"]), known,
    )  # fmt: skip


def _answer(path: Path, about: tuple[str, int, str], known: tuple[Known, ...] | None) -> Inspected:
    parsed = answers.parse(path)
    details = [("Mã tệp", parsed.message_id), ("Lập lúc", parsed.created_at)]
    whose: tuple[str, ...] = ()
    total: int | None = None
    if parsed.kind in STATUS_KINDS:
        rows = sum(s.level == "transaction" for s in parsed.statuses())
        details.append(("Trả lời cho tệp", parsed.original_message_id or "không ghi"))
        details += [(k, str(n)) for k, n in sorted(_statuses(parsed).items())]
    else:
        stated = parsed.statements()
        rows = sum(len(s.entries) for s in stated)
        total = sum(s.credit_vnd + s.debit_vnd for s in stated)
        whose = tuple(dict.fromkeys(f"tài khoản đuôi {s.account[-4:]}" for s in stated))
        for s in stated:
            details += [
                (f"Sao kê {s.id}", f"{s.from_date or '?'} đến {s.to_date or '?'}"),
                ("Ghi có, ghi nợ (đồng)", f"{format_vnd(s.credit_vnd)}, {format_vnd(s.debit_vnd)}"),
            ]
    return Inspected(
        *about, parsed.kind, parsed.version, whose, rows, total, _valid(path, parsed),
        tuple(details), parsed.warnings, known,
    )  # fmt: skip


def _statuses(parsed: ParsedAnswer) -> Counter[str]:
    levels = {"file": "Cả tệp", "batch": "Cả lô", "transaction": "Từng lệnh"}
    return Counter(
        f"{levels[s.level]}: {s.status or '-'}{' ' + s.reason_code if s.reason_code else ''}"
        for s in parsed.statuses()
    )


def _valid(path: Path, parsed: ParsedAnswer) -> bool | None:
    if not orders.installed(parsed.version):
        return None
    read = read_pain002 if parsed.kind == "pain.002" else read_camt
    return all(f.code != "schema" for f in read(path, validate=True).findings)


# --- the books -----------------------------------------------------------------------------------

_KNOWN = (
    "SELECT 'lô chi ' || b.id || ' của ' || y.code || ', kỳ ' || (b.month % 100) || '/' || "
    "(b.month / 100), b.state, coalesce(b.sent_at, b.released_at, '') FROM batch b "
    "JOIN payer y ON y.id = b.payer_id WHERE b.file_sha256 = :s ORDER BY b.id",
    "SELECT 'yêu cầu hủy số ' || c.id || ' của ' || y.code || ', lô ' || c.batch_id, c.state, "
    "coalesce(c.sent_at, c.made_at) FROM recall c JOIN payer y ON y.id = c.payer_id "
    "WHERE c.file_sha256 = :s ORDER BY c.id",
    "SELECT 'trả lời đã nhận (' || a.kind || ')' || coalesce(' của ' || y.code, ''), a.state, "
    "a.received_at FROM answer a LEFT JOIN payer y ON y.id = a.payer_id WHERE a.sha256 = :s",
    "SELECT 'tệp đã nhập (' || kind || '), ' || rows_taken || ' dòng', '', imported_at "
    "FROM import_file WHERE sha256 = :s ORDER BY id",
    "SELECT 'báo cáo đóng kỳ ' || (r.month % 100) || '/' || (r.month / 100) || ' của ' || "
    "y.code, r.state, p.reported_on FROM provider_report p JOIN run r ON r.id = p.run_id "
    "JOIN payer y ON y.id = r.payer_id WHERE p.sha256 = :s ORDER BY r.month, y.code LIMIT 20",
    "SELECT 'phiếu duyệt đã ký của danh sách ' || l.id || ' (' || y.code || ')', l.state, '' "
    "FROM pay_list l JOIN payer y ON y.id = l.payer_id WHERE l.scan_sha256 = :s ORDER BY l.id",
    "SELECT 'chứng cứ của bút toán ' || id || ' (' || kind || ')', '', recorded_at FROM journal "
    "WHERE evidence = :s ORDER BY id LIMIT 20",
)


def _known(ctx: Context, digest: bytes) -> tuple[Known, ...] | None:
    if not ctx.database.has(ctx.cell.name):
        return None
    with ctx.cell.read() as conn:
        return tuple(_rows(conn, digest))


def _rows(conn: Connection, digest: bytes) -> list[Known]:
    return [
        Known(str(what), str(state), str(at))
        for query in _KNOWN
        for what, state, at in conn.execute(text(query), {"s": digest})
    ]
