# SPDX-License-Identifier: AGPL-3.0-or-later
"""What slicers keep beside the model in a 3MF archive: settings, plates, names, and which volumes are no part of the shape.

The files are PrusaSlicer's and SuperSlicer's (`Slic3r_PE*`), Bambu Studio's and OrcaSlicer's (`project_settings`, `model_settings`) and
Cura's. None is part of the 3MF standard; one that cannot be understood tells nothing.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

from commonfab import v1
from registry.geometry.meshes.print_settings import MOST_SETTINGS, canonical, from_json, from_lines, from_sections

PRUSA_LINES = ("Metadata/Slic3r_PE.config", "Metadata/SuperSlicer.config", "Metadata/PrusaSlicer.config")
PRUSA_VOLUMES = ("Metadata/Slic3r_PE_model.config", "Metadata/SuperSlicer_model.config", "Metadata/PrusaSlicer_model.config")
BAMBU_JSON = "Metadata/project_settings.config"
BAMBU_OBJECTS = "Metadata/model_settings.config"
CURA_ENDINGS = (".global.cfg", ".inst.cfg", ".extruder.cfg", ".stack.cfg")

MOST_BYTES = 16 * 1024 * 1024
"""A longer file of settings is not read: real ones have under 200 kB, plate lists of hundreds of objects under 1 MB."""

CUTS = "cuts"
"""Volumes that the slicer takes off the shape."""

SET_ASIDE = MappingProxyType(
    {
        "modifier_part": "modifiers",
        "support_blocker": "support blockers",
        "support_enforcer": "support enforcers",
        "ParameterModifier": "modifiers",
        "SupportBlocker": "support blockers",
        "SupportEnforcer": "support enforcers",
        "negative_part": CUTS,
        "NegativeVolume": CUTS,
    }
)
"""Kinds of volumes that steer the slicer and are not made, in the words of Bambu Studio and PrusaSlicer."""


@dataclass
class Project:
    """What was found. Objects go by their id in the root model.

    `names`; `plates`, by object and which of its build items, from 0; `aside`, by object and component (its id in its own part of the
    package) the kind of a volume that is not made; `ranges`, by object the first and last triangle of such a volume and its kind.
    """

    settings: list[v1.Setting] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    plates: dict[tuple[int, int], int] = field(default_factory=dict)
    aside: dict[tuple[int, int], str] = field(default_factory=dict)
    ranges: dict[int, list[tuple[int, int, str]]] = field(default_factory=dict)


def read_project(path: Path) -> Project:
    """What a slicer says in the archive at `path`; empty where none has."""
    project = Project()
    try:
        with zipfile.ZipFile(path) as archive:
            for name, text in _texts(archive):
                _take(project, name, text)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError):
        pass  # whether the archive is sound is for the model's own reader to say
    del project.settings[MOST_SETTINGS:]
    return project


def _texts(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    known = {*PRUSA_LINES, *PRUSA_VOLUMES, BAMBU_JSON, BAMBU_OBJECTS}
    for entry in archive.infolist():
        cura = entry.filename.startswith("Cura/") and entry.filename.endswith(CURA_ENDINGS)
        if (entry.filename in known or cura) and entry.file_size <= MOST_BYTES:
            yield entry.filename, archive.read(entry).decode("utf-8", errors="replace")


def _take(project: Project, name: str, text: str) -> None:
    if name in PRUSA_LINES:
        project.settings += from_lines(text, name)
    elif name == BAMBU_JSON:
        project.settings += from_json(text, name)
    elif name in (*PRUSA_VOLUMES, BAMBU_OBJECTS):
        try:
            root = ElementTree.fromstring(text)
        except ElementTree.ParseError:
            return
        _take_objects(project, name, root)
        _take_plates(project, root)
    else:
        project.settings += from_sections(text, name)


def _told(element: ElementTree.Element) -> dict[str, str]:
    """The metadata right below an element."""
    return {each.get("key", ""): each.get("value", "") for each in element.findall("metadata")}


def _take_objects(project: Project, source: str, root: ElementTree.Element) -> None:
    for thing in root.findall("object"):
        number, told = _number(thing.get("id")), _told(thing)
        if told.get("name"):
            project.names[number] = told["name"]
        project.settings += canonical(told, f"{source}, {told.get('name') or number}")
        for part in thing.findall("part"):
            kind = SET_ASIDE.get(part.get("subtype", ""))
            if kind:
                project.aside[number, _number(part.get("id"))] = kind
        for volume in thing.findall("volume"):
            kind = _kind(_told(volume))
            if kind:
                span = (_number(volume.get("firstid")), _number(volume.get("lastid")), kind)
                project.ranges.setdefault(number, []).append(span)


def _kind(told: Mapping[str, str]) -> str:
    """The kind of PrusaSlicer's volume, empty for a part of the model. Slic3r only marked modifiers."""
    return SET_ASIDE.get(told.get("volume_type", ""), "modifiers" if told.get("modifier") == "1" else "")


def _take_plates(project: Project, root: ElementTree.Element) -> None:
    for plate in root.findall("plate"):
        number = _number(_told(plate).get("plater_id"))
        for instance in plate.findall("model_instance"):
            told = _told(instance)
            project.plates[_number(told.get("object_id")), _number(told.get("instance_id"))] = max(number, 0)


def _number(text: str | None) -> int:
    """A number of an object, a part or a plate; -1, which none has, where it is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else -1
