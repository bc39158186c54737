# SPDX-License-Identifier: AGPL-3.0-or-later
"""The open work: jobs, offers, leases and fences, in Redis.

Every change is one Lua script (`scripts/`), so that any number of routers can share a board: whoever comes second is told that the plan is
out of date. `scripts/common.lua` names every key. Time is Redis's own clock unless a clock is handed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import NoScriptError

from commonfab import v1
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.reasons import reason
from commonfab.recalled import RECALLED, recall_text
from router.board_scripts import load_scripts
from router.courier import Courier

KEEP_ENDED_MS = 30 * 24 * 3600 * 1000
"""Ended jobs leave Redis after thirty days; what was made is in the ledger for ever."""

LATE_AT_ONCE = 500

HELD_AT_ONCE = 50
"""Jobs that one script holds because of a recall: it holds everybody else up while it runs."""

OUT_OF_SERVICE = (v1.MACHINE_STATE_OUT_OF_ORDER, v1.MACHINE_STATE_MAINTENANCE)


@dataclass(frozen=True)
class NewJob:
    """A job to be put on the board.

    `quantity`, good pieces; `questions` hold it until they are confirmed; `product`, the id of the product's job that it is a part of;
    `parts`, for a product, the ids of its parts' jobs, which must be done first; `needs_work`, whether a product is then put together by a
    shop, or done at once. A first article is asked for by `request.first_article`; of a single piece, or of what no shop works on, it
    would say nothing.
    """

    id: str
    request: v1.JobRequest
    specification: v1.JobSpecification
    quantity: int
    questions: tuple[v1.Reason, ...] = ()
    product: str = ""
    parts: tuple[str, ...] = ()
    needs_work: bool = True


@dataclass(frozen=True)
class Asked:
    """A shop that is asked about a lot.

    `minutes`, machine time of the whole lot; `sequence`, what the plan saw of the shop; `asked_again`, it did not answer about this job
    before and is asked all the same.
    """

    shop_id: str
    machine_id: str
    minutes: float
    offer: v1.Offer
    sequence: int
    asked_again: bool = False


@dataclass(frozen=True)
class Lot:
    """Pieces that are offered together: whoever of `asked`, best placed first, accepts first gets them. Nobody asks `standby` yet."""

    order_id: str
    quantity: int
    asked: tuple[Asked, ...]
    standby: str = ""


@dataclass(frozen=True)
class Offered:
    """What came of offering: whether each lot still fitted the present, and the new sequence of each shop that is asked."""

    placed: tuple[bool, ...]
    sequences: Mapping[str, int]


@dataclass(frozen=True)
class Report:
    """The end of an attempt as the shop signed it.

    `estimated_minutes`, what the pieces made were expected to take on that machine, and `took_minutes`, what they took: 0 where unknown.
    `had_leave`: the shop says that it was given leave to start, which a board that was set back no longer knows.
    """

    attempt: v1.AttemptRef
    outcome: str
    good: int
    scrap: int
    signed: v1.SignedWork
    reasons: Sequence[v1.Reason] = ()
    estimated_minutes: float = 0.0
    took_minutes: float = 0.0
    process: str = ""
    had_leave: bool = False


class Board:
    """The board of one neighbourhood.

    Parameters: `redis`, a client that returns bytes, of one server or of a cluster; `neighbourhood`, the hash tag of its keys; `clock`, a
    clock that replaces Redis's own, for tests.
    """

    def __init__(self, redis: Redis | RedisCluster, neighbourhood: str, clock: Clock | None = None) -> None:
        self.redis: Any = redis  # the stubs of redis-py cannot say that this client returns bytes
        self.prefix = f"cf:{{{neighbourhood}}}:board"
        self._clock = clock
        self._scripts = load_scripts()
        self._courier = Courier(redis) if isinstance(redis, Redis) else None

    def key(self, *names: str) -> str:
        """The key of that name, as `scripts/common.lua` lists them."""
        return ":".join((self.prefix, *names))

    async def run(self, script: str, *arguments: Any) -> Any:
        """Run a script of `scripts/` with the arguments that its head lists from ARGV 3 on.

        Its one key is the board's prefix, by which a cluster's client finds the node that holds the neighbourhood.
        """
        moment = 0 if self._clock is None else int(self._clock.now() * 1000)
        given = (1, self.prefix, moment, KEEP_ENDED_MS, *arguments)
        known = self._scripts[script]
        try:
            return await self.ask("EVALSHA", known.sha, *given)
        except NoScriptError:
            return await self.ask("EVAL", known.text, *given)

    async def ask(self, *command: Any) -> Any:
        """Send one command that names its keys. To a single server many go together; a cluster's client finds the node for each."""
        if self._courier is None:
            return await self.redis.execute_command(*command)
        return await self._courier.carry(*command)

    async def post(self, requester: str, once: str, jobs: Sequence[NewJob]) -> str:
        """Put jobs on the board, all or none, and answer the id of the first, which for a product is the product's own.

        Where `once` was used before by the same requester: the id that it made then, and nothing is added.
        Errors: `Refused` (`revision.recalled`) where that happened since the registry was asked.
        """
        posted, recall = await self.run("post", requester, once, *(value for job in jobs for value in _flat_job(job)))
        if recall:
            raise Refused(RECALLED, recall_text(v1.Recall.FromString(recall)))
        return bytes(posted).decode()

    async def recall(self, recall: v1.Recall, title: str, notices: Mapping[str, v1.RecallNotice]) -> None:
        """A revision was recalled: nothing more of it is offered or begun. Doing it again changes nothing.

        Parameters: `title`, what its design is called; `notices`, by shop, of those that made it by the ledger. Whoever the board itself
        knows to have taken work of it is told too.
        """
        reasons, revision = pack_reasons([reason("order.recalled")]), recall.revision_digest
        notice = v1.RecallNotice(recall=recall, title=title).SerializeToString()
        flat = [value for shop, told in notices.items() for value in (shop, told.SerializeToString())]
        while await self.run("recall", revision, recall.SerializeToString(), reasons, HELD_AT_ONCE, notice, *flat):
            flat = []

    async def recalled(self, revisions: Sequence[str]) -> set[str]:
        """Which of these revisions the board knows to be recalled."""
        known = await self.ask("HMGET", self.key("recalls"), *revisions) if revisions else []
        return {revision for revision, recall in zip(revisions, known, strict=True) if recall is not None}

    async def seen_recalls(self, shop_id: str, revisions: Sequence[str]) -> None:
        """A shop's agent has written these recalls down."""
        await self.run("seen_recalls", shop_id, *revisions)

    async def confirm_job(self, job_id: str) -> None:
        """Let a held job go on. Errors: `Refused` (`job.not_held`, `job.recalled`)."""
        _refuse(await self.run("confirm_job", job_id), job_id)

    async def approve_first(self, job_id: str) -> None:
        """Let the rest follow a first article.

        Errors: `Refused` (`job.first_not_made`, `job.no_first_article`, `job.ended`, `job.unknown`).
        """
        _refuse(await self.run("approve_first", job_id), job_id)

    async def cancel_job(self, job_id: str) -> None:
        """Withdraw a job, and with a product its parts. Errors: `Refused` (`job.ended`, `job.of_product`, `job.unknown`)."""
        _refuse(await self.run("cancel_job", job_id), job_id)

    async def offer(self, job_id: str, lots: Sequence[Lot], stands_ms: int) -> Offered:
        """Propose lots of one job: see `offer_all`."""
        return await self.offer_all([(job_id, lots)], stands_ms)

    async def offer_all(self, plans: Sequence[tuple[str, Sequence[Lot]]], stands_ms: int) -> Offered:
        """Propose the lots of some jobs, which may have been planned one upon the other on one picture of the shops.

        A lot of which anything no longer fits the present is not offered to anybody. `Offered.placed` goes on from job to job.
        """
        flat = [value for job_id, lots in plans for value in (job_id, len(lots), *(value for lot in lots for value in _flat_lot(lot)))]
        placed, sequences = await self.run("offer", stands_ms, *flat)
        moved = {shop.decode(): int(sequence) for shop, sequence in zip(sequences[::2], sequences[1::2], strict=True)}
        return Offered(tuple(bool(held) for held in placed), moved)

    async def accept(self, order_id: str, shop_id: str, lease_ms: int) -> v1.AttemptRef:
        """Take an offer. Errors: `Refused` (`offer.gone`, `offer.other_shop`)."""
        code, number, epoch = await self.run("accept", order_id, shop_id, lease_ms)
        _refuse(code, order_id)
        return v1.AttemptRef(work_order_id=order_id, number=int(number), epoch=int(epoch))

    async def decline(self, order_id: str, shop_id: str) -> None:
        """Do not take an offer. Errors: `Refused` (`offer.gone`, `offer.other_shop`)."""
        _refuse(await self.run("decline", order_id, shop_id), order_id)

    async def start(self, attempt: v1.AttemptRef, shop_id: str, lease_ms: int) -> None:
        """Give leave to start.

        Errors: `Refused` (`attempt.superseded`, `attempt.given_elsewhere`, `attempt.forgotten`, `order.unknown`, `job.cancelled`,
        `order.withdrawn`, `order.recalled`).
        """
        code = await self.run("start", attempt.work_order_id, shop_id, attempt.number, attempt.epoch, lease_ms)
        _refuse(code, attempt.work_order_id)

    async def release(self, attempt: v1.AttemptRef, shop_id: str, reasons: Sequence[v1.Reason]) -> None:
        """Take an attempt back before anything moved. Errors: `Refused` (`attempt.superseded`, `attempt.started`)."""
        code = await self.run("release", attempt.work_order_id, shop_id, attempt.number, attempt.epoch, pack_reasons(reasons))
        _refuse(code, attempt.work_order_id)

    async def finish(self, report: Report, shop_id: str) -> None:
        """End an attempt and send its report on to the ledger, in one step.

        Errors: `Refused` (`attempt.superseded`, `attempt.given_elsewhere`, `attempt.forgotten`, `order.unknown`, `attempt.reported`,
        `attempt.not_started`, `report.mismatch`).
        """
        attempt = report.attempt
        made = (report.outcome, report.good, report.scrap, report.signed.SerializeToString(), pack_reasons(report.reasons))
        pace = (report.estimated_minutes, report.took_minutes, report.process, "1" if report.had_leave else "")
        code = await self.run("finish", attempt.work_order_id, shop_id, attempt.number, attempt.epoch, *made, *pace)
        _refuse(code, attempt.work_order_id)

    async def withdraw_order(self, order_id: str) -> None:
        """Take one lot back from its shop, or from those that are asked. Errors: `Refused` (`order.unknown`, `order.ended`)."""
        _refuse(await self.run("withdraw_order", order_id), order_id)

    async def make_rest_elsewhere(self, order_id: str) -> None:
        """Give the rest of an uncertain work order to others. Errors: `Refused` (`order.not_uncertain`, `order.recalled`)."""
        _refuse(await self.run("make_rest_elsewhere", order_id), order_id)

    async def walk_in(self, attempt: v1.AttemptRef, signed: v1.SignedWork) -> None:
        """Put what a shop made for somebody who walked in on its way to the ledger, which enters it once."""
        await self.run("walk_in", attempt.work_order_id, attempt.number, signed.SerializeToString())

    async def check_caller(self, shop: v1.Shop, agent_run: str) -> None:
        """Whether a shop comes with the key that it first came with, and its newest agent speaks.

        Errors: `Refused` (`shop.key_changed`, `shop.replaced`).
        """
        key, replaced = await self.ask("HMGET", self.key("shop", shop.id), "key", "replaced")
        if key is not None and key.decode() != shop.public_key.hex():
            raise Refused("shop.key_changed", shop.id)
        if agent_run and replaced is not None and agent_run in replaced.decode().split():
            raise Refused("shop.replaced", shop.id)

    async def hear(self, shop: v1.Shop, agent_run: str, lease_ms: int, attempts: Sequence[v1.AttemptStatus]) -> tuple[str, ...]:
        """Note what a shop is and renew the leases of its attempts; answers for each attempt "go_on", "stop", "withdrawn",
        "recalled", "drop", or where the board was set back "forgotten" or "elsewhere".

        Offers that stand with a closed shop, or with a machine out of service, are withdrawn.
        Errors: `Refused` (`shop.key_changed`, `shop.replaced`).
        """
        out = [machine.id for machine in shop.machines if machine.state in OUT_OF_SERVICE]
        flat: list[Any] = ["1" if shop.closed else "", pack_reasons([reason("offer.withdrawn")]), len(out), *out]
        for held in attempts:
            phase = "running" if held.phase == v1.ATTEMPT_PHASE_RUNNING else "preparing"
            ref = held.attempt
            flat += [ref.work_order_id, ref.number, ref.epoch, phase, held.pieces_good, held.pieces_scrap]
        described = shop.SerializeToString(deterministic=True)
        code, *wishes = await self.run("hear", shop.id, described, shop.public_key.hex(), agent_run, lease_ms, *flat)
        _refuse(code, shop.id)
        return tuple(wish.decode() for wish in wishes)

    async def pass_deadlines(self) -> int:
        """End what has run out; answers how many offers and leases that were."""
        before, after = reason("attempt.silent_before_start"), reason("attempt.silent")
        return int(await self.run("pass_deadlines", LATE_AT_ONCE, pack_reasons([before]), pack_reasons([after])))

    async def refused_reports(self) -> dict[str, int]:
        """How many reports were refused, by reason code, since the board began."""
        counts = await self.redis.hgetall(self.key("counts"))
        return {code.decode(): int(count) for code, count in counts.items()}


