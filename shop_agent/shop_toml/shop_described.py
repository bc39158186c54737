# SPDX-License-Identifier: AGPL-3.0-or-later
"""What `shop.toml` says of a shop, as the router is told of it."""

from __future__ import annotations

from collections.abc import Sequence

from commonfab import v1
from shop_agent.config import PolicySection, ShopConfig, place_of
from shop_agent.shop_toml.opening_hours import weekly_hours


def described_shop(config: ShopConfig, machines: Sequence[v1.Machine], now: float) -> v1.Shop:
    """The shop with these machines; who speaks for it adds key and version.

    Parameters: `machines`, as `machine_section.described` tells of them and as they stand, to which their hours are added; `now`, seconds
    since 1970, for the offset of local hours from UTC.
    """
    told, zone = config.shop, config.shop.time_zone
    for machine in machines:
        if (facts := config.machine_of(machine.id)) is not None:
            machine.may_run.extend(weekly_hours(facts.may_run, zone, now, () if facts.silent else told.quiet))
    policy = _policy(config.policy, zone, now)
    return v1.Shop(
        id=told.id,
        name=told.name or told.id,
        place=place_of(config),
        machines=machines,
        operations=told.operations,
        skills=told.skills,
        policy=policy if policy.ByteSize() else None,
        closed=told.closed,
    )


def _policy(told: PolicySection, zone: str, now: float) -> v1.ShopPolicy:
    return v1.ShopPolicy(
        requesters=told.requesters,
        materials=told.materials,
        within_km=told.max_km,
        most_pieces=told.max_pieces,
        most_minutes=told.most_minutes,
        hours=weekly_hours(told.hours, zone, now),
    )
