# SPDX-License-Identifier: AGPL-3.0-or-later
"""Sliced archives (`.gcode.3mf`) of Bambu Studio and OrcaSlicer: a toolpath a plate, and what the slicer says of each."""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

from commonfab import v1
from registry.geometry.faults import Unmeasurable
from registry.geometry.meshes.print_settings import canonical, from_json
from registry.geometry.screening import zips
from registry.geometry.toolpaths.remarks import Remarks

PLATE = re.compile(r"metadata/(?:plate_(\d+)|[^/]*)\.gcode$", re.IGNORECASE)
SLICE_INFO, PROJECT = "metadata/slice_info.config", "metadata/project_settings.config"
MOST_BYTES = 4 * 1024 * 1024
MOST_PLATES = 100
"""Our own choice: the slicers allow 36 plates."""
TOLD = MappingProxyType({"printer_model_id": "printer_model", "nozzle_diameters": "nozzle_diameter"})


def plates_of(path: Path) -> list[zips.Entry]:
    """The toolpaths in an archive, in the order of their numbers. Errors: `Unmeasurable`."""
    found = [(match, entry) for entry in zips.directory(path) if (match := PLATE.match(entry.filename))]
    if len(found) > MOST_PLATES:
        raise Unmeasurable("file.zip_entries", entries=len(found), limit=MOST_PLATES)
    return [entry for match, entry in sorted(found, key=lambda pair: (int((pair[0][1] or "0")[:6]), pair[1].filename))]


def note_slice_info(path: Path, remarks: Remarks, settings: list[v1.Setting]) -> None:
    """What the slicer says of all plates together: time, grams and filament. It takes the place of what stands in the toolpaths."""
    for entry in zips.directory(path):
        name = entry.filename.lower()
        if name not in (SLICE_INFO, PROJECT) or entry.file_size > MOST_BYTES:
            continue
        text = zips.beginning(path, entry, MOST_BYTES)
        if name == PROJECT:
            settings += from_json(text.decode("utf-8", errors="replace"), entry.filename)
        elif b"<!" not in text:  # a document type, which could unfold; the slicers write none
            _take_info(text, entry.filename, remarks, settings)


def _take_info(text: bytes, source: str, remarks: Remarks, settings: list[v1.Setting]) -> None:
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, LookupError):
        return
    seconds, grams, metres = 0.0, 0.0, 0.0
    told: dict[str, object] = {}
    for plate in root.iter("plate"):
        values = {each.get("key", ""): each.get("value", "") for each in plate.findall("metadata")}
        seconds += _number(values.get("prediction"))
        grams += _number(values.get("weight"))
        metres += sum(_number(filament.get("used_m")) for filament in plate.findall("filament"))
        told |= {TOLD[key]: value for key, value in values.items() if key in TOLD}
        kinds = list(dict.fromkeys(filament.get("type", "") for filament in plate.findall("filament")))
        told |= {"filament_type": kinds} if kinds else {}
        told |= {"enable_support": values["support_used"]} if "support_used" in values else {}
    remarks.seconds, remarks.grams = seconds or remarks.seconds, grams or remarks.grams
    remarks.filament_mm = metres * 1000 or remarks.filament_mm
    settings += canonical(told, source)


def _number(text: str | None) -> float:
    return float(text) if text and re.fullmatch(r"\d{1,12}(?:\.\d{1,12})?", text) else 0.0
