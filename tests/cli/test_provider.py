"""`disburse provider test`: what is wrong with a connection is said before a payment needs it."""

from __future__ import annotations

from pathlib import Path

import asyncssh

from tests.bank_adapters.sftp_server import serving
from tests.cli.conftest import Type
from tests.jobs.test_links import HOST_KEY, connect, inbox
from tests.runs.world import PROVIDER, World


def test_a_connection_is_tried_and_nothing_is_sent(
    world: World, typed: Type, tmp_path: Path
) -> None:
    assert typed("provider", "test", PROVIDER, "--json").json["connection"] == "drop"
    with serving(tmp_path / "bank", HOST_KEY) as bank:
        connect(world, bank, sealed=True)
        said = typed("provider", "test", PROVIDER)
        assert said.code == 0
        assert said.out.splitlines() == [
            "Ký, mã hóa: khóa dùng được.",
            f"Máy chủ 127.0.0.1:{bank.port}: đúng khóa đã ghim, đăng nhập được.",
            "Thư mục gửi /inbox: 0 tệp.",
            "Thư mục đã nhận /done: 0 tệp.",
            "Thư mục trả lời /outbox: 0 tệp.",
            "Dùng được. Chưa gửi gì.",
        ]
        found = typed("provider", "test", PROVIDER, "--json").json
        assert (found["provider"], found["connection"], found["usable"]) == (
            PROVIDER,
            "files",
            True,
        )
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
        connect(world, bank, key=other)
        typed("provider", "test", PROVIDER).refused("unreachable", 4)
        assert inbox(bank) == {}
        assert bank.renamed == []
    connect(world, bank)
    typed("provider", "test", PROVIDER).refused("unreachable", 4)


def test_a_wrong_file_or_an_unknown_provider_is_refused(world: World, typed: Type) -> None:
    typed("provider", "test", "KHONGCO").refused("provider", 3)
    path = world.ctx.settings.home / "connections" / f"{PROVIDER}.toml"
    path.parent.mkdir()
    path.write_text('kind = "sftp"\nmat_khau = "lo-ra"\n')
    said = typed("provider", "test", PROVIDER)
    said.refused("connection_invalid", 4)
    assert "mục mat_khau" in said.err
    assert "lo-ra" not in said.err
