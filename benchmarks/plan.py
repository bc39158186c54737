# SPDX-License-Identifier: AGPL-3.0-or-later
"""How near the planner's splits come to the best there is, beside equal lots for everybody, in the same run.

On small streets the finishing time of each plan stands beside the exact optimum, found by dynamic programming over every possible split; on
large ones beside a lower bound: the moment by which all machines together could have made so many whole pieces, each as many as it takes.
Finishing time is when the last piece is in the requester's hands: waiting, loading, making and fetching. What the rank counts besides, such
as fairness, is in the plans and so in the ratios. A single piece goes where the rank says, and stands on a line of its own.

    python benchmarks/plan.py [--cases 1000] [--seed 1] [--json]

Aim: within 5 % of the optimum. With --json the last line is one JSON object. The optimum and the bound share no code with the planner.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from google.protobuf.duration_pb2 import Duration

from commonfab import v1
from router.matching import Able, Wanted
from router.planning import LARGEST_LOT, plan
from router.ranking import RankingPolicy, load_policy

AIM = 1.05
SMALL_SHOPS, SMALL_PIECES = 6, 60
LARGE_SHOPS, LARGE_PIECES = 120, 20_000
LARGE_SHARE = 5
"""One large case for so many small ones: they take longer."""


@dataclass(frozen=True)
class Machine:
    """A machine as the optimum sees it: when a lot of nothing would be in hand (minutes), minutes a piece, and the most it takes."""

    ready: float
    each: float
    most: int

    def ends(self, pieces: int) -> float:
        """When that many are in hand; 0 for none."""
        return self.ready + pieces * self.each if pieces else 0.0


@dataclass
class Line:
    """The figures of one line of the answer."""

    plan: list[float] = field(default_factory=list)
    naive: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    shops: list[int] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """What is printed: ratios to the optimum or bound, and times."""
        return {
            "cases": len(self.plan),
            **{f"plan_{name}": value for name, value in _spread(self.plan).items()},
            **{f"naive_{name}": value for name, value in _spread(self.naive).items()},
            "milliseconds_p50": round(statistics.median(self.milliseconds), 3),
            "milliseconds_p95": round(_quantile(self.milliseconds, 0.95), 3),
            "shops_mean": round(statistics.mean(self.shops), 2),
        }


def street(rng: random.Random, shops: int) -> list[Able]:
    """Shops with one to three machines: some busy, some near, some that take an evening's work, of unequal speed and record."""
    minutes = rng.choice((5, 20, 45, 120, 300))
    way = v1.Makeability(
        process="fdm",
        requirement=v1.Requirement(process="fdm", size_mm=v1.Size(x=60, y=40, z=20), material="pla"),
        estimate=v1.Estimate(machine_time=Duration(seconds=minutes * 60), grams=30),
    )
    found = []
    for number in range(shops):
        shop = v1.Shop(id=f"shop-{number}", public_key=rng.randbytes(32))
        away, had, proven = rng.uniform(0, 12), rng.choice((0.0, rng.expovariate(1 / 900))), rng.choice((0, rng.randrange(200)))
        evening = rng.choice((None, None, rng.randrange(2, 25)))
        for place in range(rng.choice((1, 1, 2, 3))):
            machine = v1.Machine(id=f"m{place}", process="fdm", materials=["pla"], loaded=rng.choice(("pla", "petg", "")))
            machine.envelope_mm.CopyFrom(v1.Size(x=rng.choice((62, 220, 300)), y=210, z=200))
            waits = rng.choice((0.0, rng.expovariate(1 / 240)))
            pace = rng.choice((1.0, rng.lognormvariate(0, 0.35)))
            found.append(Able(shop, machine, way, "pla", away, waits, pace=pace, had_minutes=had, proven=proven, most_pieces=evening))
    return found


def seen_by_the_clock(able: Sequence[Able], policy: RankingPolicy) -> list[Machine]:
    """The machines without anything but time."""
    minutes = able[0].way.estimate.machine_time.seconds / 60
    seen = []
    for one in able:
        load = 0.0 if one.machine.loaded == one.material else policy.changeover_minutes
        ready = one.free_in_minutes + load + (one.distance_km or 0.0) * policy.minutes_per_km
        most = LARGEST_LOT if one.most_pieces is None else min(one.most_pieces, LARGEST_LOT)
        seen.append(Machine(ready, minutes * one.pace, most))
    return seen


