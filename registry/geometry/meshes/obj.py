# SPDX-License-Identifier: AGPL-3.0-or-later
"""Wavefront OBJ (Wavefront, "Object Files", 1995): its polygons. It names no unit.

Materials, textures and normals dress the shape and are passed over.
"""

from __future__ import annotations

import re
from itertools import compress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from commonfab import v1
from commonfab.reasons import reason
from registry.geometry.faults import Unmeasurable
from registry.geometry.meshes.drawn import Drawn
from registry.geometry.meshes.faces import draw, whole
from registry.geometry.meshes.objects import standing
from registry.geometry.meshes.texts import Rows, decoded, rows
from registry.geometry.triangles import Numbers

Kinds = npt.NDArray[np.bytes_]


def read(path: Path) -> Drawn:
    """The triangles of an OBJ file, with its objects and groups where they are closed by themselves.

    Errors: `Unmeasurable` (`file.unreadable` with the line, `file.unsupported`, `mesh.empty`).
    """
    lines = _lines(path.read_bytes())
    kinds = np.array([line[:2] for line in lines], dtype="S2")
    if (kinds == b"su").any():
        raise Unmeasurable("file.unsupported", "free-form surfaces")
    is_corner, is_face = kinds == b"v ", (kinds == b"f ") | (kinds == b"f")
    corners = rows(_bodies(lines, is_corner), np.flatnonzero(is_corner) + 1, 3, "a corner").columns(3)
    at = np.flatnonzero(is_face) + 1
    faces = _faces(_bodies(lines, is_face), at)
    numbers = _from_zero(faces, at, is_corner, len(corners))
    triangles, owners = draw(corners, numbers, faces.counts)
    if len(triangles) == 0:
        raise Unmeasurable("mesh.empty")
    groups, names = _groups(lines, kinds, at)
    if len(names) > 1:
        groups, kept = standing(triangles, groups[owners], names)
        return Drawn(triangles, groups, names=kept, remarks=_remarks(kinds, faces))
    return Drawn(triangles, names=tuple(names), remarks=_remarks(kinds, faces))


def _lines(data: bytes) -> list[bytes]:
    """The file's lines without what stands before them; one that is continued by a backslash is one, and the next is left empty."""
    text = decoded(data)
    if b"\t" in text:
        text = text.replace(b"\t", b" ")
    if b"\\\n" in text:
        text = re.sub(rb"(?:[^\n]*\\\n)+[^\n]*", lambda met: met[0].replace(b"\\\n", b" ") + b"\n" * met[0].count(b"\\\n"), text)
    if text.startswith(b" ") or b"\n " in text:
        return [line.lstrip(b" ") for line in text.split(b"\n")]
    return text.split(b"\n")


def _bodies(lines: list[bytes], chosen: npt.NDArray[np.bool_]) -> list[bytes]:
    """The chosen lines without their first word and without comments."""
    bodies = [line[2:] for line in compress(lines, chosen.tolist())]
    if b"#" in b"\n".join(bodies):  # a third of the time that asking each takes
        return [body.partition(b"#")[0] for body in bodies]
    return bodies


def _faces(bodies: list[bytes], at: Numbers) -> Rows:
    """The corner numbers of each face; what follows a slash numbers textures and normals.

    Where all corners have both (7/8/9) or a normal only (7//9) the slashes are made spaces and every third or second number is taken:
    with as many slashes as that takes no mixture of both can hide, since each corner has at most two. Else what follows them is cut out.
    """
    if not bodies:
        return Rows(np.empty(0), np.empty(0, np.int64))
    text = b"\n".join(bodies)
    slashes, double = text.count(b"/"), text.count(b"//")
    if slashes and slashes == 2 * double:
        wide, width, corners = text.replace(b"//", b" "), 2, double
    elif slashes and not double and slashes % 2 == 0:
        wide, width, corners = text.replace(b"/", b" "), 3, slashes // 2
    else:
        return rows(_cut(text) if slashes else bodies, at, 3, "a face")
    try:
        found = rows(wide.split(b"\n"), at, 3 * width, "a face")
    except Unmeasurable:
        return rows(_cut(text), at, 3, "a face")
    if len(found.values) != width * corners or (found.counts % width).any():
        return rows(_cut(text), at, 3, "a face")
    return Rows(found.values.reshape(-1, width)[:, 0], found.counts // width)


def _cut(text: bytes) -> list[bytes]:
    return re.sub(rb"/[^ \n]*", b"", text).split(b"\n")


def _from_zero(faces: Rows, at: Numbers, is_corner: npt.NDArray[np.bool_], corners: int) -> Numbers:
    """The corner numbers counted from 0. In the file they count from 1, or from -1 backwards over the corners that came before the face."""
    numbers = whole(faces.values, "corner number")
    if len(numbers) and numbers.min() < 0:
        before = np.repeat(np.cumsum(is_corner)[at - 1], faces.counts)
        resolved = np.where(numbers < 0, before + numbers, numbers - 1)
    else:
        resolved = numbers - 1
    wrong = (resolved < 0) | (resolved >= corners)
    if wrong.any():
        first = int(np.argmax(wrong))
        line = int(at[int(np.searchsorted(np.cumsum(faces.counts), first, side="right"))])
        raise Unmeasurable("file.unreadable", f"line {line}: a face names corner {int(numbers[first])} of {corners}")
    return resolved


def _groups(lines: list[bytes], kinds: Kinds, at: Numbers) -> tuple[Numbers, list[str]]:
    """The group of each face, and the names of all groups. Groups of the same object and name are one, wherever they stand."""
    marks = np.flatnonzero((kinds == b"o ") | (kinds == b"g ") | (kinds == b"o") | (kinds == b"g"))
    numbers: dict[tuple[str, str], int] = {("", ""): 0}
    of_mark, thing, group = [0], "", ""
    for mark in marks:
        name = lines[mark][2:].strip().decode("utf-8", errors="replace")
        thing, group = (name, "") if kinds[mark][:1] == b"o" else (thing, name)
        of_mark.append(numbers.setdefault((thing, group), len(numbers)))
    of_face = np.array(of_mark)[np.searchsorted(marks + 1, at)]
    used, again = np.unique(of_face, return_inverse=True)
    names = [thing or group for thing, group in numbers]
    return again, [names[number] for number in used]


def _remarks(kinds: Kinds, faces: Rows) -> tuple[v1.Reason, ...]:
    others = int(((kinds == b"l ") | (kinds == b"p ")).sum())
    return (reason("mesh.left_out", "points and lines", things=others),) if others and len(faces.counts) else ()
