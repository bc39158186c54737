# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whatever a shop says of itself, it spoils no round of planning for the others: it is refused at the desk, or tried as any other."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from real_router import RealRouter, Workshop, open_router
from router_street import Garage, Street, printer, way

from commonfab import v1
from commonfab.errors import Refused


def shaped(x: float = 220, **fields: Any) -> v1.Machine:
    """A good printer, but for some fields."""
    machine = printer(x=x)
    machine.tolerance_mm = 0.1
    machine.tolerance_measured_on = "2027-01-01"
    machine.MergeFrom(v1.Machine(**fields))
    return machine


def stocked(**stock: Any) -> v1.Machine:
    machine = shaped()
    machine.stock.add(material="pla", **stock)
    return machine


ODD = MappingProxyType(
    {
        "endless-stock": [stocked(grams=math.inf)],
        "stock-that-is-no-number": [stocked(grams=math.nan)],
        "less-than-no-stock": [stocked(grams=-5.0)],
        "endless-sheet": [stocked(thickness_mm=3, size_mm=v1.Size(x=math.inf, y=math.inf, z=0), pieces=1)],
        "endless-room": [shaped(math.inf)],
        "room-that-is-no-number": [shaped(math.nan)],
        "never-free": [shaped(free_in=Duration(seconds=315_576_000_000))],
        "free-long-ago": [shaped(free_in=Duration(seconds=-315_576_000_000))],
        "hours-of-another-week": [shaped(may_run=[v1.WeeklyHours(from_minute=4_000_000_000, until_minute=4_000_000_001)])],
        "hours-of-no-length": [shaped(may_run=[v1.WeeklyHours(from_minute=5, until_minute=5)])],
        "thickness-that-is-no-number": [shaped(max_thickness=[v1.ThicknessLimit(material="pla", thickness_mm=math.nan)])],
        "tolerance-that-is-no-number": [shaped(tolerance_mm=math.nan, tolerance_measured_on="yesterday")],
        "endless-power": [shaped(power_w=math.inf)],
        "a-day-that-is-none": [shaped(tolerance_mm=0.1, tolerance_measured_on="2026-13-45")],
        "no-machine-at-all": [],
        "tools-that-are-no-number": [shaped(tools=[v1.Tool(kind="nozzle", diameter_mm=math.nan, reach_mm=math.inf)])],
        "a-state-of-a-later-version": [shaped(state=99)],
        "a-material-that-is-no-word": [shaped(materials=["\x00", "", "𝔭" * 500])],
    }
)


def weighty() -> v1.Makeability:
    """A part that asks for everything that a machine may be odd about."""
    made = way()
    made.requirement.grams, made.requirement.minutes, made.requirement.tolerance_mm = 5, 30, 0.2
    return made


async def come(router: RealRouter, odd: Garage, usual: Garage) -> None:
    """Both call; only the odd one may be told that what it says cannot be."""
    for garage in (odd, usual):
        try:
            await router.desk.synchronize(v1.SynchronizeRequest(shop=garage.shop, agent_run="run"), garage.id)
        except Refused as refused:
            assert (garage, refused.code) == (odd, "shop.malformed")


@pytest.mark.parametrize("machines", ODD.values(), ids=ODD.keys())
async def test_an_odd_shop_does_not_keep_the_others_from_work(street: Street, machines: list[v1.Machine]) -> None:
    router, lena = open_router(street), Garage("lena", [shaped()])
    odd = Workshop("odd", machines)
    await come(router, odd, lena)
    first = await router.ask(1, [weighty()])
    await router.plan()
    for offer in await router.offers("odd"):
        await street.board.decline(offer.work_order_id, "odd")
    await router.plan()
    assert [offer.job_id for offer in await router.offers("lena")] == [first]


POLICIES = MappingProxyType(
    {
        "a-distance-that-is-no-number": v1.ShopPolicy(within_km=math.nan),
        "less-than-no-distance": v1.ShopPolicy(within_km=-1),
        "an-endless-lot": v1.ShopPolicy(most_pieces=2**32 - 1, most_minutes=2**32 - 1),
        "hours-of-another-week": v1.ShopPolicy(hours=[v1.WeeklyHours(from_minute=4_000_000_000, until_minute=1)]),
    }
)


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
async def test_an_odd_policy_does_not_keep_the_others_from_work(street: Street, policy: v1.ShopPolicy) -> None:
    router, lena = open_router(street), Garage("lena", [shaped()])
    odd = Workshop("odd", policy=policy)
    await come(router, odd, lena)
    await router.ask(4, [weighty()], requester="anna")
    await router.plan()
    assert sum((await router.pieces_at("odd", "lena")).values()) == 4


async def test_a_sheet_without_an_end_does_not_keep_the_others_from_work(street: Street) -> None:
    def cutter(x: float) -> v1.Machine:
        machine = v1.Machine(id="co2", process="laser", envelope_mm=v1.Size(x=900, y=600, z=50), materials=["acrylic"], power_w=100)
        machine.state = v1.MACHINE_STATE_READY
        machine.stock.add(material="acrylic", thickness_mm=3, size_mm=v1.Size(x=x, y=300, z=0), pieces=4)
        return machine

    need = v1.Requirement(process="laser", size_mm=v1.Size(x=50, y=50, z=3), material="acrylic", thickness_mm=3, minutes=5)
    router, lena = open_router(street), Garage("lena", [cutter(300)])
    await come(router, Garage("odd", [cutter(math.inf)]), lena)
    await router.ask(2, [v1.Makeability(process="laser", verdict=v1.VERDICT_FEASIBLE, requirement=need)])
    await router.plan()
    assert sum((await router.pieces_at("odd", "lena")).values()) == 2
