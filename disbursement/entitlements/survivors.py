"""Shares of a survivor's monthly allowance ([PL] Art. 6.5, 6.6, 16, 18).

At most two shares. Of one martyr and of others: one and one. Of two or more martyrs: the martyrs'
level only. One dead person with two merits gives one share. Survivors of wounded, sick or
poisoned people draw one from 61 per cent.
"""

from __future__ import annotations

from collections.abc import Sequence

from disbursement.entitlements.dossier_error import DossierError
from disbursement.entitlements.dossier_facts import Deceased

SURVIVOR_FROM = 61
MAX_SHARES = 2
#: Highest first, by the tables of 2023, 2024 and 2026 alike.
_ORDER = ("PRE45", "TKN", "TB", "BB", "CDHH")


def shares(
    dead: Sequence[Deceased], case_id: str, *, mother: bool, remarried: bool
) -> tuple[str, ...] | str:
    """Return the rate codes of the shares, or what is not covered.

    `mother`: a Heroic Mother draws no martyr's share ([PL] Art. 18.1 leaves out Art. 16.3).
    `remarried`: a martyr's spouse who remarried and still qualifies (PL I 3.5).
    """
    martyrs = sum("LS" in d.merits for d in dead)
    others = sorted(
        (c for c in (_other(d, case_id) for d in dead if "LS" not in d.merits) if c),
        key=lambda c: _ORDER.index(c.split(".")[0]),
    )
    if remarried:
        return ("LS.REMARRIED",) if martyrs and not mother else ()
    if mother:
        return tuple(others[:MAX_SHARES])
    if martyrs >= 2:
        return (f"LS.{min(martyrs, 3)}",)
    if martyrs == 1:
        return ("LS.1", *others[: MAX_SHARES - 1])
    if not others and dead:
        return f"SURVIVOR: a survivor's allowance is paid from {SURVIVOR_FROM} per cent of injury"
    return tuple(others[:MAX_SHARES])


def _other(dead: Deceased, case_id: str) -> str | None:
    """Return the one share of somebody who was no martyr: the highest of his merits."""
    found = []
    for merit in sorted(dead.merits, key=_ORDER.index):
        if merit in ("TB", "BB", "CDHH"):
            if dead.injury_pct is None:
                raise DossierError(
                    f"cases {case_id}.facts.deceased",
                    f"cần injury_pct của người có công ({merit}) đã mất",
                    f"needs the injury_pct of the deceased ({merit})",
                )
            if dead.injury_pct < SURVIVOR_FROM:
                continue
        found.append(f"{merit}.TUAT")
    return found[0] if found else None
