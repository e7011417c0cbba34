"""Which adapter serves which rail: entry points of the group `disburse.adapters`.

An adapter of another package declares itself in that package's metadata:

    [project.entry-points."disburse.adapters"]
    mybank = "mybank.adapter:MyBank"

The class has `name` (that of the entry point), `load_profile(name)` and is made with a profile. Our
own are declared in our pyproject.toml too, and are here by heart, so that a checkout works before
it is installed; no package may take their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, cast

from bank_adapters.api.profile import ApiProfile, is_api_profile, load_api_profile
from bank_adapters.contract import Adapter, AdapterError, NotOffered
from bank_adapters.profiles import Profile, load_profile
from bank_adapters.sheets.profile import SheetProfile, is_sheet, load_sheet

GROUP = "disburse.adapters"
BUILT_IN: Mapping[str, str] = MappingProxyType(
    {
        "iso20022": "bank_adapters.iso20022:Iso20022Bank",
        "post": "bank_adapters.post:CashDesk",
        "sheet": "bank_adapters.sheets.adapter:SheetRail",
    }
)


def adapters() -> Mapping[str, Callable[[Any], Adapter]]:
    """Return the adapters by name; each is made with a profile of its own kind.

    Raises AdapterError (`adapter_conflict`) where two packages claim one name or one claims ours.
    """
    return MappingProxyType({name: _load(entry) for name, entry in _entries().items()})


def names() -> tuple[str, ...]:
    """Return the names of all adapters without loading them."""
    return tuple(sorted(_entries()))


def adapter(name: str, profile_id: str) -> Adapter:
    """Return an adapter under a profile (its id, or the key that a batch froze).

    Raises NotOffered (`rail_not_available`) for an unknown name, ProfileError for the profile.
    """
    entry = _entries().get(name)
    if entry is None:
        raise NotOffered(
            "rail_not_available",
            f"Chưa có kênh chi trả “{name}”; hiện có: {', '.join(names())}.",
            en=f"no adapter named {name}",
        )
    make = _load(entry)
    return cast("Adapter", make(make.load_profile(profile_id)))


AnyProfile = Profile | SheetProfile | ApiProfile
"""An ISO 20022 bank's format, a table's template, or the terms of a called rail."""


def profile_of(profile_id: str) -> AnyProfile:
    """Return a profile of whatever kind.

    `profile_id` may carry its version as it is frozen into a batch (`momo-1/1`). ProfileError.
    """
    name = profile_id.partition("/")[0]
    if is_api_profile(name):
        return load_api_profile(name)
    return load_sheet(profile_id) if is_sheet(name) else load_profile(profile_id)


@lru_cache(maxsize=1)
def _entries() -> Mapping[str, EntryPoint]:
    found = {name: EntryPoint(name, value, GROUP) for name, value in BUILT_IN.items()}
    for entry in entry_points(group=GROUP):
        known = found.setdefault(entry.name, entry)
        if known.value != entry.value:
            raise AdapterError(
                "adapter_conflict",
                f"Hai gói cài đặt cùng khai báo kênh chi trả “{entry.name}”; hãy gỡ một gói.",
                en=f"two packages declare the adapter {entry.name}",
            )
    return found


def _load(entry: EntryPoint) -> Any:
    made = entry.load()
    if getattr(made, "name", None) != entry.name or not hasattr(made, "load_profile"):
        raise AdapterError(
            "adapter_invalid",
            f"Kênh chi trả “{entry.name}” khai báo sai (name, load_profile); hãy sửa gói đó.",
            en=f"the adapter {entry.name} lacks its name or load_profile",
        )
    return made
