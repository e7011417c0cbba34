"""Which adapter serves which rail: a plain table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bank_adapters.contract import Adapter, NotOffered
from bank_adapters.iso20022 import Iso20022Bank
from bank_adapters.profiles import Profile, load_profile

_ADAPTERS: Mapping[str, Callable[[Profile], Adapter]] = MappingProxyType(
    {Iso20022Bank.name: Iso20022Bank}
)


def adapters() -> Mapping[str, Callable[[Profile], Adapter]]:
    """Return the adapters by name; each is made with a profile."""
    return _ADAPTERS


def adapter(name: str, profile_id: str) -> Adapter:
    """Return an adapter under a profile.

    Raises NotOffered (`rail_not_available`) for an unknown name, ProfileError for the profile.
    """
    make = _ADAPTERS.get(name)
    if make is None:
        raise NotOffered(
            "rail_not_available",
            f"Chưa có kênh chi trả “{name}”; hiện có: {', '.join(_ADAPTERS)}.",
            en=f"no adapter named {name}",
        )
    return make(load_profile(profile_id))
