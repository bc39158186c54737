# SPDX-License-Identifier: AGPL-3.0-or-later
"""A product as jobs of its parts."""

from __future__ import annotations

import pytest

from commonfab import v1
from registry.makeability import assembly
from router.products import assembly_minutes, product_pieces


def test_ten_tables_need_forty_legs() -> None:
    assert product_pieces([("top", 1), ("leg", 4)], 10) == {"top": 10, "leg": 40}


def test_a_part_that_stands_twice_is_added_up_and_one_that_is_not_needed_is_left_out() -> None:
    assert product_pieces([("screw", 4), ("gauge", 0), ("screw", 2)], 3) == {"screw": 18}


def test_less_than_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="less than no piece"):
        product_pieces([("leg", -1)], 2)


def test_putting_it_together_takes_what_the_registry_says() -> None:
    pieces = [assembly.Piece("leg", 4, ""), assembly.Piece("screw", 8, "ISO 4762")]
    estimated: v1.Estimate = assembly.estimate(pieces)
    assert assembly_minutes([("leg", 4), ("screw", 8)]) * 60 == estimated.machine_time.seconds == 660
