# SPDX-License-Identifier: AGPL-3.0-or-later
"""3MF archives: the zip directory is checked before anything is unpacked, then lib3mf reads what shall be built."""

from __future__ import annotations

import ctypes
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import lib3mf
import numpy as np
import numpy.typing as npt

from commonfab.units import Quantity
from registry.geometry.faults import Unmeasurable
from registry.geometry.meshes.drawn import Drawn
from registry.geometry.triangles import Numbers, Triangles

UNITS = MappingProxyType(
    {
        lib3mf.ModelUnit.MicroMeter: ("micron", 0.001),
        lib3mf.ModelUnit.MilliMeter: ("mm", 1.0),
        lib3mf.ModelUnit.CentiMeter: ("cm", 10.0),
        lib3mf.ModelUnit.Inch: ("inch", 25.4),
        lib3mf.ModelUnit.Foot: ("foot", 304.8),
        lib3mf.ModelUnit.Meter: ("m", 1000.0),
    }
)
"""The units of the 3MF core specification 1.3, section 3.4, with the millimetres in each; millimetre where the file names none."""

FREE_BYTES = 64 * 1024 * 1024
MOST_RATIO = 200
"""An archive may unpack to 64 MiB, or to 200 times its own length where that is more.

Model XML of real parts packs 3 to 30 times; deflate reaches about 1000 on zeros (RFC 1951 allows 1032).
"""
MOST_TRIANGLES = 10_000_000
MOST_DEPTH = 32
"""Components may place an object again and again, so a small file can describe a huge part; the number is checked before it is built."""


def read(path: Path) -> Drawn:
    """Everything that the file builds, placed by its transforms.

    Errors: `Unmeasurable` (`file.zip_ratio`, `file.zip_names`, `file.zip_broken`, `file.unreadable`, `file.unsupported`, `mesh.empty`).
    """
    check_directory(path)
    try:
        model = lib3mf.get_wrapper().CreateModel()
        model.QueryReader("3mf").ReadFromFile(str(path))
        unit, factor = UNITS[model.GetUnit()]
        triangles, items = _built(model)
        return Drawn(triangles, items, unit, factor)
    except lib3mf.ELib3MFException as error:
        raise Unmeasurable("file.unreadable", _told(error)) from None


def check_directory(path: Path) -> None:
    """Refuse an archive that would unpack to too much, or names an entry twice, from its directory alone.

    Errors: `Unmeasurable` (`file.zip_ratio`, `file.zip_names`, `file.zip_broken`).
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise Unmeasurable("file.zip_broken", str(error)) from None
    packed, unpacked = path.stat().st_size, sum(entry.file_size for entry in entries)
    limit = max(FREE_BYTES, MOST_RATIO * packed)
    if unpacked > limit:
        raise Unmeasurable("file.zip_ratio", packed=_bytes(packed), unpacked=_bytes(unpacked), limit=_bytes(limit))
    # Names in a package differ by more than case (Open Packaging Conventions, ECMA-376 part 2, section 7.3).
    twice = [name for name, times in Counter(entry.filename.lower() for entry in entries).items() if times > 1]
    if twice:
        raise Unmeasurable("file.zip_names", twice[0])


def _bytes(number: int) -> Quantity:
    return Quantity(number, "bytes")


def _told(error: Exception) -> str:
    """lib3mf's sentence without the name of its class."""
    return str(getattr(error, "_message", "") or error).strip()[:200]


def _built(model: Any) -> tuple[Triangles, Numbers]:
    """The triangles of everything that is built, and for each the number of its build item."""
    things = [_Placed(item.GetObjectResource(), _transform(item.GetObjectTransform())) for item in _items(model)]
    counted: dict[int, int] = {}
    if sum(_count(placed.thing, counted, 0) for placed in things) > MOST_TRIANGLES:
        raise Unmeasurable("file.unsupported", f"more than {MOST_TRIANGLES} triangles")
    drawn: dict[int, Triangles] = {}
    pieces = [_move(_draw(placed.thing, drawn), placed.transform) for placed in things]
    if not sum(map(len, pieces)):
        raise Unmeasurable("mesh.empty")
    return np.concatenate(pieces), np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])


