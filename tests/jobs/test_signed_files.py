"""A bank that wants XML signatures: batches and requests leave the outbox signed, and verify."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from lxml import etree

from bank_adapters.contract import RefusedFile
from bank_adapters.transports import dsig
from bank_adapters.transports.connection import Dsig
from disbursement.jobs import sender
from disbursement.payments import recalls
from tests.bank_adapters.papers_of_keys import certificate, new_key, write_cert, write_key
from tests.jobs.test_links import approved, drain, states
from tests.runs.test_close import released
from tests.runs.test_month import healthy
from tests.runs.world import PROVIDER, World

KEY, OTHER = new_key("rsa"), new_key("rsa")
CERT = certificate("chi-tra", KEY)


def connect(world: World, share: Path) -> Dsig:
    """Write a connection by a shared folder that signs; return what the bank verifies with."""
    folder = world.ctx.settings.home / "connections"
    folder.mkdir(exist_ok=True)
    for name in ("inbox", "answers"):
        (share / name).mkdir(parents=True)
    own_key, own_cert = write_key(folder / "own.key", KEY), write_cert(folder / "own.pem", CERT)
    lines = [
        'kind = "folder"', 'title = "Ngân hàng thử"', 'source = "Thỏa thuận kết nối thử"',
        f'out = "{share / "inbox"}"', f'answers = "{share / "answers"}"',
        "[dsig]", 'own_key = "own.key"', 'own_cert = "own.pem"',
    ]  # fmt: skip
    (folder / f"{PROVIDER}.toml").write_text("\n".join(lines))
    return Dsig(own_key, own_cert, bank_cert=own_cert)


def canonical(data: bytes) -> bytes:
    return etree.tostring(etree.fromstring(data), method="c14n", exclusive=True)


def test_what_leaves_is_signed_and_says_what_was_approved(world: World, tmp_path: Path) -> None:
    released(world)
    bank = connect(world, tmp_path / "share")
    done = drain(world)
    assert (done.sent, done.unknown, done.stopped) == (2, 0, 0)
    ours = approved(world)
    there = {p.name: p for p in (tmp_path / "share" / "inbox").iterdir()}
    assert sorted(there) == sorted(ours)
    assert len(there) == 2
    for name, path in there.items():
        assert path.read_bytes() != ours[name]
        dsig.verify(bank, path, tmp_path / "covered.xml")
        assert canonical((tmp_path / "covered.xml").read_bytes()) == canonical(ours[name])
        sha = hashlib.sha256(path.read_bytes()).digest()
        assert world.one("SELECT sha256 FROM wire_file WHERE name = :n", n=name) == sha
        bad = path.read_bytes().replace(b"</InstdAmt>", b"0</InstdAmt>", 1)
        path.with_suffix(".bad").write_bytes(bad)
        with pytest.raises(RefusedFile):
            dsig.verify(bank, path.with_suffix(".bad"), tmp_path / "bad.xml")
        other = write_cert(tmp_path / "other.pem", certificate("khac", OTHER))
        with pytest.raises(RefusedFile):
            dsig.verify(Dsig(bank.own_key, bank.own_cert, other), path, tmp_path / "bad.xml")
    assert drain(world) == sender.Sent()
    healthy(world)


def test_a_request_to_cancel_is_signed_as_well(world: World, tmp_path: Path) -> None:
    released(world)
    bank = connect(world, tmp_path / "share")
    drain(world)
    (batch_id, *_), *_ = world.rows("SELECT id FROM batch WHERE rail = 'bank' ORDER BY id")
    made = recalls.ask(world.ctx, batch_id, reason="TECH", document="CV 3, 05/10/2026", actor="an")
    recalls.sign(world.ctx, made.id, actor="binh")
    assert drain(world).sent == 1
    path = tmp_path / "share" / "inbox" / made.file_name
    dsig.verify(bank, path, tmp_path / "covered.xml")
    kept = world.ctx.settings.files / "out" / "202610" / made.file_name
    assert canonical((tmp_path / "covered.xml").read_bytes()) == canonical(kept.read_bytes())
    assert world.one("SELECT batch_id FROM wire_file WHERE name = :n", n=path.name) == made.id
    assert states(world) == ["sent", "sent"]


def test_a_key_that_is_not_the_certificates_sends_nothing(world: World, tmp_path: Path) -> None:
    released(world)
    connect(world, tmp_path / "share")
    write_key(world.ctx.settings.home / "connections" / "own.key", OTHER)
    done = drain(world)
    assert (done.sent, done.waiting) == (0, 2)
    assert "chứng thư không phải của khóa ký" in done.reasons[0]
    assert list((tmp_path / "share" / "inbox").iterdir()) == []
    assert world.rows("SELECT count(*) FROM wire_file") == [(0,)]
