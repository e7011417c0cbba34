"""The outbox: sent once, asked about before it is sent again, stopped where something changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from bank_adapters.contract import Accepted, NotSent, Outcome, OutgoingFile, Transport, Unknown
from bank_adapters.transports import FileDrop
from disbursement.jobs import sender, worker
from disbursement.platform import files
from disbursement.platform.context import Context
from disbursement.platform.errors import NotNowError
from disbursement.runs import service
from tests.documents import papers
from tests.runs.test_close import released
from tests.runs.test_month import FOUR, budget, healthy, sign_all
from tests.runs.world import PAYER, PROVIDER, World, add_people

opened: list[int] = []


def open_roster(_conn: Connection, _ctx: Context, batch_id: int) -> None:
    opened.append(batch_id)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    opened.clear()


def drop(folder: Path) -> Callable[[str], FileDrop]:
    return lambda provider: FileDrop(folder / provider)


def test_what_is_released_and_drawn_is_sent_once(world: World, tmp_path: Path) -> None:
    released(world)
    done = sender.drain(world.ctx, drop(tmp_path), open_roster)
    assert (done.sent, done.rosters, done.waiting, done.stopped) == (2, 1, 0, 0)
    folder = tmp_path / PROVIDER
    names = [r[0] for r in world.rows("SELECT file_name FROM batch WHERE rail = 'bank'")]
    assert sorted(p.name for p in folder.iterdir()) == sorted(names)
    assert len(opened) == 1
    assert world.rows("SELECT DISTINCT state FROM batch") == [("sent",)]
    assert world.balance(f"cash_held.{PAYER}.{PROVIDER}") == 1_750_000
    assert world.balance(f"cash_free.{PAYER}.{PROVIDER}") == 0
    again = sender.drain(world.ctx, drop(tmp_path), open_roster)
    assert (again.sent, again.rosters) == (0, 0)
    healthy(world)


def test_nothing_is_sent_before_the_draw(world: World, tmp_path: Path) -> None:
    add_people(world, FOUR)
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    sign_all(world)
    done = sender.drain(world.ctx, drop(tmp_path), open_roster)
    assert (done.sent, done.rosters, done.waiting) == (0, 0, 3)
    assert "chưa rút đủ tiền" in done.reasons[0]
    assert not (tmp_path / PROVIDER).exists()
    assert world.rows("SELECT DISTINCT state FROM batch") == [("queued",)]
    assert world.balance(f"cash_held.{PAYER}.{PROVIDER}") == 0
    healthy(world)


class Eaten:
    """A transport that delivers and then loses the answer, once."""

    def __init__(self, inner: FileDrop) -> None:
        self.inner, self.calls, self.asked = inner, 0, 0

    def send(self, file: OutgoingFile) -> Outcome:
        self.calls += 1
        self.inner.send(file)
        return Unknown("connection lost")

    def delivered(self, name: str) -> Accepted | NotSent | Unknown:
        self.asked += 1
        return self.inner.delivered(name)


def test_a_lost_answer_is_asked_about_and_not_sent_again(world: World, tmp_path: Path) -> None:
    released(world)
    eaten = Eaten(FileDrop(tmp_path / PROVIDER))
    done = sender.drain(world.ctx, lambda _: eaten, open_roster)
    assert (done.sent, done.unknown) == (0, 2)
    assert world.rows("SELECT DISTINCT state FROM batch WHERE rail = 'bank'") == [("unknown",)]
    done = sender.drain(world.ctx, lambda _: eaten, open_roster)
    assert (done.sent, done.unknown) == (2, 0)
    assert (eaten.calls, eaten.asked) == (2, 2)
    assert world.balance(f"cash_held.{PAYER}.{PROVIDER}") == 1_750_000
    healthy(world)


class Killed(FileDrop):
    """The process ends right after the file is there and before anything is recorded."""

    def send(self, file: OutgoingFile) -> Outcome:
        super().send(file)
        raise KeyboardInterrupt


def test_a_restart_asks_before_it_sends(world: World, tmp_path: Path) -> None:
    released(world)
    with pytest.raises(KeyboardInterrupt):
        sender.drain(world.ctx, lambda p: Killed(tmp_path / p), open_roster)
    assert world.one("SELECT count(*) FROM batch WHERE state = 'sending'") == 1
    eaten = Eaten(FileDrop(tmp_path / PROVIDER))
    done = sender.drain(world.ctx, lambda _: eaten, open_roster)
    assert eaten.calls == 1, "only the batch that had not left is sent"
    assert done.sent == 1
    healthy(world)


def test_a_file_that_was_carried_away_before_it_was_recorded_is_not_put_there_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drop folder of the worker itself: somebody carries its files to the bank."""
    released(world)
    give = worker.transport_for(world.ctx)

    def killed(provider: str) -> Transport:
        monkeypatch.setattr(sender, "_settle", _stop)
        return give(provider)

    with pytest.raises(KeyboardInterrupt):
        sender.drain(world.ctx, killed, open_roster)
    monkeypatch.undo()
    out = worker.drop_folder(world.ctx, PROVIDER) / "out"
    (first,) = out.iterdir()
    first.rename(world.ctx.settings.home / first.name)
    for _ in range(2):
        done = sender.drain(world.ctx, give, open_roster)
        assert (first.name not in [p.name for p in out.iterdir()], done.unknown) == (True, 1)
    assert len(list(out.iterdir())) == 1  # the other batch went its way
    assert world.rows("SELECT state FROM batch WHERE rail = 'bank' ORDER BY id") == [
        ("unknown",),
        ("sent",),
    ]
    (why,) = world.rows(
        "SELECT o.why FROM outbox o JOIN batch b ON b.id = o.batch_id WHERE b.state = 'unknown'"
    )
    assert why == ("đã giao, nay không còn thấy tệp; hãy hỏi ngân hàng",)
    assert world.balance(f"cash_held.{PAYER}.{PROVIDER}") == 1_750_000
    healthy(world)


