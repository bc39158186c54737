# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reading the board: a job with its work orders, the shops with the work that lies with them, the offers of one shop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from commonfab import v1
from commonfab.errors import Refused
from router.board import Board, unpack_reasons

LIVE = (v1.WORK_ORDER_STATE_OFFERED, v1.WORK_ORDER_STATE_ACCEPTED, v1.WORK_ORDER_STATE_RUNNING, v1.WORK_ORDER_STATE_UNCERTAIN)

Fields = Mapping[bytes, bytes]


@dataclass(frozen=True)
class ShopOnBoard:
    """A shop as last heard: how long ago (s), and the minutes of work that lie with each of its machines."""

    shop: v1.Shop
    heard_ago: float
    queued_minutes: Mapping[str, float] = field(default_factory=dict)

    def with_more(self, minutes: Mapping[str, float]) -> ShopOnBoard:
        """The same shop with more work on its machines."""
        machines = {*self.queued_minutes, *minutes}
        queued = {machine: self.queued_minutes.get(machine, 0.0) + minutes.get(machine, 0.0) for machine in machines}
        return replace(self, queued_minutes=queued)


@dataclass(frozen=True)
class JobOnBoard:
    """A job with what only the router needs of it: its version, the questions that hold it, and which shops passed it by."""

    job: v1.Job
    version: int
    questions: tuple[v1.Reason, ...]
    passed: Mapping[str, str]

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.job.state in (v1.JOB_STATE_DONE, v1.JOB_STATE_CANCELLED)


@dataclass(frozen=True)
class OffersOnBoard:
    """The offers that stand for a shop, and the version of what concerns it."""

    version: int
    offers: tuple[v1.Offer, ...]


async def read_job(board: Board, job_id: str) -> JobOnBoard:
    """A job and its work orders at one moment. Errors: `Refused` (`job.unknown`)."""
    now, *found = await board.run("read_job", job_id)
    if not found:
        raise Refused("job.unknown", job_id)
    fields = _pairs(found[0])
    orders = [_work_order(order_id.decode(), _pairs(values), now) for order_id, values in found[1:] if values]
    passed = await board.redis.hgetall(board.key("job", job_id, "passed"))
    job = v1.Job(
        id=job_id,
        requester=fields[b"requester"].decode(),
        request=v1.JobRequest.FromString(fields[b"request"]),
        specification=v1.JobSpecification.FromString(fields[b"specification"]),
        state=_job_state(fields),
        pieces_good=sum(order.pieces_good for order in orders),
        pieces_unplaced=int(fields[b"unplaced"]),
        work_orders=orders,
        requested_at=_moment(int(fields[b"requested"])),
    )
    questions = tuple(unpack_reasons(fields[b"questions"]))
    return JobOnBoard(job, int(fields[b"version"]), questions, {k.decode(): v.decode() for k, v in passed.items()})


async def read_shops(board: Board) -> list[ShopOnBoard]:
    """Every shop that was ever heard, in the order of their ids, with the work that lies with it."""
    now, *rows = await board.run("read_shops")
    shops = []
    for _, descriptor, heard, *work in rows:
        minutes: dict[str, float] = defaultdict(float)
        for machine, left in zip(work[::2], work[1::2], strict=True):
            minutes[machine.decode()] += float(left)
        shops.append(ShopOnBoard(v1.Shop.FromString(descriptor), (now - float(heard)) / 1000, dict(minutes)))
    return sorted(shops, key=lambda known: known.shop.id)


async def read_offers(board: Board, shop_id: str) -> OffersOnBoard:
    """The offers that stand for a shop, in the order of their ids, each with the time it still stands."""
    now, version, *rows = await board.run("read_offers", shop_id)
    offers = []
    for _, written, deadline in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        offer = v1.Offer.FromString(written)
        offer.expires_in.CopyFrom(_left(deadline, now))
        offers.append(offer)
    return OffersOnBoard(int(version), tuple(offers))


async def read_order(board: Board, order_id: str) -> tuple[v1.Offer, str]:
    """A work order as it was offered, and its job. Errors: `Refused` (`order.unknown`)."""
    offer, job = await board.redis.hmget(board.key("order", order_id), ["offer", "job"])
    if offer is None or job is None:
        raise Refused("order.unknown", order_id)
    return v1.Offer.FromString(offer), job.decode()


async def open_jobs(board: Board) -> list[str]:
    """The jobs with pieces that lie with no shop, oldest first."""
    return [job.decode() for job in await board.redis.zrange(board.key("open"), 0, -1)]


async def list_jobs(board: Board, requester: str, before: str, count: int) -> list[str]:
    """Ids of jobs, newest first, that are older than `before`; of one requester, or of all where `requester` is empty."""
    name = board.key("jobs", requester) if requester else board.key("jobs")
    score = await board.redis.zscore(name, before) if before else None
    if before and score is None:
        raise Refused("page.token", before)
    highest = "+inf" if score is None else score
    found = await board.redis.zrevrangebyscore(name, highest, "-inf", start=0, num=count + 20)
    ids = [job.decode() for job in found]
    # Jobs of the same millisecond are in the order of their ids, which `before` cuts through.
    return [job for job in ids if not before or job < before or await board.redis.zscore(name, job) != score][:count]


def _job_state(fields: Fields) -> v1.JobState.ValueType:
    state = fields[b"state"].decode()
    if state == "open":
        return v1.JOB_STATE_WAITING if int(fields[b"unplaced"]) else v1.JOB_STATE_PLACED
    return v1.JobState.Value(f"JOB_STATE_{state.upper()}")


def _work_order(order_id: str, fields: Fields, now: int) -> v1.WorkOrder:
    number, epoch = int(fields[b"number"]), int(fields[b"epoch"])
    deadline = fields.get(b"deadline")
    return v1.WorkOrder(
        id=order_id,
        job_id=fields[b"job"].decode(),
        shop_id=fields[b"shop"].decode(),
        machine_id=fields[b"machine"].decode(),
        quantity=int(fields[b"quantity"]),
        state=v1.WorkOrderState.Value(f"WORK_ORDER_STATE_{fields[b'state'].decode().upper()}"),
        attempt=v1.AttemptRef(work_order_id=order_id, number=number, epoch=epoch) if epoch else None,
        pieces_good=int(fields[b"good"]),
        pieces_scrap=int(fields[b"scrap"]),
        reasons=unpack_reasons(fields[b"reasons"]),
        expires_in=None if deadline is None else _left(deadline, now),
    )


def _pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _left(deadline: bytes, now: int) -> Duration:
    left = Duration()
    left.FromMilliseconds(max(0, int(deadline) - now))
    return left


def _moment(milliseconds: int) -> Timestamp:
    moment = Timestamp()
    moment.FromMilliseconds(milliseconds)
    return moment
