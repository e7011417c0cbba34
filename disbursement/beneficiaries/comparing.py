"""What a staged file is compared for: its own rows with each other, and with the register.

Set-wise, in the transaction that takes the file over. Every kind of file that names people uses
these; what is refused becomes a row of `import_fault` and state 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from disbursement.entitlements.merit_bulk import LINE
from ledger.sql import text


def one(conn: Connection, sql: str, values: dict[str, Any]) -> Any:
    """Return the one value a SELECT gives."""
    return conn.execute(text(sql), values).scalar_one()


def analyze(conn: Connection, *tables: str) -> None:
    """Tell PostgreSQL's planner about work tables it has never seen; SQLite needs nothing."""
    if conn.dialect.name == "postgresql":
        for table in tables:
            conn.exec_driver_sql(f"ANALYZE {table}")


# Columns of doubled rows that are compared; in a work table of their own, so that both planners
# know how few they are.
_COMPARED = (
    "person_id", "payer_id", "name", "birth_from", "birth_to", "sex", "programme", "clause",
    "dest_digest", "opening_month",
)  # fmt: skip


def match_people(conn: Connection, values: dict[str, Any]) -> None:
    """Find people on the register, and rows of the same person (`work_twice`)."""
    conn.execute(
        text(
            "UPDATE import_row SET person_id = p.id, known = 1 FROM person p "
            "WHERE import_row.import_id = :i AND p.identity_blind = import_row.who_blind"
        ),
        values,
    )
    for table in ("work_who", "work_twice"):
        conn.execute(text(f"DROP TABLE IF EXISTS {table}"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE work_who AS SELECT who_blind, min(n) AS first_n "
            "FROM import_row WHERE import_id = :i GROUP BY who_blind HAVING count(*) > 1"
        ),
        values,
    )
    analyze(conn, "work_who")
    columns_ = ", ".join(f"r.{c}" for c in _COMPARED)
    conn.execute(
        text(
            f"CREATE TEMPORARY TABLE work_twice AS SELECT r.n, f.first_n, 0 AS good_n, {columns_} "
            "FROM work_who f CROSS JOIN import_row r "
            "WHERE r.import_id = :i AND r.who_blind = f.who_blind"
        ),
        values,
    )
    conn.execute(text("CREATE UNIQUE INDEX work_twice_n ON work_twice (n)"))
    conn.execute(text("CREATE INDEX work_twice_first ON work_twice (first_n)"))
    analyze(conn, "work_twice")


REFUSED = "SELECT count(DISTINCT n) FROM import_fault WHERE import_id = :i"

_MERIT = f"({{}}.programme = '{LINE}')"  # a row of merit: a right of its own, not a case
_TWICE = "FROM work_twice r JOIN work_twice f ON f.n = r.first_n WHERE r.n <> f.n AND "

