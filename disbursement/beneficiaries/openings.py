"""The opening position: what was paid before go-live, month by month (money-flow.md, Compare).

One `opening` journal per payer says what each person was paid for each month the law can still
change: expense against opening, revision 0, no money moves. Compare never looks before a case's
opening month. A case that starts before go-live and has no opening row is held (`no_opening`).
Monthly merits stand apart: what was paid for them is in `list_opening`, by the unit's sub, and goes
into the same journal; without a row their months are compared from go-live.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from disbursement.beneficiaries import columns
from disbursement.beneficiaries.checking import MAX_OPENING_MONTHS, months_apart
from disbursement.beneficiaries.columns import Header
from disbursement.beneficiaries.comparing import analyze
from disbursement.beneficiaries.payers import BUDGET_LINES, book_month, define_payer_accounts
from disbursement.beneficiaries.reader import Encoding, Source, open_table
from disbursement.beneficiaries.rules import MAX_PAID, clean, whole_number
from disbursement.beneficiaries.staging import (
    STAGE_ROWS,
    Staged,
    audit,
    begin_stage,
    clear_stage,
    refused_rows,
)
from disbursement.documents.refused import refused_xlsx
from disbursement.entitlements import merit_store, store
from disbursement.entitlements.merit_bulk import LINE
from disbursement.entitlements.service import LawState, ensure_due, work_months
from disbursement.platform import files, ids
from disbursement.platform.clock import add_months, month_of, months_between, show_month, stamp
from disbursement.platform.clock import today as day_of
from disbursement.platform.context import Context
from disbursement.platform.database import alone
from disbursement.platform.errors import RefusedError
from disbursement.programmes.approved import approved, settings
from disbursement.programmes.list_rates import FILE as LIST_FILE
from disbursement.programmes.list_rates import load_list_rates
from disbursement.programmes.merit_rates import load_merit_rates
from ledger import chart, posting
from ledger.bulk import bulk_insert
from ledger.posting import Control, Item, Query
from ledger.posting import Header as JournalHeader
from ledger.sql import text


@dataclass(frozen=True)
class OpeningReport:
    """What opening did: rows of the file, people opened, dong, journals.

    `differing`: people whose amount is not what the law gives (compared in the next list);
    `held`: people who start before go-live and have no opening row.
    """

    rows_read: int
    taken: int
    refused: int
    unchanged: int
    people: int
    amount_vnd: int
    journals: int
    differing: int
    held: int
    errors: str | None


def open_register(
    ctx: Context,
    path: Path | None,
    through: int,
    actor: str,
    *,
    out_dir: Path | None = None,
    encoding: Encoding = "utf-8",
) -> OpeningReport:
    """Post the opening position through a month (yyyymm) for the payers that go live after it.

    `path`: the opening file (docs/register-format.md); None posts only what register rows carried.
    Good rows are taken, the others given back; the same file again changes nothing. Raises
    RefusedError where the file cannot be read or no payer goes live in the month after `through`.
    """
    with ctx.cell.read() as conn:
        live = conn.execute(
            text("SELECT count(*) FROM payer WHERE go_live_month = :m"),
            {"m": add_months(through, 1)},
        ).scalar_one()
        if not live:
            raise RefusedError(
                "opening_month",
                f"Không có đơn vị nào vận hành từ tháng {show_month(add_months(through, 1))}: mở "
                "sổ đến hết tháng ngay trước tháng vận hành.",
            )
    import_id = begin_stage(ctx)
    staged = Staged(import_id)
    try:
        if path is None:
            return _post(ctx, None, None, staged, through, actor, None)
        with open_table(path, columns.OPENING, encoding=encoding) as source:
            _check_months(source.header, through)
            _stage(ctx, source, staged, through)
            back = _Back((out_dir or path.parent) / f"{path.stem}-khong-nhan.xlsx", source.header)
            return _post(ctx, path, files.sha256_of(path), staged, through, actor, back)
    finally:
        staged.spool.close()
        with ctx.cell.begin() as conn:
            clear_stage(conn, import_id)


# ---- reading --------------------------------------------------------------------------------


def _check_months(header: Header, through: int) -> None:
    for month, at in header.paid.items():
        if month > through or months_apart(month, through) >= MAX_OPENING_MONTHS:
            raise RefusedError(
                "opening_month",
                f"Cột '{header.names[at]}' nằm ngoài {MAX_OPENING_MONTHS} tháng đến hết "
                f"{show_month(through)}; bỏ cột này hoặc sửa --through.",
            )


def _stage(ctx: Context, source: Source, staged: Staged, through: int) -> None:
    rows: list[tuple[Any, ...]] = []
    paid: list[tuple[int, int, int, int]] = []
    faults: list[tuple[int, int, int, str]] = []

    def write() -> None:
        with ctx.cell.begin() as conn:
            bulk_insert(
                conn, "import_open", ("import_id", "n", "state", "who_blind", "programme"), rows
            )
            bulk_insert(conn, "import_paid", ("import_id", "n", "cover", "amount_vnd"), paid)
            bulk_insert(conn, "import_fault", ("import_id", "n", "k", "sentence"), faults)
        rows.clear()
        paid.clear()
        faults.clear()

    programmes = {columns.plain(k): v for k, v in columns.PROGRAMME_OR_MERIT.items()}
    for chunk in source.chunks:
        found = chunk.rows()
        staged.spool.put(chunk)
        staged.rows_read += len(found)
        for n, cells in found:
            row = _OpeningRow(source.header, n, cells, through, programmes)
            if row.faults:
                faults += [(staged.import_id, n, k, f) for k, f in enumerate(row.faults)]
                staged.faulty += 1
                continue
            blind = ctx.keys.blind("identity", row.identity)
            rows.append((staged.import_id, n, 0, blind, row.programme))
            paid += [(staged.import_id, n, month, amount) for month, amount in row.paid.items()]
        if len(rows) + len(faults) >= STAGE_ROWS:
            write()
    write()


_IDENTITY = re.compile(r"[0-9]{9}(?:[0-9]{3})?")


class _OpeningRow:
    """One row of the opening file, read; `faults` are sentences with their place."""

    def __init__(
        self, header: Header, n: int, cells: list[Any], through: int, programmes: dict[str, str]
    ) -> None:
        self.faults: list[str] = []
        value = cells[header.index["identity"]] if header.index["identity"] < len(cells) else ""
        self.identity = value.strip() if isinstance(value, str) else ""
        if not isinstance(value, str):
            self._fail(header.where(n, "identity"), "ô phải là dạng chữ (Text), không phải số.")
        elif not _IDENTITY.fullmatch(self.identity):
            self._fail(header.where(n, "identity"), "phải là số định danh 12 số (CMND: 9 số).")
        self.programme = ""
        at = header.index.get("programme")
        named = clean(str(cells[at])) if at is not None and at < len(cells) else ""
        if named:
            self.programme = programmes.get(columns.plain(named), "")
            if not self.programme:
                self._fail(header.where(n, "programme"), "ghi TGXH, HTXH hoặc NCC.")
        self.paid = self._paid(header, n, cells, through)

    def _fail(self, where: str, sentence: str) -> None:
        self.faults.append(f"{where}: {sentence}")

    def _paid(self, header: Header, n: int, cells: list[Any], through: int) -> dict[int, int]:
        out: dict[int, int] = {}
        for month, at in header.paid.items():
            value = cells[at] if at < len(cells) else ""
            if value in ("", None):
                continue
            amount = whole_number(value)
            if amount is None or amount > MAX_PAID:
                self._fail(
                    header.where_paid(n, month),
                    "phải là số đồng nguyên, không có dấu phân cách; 0 nếu chưa trả.",
                )
                continue
            out[month] = amount
        if not out and not self.faults:
            self._fail(f"dòng {n}", "không có số đã trả của tháng nào; ghi số, hoặc bỏ dòng này.")
        elif out:
            missing = [m for m in months_between(min(out), through) if m not in out]
            if missing and not self.faults:
                self._fail(
                    f"dòng {n}",
                    f"thiếu số đã trả tháng {show_month(missing[0])}: ghi đủ mọi tháng đến hết "
                    f"{show_month(through)}, 0 nếu chưa trả.",
                )
        return out


# ---- comparing and posting ------------------------------------------------------------------

_MERIT = f"(o.programme = '{LINE}')"
"""SQL: a row is about monthly merits, which stand apart from social assistance in the book."""
_UNIT = f"u.programme = '{LINE}' AND u.unit = 'p' || o.person_id || '/'"
"""SQL: the unit of a person's monthly merits."""
_COMPARISONS = (
    (
        101,
        "SELECT o.n, 'Dòng ' || o.n || ': không có người này trong sổ (hoặc dòng của họ bị từ "
        "chối khi nhập danh sách); nhập danh sách trước, hoặc bỏ dòng này.' FROM import_open o "
        "WHERE o.import_id = :i AND o.person_id IS NULL",
    ),
    (
        102,
        "SELECT o.n, 'Dòng ' || o.n || ': trùng số định danh với dòng ' || f.first_n || '; bỏ một "
        "dòng.' FROM import_open o JOIN (SELECT who_blind, "
        f"{_MERIT} AS merit, min(n) AS first_n FROM import_open o "
        f"WHERE import_id = :i GROUP BY who_blind, {_MERIT} HAVING count(*) > 1) f "
        f"ON f.who_blind = o.who_blind AND f.merit = {_MERIT} "
        "WHERE o.import_id = :i AND o.n <> f.first_n",
    ),
    (
        103,
        "SELECT o.n, 'Dòng ' || o.n || ': số đã trả khác số đã mở sổ cho người này; bút toán mở sổ "
        "không sửa được bằng cách nhập lại.' FROM import_open o WHERE o.import_id = :i "
        f"AND NOT {_MERIT} "
        "AND EXISTS (SELECT 1 FROM opening p WHERE p.person_id = o.person_id) AND EXISTS ("
        "SELECT 1 FROM import_paid m LEFT JOIN opening p ON p.person_id = o.person_id "
        "AND p.cover = m.cover WHERE m.import_id = :i AND m.n = o.n "
        "AND (p.amount_vnd IS NULL OR p.amount_vnd <> m.amount_vnd))",
    ),
    (
        104,
        "SELECT o.n, 'Dòng ' || o.n || ': người này không có hồ sơ nào hưởng trước tháng vận hành; "
        "bỏ dòng này hoặc sửa tháng bắt đầu.' FROM import_open o WHERE o.import_id = :i "
        f"AND o.person_id IS NOT NULL AND NOT {_MERIT} "
        "AND NOT EXISTS (SELECT 1 FROM benefit_case c "
        "JOIN payer y ON y.id = c.payer_id WHERE c.person_id = o.person_id "
        "AND c.start_month < y.go_live_month AND y.go_live_month = :live)",
    ),
    (
        105,
        "SELECT o.n, 'Dòng ' || o.n || ': người này hưởng cả TGXH và HTXH; ghi cột Chương trình "
        "để biết số đã trả thuộc mục nào.' FROM import_open o WHERE o.import_id = :i "
        "AND o.programme = '' AND (SELECT count(DISTINCT c.programme) FROM benefit_case c "
        "WHERE c.person_id = o.person_id) > 1",
    ),
    (
        106,
        "SELECT o.n, 'Dòng ' || o.n || ': số đã trả khác số đã mở sổ về ưu đãi của người này; bút "
        "toán mở sổ không sửa được bằng cách nhập lại.' FROM import_open o "
        f"JOIN list_unit u ON {_UNIT} WHERE o.import_id = :i AND {_MERIT} "
        "AND EXISTS (SELECT 1 FROM list_opening p WHERE p.sub_id = u.sub_id) AND EXISTS ("
        "SELECT 1 FROM import_paid m LEFT JOIN list_opening p ON p.sub_id = u.sub_id "
        "AND p.cover = m.cover WHERE m.import_id = :i AND m.n = o.n "
        "AND (p.amount_vnd IS NULL OR p.amount_vnd <> m.amount_vnd))",
    ),
    (
        107,
        "SELECT o.n, 'Dòng ' || o.n || ': người này không có hồ sơ người có công hưởng hằng tháng; "
        "nhập danh sách trước, hoặc sửa chương trình.' FROM import_open o "
        f"WHERE o.import_id = :i AND o.person_id IS NOT NULL AND {_MERIT} AND NOT EXISTS ("
        "SELECT 1 FROM merit_case c JOIN list_unit u ON u.sub_id = c.sub_id "
        f"JOIN payer y ON y.id = u.payer_id WHERE {_UNIT} AND y.go_live_month = :live)",
    ),
)


