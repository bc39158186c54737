# SPDX-License-Identifier: AGPL-3.0-or-later
"""Machines that can make a part, made by hand: what ranking and planning look at, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from google.protobuf.duration_pb2 import Duration
from hypothesis import strategies as st

from commonfab import v1
from router.matching import Able, Wanted

ROOMY = v1.Size(x=220, y=220, z=250)


def way(minutes: float = 30, *, size: tuple[float, float, float] = (20, 20, 10), grams: float = 5) -> v1.Makeability:
    room = v1.Size(x=size[0], y=size[1], z=size[2])
    need = v1.Requirement(process="fdm", size_mm=room, material="pla", grams=grams, minutes=minutes)
    return v1.Makeability(
        process="fdm",
        verdict=v1.VERDICT_FEASIBLE,
        requirement=need,
        estimate=v1.Estimate(machine_time=Duration(seconds=int(minutes * 60)), grams=grams),
    )


def candidate(
    shop: str = "lena",
    machine: str = "mk3",
    *,
    minutes: float = 30,
    loaded: str = "pla",
    key: bytes = b"",
    room: v1.Size = ROOMY,
    **known: object,
) -> Able:
    """A machine that is placed as well as can be, but for what is said otherwise."""
    its = v1.Machine(id=machine, process="fdm", envelope_mm=room, materials=["pla"], loaded=loaded)
    able = Able(v1.Shop(id=shop, public_key=key or shop.encode()), its, way(minutes), "pla", 0.0, 0.0)
    return replace(able, **known)  # type: ignore[arg-type]


def wish(pieces: int, needed_in: float | None = None) -> Wanted:
    return Wanted((), v1.Place(), 0, {}, quantity=pieces, needed_in_minutes=needed_in)


@st.composite
def streets(draw: st.DrawFn, most: int = 6) -> list[Able]:
    """A few machines of a few shops, placed anyhow."""
    found = []
    for place in range(draw(st.integers(1, most))):
        found.append(
            candidate(
                f"shop-{draw(st.integers(0, most - 1))}",
                f"m{place}",
                minutes=draw(st.sampled_from((1, 7, 30, 200))),
                loaded=draw(st.sampled_from(("pla", ""))),
                distance_km=draw(st.sampled_from((None, 0.0, 1.5, 20.0))),
                free_in_minutes=draw(st.sampled_from((0.0, 15.0, 600.0))),
                pace=draw(st.sampled_from((0.7, 1.0, 1.9))),
                had_minutes=draw(st.sampled_from((0.0, 90.0, 5000.0))),
                proven=draw(st.sampled_from((0, 12))),
                most_pieces=draw(st.sampled_from((None, 1, 4, 12))),
                made_first=draw(st.booleans()),
            )
        )
    return found
