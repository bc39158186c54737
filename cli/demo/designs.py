# SPDX-License-Identifier: AGPL-3.0-or-later
"""The demo's two designs, drawn in CadQuery: `python -m cli.demo.designs FOLDER` writes them as STL and STEP.

The gear drives the crank of an old hand mincer; the shelf bracket is longer than the diagonal of a small printer's bed.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cadquery as cq

POINTS_PER_FLANK = 8
"""A spline through so many points of the involute stays within a few micrometres of it."""

MESH_TOLERANCE_MM = 0.02
MESH_ANGLE_RAD = 0.2

Point = tuple[float, float]


@dataclass(frozen=True)
class Gear:
    """A spur gear. Lengths in mm, angles in degrees.

    `clearance` is what the root lies deeper than the mate's tip; `backlash` is how much thinner a tooth is than half the pitch, so that
    a printed pair turns. Key seat: parallel key DIN 6885-1, for shafts over 8 to 10 mm 3 mm wide and 1.4 mm deep in the hub.
    """

    module: float = 1.5
    teeth: int = 24
    width: float = 8.0
    pressure_angle: float = 20.0
    clearance: float = 0.25
    backlash: float = 0.15
    bore: float = 10.0
    key_width: float = 3.0
    key_depth: float = 1.4

    @property
    def pitch_radius(self) -> float:
        """ISO 21771: r = m z / 2."""
        return self.module * self.teeth / 2

    @property
    def base_radius(self) -> float:
        """ISO 21771: r_b = r cos α. The involute begins here."""
        return self.pitch_radius * math.cos(math.radians(self.pressure_angle))

    @property
    def tip_radius(self) -> float:
        """ISO 53 basic rack: the addendum is one module."""
        return self.pitch_radius + self.module

    @property
    def root_radius(self) -> float:
        """ISO 53 basic rack: the dedendum is one module and the clearance, here as a share of the module."""
        return self.pitch_radius - self.module * (1 + self.clearance)


@dataclass(frozen=True)
class Bracket:
    """A shelf bracket: an arm with a wall plate at its end and a rib between. Lengths in mm."""

    length: float = 330.0
    width: float = 30.0
    height: float = 90.0
    thickness: float = 6.0
    screw: float = 4.5


def involute(angle: float) -> float:
    """inv α = tan α − α, radians (ISO 21771): the polar angle of the involute where its pressure angle is α."""
    return math.tan(angle) - angle


def half_tooth_angle(gear: Gear, radius: float) -> float:
    """Half the angle that a tooth takes up at `radius`, radians.

    ISO 21771: ψ(r) = s / (2 r_pitch) + inv α − inv α(r), with cos α(r) = r_b / r and s the tooth's thickness on the pitch circle.
    """
    thickness = math.pi * gear.module / 2 - gear.backlash
    at_radius = math.acos(min(1.0, gear.base_radius / radius))
    return thickness / (2 * gear.pitch_radius) + involute(math.radians(gear.pressure_angle)) - involute(at_radius)


def draw_gear(gear: Gear) -> cq.Workplane:
    """The gear as a solid, its axis along Z. Errors: `ValueError` where it would be undercut, which this outline does not draw."""
    least = 2 / math.sin(math.radians(gear.pressure_angle)) ** 2
    if gear.teeth < least:
        raise ValueError(f"a gear of {gear.teeth} teeth is undercut at {gear.pressure_angle}°; it needs {math.ceil(least)} or more")
    start = max(gear.base_radius, gear.root_radius)
    radii = [start + (gear.tip_radius - start) * step / (POINTS_PER_FLANK - 1) for step in range(POINTS_PER_FLANK)]
    outline = cq.Workplane("XY").moveTo(*_polar(gear.root_radius, -half_tooth_angle(gear, start)))
    for tooth in range(gear.teeth):
        outline = _draw_tooth(outline, gear, radii, 2 * math.pi * tooth / gear.teeth)
    body = outline.close().extrude(gear.width)
    hole = cq.Workplane("XY").circle(gear.bore / 2).extrude(gear.width)
    reach = gear.bore / 2 + gear.key_depth
    seat = cq.Workplane("XY").rect(reach, gear.key_width).extrude(gear.width).translate((reach / 2, 0, 0))
    return body.cut(hole.union(seat))


def _draw_tooth(outline: Any, gear: Gear, radii: list[float], middle: float) -> Any:
    """From the root before one tooth to the root before the next."""
    rising = [_polar(radius, middle - half_tooth_angle(gear, radius)) for radius in radii]
    falling = [_polar(radius, middle + half_tooth_angle(gear, radius)) for radius in reversed(radii)]
    half, pitch = half_tooth_angle(gear, radii[0]), 2 * math.pi / gear.teeth
    deep = radii[0] > gear.root_radius  # below the base circle the flank goes straight to the root
    outline = outline.lineTo(*rising[0]) if deep else outline
    outline = outline.spline(rising[1:], includeCurrent=True).threePointArc(_polar(gear.tip_radius, middle), falling[0])
    outline = outline.spline(falling[1:], includeCurrent=True)
    outline = outline.lineTo(*_polar(gear.root_radius, middle + half)) if deep else outline
    return outline.threePointArc(_polar(gear.root_radius, middle + pitch / 2), _polar(gear.root_radius, middle + pitch - half))


def _polar(radius: float, angle: float) -> Point:
    return radius * math.cos(angle), radius * math.sin(angle)


def draw_bracket(bracket: Bracket) -> cq.Workplane:
    """The bracket as a solid, lying as it is printed: the arm on the bed, the wall plate upright."""
    t = bracket.thickness
    arm = cq.Workplane("XY").box(bracket.length, bracket.width, t, centered=(False, True, False))
    plate = cq.Workplane("XY").box(t, bracket.width, bracket.height, centered=(False, True, False))
    corners = [(t, t), (bracket.length * 0.8, t), (t, bracket.height * 0.9)]
    rib = cq.Workplane("XZ").polyline(corners).close().extrude(t / 2, both=True)
    body = arm.union(plate).union(rib)
    along = [(bracket.length * share, side * bracket.width / 3) for share in (0.3, 0.9) for side in (-1, 1)]
    body = body.cut(cq.Workplane("XY").pushPoints(along).circle(bracket.screw / 2).extrude(t))
    up = [(side * bracket.width / 3, bracket.height * share) for share in (0.3, 0.8) for side in (-1, 1)]
    return body.cut(cq.Workplane("YZ").pushPoints(up).circle(bracket.screw / 2).extrude(t))


def write(solid: cq.Workplane, folder: Path, name: str) -> None:
    """Write `folder`/`name`.stl and .step."""
    folder.mkdir(parents=True, exist_ok=True)
    cq.exporters.export(solid, str(folder / f"{name}.stl"), tolerance=MESH_TOLERANCE_MM, angularTolerance=MESH_ANGLE_RAD)
    cq.exporters.export(solid, str(folder / f"{name}.step"))


def main(folder: Path) -> None:
    """Write both designs, each into a folder of its own, as they are published."""
    write(draw_gear(Gear()), folder / "gear", "gear")
    write(draw_bracket(Bracket()), folder / "bracket", "bracket")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
