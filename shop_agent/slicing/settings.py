# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a job demands of a print, as PrusaSlicer's own options. Pure.

The names are the vocabulary's (`proto/commonfab/v1/setting.proto`) and those that PrusaSlicer, Bambu Studio, OrcaSlicer and Cura write into
their files. What is not among them, or is not said so that a program can tell what is meant, is left to a person: it is never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from commonfab import v1
from commonfab.errors import Refused
from commonfab.reasons import reason
from commonfab.units import mm

MOST_OF_NOZZLE = 0.8
"""Layers up to 80 % of the nozzle's width hold together (Prusa Knowledge Base, Layers and perimeters: layer height)."""

FINEST_MM = 0.05
"""The thinnest layers of PrusaSlicer's own profiles for a nozzle of 0.4 mm ("0.05mm ULTRADETAIL")."""

FINEST_OF_NOZZLE = 0.125
"""The same share for wider nozzles: our own choice."""

SAME_NOZZLE_MM = 0.005

PATTERNS = frozenset(
    (
        *("rectilinear", "alignedrectilinear", "grid", "triangles", "stars", "cubic", "line", "concentric", "honeycomb", "3dhoneycomb"),
        *("gyroid", "hilbertcurve", "archimedeanchords", "octagramspiral", "adaptivecubic", "supportcubic", "lightning"),
    )
)
"""Infill patterns of PrusaSlicer 2.5."""

SOLID_PATTERN = "rectilinear"
"""One that may fill a part to 100 %; most of the others may not."""

NO = ("no", "none", "false", "off", "0", "nein", "non", "without")
YES = ("yes", "true", "on", "1", "auto", "automatic", "everywhere", "where needed", "needed", "ja", "oui", "with")
FROM_PLATE = ("buildplate", "build plate", "on build plate only", "touching buildplate", "from the bed", "bed")


class Unclear(Exception):
    """A value that a person may understand."""


@dataclass(frozen=True)
class Asked:
    """What the slicer is told. `options`: by its own keys; `unknown`: demands that it cannot be told, for a person to see to."""

    options: Mapping[str, str]
    unknown: tuple[v1.Reason, ...] = ()


def asked_of(need: v1.Requirement, nozzle_mm: float) -> Asked:
    """PrusaSlicer's options for what is demanded. Of a demand that is made twice the first counts.

    Errors: `Refused` (`slicer.layer_height`, `slicer.nozzle`, `slicer.setting_range`) where no printer with this nozzle could keep it.
    """
    options: dict[str, str] = {}
    unknown = []
    for setting in need.settings:
        key, value = setting.key.strip().lower(), setting.value.strip().lower()
        if not value:
            continue
        try:
            if key not in _OPTIONS:
                raise Unclear
            for option, told in _OPTIONS[key](value, nozzle_mm).items():
                options.setdefault(option, told)
        except Unclear:
            unknown.append(reason("slicer.setting_unknown", f"{setting.key} = {setting.value}"))
    if options.get("fill_density") == "100%":
        options["fill_pattern"] = SOLID_PATTERN
    return Asked(MappingProxyType(options), tuple(unknown))


def _number(value: str, unit: str = "") -> float:
    """The number of "0.2", "0,2" or "0.2 mm"."""
    found = re.fullmatch(rf"(\d+(?:[.,]\d+)?)\s*(?:{unit})?" if unit else r"(\d+(?:[.,]\d+)?)", value)
    if found is None:
        raise Unclear
    return float(found[1].replace(",", "."))


def _infill(value: str, nozzle_mm: float) -> dict[str, str]:
    percent = _number(value, "%")
    if percent > 100:
        raise Refused("slicer.setting_range", f"an infill of {percent:g} %")
    return {"fill_density": f"{percent:g}%"}