def _compare(conn: Connection, values: dict[str, Any]) -> None:
    conn.execute(
        text(
            "UPDATE import_open SET person_id = p.id FROM person p "
            "WHERE import_open.import_id = :i AND p.identity_blind = import_open.who_blind"
        ),
        values,
    )
    for k, select in _COMPARISONS:
        conn.execute(
            text(
                "INSERT INTO import_fault (import_id, n, k, sentence) "
                f"WITH s(n, sentence) AS ({select}) SELECT :i, s.n, {k}, s.sentence FROM s"
            ),
            values if ":live" in select else {"i": values["i"]},
        )
    conn.execute(
        text(
            "UPDATE import_open SET state = 1 WHERE import_id = :i AND n IN "
            "(SELECT n FROM import_fault WHERE import_id = :i)"
        ),
        {"i": values["i"]},
    )
    conn.execute(
        text(
            "UPDATE import_open SET state = 2 WHERE import_id = :i AND state = 0 AND CASE "
            f"WHEN programme = '{LINE}' THEN EXISTS (SELECT 1 FROM list_opening p "
            f"JOIN list_unit u ON u.sub_id = p.sub_id WHERE {_UNIT.replace('o.', 'import_open.')}) "
            "ELSE EXISTS (SELECT 1 FROM opening p WHERE p.person_id = import_open.person_id) END"
        ),
        {"i": values["i"]},
    )


