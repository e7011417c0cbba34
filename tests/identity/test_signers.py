from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from disbursement.identity import service
from disbursement.platform.clock import stamp
from disbursement.platform.context import Context
from disbursement.platform.migrate import create_cell
from ledger import signing
from ledger.errors import LedgerError
from tests.identity.shared_context import context, database_url

SECRET = "một mật khẩu dài"


@pytest.fixture(params=["sqlite", "postgres"])
def cell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Context]:
    ctx = context(tmp_path, database_url(request, request.param))
    try:
        create_cell(ctx.database, "25", "Phú Thọ", stamp(ctx.clock))
    except IntegrityError:  # another worker made the cluster's roles at this instant
        create_cell(ctx.database, "25", "Phú Thọ", stamp(ctx.clock))
    yield ctx
    ctx.database.dispose()


def add(ctx: Context, name: str, last: int, **more: bool) -> service.User:
    return service.create_user(
        ctx, name, f"Cán bộ {name}", f"0010800000{last:02d}", ["preparer"], SECRET, **more
    )


def rows(ctx: Context, query: str) -> list[tuple]:
    with ctx.cell.read() as conn:
        return [tuple(r) for r in conn.execute(text(query))]


def sign(ctx: Context, signer: service.Signer, journal_id: int) -> None:
    body = f"statement {journal_id}"
    digest = signing.statement_digest(body)
    at = stamp(ctx.clock)
    message = signing.signing_message(
        journal_id, "list", "prepare", signer.person_id, signer.user_id, digest, at
    )
    with ctx.cell.begin() as conn:
        signing.record_statement(conn, journal_id, "list", body)
        signing.sign(
            conn, journal_id, "prepare", signer.person_id, signer.user_id, digest,
            signer.sign(message), at,
        )  # fmt: skip


def test_keys_reach_the_book_once(cell: Context) -> None:
    an, binh = add(cell, "an", 1), add(cell, "binh", 2)
    assert service.register_signers(cell) == 2
    assert service.register_signers(cell) == 0
    assert rows(cell, "SELECT user_id, person_id FROM signer ORDER BY user_id") == [
        (an.id, an.person_id),
        (binh.id, binh.person_id),
    ]
    assert rows(cell, "SELECT kind, definitions, line_count FROM journal") == [("definition", 2, 0)]
    chi = add(cell, "chi", 3)
    assert service.register_signers(cell) == 1
    assert rows(cell, "SELECT max(user_id) FROM signer") == [(chi.id,)]
    assert rows(cell, "SELECT count(*) FROM seal") == [(2,)]
    evidence = rows(cell, "SELECT evidence FROM journal")
    kept = {p.name for p in (cell.settings.files / "evidence").glob("*/*")}
    assert kept == {bytes(e[0]).hex() for e in evidence}


def test_the_book_takes_a_registered_users_signature(cell: Context) -> None:
    add(cell, "an", 1)
    signer = service.unlock(cell, "an", SECRET)
    with pytest.raises(LedgerError) as unknown:
        sign(cell, signer, 900)
    assert unknown.value.code == "bad_signature"
    assert rows(cell, "SELECT count(*) FROM signature") == [(0,)]
    service.register_signers(cell)
    sign(cell, signer, 901)
    assert rows(cell, "SELECT journal_id, user_id FROM signature") == [(901, signer.user_id)]


def test_a_stopped_user_signs_no_more(cell: Context) -> None:
    add(cell, "an", 1)
    signer = service.unlock(cell, "an", SECRET)  # the key is still open in somebody's hand
    service.register_signers(cell)
    sign(cell, signer, 900)
    service.disable_user(cell, "an", actor="root")
    assert service.register_signers(cell) == 1
    assert service.register_signers(cell) == 0
    with pytest.raises(LedgerError) as stopped:
        sign(cell, signer, 901)
    assert stopped.value.code == "bad_signature"
    assert rows(cell, "SELECT journal_id FROM signature") == [(900,)]


def test_a_user_stopped_before_is_not_recorded(cell: Context) -> None:
    add(cell, "an", 1)
    service.disable_user(cell, "an", actor="root")
    assert service.register_signers(cell) == 0
    assert rows(cell, "SELECT count(*) FROM journal") == [(0,)]


def test_demo_keys_reach_a_demo_book_only(cell: Context) -> None:
    url = cell.database.url and cell.database.url.render_as_string(hide_password=False)
    settings = context(cell.settings.home, url, env="demo").settings
    demo = dataclasses.replace(cell, settings=settings)
    add(demo, "an", 1, demo=True)
    assert service.register_signers(cell) == 0
    assert service.register_signers(demo) == 1
    assert service.register_signers(cell) == 1  # the same book opened for real: the key is out


def test_inside_a_unit_of_work_nothing_is_left_when_it_fails(cell: Context) -> None:
    add(cell, "an", 1)

    def fail() -> None:
        with cell.cell.begin() as conn:
            assert service.register_signers(cell, conn) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert rows(cell, "SELECT count(*) FROM signer") == [(0,)]
    assert service.register_signers(cell) == 1
