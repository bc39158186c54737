# SPDX-License-Identifier: AGPL-3.0-or-later
"""How much the blocks of a DXF file draw, counted before any of it is drawn: ten blocks of ten blocks, ten deep, are a short file."""

from __future__ import annotations

from typing import Any

from registry.geometry.drawings.words import shown
from registry.geometry.faults import Unmeasurable

MOST_NESTED = 32
"""Blocks inside blocks. Drawings have four or five."""


def refuse_endless_blocks(document: Any, limit: int) -> None:
    """Errors: `Unmeasurable` (`dxf.recursion`, `dxf.block_expansion`) where model space draws a block within itself, or more than `limit`
    things once every block is in its place."""
    sizes: dict[str, int] = {}
    if _drawn_by(document, document.modelspace(), limit, sizes, ()) > limit:
        raise Unmeasurable("dxf.block_expansion", limit=limit)


def _drawn_by(document: Any, entities: Any, limit: int, sizes: dict[str, int], within: tuple[str, ...]) -> int:
    """How many things `entities` draw; each block is counted once and remembered in `sizes`."""
    total = len(entities)
    for insert in entities:
        if insert.dxftype() != "INSERT":
            continue
        name = insert.dxf.get("name", "").lower()
        block = document.blocks.get(name)
        if block is None:
            continue
        if name in within:
            raise Unmeasurable("dxf.recursion", shown(insert.dxf.name))
        if len(within) >= MOST_NESTED:
            raise Unmeasurable("dxf.block_expansion", limit=limit)
        if name not in sizes:
            sizes[name] = _drawn_by(document, block, limit, sizes, (*within, name))
        total += max(1, insert.mcount) * (1 + sizes[name])
    return total