_TAKE = f"""
INSERT INTO opening (person_id, cover, amount_vnd, programme, import_id, journal_id)
SELECT o.person_id, m.cover, m.amount_vnd, CASE WHEN o.programme <> '' THEN o.programme ELSE
  (SELECT min(c.programme) FROM benefit_case c WHERE c.person_id = o.person_id) END, :i, NULL
FROM import_paid m JOIN import_open o ON o.import_id = :i AND o.n = m.n
WHERE m.import_id = :i AND o.state = 0 AND NOT {_MERIT}
"""

_TAKE_MERIT = f"""
INSERT INTO list_opening (sub_id, cover, amount_vnd, import_id, journal_id)
SELECT u.sub_id, m.cover, m.amount_vnd, :i, NULL
FROM import_paid m JOIN import_open o ON o.import_id = :i AND o.n = m.n
JOIN list_unit u ON {_UNIT}
WHERE m.import_id = :i AND o.state = 0 AND {_MERIT}
"""

_OPENING_MONTHS = """
UPDATE benefit_case SET opening_month = g.first FROM (
  SELECT person_id, min(cover) AS first FROM opening WHERE journal_id IS NULL GROUP BY person_id) g
WHERE g.person_id = benefit_case.person_id AND benefit_case.start_month < :live
"""

