# SPDX-License-Identifier: AGPL-3.0-or-later
"""From a mesh to a toolpath, with PrusaSlicer's command line, the shop's own profile and what the job demands."""

from shop_agent.slicing.profiles import BED_C, NOZZLE_C, material_for, profile_for, profile_of
from shop_agent.slicing.prusa_slicer import SLICER_SECONDS, SliceRequest, find_slicer, slice_mesh, turn_for
from shop_agent.slicing.result import toolpath_in
from shop_agent.slicing.settings import asked_of

__all__ = [
    "BED_C",
    "NOZZLE_C",
    "SLICER_SECONDS",
    "SliceRequest",
    "asked_of",
    "find_slicer",
    "material_for",
    "profile_for",
    "profile_of",
    "slice_mesh",
    "toolpath_in",
    "turn_for",
]
