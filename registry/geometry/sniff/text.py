# SPDX-License-Identifier: AGPL-3.0-or-later
"""Text: which of the many kinds it is, the plainest mark first."""

from __future__ import annotations

import re

from commonfab import v1
from registry.geometry.faults import Unmeasurable
from registry.geometry.sniff.drawings import dxf
from registry.geometry.sniff.exchange import brep, iges, step
from registry.geometry.sniff.glance import Glance
from registry.geometry.sniff.markup import markup
from registry.geometry.sniff.meshes import obj, off
from registry.geometry.sniff.sources import cadquery, gerber, kicad, openscad
from registry.geometry.sniff.stl import ascii_stl
from registry.geometry.sniff.toolpaths import gcode

LFS_POINTER = b"version https://git-lfs.github.com/spec/"

KINDS = (step, iges, brep, dxf, markup, off, ascii_stl, kicad, gerber, obj, gcode, cadquery, openscad)
"""In this order: those with a mark of their own at the beginning, then those that are known by the look of their lines."""


def text(glance: Glance) -> v1.FileFormat.ValueType:
    """What a text is. Errors: `Unmeasurable` (`file.lfs_pointer`, `file.json`, `file.text`, and those of the kinds)."""
    if glance.start.startswith(LFS_POINTER):
        raise Unmeasurable("file.lfs_pointer")
    for kind in KINDS:
        if found := kind(glance):
            return found
    raise _other(glance)


def _other(glance: Glance) -> Unmeasurable:
    if not glance.start:
        return Unmeasurable("file.empty")
    if re.match(rb'\{\s*["}]|\[\s*[\[{"\d\]]', glance.start):
        if b'"asset"' in glance.text and b'"version"' in glance.text and b'"buffers"' in glance.text:
            return Unmeasurable("file.unsupported", "glTF whose corners lie in other files (export it as GLB)")
        return Unmeasurable("file.json")
    return Unmeasurable("file.text")