_RELEASE = """
UPDATE hold SET resolved_at = :at, resolved_by = :by, document = :doc
WHERE reason = 'no_opening' AND resolved_at IS NULL AND EXISTS (
  SELECT 1 FROM opening o WHERE o.person_id = hold.person_id)
"""


@dataclass(frozen=True)
class _Back:
    """Where the rows go that are given back, with the header they came under."""

    target: Path
    header: Header

    def write(self, conn: Connection, ctx: Context, staged: Staged) -> str:
        with files.atomic(self.target) as out:
            rows = refused_rows(conn, staged.import_id, staged.spool)
            refused_xlsx(self.header.names, rows, stamp(ctx.clock), out)
        return str(self.target)


def _post(
    ctx: Context,
    path: Path | None,
    sha: bytes | None,
    staged: Staged,
    through: int,
    actor: str,
    back: _Back | None,
) -> OpeningReport:
    values: dict[str, Any] = {"i": staged.import_id, "live": add_months(through, 1)}
    with ctx.cell.begin() as conn:
        alone(conn, "register")
        if path is not None:
            _compare(conn, values)
            conn.execute(text(_TAKE), {"i": staged.import_id})
            conn.execute(text(_TAKE_MERIT), {"i": staged.import_id})
        conn.execute(text(_OPENING_MONTHS), {"live": values["live"]})
        _unposted(conn)
        people = store.work_renew(
            conn,
            "SELECT q.person_id FROM work_opening q JOIN payer y ON y.id = q.payer_id "
            "WHERE y.go_live_month = :live",
            {"live": values["live"]},
        )
        evidence = sha if sha is not None else _carried_evidence(conn)
        journals, amount = _journals(conn, ctx, staged.import_id, values["live"], evidence)
        month = month_of(day_of(ctx.clock))
        merit_store.renew(conn, month=month)
        store.renew(conn, month=month)
        differing = _differing(conn, day_of(ctx.clock), through)
        at = stamp(ctx.clock)
        document = f"sha256:{evidence.hex()}"
        conn.execute(text(_RELEASE), {"at": at, "by": actor, "doc": document})
        conn.execute(
            text("UPDATE payer SET opened_through = :t WHERE go_live_month = :live"),
            {"t": through, "live": values["live"]},
        )
        held = hold_unopened(conn, ctx, actor, only_opened=True)
        report = _report(conn, staged, people, (amount, journals, differing, held))
        if back is not None and report.refused:
            # Before anything is committed: no room for what goes back, nothing taken.
            report = replace(report, errors=back.write(conn, ctx, staged))
            if not report.taken and not report.unchanged:
                raise RefusedError(
                    "rows_refused",
                    f"Không nhận dòng nào: {report.refused} dòng có lỗi, xem {report.errors}; sổ "
                    "không thay đổi.",
                )
        if path is not None and sha is not None:
            _record(conn, ctx, path, sha, staged, report, actor)
        audit(conn, ctx, actor, "register.open", str(through), asdict(report))
        return report


