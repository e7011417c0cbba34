"""Shares of a survivor's monthly allowance ([PL] Art. 6.5, 6.6, 16, 18).

At most two shares a person, in however many cases they are told. Of one martyr and of others: one
and one. Of two or more martyrs: the martyrs' level only. One dead person with two merits gives one
share. Survivors of wounded, sick or poisoned people draw one from 61 per cent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from disbursement.entitlements.amounts import Gap, gap
from disbursement.entitlements.dossier_error import DossierError
from disbursement.entitlements.dossier_facts import Deceased

SURVIVOR_FROM = 61
MAX_SHARES = 2
_MOST_MARTYRS = 3  # the table's last row: three or more
#: Highest first, by the tables of 2023, 2024 and 2026 alike.
_ORDER = ("PRE45", "TKN", "TB", "BB", "CDHH")


class Survivor(NamedTuple):
    """One case of a survivor: whom it is for, and whether a martyr's spouse has remarried."""

    dead: Sequence[Deceased]
    remarried: bool = False


def shares(cases: Mapping[str, Survivor], *, mother: bool) -> dict[str, tuple[str, ...] | Gap]:
    """Return by case the rate codes of its shares, or what is not covered.

    `mother`: a Heroic Mother draws no martyr's share ([PL] Art. 18.1 leaves out Art. 16.3).
    A martyr's spouse who remarried and still qualifies draws one of its own (PL I 3.5).
    Raises DossierError where the injury of a deceased is needed and not told.
    """
    found: dict[str, list[str]] = {case: [] for case in cases}
    taken = 0
    for case, told in cases.items():
        if told.remarried and not mother and any("LS" in d.merits for d in told.dead):
            found[case].append("LS.REMARRIED")
            taken += 1
    dead = _each_once({c: t.dead for c, t in cases.items() if not t.remarried})
    martyrs = sorted((c for c, d in dead if "LS" in d.merits), key=list(cases).index)
    others = sorted(
        ((share, case) for case, d in dead if (share := _other(d, case))),
        key=lambda o: _ORDER.index(o[0].split(".")[0]),
    )
    left = MAX_SHARES - taken
    if mother:
        martyrs = []
    if martyrs:
        for case in dict.fromkeys(martyrs):  # the rows of 2 and 3 are 2 and 3 times that of 1
            before = martyrs.index(case)
            here = min(martyrs.count(case), _MOST_MARTYRS - before)
            found[case] += [f"LS.{here}"] if here > 0 else []
        left = left - 1 if len(martyrs) == 1 else 0
    for share, case in others[: max(0, left)]:
        found[case].append(share)
    return {
        case: (not codes and _uncovered(cases[case], case, mother=mother)) or tuple(codes)
        for case, codes in found.items()
    }


def _each_once(cases: Mapping[str, Sequence[Deceased]]) -> list[tuple[str, Deceased]]:
    """Return every deceased with the first case that tells of him, merits put together by name."""
    out: list[tuple[str, Deceased]] = []
    for case, dead in cases.items():
        for one in dead:
            known = next((n for n, (_, d) in enumerate(out) if one.name and d.name == one.name), -1)
            if known < 0:
                out.append((case, one))
                continue
            first, before = out[known]
            merits = tuple(dict.fromkeys((*before.merits, *one.merits)))
            worst = max((p for p in (before.injury_pct, one.injury_pct) if p), default=None)
            out[known] = (first, replace(before, merits=merits, injury_pct=worst))
    return out


def _uncovered(told: Survivor, case: str, *, mother: bool) -> Gap | None:
    """Say why no table reaches a case whose deceased give no share at all, or None."""
    martyrs = any("LS" in d.merits for d in told.dead)
    if not told.dead or (martyrs and (mother or not told.remarried)):
        return None
    if told.remarried:
        return gap(
            "SURVIVOR: vợ, chồng tái giá chỉ giữ suất của liệt sĩ (NĐ 77/2024 PL I mục 3.5); không "
            "có mức cho diện khác",
            "SURVIVOR: a remarried spouse keeps a share of a martyr only (NĐ 77/2024 PL I 3.5);"
            " no row is for others",
        )
    if any(_other(d, case) for d in told.dead):
        return None
    merits = sorted({m for d in told.dead for m in d.merits})
    if not set(merits) & set(_ORDER):
        return gap(
            f"SURVIVOR: các bảng không có trợ cấp tuất hằng tháng của diện {', '.join(merits)}",
            f"SURVIVOR: no monthly survivor's allowance is in the tables for {', '.join(merits)}",
        )
    return gap(
        f"SURVIVOR: tuất hằng tháng chỉ có khi tỷ lệ tổn thương cơ thể từ {SURVIVOR_FROM} % trở "
        "lên",
        f"SURVIVOR: a survivor's allowance is paid from {SURVIVOR_FROM} per cent of injury",
    )


def _other(dead: Deceased, case_id: str) -> str | None:
    """Return the one share of somebody who was no martyr: the highest of his merits."""
    if "LS" in dead.merits:
        return None
    found = []
    for merit in sorted((m for m in dead.merits if m in _ORDER), key=_ORDER.index):
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
