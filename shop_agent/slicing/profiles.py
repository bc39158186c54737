# SPDX-License-Identifier: AGPL-3.0-or-later
"""With which settings a shop slices: a plain profile from the machine's facts, and over it the shop's own for the machine and material."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from commonfab import v1
from commonfab.errors import Refused
from commonfab.materials import DENSITY_G_PER_CM3, broader_terms, canonical, satisfies
from shop_agent.shop_toml.machine_section import MachineSection

NOZZLE_C: Mapping[str, int] = MappingProxyType({"pla": 210, "petg": 240, "abs": 250, "asa": 255, "tpu": 225})
BED_C: Mapping[str, int] = MappingProxyType({"pla": 60, "petg": 80, "abs": 100, "asa": 100, "tpu": 45})
"""Middle of the ranges that makers of the generic materials print on their spools."""


def profile_for(machine: MachineSection, material: str) -> Path | None:
    """The shop's own profile for a material on a machine: that of the narrowest term that covers it, else the machine's; None where the
    shop has none."""
    own = {canonical(name): file for name, file in machine.slicer_profiles.items()}
    return next((own[term] for term in broader_terms(material) if term in own), machine.slicer_profile)


def profile_of(machine: MachineSection, material: str) -> dict[str, str]:
    """A sane profile from the machine's facts; the shop's own profile is laid over it."""
    x, y, z = machine.envelope_mm
    kind = _printable(material) or "pla"
    nozzle, bed = min(NOZZLE_C[kind], int(machine.max_nozzle_c)), min(BED_C[kind], int(machine.max_bed_c))
    return {
        "bed_shape": f"0x0,{x:g}x0,{x:g}x{y:g},0x{y:g}",
        "max_print_height": f"{z:g}",
        "nozzle_diameter": f"{machine.nozzle_mm:g}",
        "layer_height": f"{machine.nozzle_mm / 2:g}",
        "first_layer_height": f"{machine.nozzle_mm / 2:g}",
        # What overhangs is held up unless the maker says otherwise; where nothing does, nothing is added.
        "support_material": "1",
        "support_material_auto": "1",
        "filament_type": kind.upper(),
        "filament_density": f"{DENSITY_G_PER_CM3[kind]:g}",
        "filament_diameter": "1.75",
        "temperature": str(nozzle),
        "first_layer_temperature": str(nozzle),
        "bed_temperature": str(bed),
        "first_layer_bed_temperature": str(bed),
        "gcode_flavor": "marlin",
        # A skirt or a brim could leave the bed beside a part that just fits.
        "skirts": "0",
        "brim_width": "0",
        # Set, because what is not set here would be taken from a 3MF.
        "post_process": "",
        "before_layer_gcode": "",
        "layer_gcode": "",
        "between_objects_gcode": "",
        "toolchange_gcode": "",
        # One text for each filament, so quoted: an empty list makes PrusaSlicer 2.5 write bytes from beyond its end into the toolpath.
        "start_filament_gcode": '""',
        "end_filament_gcode": '""',
        "start_gcode": "G28\\nG1 Z5 F5000",
        "end_gcode": "M104 S0\\nM140 S0\\nM107\\nM84",
    }


def last_word(profile: Path | None, material: str) -> dict[str, str]:
    """What is set whatever a shop's profile says: plain text, which the gate can read; and a density where the profile knows none, because
    without one PrusaSlicer tells no grams."""
    told = read_profile(profile) if profile else {}
    known = any(_number(part) > 0 for part in told.get("filament_density", "").split(","))
    kind = _printable(material) or "pla"
    return {"binary_gcode": "0"} | ({"filament_density": f"{DENSITY_G_PER_CM3[kind]:g}"} if profile and not known else {})


def read_profile(file: Path) -> dict[str, str]:
    """The settings of an exported configuration: `key = value` lines. Errors: `OSError`."""
    lines = (line.partition("=") for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if not line.startswith("#"))
    return {key.strip(): value.strip() for key, mark, value in lines if mark}


def check_filament(machine: MachineSection, material: str) -> None:
    """Errors: `Refused` (`slicer.material`) where only a profile of the shop's own could know how hot it is printed."""
    if not _printable(material) and profile_for(machine, material) is None:
        raise Refused("slicer.material", material)


def material_for(offer: v1.Offer, machine: MachineSection) -> str:
    """The stock on this machine that the offer can be made of."""
    return next((has for has in machine.on_hand if satisfies(has, offer.requirement.material)), machine.on_hand[0])


def _printable(material: str) -> str:
    """The material, or the nearest broader one, for which temperatures are known; empty where there is none."""
    return next((term for term in broader_terms(material) if term in NOZZLE_C), "")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
