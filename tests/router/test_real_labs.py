# SPDX-License-Identifier: AGPL-3.0-or-later
"""425 real labs out of a directory: all can be read, and nothing is promised in the name of a machine of which too little is known.

Nine matches that must never happen are tried on their machines, each beside one that must: else a router that refuses all would pass.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from commonfab import processes, v1
from commonfab.place import is_coarse
from router.fitness import judge
from router.matching import Match, Wanted, match
from router.okw import Labs, read_labs
from router.shop_on_board import ShopOnBoard


@pytest.fixture(scope="module")
def directory(shared: Path) -> str:
    return (shared / "okw" / "okw_labs_joined.json").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def labs(directory: str) -> Labs:
    return read_labs(directory)


def cube(side: float, process: str, material: str = "") -> v1.Requirement:
    return v1.Requirement(process=process, size_mm=v1.Size(x=side, y=side, z=side), material=material)


def real(labs: Labs, name: str) -> v1.Machine:
    """The first machine of that name."""
    return next(machine for shop in labs.shops for machine in shop.machines if machine.name == name)


def told(machine: v1.Machine, *on_hand: str) -> v1.Machine:
    """The machine as it would be if an agent spoke for it: ready, with a room of half a metre and those materials."""
    known = v1.Machine(control="virtual", state=v1.MACHINE_STATE_READY, envelope_mm=v1.Size(x=500, y=500, z=500), materials=on_hand)
    known.MergeFrom(v1.Machine(id=machine.id, name=machine.name, process=machine.process))
    return known


def asked(shop: v1.Shop, need: v1.Requirement) -> Match:
    """One shop tried by the router."""
    way = v1.Makeability(process=need.process, verdict=v1.VERDICT_FEASIBLE, requirement=need)
    return match(Wanted(ways=[way], place=v1.Place(), within_km=0, passed={}), [ShopOnBoard(shop, heard_ago=0)], present_seconds=60)


def verdict(need: v1.Requirement, machine: v1.Machine) -> str:
    return judge(need, machine, v1.Shop(machines=[machine])).verdict


def test_all_425_labs_are_read_and_every_piece_of_equipment_is_a_machine_or_a_note(labs: Labs) -> None:
    machines = [machine for shop in labs.shops for machine in shop.machines]
    left_out = [note for note in labs.notes if note.endswith("left out")]
    assert (len(labs.shops), len(machines), len(left_out)) == (425, 2248 - 256, 256)
    assert len({shop.id for shop in labs.shops}) == 425
    assert all(len({machine.id for machine in shop.machines}) == len(shop.machines) for shop in labs.shops)


def test_every_machine_of_the_directory_has_a_process_of_the_vocabulary_and_no_agent(labs: Labs) -> None:
    machines = [machine for shop in labs.shops for machine in shop.machines]
    assert all(machine.process in processes.BROADER and not machine.control for machine in machines)
    assert {machine.process for machine in machines} >= {"fdm", "sla", "co2_laser_cutting", "cnc_routing", "vinyl_cutting", "scanning_3d"}


def test_no_lab_is_placed_more_exactly_than_a_coarse_cell(labs: Labs) -> None:
    placed = [shop.place for shop in labs.shops if shop.HasField("place")]
    without = [note for note in labs.notes if note.endswith("no gps_coordinates, so its place is not known")]
    assert len(placed) == 395 and len(without) == 30
    assert all(place.cell and is_coarse(place) for place in placed)


def test_a_machine_whose_room_nobody_said_is_asked_about_and_never_promised_whatever_the_process(labs: Labs) -> None:
    unsaid = [one for shop in labs.shops for one in shop.machines if not (one.envelope_mm.x and one.envelope_mm.y and one.envelope_mm.z)]
    assert len(unsaid) > 1500
    kinds = {(one.process, tuple(one.materials), one.envelope_mm.SerializeToString()): one for one in unsaid}
    for machine in kinds.values():
        assert verdict(cube(1, machine.process), machine) == "ask", machine
        assert all(verdict(cube(1, term), machine) != "yes" for term in processes.BROADER), machine


def test_a_cube_of_a_metre_is_not_matched_with_a_printer_of_200_mm_and_one_of_100_mm_is(labs: Labs) -> None:
    printer = real(labs, "zortrax m200")
    assert (printer.envelope_mm.x, printer.envelope_mm.y) == (200, 200)
    material = printer.materials[0]
    assert verdict(cube(1000, "fdm", material), printer) == "no"
    assert verdict(cube(100, "fdm", material), printer) == "yes"


def test_no_printer_of_any_lab_is_matched_with_a_cube_of_a_metre(labs: Labs) -> None:
    need = cube(1000, "additive")
    assert not any(asked(shop, need).able for shop in labs.shops)
    assert sum(bool(asked(shop, cube(100, "additive")).able) for shop in labs.shops) > 200


def test_titanium_is_not_matched_with_a_printer_for_pla_and_pla_is(labs: Labs) -> None:
    printer = real(labs, "ultimaker ultimaker 2")
    assert "pla" in printer.materials
    assert verdict(cube(100, "fdm", "titanium"), printer) == "no"
    assert verdict(cube(100, "fdm", "titanium"), told(printer, "pla")) == "no"
    assert verdict(cube(100, "fdm", "pla"), printer) == "yes"


def test_sla_work_is_not_matched_with_a_shop_that_prints_fdm_and_fdm_work_is(labs: Labs) -> None:
    shop = next(
        shop for shop in labs.shops if {one.process for one in shop.machines if processes.satisfies(one.process, "additive")} == {"fdm"}
    )
    resin, filament = asked(shop, cube(50, "sla")), asked(shop, cube(50, "fdm", "pla"))
    assert not resin.able and not resin.ask and len(resin.unable) == len(shop.machines)
    assert filament.able


def test_laser_work_is_not_matched_with_a_vinyl_cutter_and_vinyl_work_is(labs: Labs) -> None:
    cutter = real(labs, "roland gx-24")
    for machine in (cutter, told(cutter, "pvc")):
        assert verdict(cube(100, "laser_cutting"), machine) == "no"
    assert verdict(cube(100, "vinyl_cutting"), cutter) == "ask"
    assert verdict(cube(100, "vinyl_cutting"), told(cutter, "pvc")) == "yes"


def test_plasma_work_is_not_matched_with_a_vinyl_cutter_and_knife_work_is(labs: Labs) -> None:
    cutter = real(labs, "roland gx-24")
    for machine in (cutter, told(cutter, "mild_steel")):
        assert verdict(cube(100, "plasma_cutting", "mild_steel"), machine) == "no"
    assert verdict(cube(100, "knife_cutting"), told(cutter, "pvc")) == "yes"


def test_turning_is_not_matched_with_a_mill_and_milling_is(labs: Labs) -> None:
    mill = real(labs, "roland mdx-20")
    for machine in (mill, told(mill, "brass")):
        assert verdict(cube(20, "turning", "brass"), machine) == "no"
    assert verdict(cube(20, "milling", "brass"), mill) == "ask"
    assert verdict(cube(20, "milling", "brass"), told(mill, "brass")) == "yes"


def test_tig_work_is_not_matched_with_a_mig_welder_and_mig_work_is() -> None:
    welder = told(v1.Machine(id="mig", process="mig_welding"), "mild_steel")
    assert verdict(cube(100, "tig_welding", "steel"), welder) == "no"
    assert verdict(cube(100, "TIG", "steel"), welder) == "no"
    assert verdict(cube(100, "mig_welding", "steel"), welder) == "yes"
    assert verdict(cube(100, "welding", "steel"), welder) == "yes"


def test_making_a_board_is_not_matched_with_a_shop_that_fits_boards_and_fitting_them_is() -> None:
    placer = told(v1.Machine(id="placer", process="pcb_assembly"), "fr4")
    assert verdict(cube(50, "pcb_fabrication", "fr4"), placer) == "no"
    assert verdict(cube(50, "PCB fabrication", "fr4"), placer) == "no"
    assert verdict(cube(50, "pcb_assembly", "fr4"), placer) == "yes"


def test_work_is_not_matched_with_a_closed_shop_and_with_the_same_shop_open_it_is(directory: str) -> None:
    records: dict[str, Any] = json.loads(directory)
    lab = next(one for one in records["facilities"] if any(item["model"] == "ultimaker 2" for item in one["equipment"]))
    need = cube(100, "fdm", "pla")
    [shop] = read_labs(json.dumps({"facilities": [lab]})).shops
    [closed] = read_labs(json.dumps({"facilities": [{**lab, "facility_status": "Temporary Closure"}]})).shops
    assert asked(shop, need).able
    refused = asked(closed, need)
    assert not refused.able and not refused.ask
    assert all("shop.closed" in [one.code for one in each.reasons] for each in refused.unable)
