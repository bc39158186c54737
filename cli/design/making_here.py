# SPDX-License-Identifier: AGPL-3.0-or-later
"""What of a product's parts the shops around can make: one question to the router for each part, and what its answers come to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

import grpc

from commonfab import v1
from commonfab.client import Node
from commonfab.errors import refusal_of

QUESTIONS_AT_ONCE = 4
"""The router tries every machine for each; more at once would only wait there."""


class Here(Enum):
    """Whether a part can be made around here."""

    MADE = "can be made here"
    ASKED = "somebody must be asked"
    NOT = "cannot be made here"


@dataclass(frozen=True)
class Judged:
    """A part with who can make it. `shops`: those that can, or whose owner can be asked, each once; `why`: what stands against it."""

    part: v1.PartToMake
    here: Here
    shops: tuple[str, ...] = ()
    why: tuple[v1.Reason, ...] = ()


async def judge_all(node: Node, parts: Sequence[v1.PartToMake], place: v1.Place, within_km: float) -> list[Judged]:
    """Every part with who around can make it, in the order given. Errors: `grpc.aio.AioRpcError`, where it is no refusal."""
    gate = asyncio.Semaphore(QUESTIONS_AT_ONCE)

    async def judge(part: v1.PartToMake) -> Judged:
        if part.hindrances:
            return Judged(part, Here.NOT, why=tuple(part.hindrances))
        wish = v1.JobRequest(
            revision=part.revision, part_name=part.part.part.name, quantity=part.quantity, place=place, within_km=within_km
        )
        async with gate:
            try:
                return judged(part, await node.router.ExplainJob(v1.ExplainJobRequest(request=wish)))
            except grpc.aio.AioRpcError as error:
                refusal = refusal_of(error)
                if refusal is None:
                    raise
                return Judged(part, Here.NOT, why=(refusal.reason,))

    return list(await asyncio.gather(*map(judge, parts)))


def judged(part: v1.PartToMake, answer: v1.ExplainJobResponse) -> Judged:
    """What an answer of the router comes to."""
    able = _shops((one.shop_id, one.shop_name) for one in answer.able)
    if able:
        return Judged(part, Here.ASKED if answer.waiting_for else Here.MADE, able, tuple(answer.waiting_for))
    ask = _shops((one.shop_id, one.shop_name) for one in answer.ask)
    if ask:
        return Judged(part, Here.ASKED, ask, tuple(why for one in answer.ask[:1] for why in one.reasons))
    return Judged(part, Here.NOT, why=_nearest(answer))


def _nearest(answer: v1.ExplainJobResponse) -> tuple[v1.Reason, ...]:
    """The smallest change that would do, else what stops the machine that fails the fewest rules, else what is waited for."""
    if answer.nearest:
        return (answer.nearest[0].change,)
    if answer.refused:
        return tuple(answer.refused[0].reasons)
    return tuple(answer.waiting_for)


def _shops(named: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Shops by their names, each once."""
    return tuple({shop_id: name or shop_id for shop_id, name in named}.values())
