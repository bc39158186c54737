# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a maker demands of a part: said when publishing, declared in the files, or only told in words beside them.

What is declared in a structured form (a slicer's project settings in a 3MF, an `okh.toml`) is carried as a demand. What stands in a README
is shown to people and demanded nowhere: a sentence such as "PLA is fine" is no order.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from commonfab import materials, v1

CARRIED = ("infill_percent", "layer_height_mm", "supports", "nozzle_mm")
"""Settings that a shop keeps to when the file or the maker declares them."""

TEXTS = ("readme*", "print*.txt", "print*.md", "making*.md", "instructions*.md", "*.txt")
LONGEST_TEXT = 64 * 1024
MOST_FOUND = 20

TELLING = re.compile(
    r"(?i)\b(infill|layer (?:height|thickness)|supports?\b|no support|material|filament|\d+\s*% infill|wall thickness|perimeters|tolerance|"
    r"tapped|thread(?:ed)?|knurl\w*|countersunk|anodi[sz]ed|hardened|plywood|acrylic|pla|petg|abs|steel|alumini?um)\b"
)
"""Words by which a sentence tells how something is to be made."""


def effective(demands: v1.Demands, report: v1.GeometryReport, asked: str = "") -> v1.Demands:
    """The maker's demands with those that the file declares; what the maker said goes first.

    Parameters: `asked`, the requester's material: it holds where it is as narrow as what is demanded, or narrower.
    """
    whole = v1.Demands()
    whole.CopyFrom(demands)
    said = {setting.key for setting in demands.settings}
    for setting in report.settings:
        if setting.key in CARRIED and setting.key not in said:
            whole.settings.append(setting)
    declared = next((setting.value for setting in report.settings if setting.key == "material"), "")
    if not whole.material and materials.canonical(declared) in materials.BROADER:
        whole.material = materials.canonical(declared)
    if asked and materials.satisfies(asked, whole.material):
        whole.material = materials.canonical(asked)
    return whole


def declared_beside(folder: Path, part: str) -> v1.Demands:
    """What an `okh.toml` in `folder` demands of the part of that name (Open Know-How, LOSH form); empty where there is none.

    A manifest that cannot be read demands nothing: it is the business of publishing to complain.
    """
    try:
        told = tomllib.loads((folder / "okh.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return v1.Demands()
    entries = [entry for entry in told.get("part", []) if isinstance(entry, dict) and _names(entry, part)]
    return _of_entry(entries[0]) if entries else v1.Demands()


def _names(entry: Mapping[str, Any], part: str) -> bool:
    sources = [entry.get("source", ""), *_listed(entry.get("export", []))]
    stems = {Path(str(source)).stem.lower() for source in sources}
    return part.lower() in stems | {str(entry.get("name", "")).lower()}


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]


def _of_entry(entry: Mapping[str, Any]) -> v1.Demands:
    demands = v1.Demands(material=materials.canonical(str(entry.get("material", ""))) if entry.get("material") else "")
    settings = entry.get("printing", entry.get("printing-parameters", {}))
    for key, value in settings.items() if isinstance(settings, dict) else ():
        demands.settings.append(v1.Setting(key=str(key).replace("-", "_"), value=str(value), source="okh.toml"))
    thickness = entry.get("thickness-mm", 0)
    demands.thickness_mm = float(thickness) if isinstance(thickness, int | float) else 0.0
    return demands


def told_beside(folder: Path) -> list[str]:
    """Sentences in the texts of a folder that tell how something is to be made, each with its file; at most `MOST_FOUND`."""
    files = dict.fromkeys(file for pattern in TEXTS for file in sorted(folder.iterdir()) if file.is_file() and _is(file, pattern))
    return [f"{file.name}: {sentence}" for file in files for sentence in _telling(file)][:MOST_FOUND]


def _is(file: Path, pattern: str) -> bool:
    return Path(file.name.lower()).match(pattern)


def _telling(file: Path) -> Iterator[str]:
    try:
        with file.open(encoding="utf-8", errors="replace") as content:
            text = content.read(LONGEST_TEXT)
    except OSError:
        return
    for line in text.splitlines():
        sentence = line.strip(" \t#*-•>|")
        if 4 < len(sentence) < 300 and TELLING.search(sentence):
            yield sentence
