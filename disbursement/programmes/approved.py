"""What a cell computes with: the tables that ship, the versions it approved, what it decided.

Two time axes: rows say for which months an amount counts, `usable_from` of a version says from
which day a list may know it. Decisions and confirming documents count once they are recorded.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime

from sqlalchemy import Connection

from disbursement.platform.clock import ICT
from disbursement.platform.errors import OurFaultError
from disbursement.programmes.open_points import Settings
from disbursement.programmes.rates import RateSet
from disbursement.programmes.versions import (
    Change,
    Confirmation,
    Tables,
    compose,
    rate_set,
    read_change,
    shipped,
)
from ledger.sql import text

UNCONFIRMED_RATE = "unconfirmed_rate"
"""The open point that a document decides row by row."""


@dataclass(frozen=True)
class Approved:
    """The tables of one day, and what they were put together of."""

    tables: Tables
    parts: tuple[str, ...]

    @property
    def rates(self) -> RateSet:
        """Return social assistance and social pension."""
        return rate_set(self.tables)

    @property
    def sha256(self) -> str:
        """Return the digest that a list pins (pay_list.rates_sha256)."""
        return self.tables.sha256

    @property
    def files(self) -> Mapping[str, bytes]:
        """Return the tables by name: what the loaders of other tables read."""
        return self.tables.files


@dataclass(frozen=True, slots=True)
class Step:
    """A version or a confirmation, in the order in which they are laid over the tables."""

    day: str
    at: str
    name: str
    change: Change | Confirmation


def steps(conn: Connection) -> list[Step]:
    """Return everything that is laid over the tables that ship, in order."""
    found = [
        Step(usable, at, f"version:{number}", read_version(conn, number))
        for number, usable, at in conn.execute(
            text("SELECT version_id, usable_from, approved_at FROM rate_approval ORDER BY 1")
        ).all()
    ]
    rows = conn.execute(
        text("SELECT id, document, rows, decided_at FROM rate_decision WHERE point = :p"),
        {"p": UNCONFIRMED_RATE},
    )
    for number, document, named, at in rows:
        day = datetime.fromisoformat(at).astimezone(ICT).date().isoformat()
        found += [
            Step(day, at, f"decision:{number}", Confirmation(table, digests, document))
            for table, digests in json.loads(named).items()
        ]
    return sorted(found, key=lambda s: (s.day, s.at, s.name))


def usable(found: Iterable[Step], law_on: date) -> list[Step]:
    """Return the steps that a list of that day may know; a confirmation counts once recorded."""
    day = law_on.isoformat()
    return [s for s in found if isinstance(s.change, Confirmation) or s.day <= day]


def put_together(found: Iterable[Step]) -> Approved:
    """Return the tables that ship with these steps laid over them."""
    order = list(found)
    parts = [f"shipped:{shipped().sha256}", *(s.name for s in order)]
    return Approved(compose(shipped(), [s.change for s in order]), tuple(dict.fromkeys(parts)))


def approved(conn: Connection, law_on: date) -> Approved:
    """Return the tables that a list computed with the law of `law_on` may use."""
    return put_together(usable(steps(conn), law_on))


def read_version(conn: Connection, number: int) -> Change:
    """Return the files of a version. Raises OurFaultError where their bytes have changed."""
    whole = conn.execute(
        text("SELECT whole FROM rate_version WHERE id = :n"), {"n": number}
    ).scalar_one()
    rows = conn.execute(
        text(
            "SELECT file_name, content, sha256 FROM rate_file WHERE version_id = :n "
            "ORDER BY table_name"
        ),
        {"n": number},
    ).all()
    for name, content, sha256 in rows:
        if hashlib.sha256(content).digest() != bytes(sha256):
            raise OurFaultError(
                "rate_bytes", f"Tệp {name} của bản mức số {number} đã bị sửa trong sổ; dừng lại."
            )
    return read_change([(r[0], bytes(r[1])) for r in rows], whole=bool(whole))


def pin(conn: Connection, found: Approved, at: str) -> None:
    """Keep the tables a list is computed with, so that it can be computed again in ten years."""
    content = {name: body.decode("utf-8-sig") for name, body in sorted(found.files.items())}
    conn.execute(
        text(
            "INSERT INTO rate_set (sha256, parts, content, made_at) VALUES (:s, :p, :c, :t) "
            "ON CONFLICT (sha256) DO NOTHING"
        ),
        {
            "s": found.sha256, "p": json.dumps(found.parts),
            "c": zlib.compress(json.dumps(content, ensure_ascii=False).encode()), "t": at,
        },
    )  # fmt: skip


# --- open points -------------------------------------------------------------------------------


@dataclass(frozen=True)
class CellSettings:
    """The decisions on open points, of the whole cell and of single payers."""

    cell: Mapping[str, str]
    payers: Mapping[str, Mapping[str, str]]

    def of(self, payer_code: str) -> Settings:
        """Return the settings of a payer: its own decisions over those of the cell."""
        return Settings(**{**self.cell, **self.payers.get(payer_code, {})})


def settings(conn: Connection) -> CellSettings:
    """Return the last decision on each open point; what is undecided has its default."""
    cell: dict[str, str] = {}
    payers: dict[str, dict[str, str]] = {}
    rows = conn.execute(
        text("SELECT point, payer, value FROM rate_decision WHERE point <> :p ORDER BY id"),
        {"p": UNCONFIRMED_RATE},
    )
    known = {field.name for field in fields(Settings)}
    for point, payer, value in rows:
        if point not in known:
            continue  # decided under a release that asked something this one does not ask
        (payers.setdefault(payer, {}) if payer else cell)[point] = value
    return CellSettings(cell, payers)
