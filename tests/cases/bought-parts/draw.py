# SPDX-License-Identifier: AGPL-3.0-or-later
from math import cos, pi, sin, sqrt
from pathlib import Path

import cadquery
from drawing_aids import export


def draw(folder: Path) -> None:
    head = cadquery.Workplane().polygon(6, 13 * 2 / sqrt(3)).extrude(5.3)
    export(head.faces("<Z").workplane().circle(4).extrude(30), folder / "screw.step")
    export(cadquery.Workplane().circle(11).circle(4).extrude(7), folder / "bushing.step")
    races = [_ring(11, 9), _ring(6, 4)]
    export(cadquery.Workplane(obj=cadquery.Compound.makeCompound([*races, *_balls(7)])), folder / "bearing.step")


def _ring(outside: float, inside: float) -> cadquery.Shape:
    groove = cadquery.Solid.makeTorus(7.5, 1.8, cadquery.Vector(0, 0, 3.5))
    ring = cadquery.Workplane().circle(outside).circle(inside).extrude(7).cut(cadquery.Workplane(obj=groove)).val()
    assert isinstance(ring, cadquery.Shape)
    return ring


def _balls(number: int) -> list[cadquery.Solid]:
    turns = [2 * pi * ball / number for ball in range(number)]
    places = [cadquery.Vector(7.5 * cos(turn), 7.5 * sin(turn), 3.5) for turn in turns]
    return [cadquery.Solid.makeSphere(1.75, place, cadquery.Vector(0, 0, 1), -90, 90, 360) for place in places]
