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
from bank_adapters.contract import Capabilities, NotOffered

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


def capabilities_of(adapter: ApiAdapter) -> Capabilities:
    """Return what a called rail offers, as the adapters of files say it of themselves.

    No rail that we know takes an order back by a call: `cancel` is never offered, money that was
    credited comes back only by the rail's own reversal or the payee. What else a rail lacks its
    adapter names in `not_offered` (PayOS: no name inquiry, no callback).
    """
    lacks = frozenset(getattr(adapter, "not_offered", ()))
    profile = adapter.profile
    return Capabilities(
        kind="api", render=True, submit=True, inquire=True, parse=True,
        verify_payee="verify_payee" not in lacks, balance=True, cancel=False,
        verify_callback="verify_callback" not in lacks,
        max_payments=profile.max_payments_per_file, min_amount_vnd=profile.min_amount_vnd,
        max_amount_vnd=profile.max_amount_vnd,
    )  # fmt: skip


def api_adapter(profile_id: str) -> ApiAdapter:
    """Return the adapter under a profile. Raises NotOffered, or ProfileError for the profile."""
    return adapter_of(load_api_profile(profile_id))
