# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which reader reads which mesh format."""

from __future__ import annotations

import importlib
from types import MappingProxyType

from commonfab import v1
from registry.geometry.meshes.drawn import Drawn
from registry.geometry.source import Source

READERS = MappingProxyType(
    {
        v1.FILE_FORMAT_STL_BINARY: ("stl", "read_binary"),
        v1.FILE_FORMAT_STL_ASCII: ("stl", "read_ascii"),
        v1.FILE_FORMAT_3MF: ("threemf", "read"),
        v1.FILE_FORMAT_OBJ: ("obj", "read"),
        v1.FILE_FORMAT_PLY: ("ply", "read"),
        v1.FILE_FORMAT_OFF: ("off", "read"),
        v1.FILE_FORMAT_AMF: ("amf", "read"),
        v1.FILE_FORMAT_GLB: ("glb", "read"),
    }
)
"""The module of `registry.geometry.meshes` and the function in it. Imported when needed: each brings its own library."""


def read(source: Source) -> Drawn:
    """What the file draws. Errors: `Unmeasurable`."""
    module, function = READERS[source.format]
    drawn: Drawn = getattr(importlib.import_module(f"registry.geometry.meshes.{module}"), function)(source.path)
    return drawn
