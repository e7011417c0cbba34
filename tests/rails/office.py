"""A payer with a contract with a wallet, and the wallet on the other side of a socket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import text

from bank_adapters.simulators.wallet.base import Clock, Simulator
from bank_adapters.simulators.wallet.rails import SIMULATORS, made_up_keys
from bank_adapters.simulators.wallet.server import serving
from disbursement.platform import files, ids
from disbursement.platform.clock import ICT, today
from disbursement.platform.connections import connection_path
from disbursement.runs import service
from ledger import chart, definitions
from tests.runs.test_month import K6, budget, sign_all
from tests.runs.world import PAYER, Person, World, add_people, header

EACH = 750_000
WALLET = "MOMO"
ADVANCE = chart.advance(PAYER, WALLET)
TRANSIT = chart.transit(PAYER, WALLET)
PAYABLE = chart.payable(PAYER)
SUSPENSE = chart.suspense(PAYER)
FREE = chart.cash_free(PAYER, WALLET)
HELD = chart.cash_held(PAYER, WALLET)


@dataclass
class Wallet:
    """The simulated rail and what our connection to it says."""

    simulator: Simulator
    secrets: Mapping[str, str] = field(repr=False)
    base_url: str = ""


@contextmanager
def wallet(
    world: World,
    *,
    name: str = "momo",
    profile: str = "momo-1",
    **options: Any,
) -> Iterator[Wallet]:
    """Serve a simulated wallet, give the payer a contract with it and a connection to it."""
    keys, secrets = made_up_keys(name, 1)
    clock = Clock(datetime.combine(today(world.clock), datetime.min.time(), ICT))
    simulator = SIMULATORS[name](keys, clock, **options)
    with serving(simulator) as address:
        there = Wallet(simulator, secrets, address)
        _contract(world, profile)
        connect(world, there)
        yield there


def connect(
    world: World, there: Wallet, base_url: str | None = None, provider: str = WALLET
) -> None:
    """Write the provider's connection file."""
    lines = [f'base_url = "{base_url or there.base_url}"', "[secrets]"]
    lines += [f"{k} = '''{v}'''" for k, v in there.secrets.items()]
    path = connection_path(world.ctx.settings, provider)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, "\n".join(lines).encode())
    path.chmod(0o600)


def _contract(world: World, profile: str) -> None:
    keys = world.ctx.keys
    with world.ctx.cell.begin() as conn:
        provider = ids.block(conn, "provider", 1)
        conn.execute(
            text(
                "INSERT INTO provider (id, code, name, rail, bic, profile) "
                "VALUES (:i, :c, 'Ví thử', 'wallet', 'MOMO', :p)"
            ),
            {"i": provider, "c": WALLET, "p": profile},
        )
        contract = ids.block(conn, "provider_contract", 1)
        conn.execute(
            text(
                "INSERT INTO provider_contract (id, payer_id, provider_id, number, valid_from, "
                "valid_to, deposit_account_enc, deposit_account_blind, deposit_account_last4, "
                "fee_basis_points, pay_day) VALUES (:i, :p, :v, 'HDV', '2026-01-01', NULL, :e, "
                ":b, '0002', 0, 5)"
            ),
            {
                "i": contract, "p": world.payer_id, "v": provider,
                "e": keys.encrypt("provider_contract.deposit_account", contract, "20000002"),
                "b": keys.blind("account", "MOMO20000002"),
            },
        )  # fmt: skip
        accounts = chart.accounts_for(conn, world.payer_id, PAYER, 2026, ["SA", "SP"], [WALLET])
        definitions.define_accounts(conn, header(world, conn, "definition", "wallet"), accounts)


def released(world: World, people: int) -> int:
    """Prepare, sign and draw a list of people with a wallet; return its id."""
    add_people(world, [Person(date(1980, 1, 1), K6, "wallet", f"09{n:08d}") for n in range(people)])
    budget(world, sa=people * EACH)
    service.prepare(world.ctx, 202610, world.signers["an"])
    sign_all(world)
    ((list_id, total),) = world.rows("SELECT id, total_vnd FROM pay_list")
    assert total == people * EACH
    service.draw(
        world.ctx, list_id, voucher="RDT9", day=date(2026, 9, 24), amount_vnd=total, actor="chi"
    )
    world.clock.set(date(2026, 10, 5))
    return int(list_id)


def outcomes(world: World) -> dict[str, int]:
    """Return how many attempts the last news leaves in each state."""
    return {
        str(state): int(n)
        for state, n in world.rows(
            "SELECT a.state, count(*) FROM attempt_news a JOIN (SELECT batch_id, n, max(seq) AS s "
            "FROM attempt_news GROUP BY batch_id, n) m ON m.batch_id = a.batch_id AND m.n = a.n "
            "AND m.s = a.seq GROUP BY a.state"
        )
    }
