# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where a machine stands after homing: relative moves go on from there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from gate_judging import BEGIN, END, codes, klipper, printer
from pydantic import ValidationError

from shop_agent.shop_toml.machine_section import MachineSection

FAR_CORNER: dict[str, Any] = {"home_mm": (120, 120, 0)}


def after_homing(relative: str, machine: MachineSection) -> list[str]:
    return codes(f"{BEGIN}G91\n{relative}\nG90{END}", machine)


@pytest.mark.parametrize("make", [printer, klipper])
def test_relative_moves_go_on_from_the_corner_that_the_machine_homes_to(make: Callable[..., MachineSection]) -> None:
    near, far = make(), make(**FAR_CORNER)
    away_from_near, away_from_far = "G1 X20 Y20 F3000", "G1 X-20 Y-20 F3000"
    assert after_homing(away_from_near, near) == after_homing(away_from_far, far) == []
    assert set(after_homing(away_from_near, far)) == set(after_homing(away_from_far, near)) == {"toolpath.outside"}


def test_an_arc_begins_at_the_corner_that_the_machine_homes_to() -> None:
    """A half circle to X80 that bulges by its radius: from X120 it stays on the machine."""
    arc = "G2 X80 Y100 I-20 J0 F3000"
    home = printer(home_mm=(120, 100, 0))
    assert codes(f"{BEGIN}{arc}{END}", home) == []
    assert codes(f"{BEGIN}{arc}{END}", printer()) != []


def test_a_printer_of_which_nothing_is_said_homes_to_its_zero_or_to_where_the_way_there_ends() -> None:
    assert printer().homes_at_mm == (0, 0, 0)
    assert printer(reach_min_mm=(5, -4, 0)).homes_at_mm == (5, 0, 0)


def test_a_corner_that_the_machine_cannot_reach_is_refused_in_words() -> None:
    with pytest.raises(ValidationError, match=r"home_mm says 130 mm of x, and that axis goes from 0 to 120 mm"):
        printer(home_mm=(130, 0, 0))
    assert printer(home_mm=(130, 0, 0), reach_max_mm=(135, 120, 100)).homes_at_mm == (130, 0, 0)