@dataclass(frozen=True)
class _Placed:
    """An object, and where the object around it puts it."""

    thing: Any
    transform: npt.NDArray[np.float64]


def _items(model: Any) -> list[Any]:
    """The build items that are parts; supports are the printer's affair."""
    items, walk = [], model.GetBuildItems()
    while walk.MoveNext():
        item = walk.GetCurrent()
        if item.GetObjectResource().GetType() not in (lib3mf.ObjectType.Support, lib3mf.ObjectType.SolidSupport):
            items.append(item)
    return items


def _parts(thing: Any) -> list[_Placed]:
    if not thing.IsComponentsObject():
        raise Unmeasurable("file.unsupported", "level sets")
    components = [thing.GetComponent(index) for index in range(thing.GetComponentCount())]
    return [_Placed(component.GetObjectResource(), _transform(component.GetTransform())) for component in components]


def _count(thing: Any, counted: dict[int, int], depth: int) -> int:
    """How many triangles `thing` has once every component is placed; `counted` keeps what is known of each object."""
    key = thing.GetUniqueResourceID()
    if depth > MOST_DEPTH:
        raise Unmeasurable("file.unsupported", f"components nested more than {MOST_DEPTH} deep")
    if key not in counted:
        known = thing.IsMeshObject()
        counted[key] = int(thing.GetTriangleCount()) if known else sum(_count(part.thing, counted, depth + 1) for part in _parts(thing))
    return counted[key]


def _draw(thing: Any, drawn: dict[int, Triangles]) -> Triangles:
    """The triangles of `thing` in its own coordinates; `drawn` keeps each object, however often it is placed."""
    key = thing.GetUniqueResourceID()
    if key not in drawn:
        if thing.IsMeshObject():
            drawn[key] = _mesh(thing)
        else:
            pieces = [_move(_draw(part.thing, drawn), part.transform) for part in _parts(thing)]
            drawn[key] = np.concatenate(pieces) if pieces else np.empty((0, 3, 3))
    return drawn[key]


def _move(triangles: Triangles, transform: npt.NDArray[np.float64]) -> Triangles:
    moved: Triangles = triangles @ transform[:3] + transform[3]
    return moved


def _transform(transform: Any) -> npt.NDArray[np.float64]:
    """4 rows of 3: three for the axes and one for the shift, applied to row vectors."""
    return np.array([list(row) for row in transform.Fields], dtype=np.float64)


def _mesh(thing: Any) -> Triangles:
    if thing.BeamLattice().GetBeamCount():
        raise Unmeasurable("file.unsupported", "a lattice of beams")
    # Slices of full resolution only repeat what the mesh says; a coarse mesh beside them is not the part.
    if thing.HasSlices(True) and thing.GetSlicesMeshResolution() == lib3mf.SlicesMeshResolution.Lowres:
        raise Unmeasurable("file.unsupported", "ready-made slices")
    # The binding's own getters make a Python object of every corner: 50 times slower and larger.
    corners = _array(thing, "getvertices", thing.GetVertexCount(), lib3mf.Position).view("<f4").reshape(-1, 3)
    sides = _array(thing, "gettriangleindices", thing.GetTriangleCount(), lib3mf.Triangle).view("<u4").reshape(-1, 3)
    triangles: Triangles = corners.astype(np.float64)[sides]
    return triangles


def _array(thing: Any, getter: str, count: int, kind: Any) -> npt.NDArray[np.uint8]:
    """The bytes of `count` records of `kind`, as lib3mf writes them out."""
    records = (kind * count)()
    needed = ctypes.c_uint64(0)
    call = getattr(thing._wrapper.lib, f"lib3mf_meshobject_{getter}")
    thing._wrapper.checkError(thing, call(thing._handle, ctypes.c_uint64(count), needed, records))
    return np.frombuffer(records, dtype=np.uint8)