def _stop(*_given: object) -> None:
    raise KeyboardInterrupt


def test_a_file_changed_after_signing_stops_its_batch_and_no_other(
    world: World, tmp_path: Path
) -> None:
    released(world)
    name = world.one("SELECT min(file_name) FROM batch WHERE rail = 'bank'")
    path = world.ctx.settings.files / "out" / "202610" / name
    path.write_bytes(path.read_bytes() + b" ")
    done = sender.drain(world.ctx, drop(tmp_path), open_roster)
    assert (done.sent, done.stopped, done.rosters) == (1, 1, 1)
    assert not (tmp_path / PROVIDER / name).exists()
    assert world.rows("SELECT state FROM outbox WHERE file_name = :n", n=name) == [("stopped",)]
    healthy(world)


def test_a_release_for_a_later_day_waits(world: World, tmp_path: Path) -> None:
    add_people(world, FOUR)
    budget(world)
    service.prepare(world.ctx, 202610, world.signers["an"])
    for who, role in (("binh", "check"), ("chi", "sign2")):
        service.sign_all(world.ctx, 202610, role, world.signers[who])
    service.sign_all(
        world.ctx, 202610, "sign1", world.signers["dung"], release_on=date(2026, 10, 5)
    )
    with world.ctx.cell.read() as conn:
        days = conn.execute(text("SELECT DISTINCT not_before FROM outbox")).scalars().all()
    assert days == ["2026-10-05"]
    assert sender.drain(world.ctx, drop(tmp_path), open_roster) == sender.Sent()


def note_files(world: World) -> dict[str, bytes]:
    folder = world.ctx.settings.files / "out" / "202610"
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix in (".txt", ".pdf")}


def test_each_file_that_leaves_has_its_control_note_as_text_and_paper(
    world: World, tmp_path: Path
) -> None:
    released(world)
    sender.drain(world.ctx, drop(tmp_path), open_roster)
    notes = note_files(world)
    sent = world.rows(
        "SELECT b.id, b.file_name, b.file_sha256, b.payments, b.total_vnd, b.programme FROM batch b "
        "WHERE b.rail = 'bank' ORDER BY b.id"
    )
    assert sorted(notes) == sorted(
        name.replace(".xml", end) for _, name, *_ in sent for end in (".txt", ".pdf")
    ), "a cash batch leaves by its roster and has no note"
    for batch_id, name, sha256, payments, total, programme in sent:
        ((seq, head),) = world.rows(
            "SELECT s.seq, s.hash FROM journal j JOIN seal s ON s.journal_id = j.id "
            "WHERE j.idem_key = :k",
            k=f"cash_held:{batch_id}",
        )
        said = notes[name.replace(".xml", ".txt")].decode()
        (paper,) = papers.pages(notes[name.replace(".xml", ".pdf")])
        assert (payments, total) == (1, {"SA": 750_000, "SP": 500_000}[programme])
        money = f"{total // 1000}.000"
        sha, chain = bytes(sha256).hex(), bytes(head).hex()
        for line in (
            f"Tệp: {name}",
            f"Danh sách: {PAYER} {programme} 202610, Danh sách chính, bản 0",
            "Số khoản chi: 1",
            f"Tổng số tiền (đồng): {money}",
            f"SHA-256 của tệp: {sha}",
            f"Niêm phong cuối của sổ cái: số {seq}, {chain}",
        ):
            assert f"{line}\n" in said
        for words in (
            f"1 {money} đồng",
            f"Tên tệp {name}",
            f"SHA-256 của tệp {sha}",
            f"Đầu chuỗi sổ cái số {seq} {chain}",
            "Danh sách Danh sách chính, bản 0",
            "Nơi nhận tệp Ngân hàng thử",
        ):
            assert words in paper


def test_a_note_lost_with_its_process_is_written_again_with_the_same_bytes(
    world: World, tmp_path: Path
) -> None:
    released(world)
    with pytest.raises(KeyboardInterrupt):
        sender.drain(world.ctx, lambda p: Killed(tmp_path / p), open_roster)
    before = note_files(world)
    assert len(before) == 2, "written before the first byte left"
    folder = world.ctx.settings.files / "out" / "202610"
    (pdf,) = (n for n in before if n.endswith(".pdf"))
    (folder / pdf).unlink()
    sender.drain(world.ctx, drop(tmp_path), open_roster)
    after = note_files(world)
    assert len(after) == 4
    assert {name: after[name] for name in before} == before


def test_a_note_that_cannot_be_written_keeps_its_file_back(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released(world)
    write = files.write

    def full(path: Path, data: bytes) -> bytes:
        if path.suffix == ".pdf":
            raise NotNowError("disk_full", "Hết chỗ trên đĩa.")
        return write(path, data)

    monkeypatch.setattr(files, "write", full)
    done = sender.drain(world.ctx, drop(tmp_path), open_roster)
    assert (done.sent, done.rosters, done.waiting) == (0, 1, 2)
    assert not (tmp_path / PROVIDER).exists(), "no file without its note"
    monkeypatch.setattr(files, "write", write)
    done = sender.drain(world.ctx, drop(tmp_path), open_roster)
    assert (done.sent, done.waiting) == (2, 0)
    assert len(note_files(world)) == 4
    healthy(world)