def _layers(value: str, nozzle_mm: float) -> dict[str, str]:
    height = _number(value, "mm")
    least, most = max(FINEST_MM, FINEST_OF_NOZZLE * nozzle_mm), MOST_OF_NOZZLE * nozzle_mm
    if not least - 1e-9 <= height <= most + 1e-9:
        raise Refused("slicer.layer_height", needs=mm(height), nozzle=mm(nozzle_mm), least=mm(least), most=mm(most))
    return {"layer_height": f"{height:g}"}


def _first_layer(value: str, nozzle_mm: float) -> dict[str, str]:
    _layers(value, nozzle_mm)
    return {"first_layer_height": f"{_number(value, 'mm'):g}"}


def _supports(value: str, nozzle_mm: float) -> dict[str, str]:
    if value in FROM_PLATE:
        return {"support_material": "1", "support_material_auto": "1", "support_material_buildplate_only": "1"}
    if _said(value):
        return {"support_material": "1", "support_material_auto": "1"}
    return {"support_material": "0"}


def _nozzle(value: str, nozzle_mm: float) -> dict[str, str]:
    widths = [_number(one.strip(), "mm") for one in value.split(", ")]
    if not any(abs(width - nozzle_mm) <= SAME_NOZZLE_MM for width in widths):
        raise Refused("slicer.nozzle", needs=mm(widths[0]), has=mm(nozzle_mm))
    return {}


def _pattern(value: str, nozzle_mm: float) -> dict[str, str]:
    if value not in PATTERNS:
        raise Unclear
    return {"fill_pattern": value}


def _vase(value: str, nozzle_mm: float) -> dict[str, str]:
    """One wall and a floor in one rising line; PrusaSlicer takes it only with all that goes with it."""
    if not _said(value):
        return {"spiral_vase": "0"}
    alone = {"perimeters": "1", "top_solid_layers": "0", "fill_density": "0%", "support_material": "0", "thin_walls": "0"}
    return {"spiral_vase": "1", **alone}


def _seen_to(value: str, nozzle_mm: float) -> dict[str, str]:
    """Chosen by the offer itself."""
    return {}


def _said(value: str) -> bool:
    if value not in (*YES, *NO):
        raise Unclear
    return value in YES


Translation = Callable[[str, float], dict[str, str]]
"""From a value and the nozzle's width, mm, to options."""


def _count(option: str) -> Translation:
    def translated(value: str, nozzle_mm: float) -> dict[str, str]:
        count = _number(value)
        if count != int(count):
            raise Unclear
        if count > 1000:
            raise Refused("slicer.setting_range", f"{option} = {count:g}")
        return {option: f"{count:.0f}"}

    return translated


def _millimetres(option: str) -> Translation:
    return lambda value, nozzle_mm: {option: f"{_number(value, 'mm'):g}"}


def _switch(option: str) -> Translation:
    return lambda value, nozzle_mm: {option: "1" if _said(value) else "0"}


def _each(names: str, translation: Translation) -> dict[str, Translation]:
    return dict.fromkeys(names.split(), translation)


_OPTIONS: Mapping[str, Translation] = MappingProxyType(
    {
        **_each("infill_percent infill fill_density sparse_infill_density infill_sparse_density", _infill),
        **_each("layer_height_mm layer_height", _layers),
        **_each("first_layer_height first_layer_height_mm initial_layer_print_height", _first_layer),
        **_each("supports support_material enable_support support_enable", _supports),
        **_each("support_material_buildplate_only support_on_build_plate_only", _switch("support_material_buildplate_only")),
        **_each("nozzle_mm nozzle_diameter", _nozzle),
        **_each("perimeters walls wall_loops wall_line_count", _count("perimeters")),
        **_each("top_solid_layers top_shell_layers", _count("top_solid_layers")),
        **_each("bottom_solid_layers bottom_shell_layers", _count("bottom_solid_layers")),
        **_each("fill_pattern sparse_infill_pattern infill_pattern", _pattern),
        **_each("brim_width brim_width_mm", _millimetres("brim_width")),
        **_each("spiral_vase spiral_mode", _vase),
        **_each("material filament_type material_type", _seen_to),
    }
)
