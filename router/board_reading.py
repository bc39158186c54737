# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reading the board: jobs with their work orders, the jobs that wait, the offers of one shop. `board_changes.py` reads the shops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from commonfab import v1
from commonfab.errors import Refused
from commonfab.paging import not_a_token
from commonfab.recalled import recall_reason
from router.board import Board, unpack_reasons

LIVE = (v1.WORK_ORDER_STATE_OFFERED, v1.WORK_ORDER_STATE_ACCEPTED, v1.WORK_ORDER_STATE_RUNNING, v1.WORK_ORDER_STATE_UNCERTAIN)

OPEN_AT_ONCE = 1000
JOBS_AT_ONCE = 100
"""Jobs that one script reads, in short and whole: it holds everybody else up while it runs."""

Fields = Mapping[bytes, bytes]


@dataclass(frozen=True)
class JobOnBoard:
    """A job with what only the router needs of it.

    `version` grows with every change; `questions` hold it, the recall of its revision among them; `passed` says why shops passed it by
    ("declined", "tried", "unanswered");
    `needed_ms`, when it is needed by the board's clock, None for no deadline; `first`, where its first article stands ("", "wanted",
    "made", "approved"); `product`, the product's job that it is a part of, or ""; `parts`, a product's jobs.
    """

    job: v1.Job
    version: int
    questions: tuple[v1.Reason, ...]
    passed: Mapping[str, str]
    needed_ms: int | None = None
    first: str = ""
    product: str = ""
    parts: tuple[str, ...] = ()

    @property
    def plannable(self) -> int:
        """How many pieces may be offered now: all that have no shop, but of a first article one until the requester has approved of it."""
        unplaced = self.job.pieces_unplaced
        if self.first not in ("wanted", "made"):
            return unplaced
        begun = any(order.state in LIVE for order in self.job.work_orders)
        return 0 if begun or self.first == "made" else min(1, unplaced)

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.job.state in (v1.JOB_STATE_DONE, v1.JOB_STATE_CANCELLED)


@dataclass(frozen=True)
class OpenJob:
    """A job of which something can be offered. Moments are ms of the board's clock; `minutes_left`, machine time of what has no shop yet;
    `placed_minutes`, of all live orders of its requester."""

    id: str
    requester: str
    requested_ms: int
    urgency: v1.Urgency.ValueType
    needed_ms: int | None
    unplaced: int
    version: int
    minutes_left: float
    placed_minutes: float


@dataclass(frozen=True)
class Opening:
    """The jobs that wait at one moment (ms of the board's clock), in their turn: the oldest first, moved by how urgent they are."""

    now_ms: int
    jobs: tuple[OpenJob, ...]


@dataclass(frozen=True)
class OffersOnBoard:
    """The offers that stand for a shop, the version of what concerns it, and the recalls that its agent has not said it has seen."""

    version: int
    offers: tuple[v1.Offer, ...]
    recalls: tuple[v1.RecallNotice, ...] = ()


async def read_job(board: Board, job_id: str) -> JobOnBoard:
    """A job and its work orders at one moment. Errors: `Refused` (`job.unknown`)."""
    found = await read_jobs(board, [job_id])
    if job_id not in found:
        raise Refused("job.unknown", job_id)
    return found[job_id]


async def read_jobs(board: Board, ids: Sequence[str]) -> dict[str, JobOnBoard]:
    """Jobs by their ids, in the order asked for; those that are not there are left out. Each hundred are read at one moment."""
    found: dict[str, JobOnBoard] = {}
    for start in range(0, len(ids), JOBS_AT_ONCE):
        now, *rows = await board.run("read_jobs", *ids[start : start + JOBS_AT_ONCE])
        found.update({row[0].decode(): _job(row, now) for row in rows})
    return found


async def read_offers(board: Board, shop_id: str) -> OffersOnBoard:
    """The offers that stand for a shop, in the order of their ids, each with the time it still stands."""
    now, version, notices, *rows = await board.run("read_offers", shop_id)
    offers = []
    for _, written, deadline in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        offer = v1.Offer.FromString(written)
        offer.expires_in.CopyFrom(_left(deadline, now))
        offers.append(offer)
    return OffersOnBoard(int(version), tuple(offers), tuple(v1.RecallNotice.FromString(notice) for notice in notices[1::2]))


async def read_order(board: Board, order_id: str) -> tuple[v1.Offer, str]:
    """A work order as it was offered to the shop that holds it, and its job. Errors: `Refused` (`order.unknown`)."""
    offer, job = await board.ask("HMGET", board.key("order", order_id), "offer", "job")
    if offer is None or job is None:
        raise Refused("order.unknown", order_id)
    return v1.Offer.FromString(offer), job.decode()


async def open_jobs(board: Board, at_most: int) -> Opening:
    """The jobs of which something can be offered now, in their turn; where many wait, each thousand at a moment of its own."""
    found: dict[str, OpenJob] = {}
    start = 0
    while True:
        size = min(OPEN_AT_ONCE, at_most - start)
        now, *rows = await board.run("open_jobs", start, size)
        jobs = (_open_job([value.decode() for value in row]) for row in rows)
        found.update({job.id: job for job in jobs})  # One may have moved from page to page meanwhile.
        start += size
        if len(rows) < size or start >= at_most:
            return Opening(now, tuple(found.values()))


