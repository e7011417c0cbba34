"""Batches that leave by SFTP, sealed and signed, on both databases: whatever breaks, each file once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
from pysequoia import Tsk, decrypt, encrypt

from bank_adapters.contract import Outcome, OutgoingFile
from disbursement.jobs import links, sender, worker
from disbursement.platform.context import Context
from tests.bank_adapters.sftp_server import Bank, serving
from tests.jobs.test_sender import open_roster
from tests.runs.test_close import released
from tests.runs.test_month import healthy
from tests.runs.world import PAYER, PROVIDER, World

HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")
OURS, BANKS = Tsk.generate("Đơn vị chi trả"), Tsk.generate("Ngân hàng thử")
HELD = 1_750_000
"""What is held for the two bank batches and the cash batch, in đồng."""


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    with serving(tmp_path / "bank", HOST_KEY) as running:
        yield running


def secret(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    path.chmod(0o600)
    return path.name


def connect(
    world: World, bank: Bank, *, sealed: bool = False, key: str = "", host: str = ""
) -> None:
    """Write the provider's connection file and the secrets beside it."""
    folder = world.ctx.settings.home / "connections"
    folder.mkdir(exist_ok=True)
    line = key or HOST_KEY.export_public_key().decode().strip()
    lines = [
        'kind = "sftp"',
        'title = "Ngân hàng thử"',
        'source = "Thỏa thuận kết nối thử"',
        f'host = "{host or "127.0.0.1"}"',
        f"port = {bank.port}",
        'user = "chi-tra"',
        f'host_keys = ["{line}"]',
        f'password_file = "{secret(folder / "word", b"mat-khau")}"',
        'out = "/inbox"',
        'archive = ["/done"]',
        'answers = "/outbox"',
        "timeout_seconds = 10",
    ]
    if sealed:
        (folder / "bank.asc").write_bytes(bytes(BANKS.extract_certificate()))
        lines += [
            "[pgp]",
            f'own_key = "{secret(folder / "own.pgp", bytes(OURS))}"',
            'bank_cert = "bank.asc"',
        ]
    (folder / f"{PROVIDER}.toml").write_text("\n".join(lines))


def drain(world: World) -> sender.Sent:
    return sender.drain(world.ctx, worker.transport_for(world.ctx), open_roster)


def approved(world: World) -> dict[str, bytes]:
    """The files as the officers signed them."""
    folder = world.ctx.settings.files / "out" / "202610"
    names = world.rows("SELECT file_name, file_sha256 FROM batch WHERE rail = 'bank'")
    found = {name: (folder / name).read_bytes() for name, _ in names}
    assert all(hashlib.sha256(found[n]).digest() == bytes(sha) for n, sha in names)
    return found


def inbox(bank: Bank) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (bank.root / "inbox").iterdir()}


def states(world: World) -> list[str]:
    return [s for (s,) in world.rows("SELECT state FROM batch WHERE rail = 'bank' ORDER BY id")]


def money(world: World) -> tuple[int, int]:
    return (
        world.balance(f"cash_held.{PAYER}.{PROVIDER}"),
        world.balance(f"cash_free.{PAYER}.{PROVIDER}"),
    )


def test_a_batch_leaves_by_sftp_as_it_was_approved(world: World, bank: Bank) -> None:
    released(world)
    connect(world, bank)
    done = drain(world)
    assert (done.sent, done.rosters, done.unknown, done.stopped) == (2, 1, 0, 0)
    assert inbox(bank) == approved(world)
    assert sorted(bank.renamed) == sorted(approved(world))
    assert money(world) == (HELD, 0)
    assert drain(world) == sender.Sent()
    assert not (world.ctx.settings.home / "drop" / PROVIDER / "out").exists()
    healthy(world)


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("fault", ["cut-before-rename", "rename-refused", "rename-lost", "short"])
def test_whatever_breaks_each_file_arrives_once(
    world: World, bank: Bank, fault: str, sealed: bool
) -> None:
    released(world)
    connect(world, bank, sealed=sealed)
    bank.fault = fault
    done = drain(world)
    assert (done.sent, done.unknown, done.stopped) == (0, 2, 0)
    assert states(world) == ["unknown", "unknown"]
    before = world.rows("SELECT batch_id, name, sha256 FROM wire_file ORDER BY batch_id")
    bank.fault = ""
    done = drain(world)
    assert (done.sent, done.unknown, done.stopped) == (2, 0, 0)
    assert states(world) == ["sent", "sent"]
    assert len(bank.renamed) == len(set(bank.renamed)) == 2
    assert world.rows("SELECT batch_id, name, sha256 FROM wire_file ORDER BY batch_id") == before
    for _, name, digest in before:
        assert hashlib.sha256(inbox(bank)[name]).digest() == bytes(digest), "wrapped once"
    assert (opened(bank) if sealed else inbox(bank)) == approved(world)
    assert money(world) == (HELD, 0)
    healthy(world)
    assert drain(world) == sender.Sent()


