# SPDX-License-Identifier: AGPL-3.0-or-later
"""In which order the dispatcher offers what waits: by requester, by urgency, by deadline, by age."""

from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from real_router import RealRouter, open_router
from router_street import Garage, Street

from commonfab import v1


@pytest.fixture
def router(street: Street) -> RealRouter:
    return open_router(street)


async def test_two_requesters_take_turns(street: Street, router: RealRouter) -> None:
    """Anna was quicker with all of her jobs."""
    anna = [await router.ask(1, requester="anna") for _ in range(6)]
    street.clock.advance(60)
    bert = [await router.ask(1, requester="bert") for _ in range(3)]
    order = await turns(street, router)
    assert order[:4] == [anna[0], bert[0], anna[1], bert[1]]


async def turns(street: Street, router: RealRouter) -> list[str]:
    """The jobs in the order in which they are offered: by the numbers of their work orders."""
    await street.call(Garage("lena"))
    await router.plan()
    offers = sorted(await router.offers("lena"), key=lambda offer: offer.work_order_id)
    return [offer.job_id for offer in offers]


async def test_an_urgent_job_goes_before_older_ones_and_a_convenient_one_after(street: Street, router: RealRouter) -> None:
    calm = await router.ask(1, requester="carla", urgency=v1.URGENCY_WHEN_CONVENIENT)
    usual = await router.ask(1, requester="anna")
    street.clock.advance(3600)
    urgent = await router.ask(1, requester="bert", urgency=v1.URGENCY_URGENT)
    assert await turns(street, router) == [urgent, usual, calm]


async def test_who_waits_long_enough_comes_before_what_is_urgent_now(street: Street, router: RealRouter) -> None:
    calm = await router.ask(1, requester="carla", urgency=v1.URGENCY_WHEN_CONVENIENT)
    street.clock.advance(5 * 24 * 3600)
    urgent = await router.ask(1, requester="bert", urgency=v1.URGENCY_URGENT)
    usual = await router.ask(1, requester="anna")
    assert await turns(street, router) == [calm, urgent, usual]


async def test_a_deadline_that_is_near_comes_first(street: Street, router: RealRouter) -> None:
    usual = await router.ask(1, requester="anna")
    street.clock.advance(60)
    soon = await router.ask(1, requester="bert", needed_in=Duration(seconds=7200))
    assert await turns(street, router) == [soon, usual]
