# SPDX-License-Identifier: AGPL-3.0-or-later
"""The board on a Redis Cluster: its own tests once more, and what only a cluster can show: slots, the bell between nodes, fail-over."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from clocks import ManualClock
from redis.asyncio import RedisCluster
from redis_servers import Cluster, ask, start_cluster
from router_street import Garage, Street, event

from commonfab import v1
from commonfab.tasks import cancelled
from router.bell import Bell, rings_within
from router.board import Board
from router.ledger import GROUP, LedgerBook, LedgerClerk
from router.redis_door import TROUBLE, is_away, open_listener, open_redis

pytestmark = pytest.mark.slow

ALSO_HERE = sorted({path.stem for path in Path(__file__).parent.glob("test_board*.py")} - {Path(__file__).stem} | {"test_ledger"})
"""Modules whose tests of the street are run here again, with the cluster under it."""

for _module in map(importlib.import_module, ALSO_HERE):
    for _name, _test in list(vars(_module).items()):
        if _name.startswith("test_") and "street" in getattr(_test, "__annotations__", {}):
            assert _name not in globals(), f"two modules have a {_name}"
            globals()[_name] = _test


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    started = start_cluster(tmp_path_factory.mktemp("cluster"))
    yield started
    started.stop()


@pytest.fixture
async def board_redis(cluster: Cluster) -> AsyncIterator[RedisCluster]:
    cluster.empty()
    redis = open_redis(cluster.url)
    assert isinstance(redis, RedisCluster)
    yield redis
    await redis.aclose()


async def whole_life(street: Street, book: LedgerBook) -> None:
    """Everything that a job and its report leave on the board, and one order that is declined."""
    lena, shed = Garage("lena"), Garage("shed")
    await street.call(shed)
    await street.ask(3, once="monday")
    await street.plan()
    (offered,) = await street.offered("shed")
    await street.call(shed, event(decline=v1.Decline(work_order_id=offered)))
    await street.call(lena)
    await street.plan()
    (attempt,) = await street.accept_all(lena)
    await street.start(lena, attempt)
    assert not (await street.complete(lena, attempt, 3, minutes=90)).HasField("refusal")
    await street.complete(lena, attempt, 3)  # refused, and counted
    await street.ask(2)
    await street.plan()


async def carried(street: Street, book: LedgerBook) -> None:
    """Let a clerk carry until nothing is left."""
    clerk = asyncio.create_task(LedgerClerk(street.board, book, "clerk").run())
    try:
        async with asyncio.timeout(60):
            while await street.board.redis.xlen(street.board.key("done")):
                await asyncio.sleep(0.02)
    finally:
        await cancelled(clerk)


async def test_a_whole_life_stays_within_the_neighbourhoods_slot(street: Street, cluster: Cluster, book: LedgerBook) -> None:
    await whole_life(street, book)
    keys = [key for master in cluster.masters() for key in ask(master, "KEYS", "*")]
    assert len(keys) > 15 and {key.split(":")[3] for key in keys} >= {"job", "order", "shop", "deadlines", "done", "counts", "once"}
    assert {ask(cluster.living()[0], "CLUSTER", "KEYSLOT", key) for key in keys} == {
        ask(cluster.living()[0], "CLUSTER", "KEYSLOT", street.board.prefix)
    }


async def test_two_neighbourhoods_lie_on_two_masters(cluster: Cluster, board_redis: RedisCluster, manual_clock: ManualClock) -> None:
    boards = [Board(board_redis, f"street-{number}", manual_clock) for number in range(12)]
    for board in boards:
        await Street(board, manual_clock, []).ask()
    assert {cluster.master_of(board.prefix) for board in boards} == cluster.masters()


async def test_a_carried_report_is_in_the_book_and_in_nobodys_hands(street: Street, book: LedgerBook) -> None:
    await whole_life(street, book)
    await carried(street, book)
    assert [entry.work.pieces_good for entry in book.entries(0, 10)] == [3]
    async with asyncio.timeout(60):
        while (await street.board.redis.xpending(street.board.key("done"), GROUP))["pending"]:
            await asyncio.sleep(0.02)


async def test_the_bell_is_heard_through_every_node(street: Street, cluster: Cluster, board_redis: RedisCluster) -> None:
    """A change rings at the master of the slot; a router may listen at any of the six."""
    await street.call(Garage("lena"))
    await board_redis.initialize()
    heard_at = set()
    for _ in range(60):
        async with await open_listener(board_redis) as listener, listener.pubsub() as channel:
            port = listener.connection_pool.connection_kwargs["port"]
            if port in heard_at:
                continue
            await channel.subscribe(street.board.key("bell"))
            assert await channel.get_message(timeout=60) is not None
            await street.ask()
            message = await channel.get_message(timeout=60)
            assert message and message["type"] == "message"
            heard_at.add(port)
        if len(heard_at) == 6:
            break
    assert heard_at == set(cluster.processes)


# --- Fail-over. Each test takes a cluster of its own, because it leaves one with a node less. ---


@pytest.fixture
def broken_later(tmp_path: Path) -> Iterator[Cluster]:
    started = start_cluster(tmp_path)
    yield started
    started.stop()


@pytest.fixture
async def street_to_break(broken_later: Cluster, manual_clock: ManualClock) -> AsyncIterator[Street]:
    redis = open_redis(broken_later.url)
    yield Street(Board(redis, "test", manual_clock), manual_clock, [])
    await redis.aclose()


def everything_has_reached_the_replica(master: int) -> None:
    """What a master answered to anybody is on its way to the replica; after a change of its own, a connection may wait for all before."""
    import redis

    with redis.Redis(port=master, single_connection_client=True) as client:
        client.publish("nobody", "")
        offset = client.info("replication")["master_repl_offset"]
        for _ in range(6000):
            if client.info("replication").get("slave0", {}).get("offset", -1) >= offset:
                return
            client.wait(1, 10)
    raise AssertionError("the replica does not follow")


async def until_it_goes_on(street: Street, cluster: Cluster) -> None:
    async with asyncio.timeout(120):
        while True:
            try:
                await street.board.run("read_offers", "lena")
                return cluster.calm()
            except TROUBLE as error:
                assert is_away(error), f"a caller would not be told to try again: {error!r}"
                await asyncio.sleep(0.05)


async def test_when_the_master_dies_its_replica_goes_on_and_nothing_that_it_had_is_lost(
    street_to_break: Street, broken_later: Cluster, book: LedgerBook
) -> None:
    street, lena = street_to_break, Garage("lena")
    running = await street.started(lena, 5)
    await street.ask(2)
    await street.plan()
    (accepted,) = await street.accept_all(lena)
    master = broken_later.master_of(street.board.prefix)
    everything_has_reached_the_replica(master)

    broken_later.kill(master)
    await until_it_goes_on(street, broken_later)

    assert broken_later.master_of(street.board.prefix) != master
    states = [(await street.job(job)).work_orders[0].state for job in ("job-0001", "job-0002")]
    assert states == [v1.WORK_ORDER_STATE_RUNNING, v1.WORK_ORDER_STATE_ACCEPTED]
    await street.start(lena, accepted)
    assert not (await street.complete(lena, running, 5)).HasField("refusal")
    assert not (await street.complete(lena, accepted, 2, job_id="job-0002")).HasField("refusal")
    await carried(street, book)
    assert sorted(entry.work.pieces_good for entry in book.entries(0, 10)) == [2, 5]


async def test_when_a_master_and_its_replica_are_gone_callers_are_told_to_try_again(street_to_break: Street, broken_later: Cluster) -> None:
    street = street_to_break
    await street.ask()
    master = broken_later.master_of(street.board.prefix)
    replica = next(int(one[1]) for _, _, at, one in ask(master, "CLUSTER", "SLOTS") if int(at[1]) == master)
    for port in (master, replica):
        broken_later.kill(port)
    for down in (False, True):
        if down:  # until now nobody answered; from now on the others say that the cluster is down
            await until_the_others_say_so(broken_later)
        with pytest.raises(TROUBLE) as caught:
            await street.ask()
        assert is_away(caught.value), repr(caught.value)


async def until_the_others_say_so(cluster: Cluster) -> None:
    async with asyncio.timeout(120):
        while not all("cluster_state:fail" in ask(port, "CLUSTER", "INFO") for port in cluster.living()):
            await asyncio.sleep(0.05)


async def test_whoever_waits_is_woken_again_after_the_node_that_was_listened_to_dies(
    street_to_break: Street, broken_later: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    street, lena, listened = street_to_break, Garage("lena"), list[int]()

    async def noted(client: RedisCluster) -> object:
        listener = await open_listener(client)
        listened.append(listener.connection_pool.connection_kwargs["port"])
        return listener

    monkeypatch.setattr("router.bell.open_listener", noted)
    await street.call(lena)
    bell = Bell(street.board)
    ringing = asyncio.create_task(bell.run())
    try:
        with bell.listening("open") as rung:
            await until_rung(street, rung)
            broken_later.kill(listened[-1])
            async with asyncio.timeout(120):
                while len(listened) < 2:
                    await asyncio.sleep(0.02)
            await until_it_goes_on(street, broken_later)
            rung.clear()
            await until_rung(street, rung)
        assert listened[-1] != listened[0]
    finally:
        await cancelled(ringing)


async def until_rung(street: Street, rung: asyncio.Event) -> None:
    """Jobs are asked for until one of them is heard of: the first may come before somebody listens."""
    async with asyncio.timeout(120):
        while True:
            await street.ask()
            if await rings_within(rung, 0.2):
                return
