"""`disburse simulate momo|zalopay|…`: a simulated rail as a server on this machine.

It needs no books of ours and keeps its own. One JSON line on standard output says where it listens,
once it does; `--connection` writes what the payer's side needs to call it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bank_adapters.contract import AdapterError
from bank_adapters.simulators.bank import PROFILES
from bank_adapters.simulators.wallet.base import Clock
from bank_adapters.simulators.wallet.faults import FAULTS, Draw, Faults
from bank_adapters.simulators.wallet.journal import Journal
from bank_adapters.simulators.wallet.rails import made_up_keys, simulated_rails, simulator_of
from bank_adapters.simulators.wallet.server import listen, run
from disbursement.cli import common
from disbursement.demo.counterparties import bank_truth
from disbursement.platform.context import clock_of
from disbursement.platform.errors import NotAllowedError, NotFoundError, NotNowError, UsageError

Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Cổng; 0 là cổng trống.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Hạt giống.")]
Level = Annotated[str, typer.Option("--profile", help=f"Mức hỏng: {', '.join(PROFILES)}.")]
Fault = Annotated[
    list[str] | None,
    typer.Option("--fault", help=f"Lỗi, có thể kèm số lần (lost_answer:2): {', '.join(FAULTS)}."),
]
Books = Annotated[Path | None, typer.Option("--journal", help="Tệp sổ của kênh giả lập.")]
Written = Annotated[
    Path | None, typer.Option("--connection", help="Ghi tệp kết nối cho bên chi trả.")
]
Truth = Annotated[
    Path | None, typer.Option("--truth", help="Thư mục dữ liệu mẫu có bank_truth.csv.")
]
Back = Annotated[
    str, typer.Option("--callback", help="Địa chỉ nhận thông báo; để trống thì giữ lại.")
]


def add_to(app: typer.Typer) -> None:
    """Add a command for each rail that has a simulator, of our own or of an installed package."""
    for name in simulated_rails():
        app.command(name, help=f"Kênh {name} giả lập: máy chủ chạy đến khi dừng.")(_command(name))


def _command(name: str) -> Callable[..., None]:
    @common.command
    def serve(
        port: Port = 0,
        seed: Seed = 1,
        profile: Level = "steady",
        fault: Fault = None,
        journal: Books = None,
        connection: Written = None,
        truth: Truth = None,
        callback: Back = "",
    ) -> None:
        _serve(name, port, seed, profile, fault or [], journal, connection, truth, callback)

    return serve


def _serve(
    name: str,
    port: int,
    seed: int,
    profile: str,
    fault: list[str],
    journal: Path | None,
    connection: Path | None,
    truth: Path | None,
    callback: str,
) -> None:
    """Serve one rail until the process is told to stop."""
    settings = common.settings()
    if settings.env == "production":
        raise NotAllowedError(
            "simulator",
            "Không dùng kênh giả lập khi chạy thật; đặt DISBURSE_ENV=test để thử.",
            en="Simulated rails are not for production; set DISBURSE_ENV=test to try them.",
        )
    _check(profile, fault, truth, callback)
    try:
        sock = listen(port)
    except OSError:
        raise NotNowError(
            "port", f"Cổng {port} đang có chương trình khác dùng; chọn --port khác.",
            en=f"Port {port} is in use; choose another.",
        ) from None  # fmt: skip
    theirs, ours = made_up_keys(name, seed)
    books, clock = Journal(journal), Clock(clock_of(settings).now(), running=True)
    simulator = simulator_of(name)(
        theirs, clock, journal=books, profile=profile, seed=seed, faults=fault,
        truth=bank_truth(truth) if truth else None, callback_url=callback,
    )  # fmt: skip

    def ready(where: str) -> None:
        if connection is not None:
            _write_connection(connection, where, ours)
        told = {"rail": name, "address": where, "seed": seed, "profile": profile}
        told |= {"journal": str(journal) if journal else ""}
        typer.echo(json.dumps(told, ensure_ascii=False))

    try:
        run(simulator, sock, ready)
    finally:
        books.close()


def _check(profile: str, fault: list[str], truth: Path | None, callback: str) -> None:
    for option, check in (("profile", lambda: Draw(profile, 1)), ("fault", lambda: Faults(fault))):
        try:
            check()
        except AdapterError as error:
            raise UsageError(option, error.sentence, en=error.en) from None
    if truth is not None and not (truth / "bank_truth.csv").is_file():
        raise NotFoundError("truth", f"Không có tệp bank_truth.csv trong {truth}.")
    if callback and not callback.startswith(("http://127.0.0.1:", "http://localhost:")):
        raise UsageError(
            "callback", "--callback chỉ nhận địa chỉ trên máy này (http://127.0.0.1:…).",
            en="--callback takes addresses on this machine only.",
        )  # fmt: skip


def _write_connection(path: Path, where: str, secrets: dict[str, str]) -> None:
    """Write a connection file, readable by its owner only; made-up secrets are secrets too."""
    lines = [f"base_url = {json.dumps(where)}", "[secrets]"]
    lines += [f"{name} = {json.dumps(value)}" for name, value in secrets.items()]
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    path.chmod(0o600)