def _report(
    conn: Connection, staged: Staged, people: int, done: tuple[int, int, int, int]
) -> OpeningReport:
    counts = {
        int(state): int(n)
        for state, n in conn.execute(
            text("SELECT state, count(*) FROM import_open WHERE import_id = :i GROUP BY state"),
            {"i": staged.import_id},
        )
    }
    amount, journals, differing, held = done
    refused = staged.faulty + counts.get(1, 0)
    return OpeningReport(
        staged.rows_read, counts.get(0, 0), refused, counts.get(2, 0), people, amount, journals,
        differing, held, None,
    )  # fmt: skip


def _carried_evidence(conn: Connection) -> bytes:
    """Return what stands for the register files whose rows carried amounts: one digest of all."""
    found = conn.execute(
        text(
            "SELECT sha256 FROM import_file WHERE id IN (SELECT import_id FROM opening "
            "WHERE journal_id IS NULL UNION SELECT import_id FROM list_opening "
            "WHERE journal_id IS NULL) ORDER BY id"
        )
    ).scalars()
    return hashlib.sha256(b"".join(bytes(s) for s in found)).digest()


def _journals(
    conn: Connection, ctx: Context, import_id: int, live: int, evidence: bytes
) -> tuple[int, int]:
    """Post one opening journal per payer that has rows to post; return how many, and dong."""
    payers = conn.execute(
        text(
            "SELECT DISTINCT y.id, y.code FROM work_opening q JOIN payer y ON y.id = q.payer_id "
            "WHERE y.go_live_month = :live ORDER BY y.code"
        ),
        {"live": live},
    ).all()
    if not payers:
        return 0, 0
    _expense_accounts(conn, ctx, [(int(i), c) for i, c in payers])
    first = posting.allot(conn, len(payers))
    conn.execute(text("DROP TABLE IF EXISTS work_journal"))
    conn.execute(
        text("CREATE TEMPORARY TABLE work_journal (payer_id bigint PRIMARY KEY, journal_id bigint)")
    )
    bulk_insert(
        conn, "work_journal", ("payer_id", "journal_id"),
        ((payer_id, first + n) for n, (payer_id, _) in enumerate(payers)),
    )  # fmt: skip
    conn.execute(text(_NUMBER))
    conn.execute(text(_NUMBER_MERIT))
    openings = chart.account_ids(conn, [chart.opening(c) for _, c in payers])
    month, at = book_month(conn, ctx), stamp(ctx.clock)
    controls = {
        int(journal): Control(int(n), int(total), int(first_cover), int(last_cover))
        for journal, n, total, first_cover, last_cover in conn.execute(
            text(
                "SELECT w.journal_id, count(*), sum(o.amount_vnd), min(o.cover), max(o.cover) "
                "FROM work_opening o JOIN work_journal w ON w.payer_id = o.payer_id "
                "WHERE o.amount_vnd > 0 GROUP BY w.journal_id"
            )
        )
    }
    items = [
        Item(
            JournalHeader(
                id=first + n, book=chart.FINANCIAL, payer_id=payer_id, kind="opening",
                idem_key=f"opening/{import_id}/{code}", month=month,
                effective_date=day_of(ctx.clock), recorded_at=at, evidence=evidence,
            ),
            Query(_LINES, {"p": payer_id, "o": openings[chart.opening(code)]}),
            controls[first + n],
        )
        for n, (payer_id, code) in enumerate(payers)
        if first + n in controls
    ]  # fmt: skip
    posting.post_many(conn, items)
    return len(items), sum(c.total for c in controls.values())


