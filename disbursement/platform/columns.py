"""Column vocabulary, so that both databases get the same types in every room."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, SmallInteger, Text

Big = BigInteger().with_variant(Integer, "sqlite")


def key(name: str = "id") -> Column[int]:
    """Return a primary key that we number ourselves (blocks of ids; see platform/ids.py)."""
    return Column(name, Big, primary_key=True, autoincrement=False)


def big(name: str, *, null: bool = False, pk: bool = False) -> Column[int]:
    """Return a 64-bit integer column (ids, amounts in dong)."""
    return Column(name, Big, nullable=null and not pk, primary_key=pk, autoincrement=False)


def whole(name: str, *, null: bool = False, pk: bool = False) -> Column[int]:
    """Return a 32-bit integer column (months as yyyymm, counts)."""
    return Column(name, Integer, nullable=null and not pk, primary_key=pk, autoincrement=False)


def small(name: str, *, null: bool = False) -> Column[int]:
    """Return a small integer column (flags 0/1, versions)."""
    return Column(name, SmallInteger().with_variant(Integer, "sqlite"), nullable=null)


def words(name: str, *, null: bool = False, pk: bool = False, unique: bool = False) -> Column[str]:
    """Return a text column; days are ISO text, instants ISO text in UTC."""
    return Column(name, Text, nullable=null and not pk, primary_key=pk, unique=unique)


def raw(name: str, *, null: bool = False, unique: bool = False) -> Column[bytes]:
    """Return a column of bytes (digests, blind indexes, sealed values)."""
    return Column(name, LargeBinary, nullable=null, unique=unique)