def opened(bank: Bank) -> dict[str, bytes]:
    """What the bank reads with its key, checked against ours."""
    out = {}
    for name, data in inbox(bank).items():
        found = decrypt(data, BANKS.decryptor(), lambda _ids: [OURS.extract_certificate()])
        assert [s.certificate for s in found.valid_sigs] == [OURS.extract_certificate().fingerprint]
        assert found.bytes is not None
        out[name.removesuffix(".pgp")] = found.bytes
    return out


def test_what_leaves_sealed_opens_to_what_was_approved(world: World, bank: Bank) -> None:
    released(world)
    connect(world, bank, sealed=True)
    assert drain(world).sent == 2
    assert opened(bank) == approved(world)
    assert all(b"Document" not in data for data in inbox(bank).values())


class Killed(links.Link):
    """The process ends when the file is there and nothing is recorded yet."""

    def send(self, file: OutgoingFile) -> Outcome:
        super().send(file)
        raise KeyboardInterrupt


@pytest.mark.parametrize("takes", [False, True])
def test_a_kill_between_upload_and_record_never_sends_twice(
    world: World, bank: Bank, monkeypatch: pytest.MonkeyPatch, takes: bool
) -> None:
    released(world)
    connect(world, bank)
    bank.takes = takes
    with monkeypatch.context() as patched:
        patched.setattr(links, "Link", Killed)
        with pytest.raises(KeyboardInterrupt):
            drain(world)
    assert sorted(states(world)) == ["queued", "sending"]
    first = list(bank.renamed)
    assert len(first) == 1
    for _ in range(2):
        drain(world)
    assert len(bank.renamed) == len(set(bank.renamed)) == 2
    assert sorted(states(world)) == (["sent", "unknown"] if takes else ["sent", "sent"])
    if takes:
        ((why,),) = world.rows("SELECT why FROM outbox WHERE file_name = :n", n=first[0])
        assert "hãy hỏi ngân hàng" in why
    assert money(world) == (HELD, 0)
    healthy(world)


def test_a_wrapped_file_changed_between_two_tries_stops_its_batch(world: World, bank: Bank) -> None:
    released(world)
    connect(world, bank, sealed=True)
    bank.fault = "rename-refused"
    drain(world)
    bank.fault = ""
    folder = world.ctx.settings.files / "out" / "202610" / "wire"
    first, second = sorted(folder.iterdir())
    first.write_bytes(second.read_bytes())
    done = drain(world)
    assert (done.sent, done.stopped) == (1, 1)
    assert "bị thay đổi hoặc mất" in done.reasons[0]
    assert bank.renamed == [second.name]
    healthy(world)


def test_a_changed_host_key_keeps_everything_here_until_it_is_settled(
    world: World, bank: Bank
) -> None:
    released(world)
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    connect(world, bank, key=other)
    for _ in range(sender.MAX_TRIES + 1):
        done = drain(world)
        assert (done.sent, done.waiting, done.stopped) == (0, 2, 0)
    whys = {w for (w,) in world.rows("SELECT why FROM outbox WHERE state <> 'done'")}
    assert whys == {"khóa máy chủ không phải khóa đã ghim; chưa gửi gì"}
    assert (bank.logins, inbox(bank)) == (0, {})
    connect(world, bank)
    assert drain(world).sent == 2
    assert inbox(bank) == approved(world)
    healthy(world)


