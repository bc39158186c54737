# SPDX-License-Identifier: AGPL-3.0-or-later
"""The open work: jobs, offers, leases and fences, in Redis.

Every change is one Lua script (`scripts/`), so that any number of routers can share a board: whoever comes second is told that the plan is
out of date. `scripts/common.lua` names every key. Time is Redis's own clock unless a clock is handed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from commonfab import v1
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.reasons import reason

KEEP_ENDED_MS = 30 * 24 * 3600 * 1000
"""Ended jobs leave Redis after thirty days; what was made is in the ledger for ever."""

LATE_AT_ONCE = 500

SCRIPTS = (
    *("post_job", "confirm_job", "cancel_job", "offer", "accept", "decline", "start", "release", "finish", "hear"),
    *("pass_deadlines", "make_rest_elsewhere", "read_job", "read_shops", "read_offers"),
)


@dataclass(frozen=True)
class Lot:
    """A number of pieces for one machine, as planned: what `Board.offer` puts before a shop."""

    shop_id: str
    machine_id: str
    quantity: int
    minutes: float
    offer: v1.Offer
    asked_again: bool = False


@dataclass(frozen=True)
class Report:
    """The end of an attempt as the shop signed it."""

    attempt: v1.AttemptRef
    outcome: str
    good: int
    scrap: int
    signed: v1.SignedWork
    reasons: Sequence[v1.Reason] = ()


class Board:
    """The board of one neighbourhood.

    Parameters: `redis`, a client that returns bytes; `neighbourhood`, the hash tag of its keys; `clock`, a clock that replaces Redis's
    own, for tests.
    """

    def __init__(self, redis: Redis, neighbourhood: str, clock: Clock | None = None) -> None:
        self.redis: Any = redis  # the stubs of redis-py cannot say that this client returns bytes
        self.prefix = f"cf:{{{neighbourhood}}}:board"
        self._clock = clock
        self._scripts = _load_scripts(redis)

    def key(self, *names: str) -> str:
        """The key of that name, as `scripts/common.lua` lists them."""
        return ":".join((self.prefix, *names))

    async def run(self, script: str, *arguments: Any) -> Any:
        """Run a script of `scripts/` with the arguments that its head lists from ARGV 3 on."""
        moment = 0 if self._clock is None else int(self._clock.now() * 1000)
        return await self._scripts[script](keys=[self.prefix], args=[moment, KEEP_ENDED_MS, *arguments])

    async def post_job(
        self, job_id: str, requester: str, request: v1.JobRequest, specification: v1.JobSpecification, questions: bytes, once: str
    ) -> str:
        """Put a job on the board and answer its id; where `once` was used before, the id of the job that it made then.

        Parameters: `questions`, a serialized `ExplainJobResponse` whose `waiting_for` hold the job; empty to let it go at once.
        """
        written = (request.SerializeToString(), specification.SerializeToString(), questions)
        state = "held" if questions else "open"
        posted: bytes = await self.run("post_job", job_id, requester, once, *written, request.quantity, state)
        return posted.decode()

    async def confirm_job(self, job_id: str) -> None:
        """Let a held job go on. Errors: `Refused` (`job.not_held`)."""
        _refuse(await self.run("confirm_job", job_id), job_id)

    async def cancel_job(self, job_id: str) -> None:
        """Withdraw a job. Errors: `Refused` (`job.ended`)."""
        _refuse(await self.run("cancel_job", job_id), job_id)

    async def offer(self, order_id: str, job_id: str, lot: Lot, stands_ms: int) -> bool:
        """Propose a lot; False where the plan no longer fits the present."""
        again = "unanswered" if lot.asked_again else ""
        described = (lot.quantity, lot.offer.SerializeToString(), lot.minutes, stands_ms, again)
        return bool(await self.run("offer", order_id, job_id, lot.shop_id, lot.machine_id, *described))

    async def accept(self, order_id: str, shop_id: str, lease_ms: int) -> v1.AttemptRef:
        """Take an offer. Errors: `Refused` (`offer.gone`, `offer.other_shop`)."""
        code, number, epoch = await self.run("accept", order_id, shop_id, lease_ms)
        _refuse(code, order_id)
        return v1.AttemptRef(work_order_id=order_id, number=int(number), epoch=int(epoch))

    async def decline(self, order_id: str, shop_id: str) -> None:
        """Do not take an offer. Errors: `Refused` (`offer.gone`, `offer.other_shop`)."""
        _refuse(await self.run("decline", order_id, shop_id), order_id)

    async def start(self, attempt: v1.AttemptRef, shop_id: str, lease_ms: int) -> None:
        """Give leave to start. Errors: `Refused` (`attempt.superseded`, `job.cancelled`)."""
        code = await self.run("start", attempt.work_order_id, shop_id, attempt.number, attempt.epoch, lease_ms)
        _refuse(code, attempt.work_order_id)

    async def release(self, attempt: v1.AttemptRef, shop_id: str, reasons: Sequence[v1.Reason]) -> None:
        """Take an attempt back before anything moved. Errors: `Refused` (`attempt.superseded`, `attempt.started`)."""
        code = await self.run("release", attempt.work_order_id, shop_id, attempt.number, attempt.epoch, pack_reasons(reasons))
        _refuse(code, attempt.work_order_id)

    async def finish(self, report: Report, shop_id: str) -> None:
        """End an attempt and send its report on to the ledger, in one step.

        Errors: `Refused` (`attempt.superseded`, `attempt.reported`, `attempt.not_started`, `report.mismatch`).
        """
        attempt = report.attempt
        made = (report.outcome, report.good, report.scrap, report.signed.SerializeToString(), pack_reasons(report.reasons))
        code = await self.run("finish", attempt.work_order_id, shop_id, attempt.number, attempt.epoch, *made)
        _refuse(code, attempt.work_order_id)

    async def make_rest_elsewhere(self, order_id: str) -> None:
        """Give the rest of an uncertain work order to others. Errors: `Refused` (`order.not_uncertain`)."""
        _refuse(await self.run("make_rest_elsewhere", order_id), order_id)

    async def check_key(self, shop: v1.Shop) -> None:
        """Whether a shop comes with the key that it first came with. Errors: `Refused` (`shop.key_changed`)."""
        known = await self.redis.hget(self.key("shop", shop.id), "key")
        if known is not None and known.decode() != shop.public_key.hex():
            raise Refused("shop.key_changed", shop.id)

    async def hear(self, shop: v1.Shop, agent_run: str, lease_ms: int, attempts: Sequence[v1.AttemptStatus]) -> tuple[str, ...]:
        """Note what a shop is and renew the leases of its attempts; answers for each attempt "go_on", "stop" or "drop".

        Errors: `Refused` (`shop.key_changed`).
        """
        flat: list[Any] = []
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


def _load_scripts(redis: Redis) -> dict[str, AsyncScript]:
    folder = files("router") / "scripts"
    common = (folder / "common.lua").read_text(encoding="utf-8")
    return {name: redis.register_script(common + (folder / f"{name}.lua").read_text(encoding="utf-8")) for name in SCRIPTS}


def _refuse(code: bytes, subject: str) -> None:
    if code:
        raise Refused(code.decode(), subject)
