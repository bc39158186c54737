# SPDX-License-Identifier: AGPL-3.0-or-later
"""Would this shop take the job, by its own policy? The other half of a match: fitness asks the machine, this asks its people. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from commonfab import materials, processes, v1
from commonfab.reasons import reason
from commonfab.units import km, minutes
from router import hours


def unwilling(need: v1.Requirement, shop: v1.Shop, requester: str, away_km: float | None) -> list[v1.Reason]:
    """Every rule of the shop's policy by which it would not take work; empty where it would.

    A limit on the size of a lot refuses nothing unless one piece alone is over it: it makes lots smaller (`matching.Able.most_pieces`).
    Parameters: `requester`, the subject of the requester's token; `away_km`, how far the requester is, None where a side gave no place.
    """
    policy = shop.policy
    found = [*closed(shop), *_distance(policy, away_km)]
    if policy.requesters and requester not in policy.requesters:
        found.append(reason("policy.requester"))
    if need.material and policy.materials and not any(_near(need.material, term) for term in policy.materials):
        found.append(reason("policy.material", need.material))
    if 0 < policy.most_minutes < need.minutes:
        found.append(reason("policy.minutes", needs=minutes(need.minutes), has=minutes(policy.most_minutes)))
    return found


def closed(shop: v1.Shop) -> list[v1.Reason]:
    """Why the shop takes no new work at all (`shop.closed`, in its people's words); empty where it does."""
    return [reason("shop.closed", shop.closed)] if shop.closed else []


def takes(shop: v1.Shop, material: str) -> bool:
    """Whether the shop's policy lets this material of those on hand be used."""
    return allows(shop.policy, material)


def allows(policy: v1.ShopPolicy, material: str) -> bool:
    """Whether a policy lets this material be used."""
    terms = policy.materials
    return not terms or any(materials.satisfies(material, term) for term in terms)


def attended(machine: v1.Machine) -> bool:
    """Whether a person must be there when a piece begins: a printer that is ready may be left alone, a blade or a beam is watched."""
    return not processes.satisfies(machine.process, "additive")


def unattended(need: v1.Requirement, shop: v1.Shop, machine: v1.Machine) -> list[v1.Reason]:
    """`machine.unattended` where the machine may never run a piece while the people are there whom it needs."""
    may_run, people = machine.may_run, shop.policy.hours
    if not may_run or not people or not attended(machine) or need.minutes > hours.longest(may_run):
        return []
    return [reason("machine.unattended")] if hours.starts_in(may_run, people, 0, need.minutes) is None else []


def _near(wanted: str, term: str) -> bool:
    """Whether what the policy names may be what is wanted: the same, a kind of it, or what it is a kind of."""
    return materials.satisfies(wanted, term) or materials.satisfies(term, wanted)


def _distance(policy: v1.ShopPolicy, away_km: float | None) -> Iterator[v1.Reason]:
    if not policy.within_km:
        return
    if away_km is None:
        yield reason("place.unknown")
    elif away_km > policy.within_km:
        yield reason("policy.distance", needs=km(away_km), has=km(policy.within_km))
