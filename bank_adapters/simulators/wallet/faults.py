"""What goes wrong: faults asked for by name, and the seeded fate of each payment."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bank_adapters.contract import AdapterError
from bank_adapters.simulators.bank import PROFILES, WHOLE, FailureProfile

FAULTS: Mapping[str, str] = {
    "delay": "the outcome comes only after some simulated time",
    "lost_request": "the connection is cut before anything is booked",
    "lost_answer": "the payment is booked, then the connection is cut",
    "5xx_after_booking": "the payment is booked, then the answer is HTTP 500",
    "busy": "HTTP 429, nothing is booked",
    "duplicate_callback": "every callback is sent twice",
    "contradiction": "success is told, then failure",
    "late_return": "credited, and returned days later",
    "wrong_signature": "callbacks and signed answers carry a signature that is wrong",
    "expired_id": "ids are forgotten at once: a repeated request pays again",
    "wrong_amount": "answers tell another amount than was ordered",
    "wrong_account": "answers tell another account than was ordered",
}
"""Faults by name; each may be limited to its first calls: `lost_answer:2`."""
FOREVER = 1 << 30


class Faults:
    """Which faults are on, and how often each will still happen."""

    def __init__(self, asked: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._left: dict[str, int] = {}
        for one in asked:
            self.set(one)

    def set(self, asked: str) -> None:
        """Turn a fault on: `name` for good, `name:3` for three times, `name:0` off.

        Raises AdapterError (`no_such_fault`).
        """
        name, _, times = asked.partition(":")
        if name not in FAULTS or not (times.isdigit() or not times):
            raise AdapterError(
                "no_such_fault",
                f"Không có lỗi giả lập “{asked}”; có: {', '.join(FAULTS)}, có thể kèm số lần "
                "(lost_answer:2).",
                en=f"no fault named {asked}",
            )
        with self._lock:
            self._left[name] = int(times) if times else FOREVER

    def clear(self) -> None:
        """Turn every fault off."""
        with self._lock:
            self._left.clear()

    def take(self, name: str) -> bool:
        """Tell whether a fault happens now, and count it."""
        if not self._left:
            return False
        with self._lock:
            left = self._left.get(name, 0)
            if left:
                self._left[name] = left - 1
            return left > 0

    def on(self, name: str) -> bool:
        """Tell whether a fault is on, without counting."""
        return self._left.get(name, 0) > 0


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one payment: paid, rejected, returned, late or never; with an ISO reason.

    `days` is after how many days a late one is paid or a returned one comes back.
    """

    kind: str
    code: str
    days: int


class Draw:
    """The fate of payments and files under a failure profile and a seed: the same, always."""

    def __init__(self, profile: str, seed: int) -> None:
        if profile not in PROFILES:
            raise AdapterError(
                "no_such_profile",
                f"Không có mức hỏng “{profile}”; có: {', '.join(PROFILES)}.",
                en=f"no failure profile named {profile}",
            )
        self.profile: FailureProfile = PROFILES[profile]
        self.seed = seed

    def share(self, key: str) -> int:
        """Return a number below WHOLE that depends on seed and key alone."""
        digest = hashlib.sha256(f"{self.seed}:{key}".encode()).digest()
        return int.from_bytes(digest[:4], "big") % WHOLE

    def fate(self, payment: str) -> Fate:
        """Return what becomes of a payment."""
        drawn = self.share(f"fate:{payment}")
        for bound, kind, code in self.profile.fates:
            if drawn < bound:
                return Fate(kind, code, 1 + self.share(f"days:{payment}") % 5)
        return Fate("paid", "", 0)
