"""The simulator's own books: every order it was told, every payment it booked, what it must call.

SQLite, in a file or in memory. `told` and `booked` are only ever added to. A payment's state is a
function of its row and of the time, so that nothing needs to run for time to pass.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

State = Literal["waiting", "credited", "rejected", "returned"]

_TABLES = """
CREATE TABLE IF NOT EXISTS told (n INTEGER PRIMARY KEY, at INTEGER NOT NULL, request TEXT NOT NULL,
  id TEXT NOT NULL, account TEXT NOT NULL, amount INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS booked (n INTEGER PRIMARY KEY, request TEXT NOT NULL, id TEXT NOT NULL,
  bank TEXT NOT NULL, account TEXT NOT NULL, name TEXT NOT NULL, amount INTEGER NOT NULL,
  text TEXT NOT NULL, rejected INTEGER NOT NULL, code TEXT NOT NULL, at INTEGER NOT NULL,
  due INTEGER NOT NULL, back INTEGER NOT NULL, back_code TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS booked_id ON booked (id);
CREATE TABLE IF NOT EXISTS kept (kind TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL,
  value TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS callback (n INTEGER PRIMARY KEY, due INTEGER NOT NULL,
  request TEXT NOT NULL, method TEXT NOT NULL, url TEXT NOT NULL, headers TEXT NOT NULL,
  body BLOB NOT NULL, sent INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS callback_open ON callback (sent, due);
"""
_COLUMNS = (
    "n, request, id, bank, account, name, amount, text, rejected, code, at, due, back, back_code"
)
NEVER = 1 << 60
"""A time that does not come."""


@dataclass(frozen=True, slots=True)
class Order:
    """One booked payment; amount in đồng, times in seconds since 1970.

    `due` is when its outcome is there, `back` when it comes back (NEVER where it does not).
    """

    n: int
    request: str
    id: str
    bank: str
    account: str
    name: str
    amount: int
    text: str
    rejected: bool
    code: str
    at: int
    due: int
    back: int
    back_code: str

    def state(self, now: int) -> State:
        """Return what the rail knows of it at a time."""
        if now < self.due:
            return "waiting"
        if self.rejected:
            return "rejected"
        return "returned" if now >= self.back else "credited"

    def reason(self, now: int) -> str:
        """Return the rail's code of the state; "" where it is credited or waiting."""
        state = self.state(now)
        return self.code if state == "rejected" else self.back_code if state == "returned" else ""


@dataclass(frozen=True, slots=True)
class Callback:
    """One message to the payer; `url` may be empty, then it is only collected."""

    n: int
    due: int
    request: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class Journal:
    """The books of one simulated rail."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            str(path) if path else ":memory:", isolation_level=None, check_same_thread=False
        )
        # A simulator need not survive a power cut; it must survive being killed.
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + _TABLES)

    def close(self) -> None:
        """Close the books."""
        self._db.close()

    def _all(self, sql: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    # --- payments -----------------------------------------------------------------------------

    def tell(self, at: int, request: str, payment: str, account: str, amount: int) -> None:
        """Write down an order as it was received, whatever becomes of it."""
        self._all(
            "INSERT INTO told (at, request, id, account, amount) VALUES (?, ?, ?, ?, ?)",
            at, request, payment, account, amount,
        )  # fmt: skip

    def book(self, order: Order) -> Order:
        """Book a payment; return it with its number."""
        [(n,)] = self._all(
            f"INSERT INTO booked ({_COLUMNS}) VALUES (NULL{', ?' * 13}) RETURNING n",
            order.request, order.id, order.bank, order.account, order.name, order.amount,
            order.text, int(order.rejected), order.code, order.at, order.due, order.back,
            order.back_code,
        )  # fmt: skip
        return _order((n, *_values(order)))

    def orders(self, payment: str = "", request: str = "") -> list[Order]:
        """Return booked payments by our id, by request, or all of them, oldest first."""
        where, value = ("id", payment) if payment else ("request", request)
        if not value:
            return [_order(r) for r in self._all(f"SELECT {_COLUMNS} FROM booked ORDER BY n")]
        rows = self._all(f"SELECT {_COLUMNS} FROM booked WHERE {where} = ? ORDER BY n", value)
        return [_order(r) for r in rows]

    def paid(self, payment: str) -> list[int]:
        """Return the amounts with which a payment was booked to be paid: one, or money is lost."""
        rows = self._all("SELECT amount FROM booked WHERE id = ? AND rejected = 0", payment)
        return [int(amount) for (amount,) in rows]

    def paid_twice(self) -> list[str]:
        """Return the ids that were booked to be paid more than once."""
        return [
            str(one)
            for (one,) in self._all(
                "SELECT id FROM booked WHERE rejected = 0 GROUP BY id HAVING COUNT(*) > 1"
            )
        ]

    def told(self, payment: str = "") -> int:
        """Return how many orders were received, for one payment or in all."""
        if payment:
            [(n,)] = self._all("SELECT COUNT(*) FROM told WHERE id = ?", payment)
        else:
            [(n,)] = self._all("SELECT COUNT(*) FROM told")
        return int(n)

    def spent(self, now: int) -> int:
        """Return what has left the deposit at a time, returns taken off, in đồng."""
        [(total,)] = self._all(
            "SELECT COALESCE(SUM(amount), 0) FROM booked WHERE rejected = 0 AND back > ?", now
        )
        return int(total)

    # --- what a rail keeps besides ------------------------------------------------------------

    def keep(self, kind: str, key: str, at: int, value: Any) -> None:
        """Keep a value (JSON) under a kind and a key; a later one replaces it."""
        self._all(
            "INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", kind, key, at, json.dumps(value)
        )

    def kept(self, kind: str, key: str, since: int = 0) -> Any:
        """Return what is kept and not older than `since`; None where nothing is."""
        rows = self._all(
            "SELECT value FROM kept WHERE kind = ? AND id = ? AND at >= ?", kind, key, since
        )
        return json.loads(rows[0][0]) if rows else None

    # --- callbacks ----------------------------------------------------------------------------

    def call_back(
        self, due: int, request: str, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Put a message to the payer into the outbox."""
        self._all(
            "INSERT INTO callback (due, request, method, url, headers, body, sent) "
            "VALUES (?, ?, ?, ?, ?, ?, 0)",
            due, request, method, url, json.dumps(dict(headers)), body,
        )  # fmt: skip

    def due_callbacks(self, now: int, *, take: bool = True) -> list[Callback]:
        """Return the messages due by now that were not taken yet; take them."""
        rows = self._all(
            "SELECT n, due, request, method, url, headers, body FROM callback "
            "WHERE sent = 0 AND due <= ? ORDER BY due, n",
            now,
        )
        if take and rows:
            self._all("UPDATE callback SET sent = 1 WHERE sent = 0 AND due <= ?", now)
        return [Callback(n, d, r, m, u, json.loads(h), bytes(b)) for n, d, r, m, u, h, b in rows]


def _values(order: Order) -> tuple[Any, ...]:
    return (
        order.request, order.id, order.bank, order.account, order.name, order.amount, order.text,
        order.rejected, order.code, order.at, order.due, order.back, order.back_code,
    )  # fmt: skip


def _order(row: Any) -> Order:
    n, request, one, bank, account, name, amount, text, rejected, *rest = row
    return Order(n, request, one, bank, account, name, amount, text, bool(rejected), *rest)
