"""Which adapter serves which called rail: found by entry points, group `disburse.rails`.

An entry point's name is the adapter's name, its value the class. Our own are declared in
pyproject.toml like anybody else's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import entry_points
from types import MappingProxyType

from bank_adapters.api.contract import ApiAdapter
from bank_adapters.api.profile import ApiProfile, load_api_profile
from bank_adapters.contract import NotOffered

GROUP = "disburse.rails"


@lru_cache(maxsize=1)
def api_adapters() -> Mapping[str, type[ApiAdapter]]:
    """Return the installed adapters by name. Raises NotOffered where two share one."""
    found: dict[str, type[ApiAdapter]] = {}
    for point in entry_points(group=GROUP):
        if point.name in found:
            raise NotOffered(
                "rail_twice",
                f"Có hai bộ kết nối cùng tên “{point.name}”; gỡ bớt một gói.",
                en=f"two adapters named {point.name}",
            )
        found[point.name] = point.load()
    return MappingProxyType(found)


def adapter_of(profile: ApiProfile) -> ApiAdapter:
    """Return the adapter of a profile. Raises NotOffered (`rail_not_available`)."""
    make = api_adapters().get(profile.adapter)
    if make is None:
        raise NotOffered(
            "rail_not_available",
            f"Chưa có kênh chi trả “{profile.adapter}”; hiện có: "
            f"{', '.join(sorted(api_adapters())) or 'chưa có'}.",
            en=f"no adapter named {profile.adapter}",
        )
    return make(profile)


def api_adapter(profile_id: str) -> ApiAdapter:
    """Return the adapter under a profile. Raises NotOffered, or ProfileError for the profile."""
    return adapter_of(load_api_profile(profile_id))
