# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two agents with one identity: the newest is heard, the other is told to stop, and nothing that it says is carried out."""

from __future__ import annotations

import pytest
from router_street import Garage, Street, event
from test_desk import Front, front

from commonfab import v1
from commonfab.errors import Refused

__all__ = ["front"]  # a fixture


async def call(front: Front, garage: Garage, run: str, *events: v1.ShopEvent) -> v1.SynchronizeResponse:
    return await front.desk.synchronize(v1.SynchronizeRequest(shop=garage.shop, agent_run=run, events=events), garage.id)


async def refused(front: Front, garage: Garage, run: str, *events: v1.ShopEvent) -> str:
    with pytest.raises(Refused) as error:
        await call(front, garage, run, *events)
    return error.value.code


async def test_an_older_agent_is_told_to_stop_once_a_newer_one_has_spoken(front: Front) -> None:
    lena = Garage("lena")
    await call(front, lena, "run-of-the-old-laptop")
    await call(front, lena, "run-of-the-new-pi")
    assert await refused(front, lena, "run-of-the-old-laptop") == "shop.replaced"
    await call(front, lena, "run-of-the-new-pi")


async def test_what_the_older_agent_says_afterwards_is_not_carried_out(street: Street, front: Front) -> None:
    lena = Garage("lena")
    await call(front, lena, "old")
    attempt = await street.accepted(lena)
    await call(front, lena, "new")
    assert await refused(front, lena, "old", event(start=v1.Start(attempt=attempt))) == "shop.replaced"
    assert (await street.job()).work_orders[0].state == v1.WORK_ORDER_STATE_ACCEPTED


async def test_an_agent_that_is_started_again_is_the_newest_whatever_came_before(front: Front) -> None:
    lena = Garage("lena")
    for run in ("first", "second", "third"):
        await call(front, lena, run)
    for run in ("first", "second"):
        assert await refused(front, lena, run) == "shop.replaced"


async def test_the_agents_of_two_shops_do_not_replace_each_other(front: Front) -> None:
    lena, tom = Garage("lena"), Garage("tom")
    await call(front, lena, "run-1")
    await call(front, tom, "run-2")
    await call(front, lena, "run-1")
