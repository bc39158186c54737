# SPDX-License-Identifier: AGPL-3.0-or-later
"""The dispatcher before a real board: who is asked, about how much, and when a job that nobody could make is tried again."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from real_router import FAR, RealRouter, Workshop, large, open_router
from router_street import CELL, Garage, Street, event, gear, printer, way

from commonfab import v1
from router import board_reading, capability_index
from router.board import NewJob
from router.board_reading import open_jobs
from router.capability_index import CapabilityIndex
from router.pulse import Terms


@pytest.fixture
def router(street: Street) -> RealRouter:
    return open_router(street)


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int | None]]:
    """How many shops each search of the index was for, None for all."""
    made: list[int | None] = []
    find = CapabilityIndex.find

    def counted(self: CapabilityIndex, *given: object) -> object:
        only = given[4] if len(given) > 4 else None
        made.append(None if only is None else len(only))  # type: ignore[arg-type]
        return find(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(CapabilityIndex, "find", counted)
    yield made


async def test_a_picture_of_the_part_is_offered_with_it(street: Street, router: RealRouter) -> None:
    garage = Garage("near")
    await street.call(garage)
    specification = gear()
    specification.picture_sha256 = "a" * 64
    asked = v1.JobRequest(revision="rev", quantity=1, place=v1.Place(cell=CELL))
    await street.board.post("anna", "", [NewJob("job-1", asked, specification, 1)])
    await router.plan()
    (offer,) = await router.offers("near")
    assert offer.picture_sha256 == "a" * 64


async def decline_all(router: RealRouter, garage: Garage) -> None:
    for offer in await router.offers(garage.id):
        await router.street.board.decline(offer.work_order_id, garage.id)


# --- who is asked


async def test_the_nearest_of_two_alike_is_asked_and_the_other_stands_by(street: Street, router: RealRouter) -> None:
    near, far = Garage("near"), Garage("far", cell=FAR)
    for garage in (far, near):
        await street.call(garage)
    job = await router.ask(1)
    await router.plan()
    assert await router.pieces_at("near", "far") == {"near": 1, "far": 0}
    (order,) = (await street.job(job)).work_orders
    assert (order.standby_shop_id, order.expires_in.ToSeconds()) == ("far", 600)


async def test_the_one_that_is_free_sooner_is_asked_and_the_next_job_goes_where_less_lies(street: Street, router: RealRouter) -> None:
    busy = printer()
    busy.free_in.FromSeconds(3600)
    lena, shed = Garage("lena", [busy]), Garage("shed")
    await street.call(lena)
    await street.call(shed)
    await router.ask(1, [way(50)])
    await router.plan()
    await router.ask(1, [way(50)])
    await router.plan()
    await router.ask(1, [way(50)])
    await router.plan()
    assert await router.pieces_at("lena", "shed") == {"lena": 1, "shed": 2}


async def test_jobs_of_one_round_see_each_others_work(street: Street, router: RealRouter) -> None:
    for name in ("lena", "shed", "attic"):
        await street.call(Garage(name))
    for _ in range(6):
        await router.ask(1)
    await router.plan()
    assert await router.pieces_at("lena", "shed", "attic") == {"lena": 2, "shed": 2, "attic": 2}


async def test_a_quantity_is_split_over_the_able_in_one_round(street: Street, router: RealRouter) -> None:
    for name in ("lena", "shed"):
        await street.call(Garage(name))
    await router.ask(10)
    await router.plan()
    assert await router.pieces_at("lena", "shed") == {"lena": 5, "shed": 5}


async def test_two_shops_are_asked_side_by_side_and_the_first_that_accepts_has_it(street: Street) -> None:
    router = open_router(street, offer_to=2)
    garages = [Garage("lena"), Garage("shed"), Garage("attic")]
    for garage in garages:
        await street.call(garage)
    job = await router.ask(1)
    await router.plan()
    asked = [garage for garage in garages if await router.offers(garage.id)]
    assert len(asked) == 2
    receipts = [(await router.accept(garage)).receipts for garage in asked]
    late = await street.call(asked[1], event(accept=v1.Accept(work_order_id=(await street.job(job)).work_orders[0].id)))
    assert [len(one) for one in receipts] == [1, 0], "the second is asked no more"
    assert late.receipts[0].refusal.reason.code == "offer.gone"
    (order,) = (await street.job(job)).work_orders
    assert (order.shop_id, order.state) == (asked[0].id, v1.WORK_ORDER_STATE_ACCEPTED)


# --- what waits


async def test_a_job_that_nobody_can_make_is_tried_again_only_on_what_changed(
    street: Street, router: RealRouter, searches: list[int | None]
) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    await street.call(lena)
    await street.call(shed)
    await router.ask(1, [large()])
    await router.plan()
    await router.plan()
    await router.plan()
    assert searches == [None], "nothing has changed"
    street.clock.advance(30)
    await street.call(lena)
    await router.plan()
    assert searches == [None], "that it was heard again is no change"
    lena.machines[0].materials.append("petg")
    await street.call(lena)
    await router.plan()
    assert searches == [None, 1]
    await router.plan()
    assert searches == [None, 1]


async def test_it_is_offered_at_once_when_a_shop_that_fits_appears(street: Street, router: RealRouter) -> None:
    await street.call(Garage("lena"))
    await router.ask(1, [large()])
    await router.plan()
    await street.call(Garage("hall", [printer(x=400, y=400)]))
    await router.plan()
    assert await router.pieces_at("lena", "hall") == {"lena": 0, "hall": 1}


async def test_it_is_offered_at_once_when_a_silent_shop_comes_back(street: Street, router: RealRouter) -> None:
    hall = Garage("hall", [printer(x=400, y=400)])
    await street.call(hall)
    await street.call(Garage("lena"))
    await router.overview.catch_up()
    street.clock.advance(300)
    await router.ask(1, [large()])
    await router.plan()
    await router.plan()
    assert await router.pieces_at("hall") == {"hall": 0}
    await street.call(hall)
    await router.plan()
    assert await router.pieces_at("hall") == {"hall": 1}


async def test_it_is_offered_at_once_when_material_arrives(street: Street, router: RealRouter) -> None:
    lena = Garage("lena")
    lena.machines[0].stock.add(material="pla", grams=3)
    await street.call(lena)
    await router.ask(1)
    await router.plan()
    assert await router.pieces_at("lena") == {"lena": 0}
    lena.machines[0].stock[0].grams = 1000
    await street.call(lena)
    await router.plan()
    assert await router.pieces_at("lena") == {"lena": 1}


async def test_it_is_offered_at_once_when_a_machine_is_mended(street: Street, router: RealRouter) -> None:
    lena = Garage("lena")
    lena.machines[0].state = v1.MACHINE_STATE_OUT_OF_ORDER
    await street.call(lena)
    await router.ask(1)
    await router.plan()
    assert await router.pieces_at("lena") == {"lena": 0}
    lena.machines[0].state = v1.MACHINE_STATE_READY
    await street.call(lena)
    await router.plan()
    assert await router.pieces_at("lena") == {"lena": 1}


async def test_a_job_that_changed_is_tried_on_all_shops_again(street: Street, router: RealRouter, searches: list[int | None]) -> None:
    """All have passed but one who did not answer, and that he did not is the job's own change."""
    lena = Garage("lena")
    await street.call(lena)
    job = await router.ask(1)
    await router.plan()
    await decline_all(router, lena)
    await router.plan()
    await router.plan()
    assert searches == [None, None]
    assert (await street.known(job)).passed == {"lena": "declined"}