@pytest.mark.parametrize("host", ["127.0.0.1", "sandbox.nganhang.vn"])
def test_a_test_endpoint_in_production_sends_and_holds_nothing(
    world: World, bank: Bank, host: str
) -> None:
    released(world)
    connect(world, bank, host=host)
    settings = world.ctx.settings.model_copy(update={"env": "production"})
    real: Context = replace(world.ctx, settings=settings)
    done = sender.drain(real, worker.transport_for(real), open_roster)
    assert (done.sent, done.waiting, done.stopped) == (0, 2, 0)
    assert "không dùng ở hệ thống thật" in done.reasons[0]
    assert states(world) == ["queued", "queued"]
    assert (bank.logins, inbox(bank)) == (0, {})
    assert "không dùng ở hệ thống thật" in worker.pick_up(real)
    healthy(world)


def test_an_answer_is_read_when_it_stands_still_and_only_if_the_bank_signed_it(
    world: World, bank: Bank
) -> None:
    released(world)
    connect(world, bank, sealed=True)
    drain(world)
    ours = [OURS.extract_certificate()]
    good = encrypt(b"<Document/>", ours, BANKS.signer(), armor=False)
    forged = encrypt(b"<Document/>", ours, Tsk.generate("kẻ khác").signer(), armor=False)
    for name, data in (
        ("tot.xml.pgp", good),
        ("gia.xml.pgp", forged),
        ("tran.xml", b"<Document />"),
        ("cat.xml.pgp", good[:-9]),
        ("dang-ghi.xml.pgp.part", good),
    ):
        (bank.root / "outbox" / name).write_bytes(data)
    assert worker.pick_up(world.ctx) == "nhận 0, chờ sao kê trước 0, không nhận 0"
    assert world.one("SELECT count(*) FROM answer") == 0
    assert worker.pick_up(world.ctx) == "nhận 0, chờ sao kê trước 0, không nhận 4"
    rows = world.rows("SELECT file_name, state, why FROM answer ORDER BY file_name")
    assert [(n, s) for n, s, _ in rows] == [
        (n, "refused") for n in ("cat.xml.pgp", "gia.xml.pgp", "tot.xml", "tran.xml")
    ], "the good one was opened and read, and is no message the books know"
    assert [w.startswith("pgp:") for _, _, w in rows] == [True, True, False, True]
    assert worker.pick_up(world.ctx) == "nhận 0, chờ sao kê trước 0, không nhận 0"
    came = world.ctx.settings.home / "drop" / PROVIDER / "as-came"
    assert [p.read_bytes() for p in came.iterdir()] == [good], "kept as it came"
    healthy(world)


def test_an_answer_refused_under_a_wrong_certificate_is_read_when_it_is_put_right(
    world: World, bank: Bank
) -> None:
    connect(world, bank, sealed=True)
    pinned = world.ctx.settings.home / "connections" / "bank.asc"
    pinned.write_bytes(bytes(Tsk.generate("chứng thư cũ").extract_certificate()))
    sealed = encrypt(b"<Document/>", [OURS.extract_certificate()], BANKS.signer(), armor=False)
    (bank.root / "outbox" / "a.xml.pgp").write_bytes(sealed)
    worker.pick_up(world.ctx)
    assert worker.pick_up(world.ctx).endswith("không nhận 1")
    assert worker.pick_up(world.ctx).endswith("không nhận 0")
    connect(world, bank, sealed=True)
    worker.pick_up(world.ctx)
    worker.pick_up(world.ctx)
    names = world.rows("SELECT file_name FROM answer ORDER BY id")
    assert names == [("a.xml.pgp",), ("a.xml",)], "opened now"


def test_a_mute_bank_stops_nobody(world: World, tmp_path: Path) -> None:
    with serving(tmp_path / "gone", HOST_KEY) as gone:
        connect(world, gone)
    said = worker.pick_up(world.ctx)
    assert said.startswith("nhận 0, chờ sao kê trước 0, không nhận 0 Kết nối Ngân hàng thử: ")
