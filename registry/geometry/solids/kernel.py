# SPDX-License-Identifier: AGPL-3.0-or-later
"""Small help with the Open CASCADE kernel: walking over shapes, and its errors as faults of the file."""

from __future__ import annotations

import linecache
from collections.abc import Iterator
from contextlib import contextmanager

from OCP.BRep import BRep_Builder
from OCP.TopAbs import TopAbs_SHAPE, TopAbs_ShapeEnum
from OCP.TopExp import TopExp_Explorer
from OCP.TopoDS import TopoDS_Compound, TopoDS_Shape

from registry.geometry.faults import Unmeasurable

OWN = "registry.geometry"
"""Where our own code lives: a `RuntimeError` that is raised there by a line of Python is ours, and no fault of the file."""


@contextmanager
def kernel_faults() -> Iterator[None]:
    """Have what the kernel throws become `file.unreadable`. Its error classes share no base class in Python, only their module.

    What C++ throws besides arrives as a plain `RuntimeError` in the frame that called the kernel. It is told from one of a library, which
    has frames of its own; neither ours nor theirs shall look like a fault of the file.
    """
    try:
        yield
    except (MemoryError, OSError, Unmeasurable):
        raise
    except Exception as error:
        if not (type(error).__module__.startswith("OCP") or (type(error) is RuntimeError and _from_the_kernel(error))):
            raise
        raise Unmeasurable("file.unreadable", f"{type(error).__name__} {error}".strip()) from None


def _from_the_kernel(error: BaseException) -> bool:
    """Whether the innermost Python frame is in a module that calls the kernel, and does not raise anything itself there."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    if frame is None:
        return False
    names = frame.tb_frame.f_globals
    raised = linecache.getline(frame.tb_frame.f_code.co_filename, frame.tb_lineno).lstrip().startswith("raise ")
    calls_kernel = any(str(getattr(value, "__module__", "")).startswith("OCP") for value in names.values())
    return not raised and str(names.get("__name__", "")).startswith(OWN) and calls_kernel


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
