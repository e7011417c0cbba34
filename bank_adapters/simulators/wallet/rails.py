"""Simulated rails and their keys: the rail's side, and the payer's as its connection wants it.

Our own are named here; those of other packages are found by entry points, group
`disburse.simulators`: name of the adapter = the class, which has `made_up_keys(seed)`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from bank_adapters.simulators.wallet.base import Simulator
from bank_adapters.simulators.wallet.gsma import GsmaSimulator
from bank_adapters.simulators.wallet.momo import MoMoSimulator
from bank_adapters.simulators.wallet.payos import PayOSSimulator
from bank_adapters.simulators.wallet.zalopay import ZaloPaySimulator

SIMULATORS: Mapping[str, type[Simulator]] = MappingProxyType(
    {one.name: one for one in (MoMoSimulator, ZaloPaySimulator, GsmaSimulator, PayOSSimulator)}
)
"""Our own simulated rails by the name of their adapter."""
GROUP = "disburse.simulators"


def simulated_rails() -> tuple[str, ...]:
    """Return the names of all installed simulated rails; nothing of another package is loaded."""
    others = sorted({point.name for point in entry_points(group=GROUP)} - set(SIMULATORS))
    return (*SIMULATORS, *others)


def simulator_of(rail: str) -> type[Simulator]:
    """Return the simulator of a rail. Raises KeyError where there is none."""
    if rail in SIMULATORS:
        return SIMULATORS[rail]
    found = [point for point in entry_points(group=GROUP) if point.name == rail]
    if not found:
        raise KeyError(rail)
    made: type[Simulator] = found[0].load()
    return made


def made_up_keys(rail: str, seed: int) -> tuple[dict[str, str], dict[str, str]]:
    """Return (the rail's keys, the payer's secrets); all but RSA keys depend on the seed alone.

    Raises KeyError for a rail that has no simulator.
    """
    return _MADE[rail](seed) if rail in _MADE else simulator_of(rail).made_up_keys(seed)


def _word(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()[:32]


def _pair() -> tuple[str, str]:
    key = generate_private_key(65537, 2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def _momo(seed: int) -> tuple[dict[str, str], dict[str, str]]:
    private, public = _pair()
    both = {
        "partner_code": f"SIM{seed}",
        "access_key": _word(seed, "access"),
        "secret_key": _word(seed, "secret"),
        "m_token": _word(seed, "token"),
    }
    return {**both, "private_key": private}, {**both, "public_key": public}


def _zalopay(seed: int) -> tuple[dict[str, str], dict[str, str]]:
    private, public = _pair()
    both = {"app_id": str(2000 + seed), "payment_id": f"P{seed}", "key1": _word(seed, "key1")}
    return {**both, "public_key": public}, {**both, "private_key": private}


def _gsma(seed: int) -> tuple[dict[str, str], dict[str, str]]:
    both = {name: _word(seed, name) for name in ("api_key", "callback_key")}
    return both, both


def _payos(seed: int) -> tuple[dict[str, str], dict[str, str]]:
    both = {name: _word(seed, name) for name in ("client_id", "api_key", "checksum_key")}
    return both, both


_MADE: Mapping[str, Callable[[int], tuple[dict[str, str], dict[str, str]]]] = {
    "momo": _momo,
    "zalopay": _zalopay,
    "gsma": _gsma,
    "payos": _payos,
}