def pack_reasons(reasons: Sequence[v1.Reason]) -> bytes:
    """Reasons as they lie on the board: a serialized `ExplainJobResponse` of which only `waiting_for` is used."""
    return v1.ExplainJobResponse(waiting_for=reasons).SerializeToString()


def unpack_reasons(packed: bytes) -> list[v1.Reason]:
    """The reasons that `pack_reasons` packed."""
    return list(v1.ExplainJobResponse.FromString(packed).waiting_for)


def _flat_job(job: NewJob) -> tuple[Any, ...]:
    """The fifteen values of a job, as the head of `scripts/post.lua` lists them."""
    request = job.request
    written = (request.SerializeToString(), job.specification.SerializeToString(), pack_reasons(job.questions))
    urgency = v1.Urgency.Name(request.urgency).removeprefix("URGENCY_").lower() if request.urgency else ""
    needed_in = request.needed_in.ToMilliseconds() if request.HasField("needed_in") else ""
    first = "wanted" if request.first_article and job.needs_work and job.quantity > 1 else ""
    state = "held" if job.questions else "waits" if job.parts else "open"
    product = (job.product, " ".join(job.parts), len(job.parts), int(job.needs_work), state, _milliseconds_each(job.specification))
    return (job.id, *written, job.quantity, urgency, needed_in, first, *product, job.specification.revision_digest)


def _flat_lot(lot: Lot) -> Iterator[Any]:
    """The values of a lot, as the head of `scripts/offer.lua` lists them."""
    yield from (lot.order_id, lot.quantity, lot.standby, len(lot.asked))
    for one in lot.asked:
        again = "unanswered" if one.asked_again else ""
        yield from (one.shop_id, one.machine_id, one.minutes, one.offer.SerializeToString(), one.sequence, again)


def _milliseconds_each(specification: v1.JobSpecification) -> int:
    """Machine time for one piece, by the way that takes least."""
    return min((way.estimate.machine_time.ToMilliseconds() for way in specification.ways), default=0)


def _refuse(code: bytes, subject: str) -> None:
    if code:
        raise Refused(code.decode(), subject)
