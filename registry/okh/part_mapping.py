# SPDX-License-Identifier: AGPL-3.0-or-later
"""The parts of a manifest as parts of a revision, and back: which files show a part, and what is demanded of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from commonfab import materials, processes, v1
from commonfab.file_endings import DRAWINGS, MESHES, describes_a_part, ending, richness
from registry.okh.record import OkhPart, Record

SETTINGS: Mapping[str, str] = MappingProxyType(
    {"infill": "infill_percent", "resolution-mm": "layer_height_mm", "layer-height-mm": "layer_height_mm", "nozzle-mm": "nozzle_mm"}
)
"""Keys by which LOSH manifests tell how to print a part, and the settings of ours that they are."""

TABLES = ("printing", "printing-parameters")
"""Keys of a part that hold a table of settings."""

SOURCE = "okh.toml"
"""Where a setting stands that comes from a manifest."""


def parts_of(record: Record, paths: Sequence[str]) -> tuple[list[v1.Part], list[str]]:
    """The parts that the manifest names and `paths` hold a file of, in its order; and the names of those that have no file there.

    Parameters: `paths`, the files of the revision.
    """
    parts, missing = [], []
    for place, told in enumerate(record.part, 1):
        shown = files_of(told, paths)
        name = told.name or (PurePosixPath(shown[0]).stem if shown else f"part {place}")
        if shown:
            parts.append(v1.Part(name=name, paths=shown, quantity_per_product=_quantity(told), demands=demands_of(told)))
        else:
            missing.append(name)
    return parts, missing


def _quantity(told: OkhPart) -> int:
    return int(told.quantity) if told.quantity.is_integer() and 1 <= told.quantity < 2**31 else 1


def files_of(told: OkhPart, paths: Sequence[str]) -> list[str]:
    """Those of `paths` that the manifest gives as source or export of the part and that describe its shape, the richest first."""
    found = (path_among(said, paths) for said in (*told.source, *told.export))
    return sorted({path for path in found if path and describes_a_part(path)}, key=lambda path: (richness(path), path))


def path_among(said: str, paths: Sequence[str]) -> str:
    """The one of `paths` that the manifest means: the same path, or the only one that ends as it does; empty where there is none.

    A manifest may lie deeper or higher than the folder that was published, and addresses have their spaces encoded.
    """
    wanted = _steps(said)
    same = [path for path in paths if _steps(path) == wanted]
    ends = [path for path in paths if wanted and (_ends(_steps(path), wanted) or _ends(wanted, _steps(path)))]
    return same[0] if same else ends[0] if len(ends) == 1 else ""


def _steps(path: str) -> tuple[str, ...]:
    return tuple(step for step in unquote(path).split("/") if step not in ("", "."))


def _ends(longer: tuple[str, ...], shorter: tuple[str, ...]) -> bool:
    return len(longer) > len(shorter) > 0 and longer[-len(shorter) :] == shorter


def names(told: OkhPart, part: str) -> bool:
    """Whether the manifest's part is the one of that name: by its own name, or by that of one of its files."""
    stems = {PurePosixPath(path).stem.lower() for path in (*told.source, *told.export)}
    return part.lower() in stems | {told.name.lower()} - {""}


def demands_of(told: OkhPart) -> v1.Demands:
    """What the manifest demands of the part: material, process, thickness, and the settings of a print."""
    ways = [processes.canonical(said) for said in (told.printing_process, *told.manufacturing_process) if said]
    return v1.Demands(
        material=materials.canonical(told.material) if told.material else "",
        processes=[way for way in dict.fromkeys(ways) if way in processes.BROADER],
        thickness_mm=told.thickness_mm,
        settings=[v1.Setting(key=key, value=value, source=SOURCE) for key, value in _settings(told).items()],
    )


def _settings(told: OkhPart) -> dict[str, str]:
    said: dict[str, Any] = {SETTINGS[key]: told.unknown[key] for key in SETTINGS if key in told.unknown}
    if isinstance(told.unknown.get("supports"), bool):
        said["supports"] = told.unknown["supports"]
    for table in (told.unknown.get(key) for key in TABLES):
        said.update({key.replace("-", "_"): value for key, value in table.items()} if isinstance(table, dict) else {})
    return {key: _written(value) for key, value in said.items() if not isinstance(value, list | dict)}


def _written(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def size_of(told: OkhPart) -> v1.Size | None:
    """The part's outer dimensions as the manifest has them; None where it says nothing. They are told, not measured."""
    box = told.outer_dimensions
    return v1.Size(x=box.width, y=box.depth, z=box.height) if box else None


def okh_parts(parts: Iterable[v1.Part], originals: Sequence[OkhPart], paths: Sequence[str]) -> tuple[OkhPart, ...]:
    """The parts of a revision as a manifest names them: those that it came with first and in their order, each with all that still holds.

    Parameters: `originals`, those of the manifest, of which those without a file among `paths` are kept as they are.
    """
    named = {original.name for original in originals}
    left, made = list(parts), []
    for original in originals:
        part = next((one for one in left if one.name == original.name), None)
        part = part or next((one for one in left if one.name not in named and names(original, one.name)), None)
        if part:
            left.remove(part)
            made.append(_overlaid(part, original))
        elif not files_of(original, paths):
            made.append(original)
    return (*made, *(_overlaid(part, OkhPart()) for part in left))


def _overlaid(part: v1.Part, original: OkhPart) -> OkhPart:
    told = replace(original, name=original.name or part.name)
    if set(files_of(told, part.paths)) != {path for path in part.paths if describes_a_part(path)}:
        exports = tuple(path for path in part.paths if ending(path) in (*MESHES, *DRAWINGS))
        told = replace(told, source=tuple(path for path in part.paths if path not in exports), export=exports)
    if _quantity(told) != part.quantity_per_product:
        told = replace(told, quantity=float(part.quantity_per_product))
    return _demanded(told, part.demands)


def _demanded(told: OkhPart, demands: v1.Demands) -> OkhPart:
    held = demands_of(told)
    if demands.material != held.material:
        told = replace(told, material=demands.material)
    if demands.thickness_mm != held.thickness_mm:
        told = replace(told, thickness_mm=demands.thickness_mm)
    if list(demands.processes) != list(held.processes):
        told = replace(told, printing_process="", manufacturing_process=tuple(demands.processes))
    wanted = {setting.key: setting.value for setting in demands.settings}
    if wanted != {setting.key: setting.value for setting in held.settings}:
        others = {key: value for key, value in told.unknown.items() if key not in (*SETTINGS, *TABLES, "supports")}
        told = replace(told, unknown={**others, "printing": wanted} if wanted else others)
    return told