async def test_many_jobs_that_nobody_can_make_do_not_keep_those_behind_them_from_their_turn(
    street: Street, router: RealRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_reading, "OPEN_AT_ONCE", 5)
    await street.call(Garage("lena"))
    for _ in range(7):
        await router.ask(1, [large()])
    street.clock.advance(1)
    await router.ask(1, requester="bert")
    for _ in range(4):
        await router.plan()
    assert await router.pieces_at("lena") == {"lena": 1}


# --- lots


async def test_lots_as_large_as_an_evening_come_one_at_a_time_to_one_machine(street: Street, router: RealRouter) -> None:
    lena = Workshop("lena", policy=v1.ShopPolicy(most_pieces=3))
    await street.call(lena)
    job = await router.ask(7)
    made = []
    for _ in range(4):
        await router.plan()
        await router.plan()
        assert len(await router.offers("lena")) <= 1
        made.append(await router.make(lena))
    assert made == [3, 3, 1, 0]
    assert (await street.job(job)).state == v1.JOB_STATE_DONE


async def test_every_shop_has_its_evening_though_more_are_able_than_are_looked_for(
    street: Street, router: RealRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capability_index, "LEAST_ENOUGH", 2)
    monkeypatch.setattr(capability_index, "MOST_ENOUGH", 2)
    shops = [
        Workshop(f"shop-{number}", policy=v1.ShopPolicy(most_pieces=1), cell=FAR if number > 2 else Garage("x").cell) for number in range(6)
    ]
    for shop in shops:
        await street.call(shop)
    await router.ask(6)
    for _ in range(4):
        await router.plan()
    assert set((await router.pieces_at(*(shop.id for shop in shops))).values()) == {1}


