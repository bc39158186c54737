# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is looked at before any reader sees the bytes: does the file unfold to more than it is, fetch, escape, or lie about its length?

Screening reads with nothing but zlib, expat and struct. It runs in the sandbox's child as the readers do, so that a mistake here costs
a report and not the service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from commonfab import v1
from registry.geometry.screening import counts, glb, step, xml, zips
from registry.geometry.screening.threemf_components import screen_components

Check = Callable[[Path], None]

CHECKS: Mapping[v1.FileFormat.ValueType, tuple[Check, ...]] = MappingProxyType(
    {
        v1.FILE_FORMAT_STL_BINARY: (counts.screen_stl,),
        v1.FILE_FORMAT_3MF: (zips.screen_archive, screen_components),
        v1.FILE_FORMAT_GCODE_3MF: (zips.screen_archive, screen_components),
        v1.FILE_FORMAT_FREECAD: (zips.screen_archive,),
        v1.FILE_FORMAT_PLY: (counts.screen_ply,),
        v1.FILE_FORMAT_OFF: (counts.screen_off,),
        v1.FILE_FORMAT_AMF: (xml.screen_amf,),
        v1.FILE_FORMAT_GLB: (glb.screen_glb,),
        v1.FILE_FORMAT_STEP: (step.screen_step,),
        v1.FILE_FORMAT_SVG: (xml.screen_svg,),
    }
)
"""The checks of each format, in order. A format without one has nothing that could unfold before its reader sees it."""


def screen(path: Path, format: v1.FileFormat.ValueType) -> None:
    """Refuse a file that would harm its reader.

    Errors: `Unmeasurable` with a code of `file.*` that names what is wrong; `OSError`.
    """
    for check in CHECKS.get(format, ()):
        check(path)
