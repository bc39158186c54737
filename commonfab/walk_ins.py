# SPDX-License-Identifier: AGPL-3.0-or-later
"""What work is called that a shop took for somebody who walked in: no router gave it out, so the name itself says whose it is."""

from __future__ import annotations

LONGEST = 160


def walk_in_order(shop_id: str, number: str) -> str:
    """The work order of a walk-in. `number`: unique in that shop."""
    return f"walk-in_{shop_id}_{number}"


def is_walk_in_of(order: str, shop_id: str) -> bool:
    """Whether a work order is a walk-in of that shop. No id of a shop holds "_", so no shop can take another's name."""
    return order.startswith(walk_in_order(shop_id, "")) and len(order) <= LONGEST
