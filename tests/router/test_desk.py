# SPDX-License-Identifier: AGPL-3.0-or-later
"""The shop's side of the router: only a shop itself speaks for it, and a call is held until there is something to say."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from router_street import Garage, Street, event

from commonfab import v1
from commonfab.errors import Refused
from commonfab.tasks import cancelled
from router.bell import Bell
from router.desk import Desk
from router.overview import Overview
from router.pulse import Terms


@dataclass
class Front:
    """A desk before the street's board, with its bell."""

    desk: Desk
    bell: Bell

    async def call(self, garage: Garage, *events: v1.ShopEvent) -> v1.SynchronizeResponse:
        """A call that will not be held."""
        return await self.desk.synchronize(v1.SynchronizeRequest(shop=garage.shop, agent_run="run", events=events), garage.id)


@pytest.fixture
def front(street: Street) -> Front:
    bell = Bell(street.board)
    overview = Overview(street.board, Terms(offer_seconds=600, lease_seconds=60))
    return Front(Desk(street.board, bell, overview, lambda: 0.5, street.refused.append), bell)


async def test_a_report_signed_with_another_key_is_refused(street: Street, front: Front) -> None:
    lena, thief = Garage("lena"), Garage("lena")
    attempt = await street.started(lena)
    answer = await front.call(lena, event(complete=v1.Complete(signed=thief.report(street, attempt, await street.job(), 5))))
    assert answer.receipts[0].refusal.reason.code == "report.signature"
    assert street.refused == ["report.signature"]


async def test_a_shop_that_comes_with_another_key_is_refused_and_changes_nothing(street: Street, front: Front) -> None:
    lena, thief = Garage("lena"), Garage("lena")
    attempt = await street.started(lena)
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await front.call(thief, event(release=v1.Release(attempt=attempt)))
        assert refused.value.code == "shop.key_changed"
    assert (await street.job()).work_orders[0].state == v1.WORK_ORDER_STATE_RUNNING


async def test_a_shop_cannot_speak_for_another(front: Front) -> None:
    told = v1.SynchronizeRequest(shop=Garage("lena").shop)
    with pytest.raises(Refused) as refused:
        await front.desk.synchronize(told, "shed")
    assert refused.value.code == "token.subject"


async def test_the_whole_way_from_an_offer_to_the_report_goes_over_the_desk(street: Street, front: Front) -> None:
    lena = Garage("lena")
    await front.call(lena)
    await street.ask()
    await street.plan()
    (offer,) = (await front.call(lena)).offers
    accepted = await front.call(lena, event(accept=v1.Accept(work_order_id=offer.work_order_id)))
    attempt = accepted.receipts[0].attempt
    await front.call(lena, event(start=v1.Start(attempt=attempt)))
    report = lena.report(street, attempt, await street.job(), 5)
    assert not (await front.call(lena, event(complete=v1.Complete(signed=report)))).receipts[0].HasField("refusal")
    assert (await street.job()).state == v1.JOB_STATE_DONE


async def test_an_idle_call_is_held_and_answered_at_once_when_there_is_something_to_say(street: Street, front: Front) -> None:
    lena = Garage("lena")
    version = (await front.call(lena)).version
    with front.bell.listening("lena") as heard:
        listening = asyncio.create_task(front.bell.run())
        await asyncio.wait_for(heard.wait(), 60)  # whoever waits while it begins to listen is woken once
    told = v1.SynchronizeRequest(shop=lena.shop, agent_run="run", version=version)
    told.patience.FromSeconds(15)
    held = asyncio.create_task(front.desk.synchronize(told, "lena"))
    await asyncio.sleep(0.2)
    assert not held.done()
    await street.ask()
    await street.plan()
    answer = await asyncio.wait_for(held, 14)  # before its patience ends
    assert len(answer.offers) == 1 and answer.version > version
    await cancelled(listening)
