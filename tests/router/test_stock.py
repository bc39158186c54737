# SPDX-License-Identifier: AGPL-3.0-or-later
"""How far the material on hand goes."""

from __future__ import annotations

import pytest

from commonfab import v1
from router.fitness import judge, usable_material
from router.stock import most_pieces


def printer(*stock: v1.Stock, **more: object) -> v1.Machine:
    told: dict[str, object] = {"materials": ["pla", "petg"], "control": "by_hand", "stock": stock, **more}
    return v1.Machine(id="mk3", process="fdm", envelope_mm=v1.Size(x=200, y=200, z=200), **told)  # type: ignore[arg-type]


def cutter(*stock: v1.Stock, materials: tuple[str, ...] = ("plywood",)) -> v1.Machine:
    room = v1.Size(x=600, y=600, z=50)
    return v1.Machine(id="k40", process="co2_laser_cutting", envelope_mm=room, control="by_hand", materials=materials, stock=stock)


def part(each: float = 40.0, material: str = "pla") -> v1.Requirement:
    return v1.Requirement(process="fdm", size_mm=v1.Size(x=50, y=50, z=50), material=material, grams=each)


def flat(x: float, y: float, thickness: float = 4, **more: object) -> v1.Requirement:
    size = v1.Size(x=x, y=y, z=thickness)
    return v1.Requirement(process="co2_laser_cutting", size_mm=size, material="plywood", thickness_mm=thickness, **more)  # type: ignore[arg-type]


def sheets(x: float, y: float, pieces: int = 1, thickness: float = 4) -> v1.Stock:
    return v1.Stock(material="plywood", thickness_mm=thickness, size_mm=v1.Size(x=x, y=y, z=thickness), pieces=pieces)


def spool(grams: float, material: str = "pla") -> v1.Stock:
    return v1.Stock(material=material, grams=grams)


def test_a_spool_that_holds_less_than_one_piece_takes_is_not_enough() -> None:
    (against,) = judge(part(each=41), printer(spool(40))).misfits
    assert against.message == "one piece takes 41 g of pla, and 40 g are left"
    assert judge(part(each=40), printer(spool(40))).verdict == "yes"


def test_two_ends_of_spools_make_no_whole_one() -> None:
    assert judge(part(each=50), printer(spool(40), spool(30))).verdict == "no"
    assert most_pieces("pla", part(each=30), printer(spool(40), spool(65))) == 3


@pytest.mark.parametrize("said", [printer(), printer(v1.Stock(material="pla")), printer(spool(500), v1.Stock(material="pla"))])
def test_where_nobody_said_how_much_there_is_nothing_is_limited(said: v1.Machine) -> None:
    assert most_pieces("pla", part(), said) is None and judge(part(each=9999), said).verdict == "yes"


def test_the_spool_of_another_material_limits_nothing() -> None:
    assert most_pieces("petg", part(material="petg"), printer(spool(10))) is None


def test_what_is_loaded_is_used_before_what_must_be_changed_for() -> None:
    assert usable_material(part(material=""), printer()) == "pla"
    assert usable_material(part(material=""), printer(loaded="PETG")) == "petg"
    assert usable_material(part(material="pla"), printer(loaded="petg")) == "pla"
    assert usable_material(part(each=41, material=""), printer(spool(40, "petg"), loaded="petg")) == "pla"


@pytest.mark.parametrize(
    ("x", "y", "many"),
    [(100, 100, 10), (99, 98, 15), (196, 98, 9), (98, 196, 9), (600, 300, 1), (300, 600, 1), (598, 298, 1), (298, 149, 4)],
)
def test_a_sheet_yields_at_least_what_a_grid_of_boxes_does(x: float, y: float, many: int) -> None:
    assert most_pieces("plywood", flat(x, y), cutter(sheets(600, 300))) == many
    assert most_pieces("plywood", flat(x, y), cutter(sheets(600, 300, pieces=3), sheets(600, 300))) == 4 * many


def test_only_sheets_of_the_thickness_and_large_enough_count() -> None:
    machine = cutter(sheets(600, 300, thickness=3, pieces=9), sheets(90, 90, pieces=9), sheets(210, 110, pieces=2))
    assert most_pieces("plywood", flat(100, 100), machine) == 4


def test_what_must_lie_along_the_bar_is_not_counted_as_if_it_could_lie_across() -> None:
    bar = v1.Stock(material="steel", thickness_mm=20, size_mm=v1.Size(x=1000, y=100, z=20), pieces=2)
    lathe = v1.Machine(process="turning", materials=["steel"], stock=[bar], control="by_hand", envelope_mm=v1.Size(x=500, y=200, z=200))
    shaft = v1.Placement(size_mm=v1.Size(x=98, y=20, z=20))
    need = v1.Requirement(process="turning", placements=[shaft], thickness_mm=20, keep_direction=True)
    assert most_pieces("steel", need, lathe) == 80
    need.keep_direction = False
    assert most_pieces("steel", need, lathe) == 90
