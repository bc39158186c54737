# SPDX-License-Identifier: AGPL-3.0-or-later
"""Our verdict on random jobs and machines is that of HTCondor's ClassAd matchmaking, for the same requirement written as ClassAds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from random import Random
from typing import Any

import pytest
from classads import job_ad, machine_ad
from peers.required import peer_missing
from random_work import PLACES, TRADES, Job, Trade, random_job, random_shop

from commonfab import v1
from router.matching import Able, Unable, Wanted, tried
from router.shop_on_board import ShopOnBoard

classad2: Any = import_module("classad2") if find_spec("classad2") else None

RULES = {
    *("process.other", "process.broad", "size.x", "size.y", "size.z", "size.unknown"),
    *("material.missing", "material.unsaid", "material.thickness", "stock.thickness", "stock.size", "stock.amount"),
    *("axes.missing", "machine.not_enclosed", "machine.power", "machine.resolution", "machine.unsaid"),
    *("tolerance.machine", "tolerance.unmeasured", "tool.diameter", "tool.reach"),
    *("op.tapping", "op.countersinking", "op.drilling", "op.bending", "op.other", "skill.missing"),
    *("machine.hours", "machine.out_of_order", "machine.maintenance", "machine.offline"),
    *("shop.closed", "policy.requester", "policy.material", "policy.minutes", "policy.distance", "place.unknown"),
}
"""What a machine or its shop may have against a job, or have to be asked about."""


@dataclass(frozen=True)
class Verdicts:
    """What was found: how many pairs there were and matched, which rules alone kept how many apart, and pairs on which the two differ."""

    pairs: int
    matched: int
    alone: Counter[str]
    differ: list[str]


def compared(jobs: int, machines: int, seed: int) -> Verdicts:
    """So many jobs of each trade with so many machines of it, by both."""
    random = Random(seed)
    matched, alone, differ = 0, Counter[str](), list[str]()
    for trade in TRADES:
        for job, shop, theirs in _pairs(random, trade, jobs, machines):
            ours = _tried(job, shop)
            able = isinstance(ours, Able)
            codes = {one.code for one in ours.reasons} if isinstance(ours, Unable) else set()
            matched += able
            if len(codes) == 1:
                alone.update(codes)
            if able != theirs:
                differ.append(f"ClassAds say {theirs}, we say {sorted(codes) or 'yes'}:\n{job.need}\n{shop}")
    return Verdicts(len(TRADES) * jobs * machines, matched, alone, differ)


def _pairs(random: Random, trade: Trade, jobs: int, machines: int) -> Iterator[tuple[Job, v1.Shop, bool]]:
    work = [random_job(random, trade) for _ in range(jobs)]
    shops = [random_shop(random, trade) for _ in range(machines)]
    job_ads = [classad2.ClassAd(job_ad(job.need, job.requester, job.place)) for job in work]
    machine_ads = [classad2.ClassAd(machine_ad(shop.machines[0], shop, PLACES)) for shop in shops]
    for job, ad in zip(work, job_ads, strict=True):
        for shop, other in zip(shops, machine_ads, strict=True):
            yield job, shop, ad.symmetricMatch(other)


def _tried(job: Job, shop: v1.Shop) -> Able | Unable:
    way = v1.Makeability(process=job.need.process, verdict=v1.VERDICT_FEASIBLE, requirement=job.need)
    wanted = Wanted(ways=[way], place=job.place, within_km=0, passed={}, requester=job.requester)
    return tried(wanted, ShopOnBoard(shop, heard_ago=0), shop.machines[0], present_seconds=60)


@pytest.fixture(autouse=True)
def htcondor() -> None:
    if classad2 is None:
        peer_missing("HTCondor's ClassAds are not installed (pip install htcondor; there are wheels for Linux)")


def assert_same(verdicts: Verdicts) -> None:
    assert not verdicts.differ, f"{len(verdicts.differ)} of {verdicts.pairs} pairs, the first: {verdicts.differ[0]}"


def test_3000_random_pairs_match_with_us_where_they_match_as_classads() -> None:
    verdicts = compared(jobs=25, machines=30, seed=1)
    assert verdicts.pairs == 3000
    assert_same(verdicts)
    assert 0.2 < verdicts.matched / verdicts.pairs < 0.5


@pytest.mark.slow
def test_100000_random_pairs_match_with_us_where_they_match_as_classads_and_every_rule_alone_decides_some() -> None:
    verdicts = compared(jobs=100, machines=250, seed=2)
    assert verdicts.pairs == 100_000
    assert_same(verdicts)
    assert 0.25 < verdicts.matched / verdicts.pairs < 0.45
    assert {rule for rule in RULES if verdicts.alone[rule] < 20} == set()
