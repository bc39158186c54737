# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a slicer wrote beside the shape: settings in the words of PrusaSlicer, Bambu Studio, OrcaSlicer and Cura, told in ours."""

from __future__ import annotations

import configparser
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from commonfab import v1

OURS = MappingProxyType(
    {
        "fill_density": "infill_percent",
        "sparse_infill_density": "infill_percent",
        "infill_sparse_density": "infill_percent",
        "layer_height": "layer_height_mm",
        "support_material": "supports",
        "enable_support": "supports",
        "support_enable": "supports",
        "filament_type": "material",
        "material_type": "material",
        "nozzle_diameter": "nozzle_mm",
        "machine_nozzle_size": "nozzle_mm",
        "printer_model": "printer",
        "machine_name": "printer",
    }
)
"""Their words for what we have a word for. PrusaSlicer and Slic3r; Bambu Studio and OrcaSlicer; Cura."""

KEPT = frozenset(
    {
        "perimeters", "wall_loops", "wall_line_count", "top_solid_layers", "bottom_solid_layers", "top_shell_layers", "bottom_shell_layers",
        "fill_pattern", "sparse_infill_pattern", "infill_pattern", "support_type", "support_material_auto", "brim_width", "brim_type",
        "first_layer_height", "initial_layer_print_height", "spiral_vase", "spiral_mode", "seam_position", "filament_settings_id",
        "filament_colour", "printer_settings_id", "print_settings_id", "adhesion_type", "support_structure",
        "support_material_buildplate_only", "support_on_build_plate_only", "curr_bed_type", "print_sequence", "complete_objects",
    }
)  # fmt: skip
"""Theirs that a printer's owner may want to know; the hundreds of others tune one machine."""

PERCENT, YES_OR_NO = "infill_percent", "supports"
MOST_SETTINGS = 200
LONGEST = 200


def canonical(told: Mapping[str, Any], source: str) -> list[v1.Setting]:
    """What of `told` matters, with our keys where we have one; values as written, but percents without their sign and yes or no as words.

    A setting that is given for each of several extruders or filaments keeps each different value once, parted by commas.
    """
    settings = []
    for key, value in told.items():
        ours = OURS.get(key, key if key in KEPT else "")
        written = _written(value, key)
        if ours and written:
            settings.append(v1.Setting(key=ours, value=_in_our_words(ours, written), source=source))
    return settings[:MOST_SETTINGS]


def _written(value: Any, key: str) -> str:
    if isinstance(value, bool):
        value = "1" if value else "0"
    values = [str(each) for each in value if isinstance(each, (str, int, float))] if isinstance(value, list) else [str(value)]
    if len(values) == 1 and key in ("filament_type", "nozzle_diameter"):  # PrusaSlicer: PLA;PETG and 0.4,0.6
        values = values[0].replace(";", ",").split(",")
    return ", ".join(dict.fromkeys(each.strip().strip('"') for each in values if each.strip()))[:LONGEST]


def _in_our_words(key: str, value: str) -> str:
    if key == PERCENT:
        return value.replace("%", "").strip()
    if key == YES_OR_NO:
        return {"1": "yes", "true": "yes", "0": "no", "false": "no"}.get(value.lower(), value)
    return value


def from_lines(text: str, source: str) -> list[v1.Setting]:
    """The settings of "; key = value" lines, as PrusaSlicer and its kin write them."""
    pairs = (line.lstrip("; \t").partition("=") for line in text.splitlines() if "=" in line)
    return canonical({key.strip(): value.strip() for key, _, value in pairs}, source)


def from_json(text: str, source: str) -> list[v1.Setting]:
    """The settings of a JSON object, as Bambu Studio and OrcaSlicer write them. What is no such object tells nothing."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return canonical(told, source) if isinstance(told, dict) else []


def from_sections(text: str, source: str) -> list[v1.Setting]:
    """The settings of a file in sections, as Cura writes them: those under [values]."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return []
    return canonical(dict(parser["values"]), source) if parser.has_section("values") else []