def optimum(machines: Sequence[Machine], pieces: int) -> float:
    """The earliest that the last of `pieces` can be in hand: over the machines one by one, the best end for every number of pieces."""
    never = float("inf")
    best = [0.0] + [never] * pieces
    for machine in machines:
        most = min(machine.most, pieces)
        ends = [machine.ends(lot) for lot in range(most + 1)]
        best = [min(max(best[some - lot], ends[lot]) for lot in range(min(most, some) + 1)) for some in range(pieces + 1)]
    return best[pieces]


def lower_bound(machines: Sequence[Machine], pieces: int) -> float:
    """No split ends before this: a moment earlier all machines together could not have made so many whole pieces."""
    low, high = 0.0, max(machine.ends(machine.most) for machine in machines)
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        made = sum(min(machine.most, int(max(0.0, (middle - machine.ready) / machine.each))) for machine in machines)
        low, high = (low, middle) if made >= pieces else (middle, high)
    return low


def equal_lots(machines: Sequence[Machine], pieces: int) -> float:
    """When the last piece is in hand if everybody gets the same, as far as each takes it."""
    given, left = [0] * len(machines), pieces
    while left:
        open_to = [at for at, machine in enumerate(machines) if given[at] < machine.most]
        for place, at in enumerate(open_to):
            lot = min(machines[at].most - given[at], -(-(left) // (len(open_to) - place)))
            given[at] += lot
            left -= lot
    return max(machine.ends(lot) for machine, lot in zip(machines, given, strict=True))


def measure(line: Line, able: list[Able], pieces: int, policy: RankingPolicy, best: Callable[[Sequence[Machine], int], float]) -> None:
    """Plan one case and note how it compares."""
    machines = seen_by_the_clock(able, policy)
    pieces = min(pieces, sum(machine.most for machine in machines))
    wish = Wanted((), v1.Place(), 0, {}, quantity=pieces)
    started = time.thread_time()
    made = plan(wish, able, policy)
    line.milliseconds.append(1000 * (time.thread_time() - started))
    by_id = {(one.shop.id, one.machine.id): machine for one, machine in zip(able, machines, strict=True)}
    lots = {(lot.able.shop.id, lot.able.machine.id): lot.quantity for lot in made.lots}
    assert sum(lots.values()) == pieces and all(lot <= by_id[key].most for key, lot in lots.items())
    least = best(machines, pieces)
    line.plan.append(max(by_id[key].ends(lot) for key, lot in lots.items()) / least)
    line.naive.append(equal_lots(machines, pieces) / least)
    line.shops.append(len({shop for shop, _ in lots}))


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"p50": round(statistics.median(values), 4), "p95": round(_quantile(values, 0.95), 4), "max": round(max(values), 4)}


def _print(title: str, figures: dict[str, float]) -> None:
    print(
        f"{title:<34} {figures['cases']:>5.0f}   plan {figures['plan_p50']:.3f} {figures['plan_p95']:.3f} {figures['plan_max']:.3f}"
        f"   equal lots {figures['naive_p50']:.2f} {figures['naive_p95']:.2f} {figures['naive_max']:.2f}"
        f"   {figures['milliseconds_p50']:.2f} {figures['milliseconds_p95']:.2f} ms CPU   {figures['shops_mean']:.1f} shops"
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rng, policy = random.Random(arguments.seed), load_policy()
    small, large, single = Line(), Line(), Line()
    for number in range(arguments.cases):
        measure(small, street(rng, rng.randint(1, SMALL_SHOPS)), rng.randint(2, SMALL_PIECES), policy, optimum)
        measure(single, street(rng, rng.randint(1, SMALL_SHOPS)), 1, policy, optimum)
        if number % LARGE_SHARE == 0:
            pieces = int(2 ** rng.uniform(5, LARGE_PIECES.bit_length() - 1))
            measure(large, street(rng, rng.randint(10, LARGE_SHOPS)), pieces, policy, lower_bound)
    lines = {"small, beside the optimum": small, "large, beside the lower bound": large, "one piece, beside the optimum": single}
    print("finishing time over the best: p50, p95, max")
    for title, line in lines.items():
        _print(title, line.figures())
    split = [*small.plan, *large.plan]
    within = sum(ratio <= AIM for ratio in split) / len(split)
    print(f"{100 * within:.1f} % of the split quantities end within {100 * (AIM - 1):.0f} % of the best")
    if arguments.json:
        told = {"small": small.figures(), "large": large.figures(), "one_piece": single.figures(), "within_aim": round(within, 4)}
        print(json.dumps(told))


if __name__ == "__main__":
    main()