_NUMBER = """
UPDATE opening SET journal_id = w.journal_id FROM person p, work_journal w
WHERE opening.journal_id IS NULL AND p.id = opening.person_id AND w.payer_id = p.payer_id
"""

_NUMBER_MERIT = """
UPDATE list_opening SET journal_id = w.journal_id FROM list_unit u, work_journal w
WHERE list_opening.journal_id IS NULL AND u.sub_id = list_opening.sub_id
  AND w.payer_id = u.payer_id
"""

# What is not in the book yet, of every payer, by the sub that it was paid to.
_UNPOSTED = """
INSERT INTO work_opening (sub_id, cover, person_id, payer_id, programme, amount_vnd)
SELECT o.person_id, o.cover, o.person_id, p.payer_id, o.programme, o.amount_vnd
FROM opening o JOIN person p ON p.id = o.person_id WHERE o.journal_id IS NULL
UNION ALL
SELECT o.sub_id, o.cover, u.person_id, u.payer_id, u.programme, o.amount_vnd
FROM list_opening o JOIN list_unit u ON u.sub_id = o.sub_id WHERE o.journal_id IS NULL
"""


def _unposted(conn: Connection) -> None:
    """Fill `work_opening` with what was paid before go-live and is not in the book yet."""
    conn.execute(text("DROP TABLE IF EXISTS work_opening"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_opening (sub_id bigint, cover integer, person_id bigint, "
            "payer_id bigint, programme text, amount_vnd bigint, PRIMARY KEY (sub_id, cover))"
        )
    )
    conn.execute(text(_UNPOSTED))
    analyze(conn, "work_opening")


_LINES = """
SELECT o.cover, e.account_id, CAST(:o AS bigint), o.sub_id, 0, 0, NULL, NULL, 0, o.amount_vnd,
  o.amount_vnd
FROM work_opening o
JOIN work_expense e ON e.payer_id = :p AND e.programme = o.programme AND e.year = o.cover / 100
WHERE o.payer_id = :p AND o.amount_vnd > 0
"""


def _expense_accounts(conn: Connection, ctx: Context, payers: Sequence[tuple[int, str]]) -> None:
    """Fill `work_expense` (payer, programme, year -> account); define accounts that are missing."""
    codes = dict(payers)
    found = conn.execute(
        text("SELECT DISTINCT payer_id, programme, cover / 100 FROM work_opening")
    ).all()
    for year in sorted({int(y) for *_, y in found}):
        define_payer_accounts(conn, ctx, payers, year=year)
    wanted = {
        (int(p), str(programme), int(year)): chart.expense(
            codes[int(p)], BUDGET_LINES.get(str(programme), str(programme)), int(year)
        )
        for p, programme, year in found
        if int(p) in codes
    }
    known = chart.account_ids(conn, set(wanted.values()))
    conn.execute(text("DROP TABLE IF EXISTS work_expense"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_expense (payer_id bigint, programme text, year integer, "
            "account_id bigint, PRIMARY KEY (payer_id, programme, year))"
        )
    )
    bulk_insert(
        conn, "work_expense", ("payer_id", "programme", "year", "account_id"),
        ((*key, known[code]) for key, code in wanted.items()),
    )  # fmt: skip


def _differing(conn: Connection, day: date, through: int) -> int:
    """Mark for compare the people whose opening amounts are not what the law gives today."""
    first = conn.execute(
        text(
            "SELECT min(o.cover) FROM work_opening o JOIN work_renew w ON w.person_id = o.person_id"
        )
    ).scalar()
    if first is None:
        return 0
    keys = _law_keys(conn, day, int(first), through)
    conn.execute(text("DROP TABLE IF EXISTS work_law"))
    conn.execute(text("CREATE TEMPORARY TABLE work_law (payer_id bigint PRIMARY KEY, key text)"))
    bulk_insert(conn, "work_law", ("payer_id", "key"), keys.items())
    conn.execute(text("DROP TABLE IF EXISTS work_differ"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_differ AS "
            "SELECT o.sub_id, o.person_id, min(o.cover) AS from_month FROM work_renew w "
            "JOIN work_opening o ON o.person_id = w.person_id JOIN unit_profile u "
            "ON u.sub_id = o.sub_id AND o.cover BETWEEN u.from_month AND u.to_month "
            "JOIN work_law k ON k.payer_id = u.payer_id "
            "JOIN due d ON d.profile_id = u.profile_id AND d.month = o.cover AND d.law_key = k.key "
            "WHERE d.total_vnd <> o.amount_vnd GROUP BY o.sub_id, o.person_id"
        )
    )
    count = conn.execute(text("SELECT count(DISTINCT person_id) FROM work_differ")).scalar_one()
    store.mark_dirty(
        conn,
        "SELECT sub_id, from_month, 'opening differs' AS why FROM work_differ",
    )
    return int(count)


def _law_keys(conn: Connection, day: date, first: int, through: int) -> dict[int, str]:
    """Assess these months as each payer decided the open points; return payer -> law key."""
    law, decided = approved(conn, day), settings(conn)
    lists, merit = load_list_rates(law.files[LIST_FILE]), load_merit_rates(law.files)
    payers = conn.execute(
        text(
            "SELECT DISTINCT y.id, y.code FROM work_renew w JOIN person p ON p.id = w.person_id "
            "JOIN payer y ON y.id = p.payer_id"
        )
    ).all()
    states = {
        i: LawState(law.rates, day, settings=decided.of(code), lists=lists, merit=merit)
        for i, code in payers
    }
    work_months(conn, months_between(first, through))
    ensure_due(conn, states.values(), first, through)
    return {i: state.key for i, state in states.items()}


def hold_unopened(conn: Connection, ctx: Context, actor: str, *, only_opened: bool = False) -> int:
    """Hold the right of everybody who starts before go-live and has no opening row.

    Called by an import and by opening (`only_opened`: payers that were opened), and before a list
    is prepared (all payers): nobody is ever paid from a start month before go-live unseen.
    Returns how many were newly held.
    """
    limit = "AND y.opened_through IS NOT NULL" if only_opened else ""
    rows = conn.execute(
        text(
            "SELECT c.person_id, min(c.payer_id) FROM benefit_case c "
            "JOIN payer y ON y.id = c.payer_id WHERE c.opening_month IS NULL "
            f"AND c.start_month < y.go_live_month {limit} AND NOT EXISTS (SELECT 1 FROM hold h "
            "WHERE h.person_id = c.person_id AND h.reason = 'no_opening') GROUP BY c.person_id"
        )
    ).all()
    if not rows:
        return 0
    first, at = ids.block(conn, "hold", len(rows)), stamp(ctx.clock)
    detail = "Hưởng từ trước tháng vận hành mà chưa có số đã trả: bổ sung vào tệp mở sổ."
    return bulk_insert(
        conn,
        "hold",
        ("id", "payer_id", "person_id", "kind", "reason", "detail", "raised_at", "raised_by",
         "fact_digest"),
        (
            (first + n, payer, person, "right", "no_opening", detail, at, actor, "")
            for n, (person, payer) in enumerate(rows)
        ),
    )  # fmt: skip


def _record(
    conn: Connection,
    ctx: Context,
    path: Path,
    sha: bytes,
    staged: Staged,
    report: OpeningReport,
    actor: str,
) -> None:
    conn.execute(
        text(
            "INSERT INTO import_file (id, kind, sha256, name, rows_read, rows_taken, "
            "rows_refused, imported_at, imported_by) VALUES (:i, 'opening', :s, :n, :r, :t, :f, "
            ":at, :by) ON CONFLICT (kind, sha256) DO UPDATE SET rows_taken = "
            "import_file.rows_taken + excluded.rows_taken, rows_refused = excluded.rows_refused"
        ),
        {
            "i": staged.import_id, "s": sha, "n": path.name[:100], "r": report.rows_read,
            "t": report.taken, "f": report.refused, "at": stamp(ctx.clock), "by": actor,
        },
    )  # fmt: skip
