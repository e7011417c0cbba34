"""Profiles of other packages: folders that installed packages declare as entry points.

    [project.entry-points."disburse.profiles"]
    calls = "mybank.profiles"

The name says what kind of profile the folder holds (`calls`, `tables`, `iso20022`), the value names
the package whose folder it is. An id belongs to one package only.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from bank_adapters.profiles.shelf import ids_in
from bank_adapters.profiles.values import ProfileError

GROUP = "disburse.profiles"
Kind = Literal["calls", "tables", "iso20022"]


def home_of(kind: Kind, own: Path, profile_id: str) -> Path:
    """Return the folder that a profile lies in; ours for an id that nobody has.

    Raises ProfileError (`profile_twice`) where two packages have the same id.
    """
    found = [folder for folder in (own, *_folders(kind)) if profile_id in ids_in(folder)]
    if len(found) > 1:
        raise ProfileError(
            "profile_twice",
            f"Có hai gói cài đặt cùng mang bộ tham số “{profile_id}”; hãy gỡ hoặc đổi tên một gói.",
            en=f"two packages have a profile {profile_id}",
        )
    return found[0] if found else own


def all_ids(kind: Kind, own: Path) -> tuple[str, ...]:
    """Return the ids of all profiles of a kind, those of other packages with ours."""
    return tuple(sorted({one for folder in (own, *_folders(kind)) for one in ids_in(folder)}))


@lru_cache(maxsize=8)
def _folders(kind: Kind) -> tuple[Path, ...]:
    """Return the folders of other packages. Raises ProfileError for one that is not there."""
    out = []
    for entry in entry_points(group=GROUP, name=kind):
        spec = find_spec(entry.value)
        places = spec.submodule_search_locations if spec else None
        if not places:
            raise ProfileError(
                "profile_package",
                f"Gói cài đặt khai báo bộ tham số ở {entry.value} nhưng không có thư mục đó; hãy "
                "cài lại gói.",
                en=f"no package {entry.value} for profiles of kind {kind}",
            )
        out.append(Path(next(iter(places))))
    return tuple(out)