# --- first article


async def test_of_a_first_article_one_piece_goes_out_and_after_approval_the_rest_to_the_same_shop_first(
    street: Street, router: RealRouter
) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    await street.call(lena)
    job = await router.ask(3, first_article=True)
    await router.plan()
    await router.plan()
    assert await router.pieces_at("lena") == {"lena": 1}
    await street.call(shed)
    assert await router.make(lena) == 1
    await router.plan()
    assert (await router.pieces_at("lena", "shed"), await street.waiting()) == ({"lena": 0, "shed": 0}, [])
    assert (await street.job(job)).first_article == v1.FIRST_ARTICLE_MADE

    await street.board.approve_first(job)
    await router.plan()
    orders = (await street.job(job)).work_orders
    assert orders[1].shop_id == "lena", "who knows the part is placed first"
    assert sum((await router.pieces_at("lena", "shed")).values()) == 2


async def test_a_first_article_that_failed_is_asked_for_again_alone(street: Street, router: RealRouter) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    await street.call(lena)
    job = await router.ask(3, first_article=True)
    await router.plan()
    await decline_all(router, lena)
    await router.plan()
    assert (await street.job(job)).pieces_unplaced == 3
    await street.call(shed)
    await router.plan()
    assert await router.pieces_at("lena", "shed") == {"lena": 0, "shed": 1}


# --- deadlines


async def test_pieces_that_will_be_late_are_offered_all_the_same(street: Street, router: RealRouter) -> None:
    await street.call(Garage("lena"))
    job = await router.ask(9, needed_in=Duration(seconds=3600))
    await router.plan()
    assert await router.pieces_at("lena") == {"lena": 9}
    assert (await street.job(job)).needed_by.ToSeconds() == int(street.clock.now()) + 3600


async def test_a_job_whose_deadline_has_passed_is_offered_all_the_same(street: Street, router: RealRouter) -> None:
    await router.ask(2, needed_in=Duration(seconds=60))
    street.clock.advance(4000)
    await street.call(Garage("lena"))
    await router.plan()
    assert await router.pieces_at("lena") == {"lena": 2}


async def test_a_deadline_that_one_shop_cannot_keep_brings_the_second_in(street: Street) -> None:
    """Without it, an errand to a second shop is worth the minutes that it takes longer."""

    async def shares(**wish: Any) -> dict[str, int]:
        await street.board.redis.flushall()
        street.clock.advance(1)
        router = open_router(street)
        for garage in (Garage("near"), Garage("far", cell=FAR)):
            await street.call(garage)
        await router.ask(2, [way(35)], **wish)
        await router.plan()
        return await router.pieces_at("near", "far")

    assert await shares() == {"near": 2, "far": 0}
    assert await shares(needed_in=Duration(seconds=69 * 60)) == {"near": 1, "far": 1}


# --- offers that come back


async def test_the_offers_of_a_shop_that_closes_go_to_the_one_that_stands_by(street: Street, router: RealRouter) -> None:
    near, far = Garage("near"), Garage("far", cell=FAR)
    for garage in (near, far):
        await street.call(garage)
    job = await router.ask(1)
    await router.plan()
    standby = (await street.job(job)).work_orders[0].standby_shop_id
    near.closed = "on holiday until Monday"
    await street.call(near)
    await router.plan()
    assert standby == "far" and await router.pieces_at("near", "far") == {"near": 0, "far": 1}
    near.closed = ""
    await street.call(near)
    await decline_all(router, far)
    await router.plan()
    assert await router.pieces_at("near") == {"near": 1}, "having closed counts for nothing against it"


