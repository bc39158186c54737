# SPDX-License-Identifier: AGPL-3.0-or-later
"""The demo's designs are what they say they are."""

from __future__ import annotations

import math

import pytest

from cli.demo.designs import Bracket, Gear, draw_bracket, draw_gear, half_tooth_angle


def test_a_tooth_is_half_the_pitch_thick_on_the_pitch_circle_less_the_backlash() -> None:
    gear = Gear(backlash=0.2)
    thickness = 2 * gear.pitch_radius * half_tooth_angle(gear, gear.pitch_radius)
    assert thickness == pytest.approx(math.pi * gear.module / 2 - 0.2)


def test_the_flank_is_an_involute_of_the_base_circle() -> None:
    """A thread unwound from the base circle: the length of the free thread equals the arc it left."""
    gear = Gear()
    for radius in (gear.base_radius * 1.001, gear.pitch_radius, gear.tip_radius):
        free = math.sqrt(radius**2 - gear.base_radius**2)
        unwound = half_tooth_angle(gear, gear.base_radius) - half_tooth_angle(gear, radius) + math.acos(gear.base_radius / radius)
        assert free == pytest.approx(gear.base_radius * unwound, rel=1e-9)


def test_the_gear_is_one_sound_solid_as_wide_as_its_tip_circle() -> None:
    gear = Gear()
    solid = draw_gear(gear).val()
    box = solid.BoundingBox()
    assert solid.isValid()
    assert box.xlen == pytest.approx(2 * gear.tip_radius, abs=0.01)
    assert box.zlen == pytest.approx(gear.width)


def test_the_gear_has_its_bore_and_its_key_seat() -> None:
    plain = draw_gear(Gear(key_depth=0.0, key_width=0.01)).val().Volume()
    keyed = draw_gear(Gear()).val().Volume()
    gear = Gear()
    # The seat between the bore's circle and its flat floor, in the plane across the axis.
    half = gear.key_width / 2
    radius = gear.bore / 2
    segment = radius**2 * math.asin(half / radius) + half * math.sqrt(radius**2 - half**2)
    seat = (radius + gear.key_depth) * gear.key_width - segment
    assert plain - keyed == pytest.approx(seat * gear.width, rel=0.01)


def test_a_gear_of_many_teeth_whose_root_lies_above_the_base_circle_is_sound_too() -> None:
    gear = Gear(teeth=60, width=5.0)
    assert gear.root_radius > gear.base_radius
    assert draw_gear(gear).val().isValid()


def test_an_undercut_gear_is_refused_with_the_least_number_of_teeth() -> None:
    with pytest.raises(ValueError, match="needs 18 or more"):
        draw_gear(Gear(teeth=12))


def test_the_bracket_is_one_sound_solid_of_330_mm() -> None:
    solid = draw_bracket(Bracket()).val()
    assert solid.isValid()
    assert solid.BoundingBox().xlen == pytest.approx(330.0)
