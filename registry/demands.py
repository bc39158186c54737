# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a maker demands of a part: said when publishing, declared in the files, or only told in words beside them.

What is declared in a structured form (a slicer's project settings in a 3MF, an Open Know-How manifest) is carried as a demand. What stands
in a README is shown to people and demanded nowhere: a sentence such as "PLA is fine" is no order.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from commonfab import materials, v1
from commonfab.errors import Refused
from registry.okh.files import MANIFESTS, read_text
from registry.okh.part_mapping import demands_of, names
from registry.okh.reading import read
from registry.okh.record import Record

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
    """What an Open Know-How manifest in `folder` demands of the part of that name; empty where there is none, or it names no such part.

    A manifest that cannot be read demands nothing: it is the business of publishing to complain.
    """
    told = next((told for record in _manifests(folder) for told in record.part if names(told, part)), None)
    return demands_of(told) if told else v1.Demands()


def _manifests(folder: Path) -> Iterator[Record]:
    """The manifests of a folder that can be read: `okh.toml` first, then `okh.yml`, `okh.yaml` and `okh-*.toml`."""
    for file in dict.fromkeys(file for pattern in MANIFESTS for file in sorted(folder.glob(pattern))):
        with contextlib.suppress(OSError, UnicodeDecodeError, Refused):
            yield read(read_text(file), file.name, whole=False).record


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