# (number, SELECT of row number and sentence); the file's own contradictions first.
COMPARISONS = (
    (
        101,
        "SELECT r.n, 'Dòng ' || r.n || ': cùng số định danh với dòng ' || f.n || ' nhưng khác họ "
        "tên, ngày sinh hoặc giới tính; đối chiếu hai dòng, sửa dòng sai.' " + _TWICE
        + "(r.name <> f.name OR r.birth_from <> f.birth_from OR r.birth_to <> f.birth_to "
        "OR r.sex <> f.sex OR r.payer_id <> f.payer_id)",
    ),
    (
        102,
        "SELECT r.n, 'Dòng ' || r.n || ': trùng người, chương trình và diện hưởng với dòng ' || "
        "min(q.n) || '; bỏ một dòng.' "
        "FROM work_twice r JOIN work_twice q ON q.first_n = r.first_n AND q.n < r.n "
        f"WHERE q.programme = r.programme AND q.clause = r.clause AND NOT {_MERIT.format('r')} "
        "GROUP BY r.n",
    ),
    (
        103,
        "SELECT r.n, 'Dòng ' || r.n || ': cùng người với dòng ' || f.n || ' nhưng khác nơi nhận; "
        "một người chỉ có một nơi nhận, sửa cho giống nhau.' " + _TWICE
        + "r.dest_digest <> f.dest_digest",
    ),
    (
        104,
        # Merits stand apart from social assistance in the book, so each has its own opening.
        "SELECT r.n, 'Dòng ' || r.n || ': cùng người với dòng ' || min(q.n) || ', số đã trả chỉ "
        "ghi ở một dòng; xóa ở dòng này.' FROM work_twice r JOIN work_twice q "
        f"ON q.first_n = r.first_n AND q.n < r.n AND {_MERIT.format('q')} = {_MERIT.format('r')} "
        "WHERE r.opening_month IS NOT NULL AND q.opening_month IS NOT NULL GROUP BY r.n",
    ),
    (
        105,
        "SELECT r.n, 'Dòng ' || r.n || ': người này đã có trong sổ với họ tên, ngày sinh hoặc "
        "giới tính khác; đối chiếu thẻ căn cước rồi sửa.' FROM import_row r "
        "JOIN person p ON p.id = r.person_id WHERE r.import_id = :i AND r.known = 1 "
        "AND (p.name <> r.name OR p.birth_from <> r.birth_from OR p.birth_to <> r.birth_to "
        "OR p.sex <> r.sex)",
    ),
    (
        106,
        "SELECT r.n, 'Dòng ' || r.n || ': người này đang do xã mã ' || y.code || ' chi trả; cần "
        "quyết định chuyển đi của xã đó trước.' FROM import_row r "
        "JOIN person p ON p.id = r.person_id JOIN payer y ON y.id = p.payer_id "
        "WHERE r.import_id = :i AND r.known = 1 AND p.payer_id <> r.payer_id",
    ),
    (
        107,
        "SELECT r.n, 'Dòng ' || r.n || ': số đã trả khác số đã mở sổ cho người này; số đã mở sổ "
        "không sửa được bằng cách nhập lại, bỏ các cột đã trả.' FROM import_row r "
        f"WHERE r.import_id = :i AND r.known = 1 AND NOT {_MERIT.format('r')} "
        "AND EXISTS (SELECT 1 FROM import_paid m "
        "JOIN opening o ON o.person_id = r.person_id AND o.cover = m.cover "
        "WHERE m.import_id = :i AND m.n = r.n AND m.amount_vnd <> o.amount_vnd)",
    ),
)  # fmt: skip


PEOPLE_COMPARISONS = tuple(c for c in COMPARISONS if c[0] in (101, 103, 105, 106))
"""What any file that names people is compared for."""


def add_faults(
    conn: Connection, values: dict[str, Any], comparisons: Sequence[tuple[int, str]]
) -> None:
    """Refuse the staged rows that the comparisons (number, SELECT of n and sentence) find."""
    for k, select in comparisons:
        conn.execute(
            text(
                "INSERT INTO import_fault (import_id, n, k, sentence) "
                f"WITH s(n, sentence) AS ({select}) SELECT :i, s.n, {k}, s.sentence FROM s"
            ),
            values,
        )
    conn.execute(
        text(
            "UPDATE import_row SET state = 1 WHERE import_id = :i AND n IN "
            "(SELECT n FROM import_fault WHERE import_id = :i)"
        ),
        values,
    )


# The first good row of a person who is new makes the person; the others follow it.
_GOOD_ROW = """
UPDATE work_twice SET good_n = coalesce((SELECT min(v.n) FROM work_twice v
  WHERE v.first_n = work_twice.first_n AND NOT EXISTS (SELECT 1 FROM import_fault x
    WHERE x.import_id = :i AND x.n = v.n)), 0)
"""

_FOLLOW = """
UPDATE import_row SET known = 2, person_id = g.person_id
FROM work_twice w JOIN work_twice g ON g.n = w.good_n
WHERE import_row.import_id = :i AND import_row.n = w.n AND import_row.state = 0
  AND import_row.known = 0 AND w.n <> w.good_n
"""


def follow_people(conn: Connection, values: dict[str, Any]) -> None:
    """Let the first good row of a new person make the person, and the others follow it."""
    conn.execute(text(_GOOD_ROW), values)
    conn.execute(text(_FOLLOW), values)
