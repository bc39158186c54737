# SPDX-License-Identifier: AGPL-3.0-or-later
"""Small help with the Open CASCADE kernel: walking over shapes, and its errors as faults of the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from OCP.BRep import BRep_Builder
from OCP.TopAbs import TopAbs_SHAPE, TopAbs_ShapeEnum
from OCP.TopExp import TopExp_Explorer
from OCP.TopoDS import TopoDS_Compound, TopoDS_Shape

from registry.geometry.faults import Unmeasurable


@contextmanager
def kernel_faults() -> Iterator[None]:
    """Have what the kernel throws become `file.unreadable`. Its error classes share no base class in Python, only their module."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith("OCP"):
            raise
        raise Unmeasurable("file.unreadable", f"{type(error).__name__} {error}".strip()) from None


@contextmanager
def kernel_call() -> Iterator[None]:
    """`kernel_faults` for the calls that read and tessellate, and nothing beside them.

    There the kernel may throw what its bindings know no class for. That arrives as a plain `RuntimeError`, and one of ours, raised
    elsewhere, shall not look like a fault of the file.
    """
    try:
        with kernel_faults():
            yield
    except RuntimeError as error:
        raise Unmeasurable("file.unreadable", str(error)) from None


def each(shape: TopoDS_Shape, kind: TopAbs_ShapeEnum, outside: TopAbs_ShapeEnum = TopAbs_SHAPE) -> Iterator[TopoDS_Shape]:
    """The parts of `shape` of one kind, without those that belong to a part of the kind `outside`."""
    walk = TopExp_Explorer(shape, kind, outside)
    while walk.More():
        yield walk.Current()
        walk.Next()


def together(shapes: list[TopoDS_Shape]) -> TopoDS_Compound:
    """The shapes as one."""
    builder, compound = BRep_Builder(), TopoDS_Compound()
    builder.MakeCompound(compound)
    for shape in shapes:
        builder.Add(compound, shape)
    return compound
