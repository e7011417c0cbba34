"""`disburse simulate momo|zalopay`: a server of its own process, with its own books."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from bank_adapters.api.contract import Secrets
from bank_adapters.api.registry import api_adapter
from bank_adapters.api.wire import Connection, Wire
from bank_adapters.simulators.wallet.journal import Journal
from tests.bank_adapters.build import header, row
from tests.cli.conftest import Type


@contextmanager
def running(tmp_path: Path, *words: str) -> Iterator[dict[str, str]]:
    """Start the command, yield what it says; stop that process and no other."""
    env = {**os.environ, "DISBURSE_ENV": "test", "DISBURSE_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", "from disbursement.cli import main; main()", "simulate"]
    process = subprocess.Popen([*command, *words], env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@pytest.mark.parametrize("rail", ["momo", "zalopay"])
def test_a_payment_through_the_server_is_in_its_books(rail: str, tmp_path: Path) -> None:
    books, link = tmp_path / "books.db", tmp_path / "link.toml"
    words = ["--profile", "clean", "--journal", str(books), "--connection", str(link)]
    adapter, order = api_adapter(f"{rail}-1"), row(1, account="0900000001")
    at = datetime(2026, 11, 5, tzinfo=UTC)
    with running(tmp_path, rail, *words, "--fault", "lost_answer:1") as told:
        assert (told["rail"], told["journal"]) == (rail, str(books))
        assert told["address"].startswith("http://127.0.0.1:")
        assert stat.S_IMODE(link.stat().st_mode) == 0o600
        found = tomllib.loads(link.read_text(encoding="utf-8"))
        assert found["base_url"] == told["address"]
        secrets = Secrets(found["secrets"])
        head = header([order])
        call = adapter.make(head, [order], adapter.request_id(head, [order], 1), at, secrets)
        with Wire(Connection(told["address"], 20, 500, 4)) as wire:
            while call is not None:
                answer = wire.send(call)
                if not hasattr(answer, "body"):
                    break
                reading = adapter.read(call, answer, secrets)
                call = adapter.next(call, reading, at, secrets)
        paid = httpx.get(told["address"] + "/_admin/paid").json()
        assert [o["amount"] for o in paid["orders"]] == [order.amount_vnd]
    journal = Journal(books)
    assert journal.paid(order.end_to_end_id) == [order.amount_vnd]
    journal.close()


@pytest.mark.parametrize(
    ("words", "code"),
    [(("--profile", "x"), "profile"), (("--fault", "x"), "fault"), (("--truth", "x"), "truth"),
     (("--callback", "http://example.vn/"), "callback")],
)  # fmt: skip
def test_wrong_words_are_refused(typed: Type, words: tuple[str, str], code: str) -> None:
    done = typed("simulate", "momo", *words)
    assert done.code != 0
    assert f"[{code}]" in done.err