async def test_who_did_not_answer_is_asked_again_only_where_nobody_else_can(street: Street, router: RealRouter) -> None:
    near, far = Garage("near"), Garage("far", cell=FAR)
    for garage in (near, far):
        await street.call(garage)
    await router.ask(1)
    await router.plan()
    await street.pass_time(601)
    for garage in (near, far):
        await street.call(garage)
    await router.plan()
    assert await router.pieces_at("near", "far") == {"near": 0, "far": 1}
    await decline_all(router, far)
    await router.plan()
    assert await router.pieces_at("near", "far") == {"near": 1, "far": 0}


# --- products


async def test_a_products_parts_are_offered_first_and_its_assembly_when_all_are_done(street: Street, router: RealRouter) -> None:
    lena, shed = Garage("lena"), Garage("shed")
    await street.call(lena)
    product = await street.ask_for_product({"job-arm": 2, "job-leg": 2}, assembled=True)
    asked: list[str] = []
    for _ in range(6):
        await router.plan()
        await street.call(shed)
        offers = [*await router.offers("lena"), *await router.offers("shed")]
        asked += sorted(offer.job_id for offer in offers)
        if (await street.job(product)).work_orders:
            parts = [await street.job(part) for part in ("job-arm", "job-leg")]
            assert [part.state for part in parts] == [v1.JOB_STATE_DONE] * 2
        await router.make(lena)
        await router.make(shed)
    assert asked[-1] == product and asked.count(product) == 1
    assert (await street.job(product)).state == v1.JOB_STATE_DONE


# --- when things go wrong


async def test_an_emptied_redis_makes_it_begin_anew(street: Street, router: RealRouter) -> None:
    lena = Garage("lena")
    await street.call(lena)
    await router.ask(1, [large()])
    await router.ask(1)
    await router.plan()
    await street.board.redis.flushall()
    street.clock.advance(1)
    await router.plan()
    assert not list(router.overview.index.shops(router.overview.now_ms))
    job = await router.ask(2)
    await router.plan()
    assert (await street.job(job)).pieces_unplaced == 2
    await street.call(lena)
    await router.plan()
    assert await router.pieces_at("lena") == {"lena": 2}


async def test_the_pulse_follows_the_agents_though_there_is_no_job(street: Street) -> None:
    router = open_router(street, terms=Terms(offer_seconds=600, lease_seconds=60, most_calls=0.1))
    for number in range(10):
        await street.call(Garage(f"shop-{number}"))
    await router.plan()
    assert router.desk.pulse.call_every_seconds == pytest.approx(100)


async def test_what_is_offered_is_logged_with_the_shop(street: Street, router: RealRouter, caplog: pytest.LogCaptureFixture) -> None:
    await street.call(Garage("lena"))
    await router.ask(4)
    with caplog.at_level(logging.INFO, "router.dispatch"):
        await router.plan()
    assert "job-0001: 4 × gear offered to lena" in caplog.text


async def test_an_offer_says_what_the_shop_needs_to_decide(street: Street, router: RealRouter) -> None:
    lena = Garage("lena", cell=FAR)
    lena.machines[0].loaded = "pla"
    await street.call(lena)
    await router.ask(4, purpose="for the school")
    await router.plan()
    (offer,) = await router.offers("lena")
    assert (offer.quantity, offer.machine_id, offer.part_name, offer.purpose) == (4, "mk3", "gear", "for the school")
    assert (offer.requirement.material, offer.estimate.machine_time.ToSeconds(), offer.expires_in.ToSeconds()) == ("pla", 1800, 600)
    assert offer.distance_km > 4 and offer.why


async def test_nothing_is_left_open_that_was_offered(street: Street, router: RealRouter) -> None:
    await street.call(Garage("lena"))
    for _ in range(50):
        await router.ask(1)
    await router.plan()
    assert (await open_jobs(street.board, 100)).jobs == ()
    assert await router.pieces_at("lena") == {"lena": 50}
