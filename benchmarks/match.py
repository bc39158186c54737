# SPDX-License-Identifier: AGPL-3.0-or-later
"""How fast one job finds its machines among very many, beside ClassAd matching of the same pairs in the same run.

The street is made from real labs (`lab_street.py`), the jobs are a mix of what people ask of such shops and of what nobody can make. Timed
is `CapabilityIndex.find` with the ranking of what it found, by the clock on the wall, one job after another; where other programs take the
processor's time, the time on the processor says more and is told beside it. Memory is what the index says of itself, over the number of
machines. HTCondor's matchmaker evaluates the two ads of each pair (`symmetricMatch`); its time for a job is that of all pairs up to 10,000
machines, and beyond that of a sample, scaled. The ads have fewer rules (`match_ads.py`): on the sampled pairs every verdict is compared
with ours, and where they differ, a rule that the ads do not have must be the reason.

    pip install htcondor
    python benchmarks/match.py [--machines 1000,10000,100000,1000000] [--jobs 400] [--json]

Aims: p95 under 2 ms at 100,000 machines and under 10 ms at 1,000,000; at most 400 bytes a machine. `--machines N --json` ends with one
line of JSON; without htcondor, `classad_ms` is null.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from google.protobuf.duration_pb2 import Duration
from lab_street import Labs, read_labs, somewhere, street
from match_ads import RULES, job_ad, machine_ad, matcher

from commonfab import v1
from router.capability_index import CapabilityIndex
from router.matching import Able, Unable, Wanted, tried
from router.ranking import load_policy, rank
from router.shop_on_board import ShopOnBoard

NOW_MS, PRESENT_SECONDS = 1_000_000_000, 120.0
ALL_PAIRS_UP_TO, SAMPLED_MACHINES, ADS_JOBS = 10_000, 2_000, 10
AIMS_MS = {100_000: 2.0, 1_000_000: 10.0}
BYTES_AIM = 400


def way(process: str, x: float, y: float, z: float, minutes: float, **needs: Any) -> v1.Makeability:
    """A way to make a part of that size, mm."""
    need = v1.Requirement(process=process, size_mm=v1.Size(x=x, y=y, z=z), **needs)
    estimate = v1.Estimate(machine_time=Duration(seconds=round(minutes * 60)), grams=needs.get("grams", 0.0))
    return v1.Makeability(process=process, verdict=v1.VERDICT_FEASIBLE, requirement=need, estimate=estimate)


def boxes(*sizes: tuple[float, float, float]) -> list[v1.Placement]:
    """Placements of those sizes, mm."""
    return [v1.Placement(size_mm=v1.Size(x=x, y=y, z=z)) for x, y, z in sizes]


def small_print(rng: random.Random) -> list[v1.Makeability]:
    x, y, z = (rng.uniform(15, 120) for _ in range(3))
    return [way("fdm", x, y, z, 90, material=rng.choice(("pla", "petg", "abs", "")), grams=30.0, placements=boxes((x, y, z), (x, z, y)))]


def large_print(rng: random.Random) -> list[v1.Makeability]:
    x, y, z = rng.uniform(280, 420), rng.uniform(100, 300), rng.uniform(50, 300)
    turned = boxes((x, y, z), (z, y, x), (x * 0.8, y + x * 0.4, z), (x * 0.7, y + x * 0.5, z))
    return [way("fdm", x, y, z, 1200, materials_allowed=["petg", "asa"], enclosed=rng.random() < 0.3, grams=450.0, placements=turned)]


def cut_sheet(rng: random.Random) -> list[v1.Makeability]:
    thick = rng.choice((2.0, 3.0, 4.0, 6.0, 10.0))
    material = rng.choice(("plywood", "acrylic", "mdf"))
    return [
        way("laser_cutting", rng.uniform(50, 700), rng.uniform(50, 350), thick, 6, material=material, thickness_mm=thick, stock="sheet")
    ]


def mill(rng: random.Random) -> list[v1.Makeability]:
    needs: dict[str, Any] = {"material": rng.choice(("aluminium", "pom", "")), "smallest_tool_mm": rng.choice((2.0, 3.0, 6.0))}
    needs |= {"tool_reach_mm": 10.0, "axes": rng.choice((3, 3, 4, 5)), "tolerance_mm": rng.choice((0.0, 0.1, 0.2))}
    needs |= {"operations": rng.choice(([], ["drill"], ["tap"]))}
    return [way("milling", rng.uniform(30, 250), rng.uniform(30, 150), rng.uniform(5, 50), 60, **needs)]


def cast_resin(rng: random.Random) -> list[v1.Makeability]:
    x, y, z = (rng.uniform(10, 140) for _ in range(3))
    return [way("sla", x, y, z, 240, materials_allowed=["resin"], smallest_feature_mm=0.1)]


def print_or_mill(rng: random.Random) -> list[v1.Makeability]:
    return [*small_print(rng), *mill(rng), *cast_resin(rng)]


def impossible(rng: random.Random) -> list[v1.Makeability]:
    return rng.choice(
        (
            [way("fdm", 2000, 2000, 2000, 9000, material="pla")],
            [way("fdm", 50, 50, 50, 60, material="titanium")],
            [way("waterjet_cutting", 100, 100, 20, 10, material="steel", thickness_mm=20.0)],
            [way("milling", 100, 80, 30, 90, axes=5, tolerance_mm=0.01, material="aluminium")],
            [way("laser_cutting", 300, 300, 40, 10, material="plywood", thickness_mm=40.0)],
        )
    )


SORTS: tuple[tuple[Callable[[random.Random], list[v1.Makeability]], int], ...] = (
    (small_print, 35),
    (large_print, 10),
    (cut_sheet, 15),
    (mill, 12),
    (cast_resin, 8),
    (print_or_mill, 8),
    (impossible, 12),
)
PLACED, LIMITED = 0.85, 0.3


def jobs(labs: Labs, count: int, seed: int = 2) -> list[tuple[str, Wanted]]:
    """So many jobs of all sorts, most with a place, some of these with a limit to the distance; each with its sort."""
    rng, made = random.Random(seed), []
    for _ in range(count):
        sort = rng.choices([sort for sort, _ in SORTS], [share for _, share in SORTS])[0]
        place = somewhere(labs, rng) if rng.random() < PLACED else v1.Place()
        within = rng.choice((10.0, 50.0)) if place.cell and rng.random() < LIMITED else 0.0
        made.append((sort.__name__, Wanted(sort(rng), place, within, {}, quantity=rng.choice((1, 5, 40)))))
    return made


@dataclass(frozen=True)
class Timed:
    """The time of each job, ms, on the wall and on the processor, and of each sort."""

    all_ms: list[float]
    cpu_ms: list[float]
    by_sort: dict[str, list[float]]
    found: int

    def percentile(self, share: float) -> float:
        """The time under which that share of the jobs stay, ms."""
        return float(np.percentile(self.all_ms, share))


def time_jobs(index: CapabilityIndex, asked: Sequence[tuple[str, Wanted]]) -> Timed:
    """Find and rank for every job. Before that, for a few, so that what is built on first use is built."""
    policy, timed = load_policy(), Timed([], [], {}, 0)
    for _, wanted in asked[:5]:
        index.find(wanted, NOW_MS, PRESENT_SECONDS)
    found = 0
    gc.collect()
    gc.freeze()  # the street is not what a router's collector walks through for every job
    for sort, wanted in asked:
        started, began = time.perf_counter(), time.process_time()
        able = index.find(wanted, NOW_MS, PRESENT_SECONDS)
        rank(able, policy, wanted.quantity)
        took = (time.perf_counter() - started) * 1000
        timed.cpu_ms.append((time.process_time() - began) * 1000)
        timed.all_ms.append(took)
        timed.by_sort.setdefault(sort, []).append(took)
        found += len(able)
    gc.unfreeze()
    return replace(timed, found=found)


@dataclass(frozen=True)
class Beside:
    """What ClassAd matching takes for a job, ms, on how many machines that was timed, and how the verdicts compare."""

    job_ms: float
    timed_machines: int
    pairs: int
    both: int
    neither: int
    only_ads: Counter[str]
    unexplained: int


def beside_ads(classad: Any, shops: Sequence[ShopOnBoard], machines: int, asked: Sequence[tuple[str, Wanted]]) -> Beside:
    """Match the same jobs with the machines of `shops` by their ads, and compare the verdicts with ours."""
    pairs = [(known, machine) for known in shops for machine in known.shop.machines]
    ads = [machine_ad(classad, machine) for _, machine in pairs]
    took, counts, only_ads = [], Counter[str](), Counter[str]()
    for _, wanted in asked[:ADS_JOBS]:
        takes = matcher(job_ad(classad, wanted.ways))
        started = time.perf_counter()
        verdicts = [takes(ad) for ad in ads]
        took.append((time.perf_counter() - started) * 1000)
        anywhere = replace(wanted, place=v1.Place(), within_km=0.0)
        for verdict, (known, machine) in zip(verdicts[:SAMPLED_MACHINES], pairs, strict=False):
            _compare(verdict, tried(anywhere, known, machine, float("inf")), counts, only_ads)
    scaled = statistics.mean(took) * machines / len(pairs)
    compared = sum(counts.values())
    return Beside(scaled, len(pairs), compared, counts["both"], counts["neither"], only_ads, counts["unexplained"])


def _compare(verdict: bool, ours: Able | Unable, counts: Counter[str], only_ads: Counter[str]) -> None:
    if verdict == isinstance(ours, Able):
        counts["both" if verdict else "neither"] += 1
        return
    codes = set() if isinstance(ours, Able) else {one.code for one in ours.reasons}
    explained = verdict and not codes & RULES
    counts["explained" if explained else "unexplained"] += 1
    only_ads[", ".join(sorted(codes)) or "able by our rules alone"] += 1


def run(labs: Labs, machines: int, count: int, classad: Any) -> dict[str, float | int | None]:
    """One line of the table."""
    index, kept, rng = CapabilityIndex(), [], random.Random(3)
    most_kept = ALL_PAIRS_UP_TO if machines <= ALL_PAIRS_UP_TO else SAMPLED_MACHINES
    share = min(1.0, 1.1 * most_kept / machines)
    started = time.perf_counter()
    putting = 0.0
    for known in street(labs, machines):
        before = time.perf_counter()
        index.put(known, NOW_MS - round(known.heard_ago * 1000))
        putting += time.perf_counter() - before
        if rng.random() < share:
            kept.append(known)
    built = time.perf_counter() - started
    asked = jobs(labs, count)
    timed = time_jobs(index, asked)
    beside = None if classad is None else beside_ads(classad, kept, machines, asked)
    size = index.machine_bytes() / len(index)
    tell(machines, putting, built, timed, size, beside)
    return {
        "machines": len(index),
        "p50_ms": round(timed.percentile(50), 3),
        "p95_ms": round(timed.percentile(95), 3),
        "bytes_per_machine": round(size, 1),
        "classad_ms": None if beside is None else round(beside.job_ms, 1),
    }


def tell(machines: int, putting: float, built: float, timed: Timed, size: float, beside: Beside | None) -> None:
    """The figures of one street, in words."""
    p50, p95 = timed.percentile(50), timed.percentile(95)
    aim = AIMS_MS.get(machines)
    late = "" if aim is None or p95 <= aim else f"   above {aim:g} ms"
    heavy = "" if size <= BYTES_AIM else f"   above {BYTES_AIM}"
    print(f"{machines:>9,} machines: p50 {p50:.2f} ms, p95 {p95:.2f} ms{late}; {size:.0f} bytes a machine{heavy}", flush=True)
    print(f"          put in {putting:.1f} s ({putting / machines * 1e6:.0f} µs a machine; made in {built - putting:.1f} s)")
    cpu50, cpu95 = np.percentile(timed.cpu_ms, [50, 95])
    print(f"          on the processor: p50 {cpu50:.2f} ms, p95 {cpu95:.2f} ms")
    each = ", ".join(f"{sort} {statistics.median(took):.2f}/{max(took):.2f}" for sort, took in sorted(timed.by_sort.items()))
    print(f"          {timed.found / len(timed.all_ms):.1f} able a job; median/longest ms: {each}")
    if beside is None:
        print("          ClassAd matching was not compared: htcondor is not installed")
        return
    how = "on all of them" if machines <= ALL_PAIRS_UP_TO else f"reckoned from a random sample of {beside.timed_machines:,}"
    print(f"          ClassAd matching: {beside.job_ms:,.0f} ms a job, {how}, {ADS_JOBS} jobs: {beside.job_ms / p50:,.0f} times our p50")
    agreed = f"{beside.both:,} both yes, {beside.neither:,} both no"
    print(
        f"          {beside.pairs:,} pairs compared: {agreed}, {sum(beside.only_ads.values()):,} differ, {beside.unexplained} unexplained"
    )
    for codes, pairs in beside.only_ads.most_common(8):
        print(f"            {pairs:>6,} where the ads say yes and we: {codes}")


def main() -> None:
    """Time the streets that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", default="1000,10000,100000,1000000")
    parser.add_argument("--jobs", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    labs = read_labs()
    print(f"made from {labs.source}; {told.jobs} jobs")
    try:
        classad = importlib.import_module("classad2")
    except ImportError:
        classad = None
    for machines in map(int, told.machines.split(",")):
        line = run(labs, machines, told.jobs, classad)
        if told.json:
            print(json.dumps(line))


if __name__ == "__main__":
    main()
