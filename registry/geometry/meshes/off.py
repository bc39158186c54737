# SPDX-License-Identifier: AGPL-3.0-or-later
"""OFF, as text, with or without normals and colours (Geomview's manual, "OFF files"). It names no unit.

Read line by line, for colours may follow a face or a corner in any number and only the end of the line says where they end.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from registry.geometry.faults import Unmeasurable
from registry.geometry.meshes.drawn import Drawn
from registry.geometry.meshes.faces import draw, whole
from registry.geometry.meshes.texts import decoded, numbers, rows, shown

HEADER = re.compile(rb"(ST)?C?N?(4)?(n)?OFF\b[ \t]*(BINARY\b)?|(ST)?C?N?(4)?(n)?OFF(?=[0-9])")


def read(path: Path) -> Drawn:
    """The triangles of an OFF file. Errors: `Unmeasurable` (`file.unreadable`, `file.unsupported`, `mesh.empty`)."""
    text = decoded(path.read_bytes())
    if b"#" in text:
        text = re.sub(rb"#[^\n]*", b"", text)
    start = len(text) - len(text.lstrip())
    header = HEADER.match(text, start)
    if header is None:
        raise Unmeasurable("file.unreadable", f"it begins with {shown(text[start : start + 20])} and not with OFF")
    if header[0].rstrip().endswith(b"BINARY"):
        raise Unmeasurable("file.unsupported", "binary numbers behind an OFF header")
    if b"4" in header[0] or b"n" in header[0]:
        raise Unmeasurable("file.unsupported", "corners that have not three coordinates")
    lines = text[header.end() :].split(b"\n")
    first = text.count(b"\n", 0, header.end()) + 1
    kept = [index for index, line in enumerate(lines) if line and not line.isspace()]
    return _drawn([lines[index] for index in kept], [first + index for index in kept])


def _drawn(lines: list[bytes], at: list[int]) -> Drawn:
    corner_count, face_count = _counts(lines)
    behind = 1 + corner_count + face_count
    if len(lines) < behind:
        said = f"{corner_count} corners and {face_count} faces"
        raise Unmeasurable("file.unreadable", f"it announces {said} and has {len(lines) - 1} lines for them")
    corners = rows(lines[1 : 1 + corner_count], at[1 : 1 + corner_count], 3, "a corner").columns(3)
    faces = rows(lines[1 + corner_count : behind], at[1 + corner_count : behind], 1, "a face")
    counts = whole(faces.values[faces.starts], "number of corners") if face_count else np.empty(0, np.int64)
    wrong = (counts < 0) | (counts > faces.counts - 1)
    if wrong.any():
        first = int(np.argmax(wrong))
        line = at[1 + corner_count + first]
        raise Unmeasurable("file.unreadable", f"line {line}: a face of {counts[first]} corners that names {faces.counts[first] - 1}")
    if face_count and (counts == counts[0]).all():
        flat = faces.columns(1 + int(counts[0]))[:, 1:].reshape(-1)
    else:
        places = np.repeat(faces.starts + 1 - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))
        flat = faces.values[places]
    triangles, _ = draw(corners, whole(flat, "corner number"), counts)
    if len(triangles) == 0:
        raise Unmeasurable("mesh.empty")
    return Drawn(triangles)


def _counts(lines: list[bytes]) -> tuple[int, int]:
    """How many corners and faces are announced; a number of edges may follow and is of no use."""
    try:
        announced = numbers(lines[0]) if lines else np.empty(0)
    except ValueError:
        announced = np.empty(0)
    if len(announced) < 2 or not np.isfinite(announced).all() or (announced != np.floor(announced)).any():
        raise Unmeasurable("file.unreadable", "it does not announce how many corners and faces it has")
    if (announced[:2] < 0).any():
        raise Unmeasurable("file.unreadable", f"it announces {announced[0]:g} corners and {announced[1]:g} faces")
    return int(announced[0]), int(announced[1])
