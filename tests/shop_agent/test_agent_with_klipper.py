# SPDX-License-Identifier: AGPL-3.0-or-later
"""The whole agent with a real PrusaSlicer, a real Moonraker and a real Klipper: an order from end to end, and what may happen in mid-print.

What was made is read in the count of motor steps that the controller keeps: a second start, or a move too many, would show there.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from peers.klipper.peer import KlipperPeer, klipper, klipper_server
from small_shop import SmallRouter, offer, served, until, write_shop
from test_agent import finished, journal, running
from test_agent_with_octoprint import waits_for_somebody

from commonfab import v1

__all__ = ["klipper", "klipper_server"]  # fixtures

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prusa_slicer")]

PROFILE = """\
gcode_flavor = klipper
bed_shape = 0x0,220x0,220x220,0x220
temperature = 30
first_layer_temperature = 30
bed_temperature = 0
first_layer_bed_temperature = 0
layer_height = 0.3
first_layer_height = 0.3
perimeters = 1
skirts = 0
fill_density = 0%
top_solid_layers = 0
bottom_solid_layers = 1
cooling = 0
"""
PATIENCE_SECONDS = 60.0


def klipper_shop(folder: Path, address: str, peer: KlipperPeer, **what: object) -> Path:
    """A printer that starts and clears itself: whatever waits here waits all the same."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "quick.ini").write_text(PROFILE, encoding="utf-8")
    keys = {"control": "moonraker", "url": peer.url, "api_key": peer.api_key, "slicer_profile": "quick.ini"}
    return write_shop(folder, address, **(keys | what))  # type: ignore[arg-type]


def under_way(peer: KlipperPeer, since: int) -> bool:
    """Whether it prints and its motors have turned."""
    return peer.steps() > since + 500 and peer.print_stats()["state"] == "printing"


async def stands_still(peer: KlipperPeer) -> int:
    """The steps of a machine that makes none any more."""
    before = -1
    async with asyncio.timeout(20):
        while (steps := peer.steps()) != before:
            before = steps
            await asyncio.sleep(1.5)
    return steps


async def test_an_order_is_made_by_a_real_klipper_and_its_agent_killed_in_mid_print_adopts_the_piece(
    tmp_path: Path, klipper: KlipperPeer
) -> None:
    router, begun, at_first = SmallRouter(), klipper.begun(), klipper.steps()
    router.put_up(offer(quantity=2, size=(10, 10, 1.5)))
    async with served(router) as address:
        file = klipper_shop(tmp_path, address, klipper, clears_itself=False)
        with running(file) as agent:
            await until(lambda: waits_for_somebody(router), PATIENCE_SECONDS)
            journal(tmp_path).mark_ready("mk3", "Lena")
            await until(lambda: under_way(klipper, at_first), PATIENCE_SECONDS)
            agent.kill()
        with running(file) as agent:
            await until(lambda: router.requests[-1].attempts and router.requests[-1].attempts[0].pieces_good == 1, PATIENCE_SECONDS)
            one = await stands_still(klipper) - at_first
            assert agent.said().count("starts piece") == 1 and klipper.begun() == begun + 1  # by the agent of before
            journal(tmp_path).mark_ready("mk3", "Lena")
            work = await finished(router)
    assert (work.pieces_good, work.pieces_scrap, work.control) == (
        2,
        0,
        "moonraker",
    ) and work.machine_time.ToTimedelta().total_seconds() > 2
    assert klipper.begun() == begun + 2 and klipper.steps() - at_first == pytest.approx(2 * one, rel=0.01)


@pytest.mark.parametrize("trouble", ["a thermistor fails", "klippy killed"])
async def test_klipper_ends_with_the_piece_and_nothing_moves_before_somebody_cleared_the_bed(
    tmp_path: Path, klipper: KlipperPeer, trouble: str
) -> None:
    router, begun, at_first = SmallRouter(), klipper.begun(), klipper.steps()
    router.put_up(offer(size=(10, 10, 1.5)))
    async with served(router) as address:
        with running(klipper_shop(tmp_path, address, klipper)):
            await until(lambda: waits_for_somebody(router), PATIENCE_SECONDS)  # nobody knows what was made there before the agent came
            journal(tmp_path).mark_ready("mk3", "Lena")
            await until(lambda: under_way(klipper, at_first), PATIENCE_SECONDS)
            if trouble == "klippy killed":
                klipper.kill("klippy")
                await until(lambda: router.requests[-1].shop.machines[0].state == v1.MACHINE_STATE_OFFLINE)
                spoiled = await stands_still(klipper)
                await asyncio.to_thread(klipper.start)
            else:
                klipper.break_down()
                await until(lambda: waits_for_somebody(router))
                spoiled = await stands_still(klipper)
                await asyncio.to_thread(klipper.mend)
            await until(lambda: waits_for_somebody(router))
            await asyncio.sleep(3)
            assert klipper.steps() == spoiled and klipper.begun() == begun + 1 and not router.reports
            journal(tmp_path).mark_ready("mk3", "Lena")
            work = await finished(router)
    assert work.pieces_good == 1 and klipper.begun() == begun + 2 and klipper.steps() > spoiled
    if trouble == "klippy killed":
        klipper.kill()  # its board still has the settings of the Klipper of before, which a later firmware restart stumbles over
