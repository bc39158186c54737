# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the slicer wrote: time, grams, digest; and whether what was demanded is in it.

PrusaSlicer writes all its settings as comments at the end of a toolpath, and marks each layer and each kind of line where it stands
(`;LAYER_CHANGE`, `;HEIGHT:0.2`, `;TYPE:Support material`). The first say what it meant to do, the second what it did.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath

TAIL_BYTES = 256 * 1024
CHUNK_BYTES = 1024 * 1024
SAME_HEIGHT_MM = 0.006

_MARK = re.compile(rb"^;(LAYER_CHANGE|HEIGHT:\d+(?:\.\d+)?|TYPE:[^\r\n]+)\r?$", re.MULTILINE)


@dataclass(frozen=True)
class Sliced:
    """A toolpath as it lies there. `told`: the slicer's settings by its own keys; `kinds`: of lines that were laid ("Support material");
    `layers`: how many layers have which height, mm, to the micrometre."""

    toolpath: Toolpath
    told: Mapping[str, str]
    kinds: frozenset[str]
    layers: Mapping[float, int]


def toolpath_in(file: Path) -> Toolpath:
    """What the slicer says of its toolpath (time and grams stand in comments at the end), and the digest of its bytes."""
    return read_result(file).toolpath


def read_result(file: Path) -> Sliced:
    """All that is told of a toolpath, in one pass over its bytes. Errors: `OSError`."""
    digest, marks = hashlib.sha256(), _Marks()
    tail = b""
    for piece in _pieces(file):
        digest.update(piece)
        marks.take(piece)
        tail = (tail + piece)[-TAIL_BYTES:]
    marks.take(b"\n")
    text = tail.decode(errors="replace")
    time = re.search(r"^; estimated printing time \(normal mode\) = (.+)$", text, re.MULTILINE)
    grams = re.search(r"^; (?:total )?filament used \[g\] = ([\d.]+)", text, re.MULTILINE)
    toolpath = Toolpath(str(file), digest.hexdigest(), _seconds(time[1]) if time else 0.0, float(grams[1]) if grams else 0.0)
    return Sliced(toolpath, dict(_told(text)), frozenset(marks.kinds), marks.layers)


def insist_on(options: Mapping[str, str], sliced: Sliced) -> None:
    """Errors: `Refused` (`slicer.setting_not_kept`) where the toolpath does not show what was demanded, all of it in one text."""
    broken = [*_said_otherwise(options, sliced), *_laid_otherwise(options, sliced)]
    if broken:
        raise Refused("slicer.setting_not_kept", "; ".join(broken))


def _said_otherwise(options: Mapping[str, str], sliced: Sliced) -> Iterator[str]:
    for key, wanted in options.items():
        has = sliced.told.get(key)
        if has is None:
            yield f"{key} = {wanted} (nothing in it says so)"
        elif not _same(wanted, has):
            yield f"{key} = {wanted} (it has {has})"


def _laid_otherwise(options: Mapping[str, str], sliced: Sliced) -> Iterator[str]:
    supports = sorted(kind for kind in sliced.kinds if kind.startswith("Support material"))
    if options.get("support_material") == "0" and supports:
        yield "no supports (some were laid)"
    if options.get("fill_density") == "0%" and "Internal infill" in sliced.kinds:
        yield "no infill (some was laid)"
    height = options.get("layer_height")
    if height and sum(sliced.layers.values()) > 2 and options.get("spiral_vase") != "1":
        usual = max(sliced.layers, key=sliced.layers.__getitem__)
        if abs(usual - float(height)) > SAME_HEIGHT_MM:
            yield f"layers of {height} mm (most are {usual:g} mm)"


def _same(wanted: str, has: str) -> bool:
    """ "40%" and "40%", "0.20" and "0.2"; one value stands for each extruder."""
    return all(_plain(one) == _plain(wanted) for one in has.split(","))


def _plain(text: str) -> str | float:
    bare = text.strip().removesuffix("%")
    try:
        return round(float(bare), 4)
    except ValueError:
        return bare


def _told(tail: str) -> Iterator[tuple[str, str]]:
    """The settings at the end. What the shop's own start and end commands say in comments stands before that."""
    begin = tail.rfind("; prusaslicer_config = begin")
    for line in tail[max(begin, 0) :].splitlines():
        key, mark, value = line.removeprefix("; ").partition(" =")
        if mark and line.startswith("; "):
            yield key.strip(), value.strip()


class _Marks:
    """Collects the marks of a file that comes in pieces."""

    def __init__(self) -> None:
        self.kinds: set[str] = set()
        self.layers: Counter[float] = Counter()
        self._rest = b""
        self._new_layer = False

    def take(self, piece: bytes) -> None:
        content = self._rest + piece
        cut = content.rfind(b"\n") + 1
        self._rest = content[cut:]
        for found in _MARK.finditer(content, 0, cut):
            word, _, value = found[1].decode(errors="replace").partition(":")
            if word == "TYPE":
                self.kinds.add(value)
            elif word == "LAYER_CHANGE":
                self._new_layer = True
            elif self._new_layer:
                self.layers[round(float(value), 3)] += 1  # the slicer writes 0.0999999 and 0.1 for the same
                self._new_layer = False


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as content:
        while piece := content.read(CHUNK_BYTES):
            yield piece


def _seconds(text: str) -> float:
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    return float(sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([dhms])", text)))