async def list_jobs(board: Board, requester: str, before: str, count: int) -> list[str]:
    """Ids of jobs, newest first, that are older than `before`; of one requester, or of all where `requester` is empty."""
    name = board.key("jobs", requester) if requester else board.key("jobs")
    rank = await board.redis.zrevrank(name, before) if before else -1
    if rank is None:
        raise not_a_token(before)
    return [job.decode() for job in await board.redis.zrevrange(name, rank + 1, rank + count)]


def _open_job(row: Sequence[str]) -> OpenJob:
    job, requester, requested, urgency, needed, unplaced, version, each, placed = row
    left = int(unplaced) * int(each) / 60_000
    named = v1.Urgency.Value(f"URGENCY_{urgency.upper()}") if urgency else v1.URGENCY_UNSPECIFIED
    return OpenJob(job, requester, int(requested), named, _number(needed), int(unplaced), int(version), left, int(placed) / 60_000)


def _job(row: Sequence[Any], now: int) -> JobOnBoard:
    job_id, fields = row[0].decode(), _pairs(row[1])
    orders = [_work_order(order_id.decode(), values, asked, now) for order_id, values, asked in row[3:]]
    first, product = fields[b"first"].decode(), fields[b"product"].decode()
    parts, needed_ms = tuple(fields[b"parts"].decode().split()), _number(fields[b"needed"].decode())
    job = v1.Job(
        id=job_id,
        requester=fields[b"requester"].decode(),
        request=v1.JobRequest.FromString(fields[b"request"]),
        specification=v1.JobSpecification.FromString(fields[b"specification"]),
        state=_job_state(fields),
        pieces_good=_pieces_good(fields, orders),
        pieces_unplaced=int(fields[b"unplaced"]),
        work_orders=orders,
        requested_at=_moment(int(fields[b"requested"])),
        needed_by=None if needed_ms is None else _moment(needed_ms),
        first_article=v1.FirstArticle.Value(f"FIRST_ARTICLE_{first.upper()}") if first else v1.FIRST_ARTICLE_UNSPECIFIED,
        product_job_id=product,
        part_job_ids=parts,
        answered=unpack_reasons(fields.get(b"answered", b"")),
    )
    passed = {shop.decode(): why.decode() for shop, why in _pairs(row[2]).items()}
    questions = unpack_reasons(fields[b"questions"])
    if b"recall" in fields:
        job.recall.ParseFromString(fields[b"recall"])
        questions.append(recall_reason(job.recall))
    return JobOnBoard(job, int(fields[b"version"]), tuple(questions), passed, needed_ms, first, product, parts)


def _job_state(fields: Fields) -> v1.JobState.ValueType:
    state = fields[b"state"].decode()
    if state == "waits":
        return v1.JOB_STATE_WAITING
    if state == "open":
        return v1.JOB_STATE_WAITING if int(fields[b"unplaced"]) else v1.JOB_STATE_PLACED
    return v1.JobState.Value(f"JOB_STATE_{state.upper()}")


def _pieces_good(fields: Fields, orders: Sequence[v1.WorkOrder]) -> int:
    """What its orders made; a product that needs no work of its own is there as soon as its parts are."""
    if fields[b"state"] == b"done" and fields[b"needs_work"] == b"0":
        return int(fields[b"quantity"])
    return sum(order.pieces_good for order in orders)


def _work_order(order_id: str, values: Sequence[bytes], asked: Sequence[bytes], now: int) -> v1.WorkOrder:
    """From the values in the order of FIELDS in `scripts/read_jobs.lua`."""
    job, shop, machine, quantity, state, number, epoch, good, scrap, reasons, deadline, standby, minutes = values
    expected = Duration()
    expected.FromMilliseconds(round(float(minutes) * 60_000))
    return v1.WorkOrder(
        id=order_id,
        job_id=job.decode(),
        shop_id=shop.decode(),
        machine_id=machine.decode(),
        quantity=int(quantity),
        state=v1.WorkOrderState.Value(f"WORK_ORDER_STATE_{state.decode().upper()}"),
        attempt=v1.AttemptRef(work_order_id=order_id, number=int(number), epoch=int(epoch)) if int(epoch) else None,
        pieces_good=int(good),
        pieces_scrap=int(scrap),
        reasons=unpack_reasons(reasons),
        expires_in=None if deadline is None else _left(deadline, now),
        asked_shop_ids=[one.decode() for one in asked],
        standby_shop_id=standby.decode(),
        expected=expected,
    )


def _pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _number(written: str) -> int | None:
    return int(written) if written else None


def _left(deadline: bytes, now: int) -> Duration:
    left = Duration()
    left.FromMilliseconds(max(0, int(deadline) - now))
    return left


def _moment(milliseconds: int) -> Timestamp:
    moment = Timestamp()
    moment.FromMilliseconds(milliseconds)
    return moment
