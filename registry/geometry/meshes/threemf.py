# SPDX-License-Identifier: AGPL-3.0-or-later
"""3MF archives: the zip directory is checked before anything is unpacked, then lib3mf reads what shall be built.

Of the volumes in it, those that only steer a slicer are left out, as `threemf_project` finds them.
"""

from __future__ import annotations

import ctypes
import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import lib3mf
import numpy as np
import numpy.typing as npt

from commonfab import v1
from commonfab.reasons import reason
from registry.geometry.faults import Unmeasurable
from registry.geometry.meshes.drawn import Drawn
from registry.geometry.meshes.threemf_project import CUTS, Project, read_project
from registry.geometry.screening.expansion import Thing, check_expansion
from registry.geometry.screening.zips import check_directory
from registry.geometry.triangles import Triangles

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

TOLD = ("Title", "Description", "Designer", "LicenseTerms", "Copyright")
"""Metadata of the core specification, section 3.4.1, that a person may want to read."""
LONGEST_TEXT = 2000
EXTENSION_UNKNOWN = 0x8092
"""lib3mf's NMR_ERROR_REQUIREDEXTENSIONNOTSUPPORTED. A reader must not go on then (3MF core specification 1.3, section 2.3.2)."""
UNIT_UNKNOWN = 0x801E
"""lib3mf's NMR_ERROR_INVALIDUNIT."""
MOST_WARNINGS = 100


def read(path: Path) -> Drawn:
    """Everything that the file builds, placed by its transforms: an object for each build item.

    Errors: `Unmeasurable` (as `screening.zips.check_directory` and `check_expansion`, and `file.unreadable`, `file.unsupported`,
    `mesh.none_built`, `mesh.empty`).
    """
    check_directory(path)
    try:
        model = lib3mf.get_wrapper().CreateModel()
        reader = model.QueryReader("3mf")
        reader.ReadFromFile(str(path))
        warnings = _warnings(reader)
        # lib3mf takes millimetres for a unit that it does not know; the truth is that none is declared.
        unit, factor = ("", 1.0) if UNIT_UNKNOWN in warnings else UNITS[model.GetUnit()]
        work = _Work(read_project(path))
        items = _items(model, work)
        pieces = _built(model, items, work)
        return Drawn(
            np.concatenate(pieces),
            np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces]),
            unit,
            factor,
            tuple(_name(item, work.project) for item in items),
            _plates(items, work.project),
            settings=tuple(work.project.settings),
            texts=tuple(_texts(model)),
            remarks=(*_sloppy(warnings), *_remarks(work)),
        )
    except lib3mf.ELib3MFException as error:
        raise Unmeasurable("file.unreadable", _told(error)) from None


def _told(error: Exception) -> str:
    """lib3mf's sentence without the name of its class."""
    return str(getattr(error, "_message", "") or error).strip()[:200]


def _warnings(reader: Any) -> dict[int, str]:
    """The rules of the format that the file breaks, as lib3mf names them, by its number for each.

    Errors: `Unmeasurable` (`file.unsupported`) where the file needs an extension that lib3mf passes over with a warning.
    """
    told = [reader.GetWarning(index) for index in range(min(reader.GetWarningCount(), MOST_WARNINGS))]
    if any(code == EXTENSION_UNKNOWN for code, _ in told):
        raise Unmeasurable("file.unsupported", "an extension of 3MF that it says is needed to understand it")
    return {code: str(message).strip() for code, message in told}


def _sloppy(warnings: dict[int, str]) -> Iterator[v1.Reason]:
    """The first of what lib3mf warns of, metadata aside: they do not touch the shape."""
    told = [message for message in warnings.values() if "metadat" not in message.lower()]
    if told:
        yield reason("file.sloppy", told[0][:200])


def _texts(model: Any) -> Iterator[str]:
    """What the file tells of itself in words, without the HTML that some programs put there."""
    group = model.GetMetaDataGroup()
    for index in range(group.GetMetaDataCount()):
        entry = group.GetMetaData(index)
        text = " ".join(re.sub(r"<[^>]*>", " ", html.unescape(entry.GetValue())).split())
        if entry.GetName() in TOLD and text:
            yield f"{entry.GetName()}: {text[:LONGEST_TEXT]}"


@dataclass(frozen=True)
class _Placed:
    """An object, and where the object around it puts it."""

    thing: Any
    transform: npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Work:
    """What is known while a model is put together: what the slicer says, what was drawn, and what was left out, by its kind."""

    project: Project
    drawn: dict[tuple[int, int], Triangles] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)


def _remarks(work: _Work) -> Iterator[v1.Reason]:
    """What is in the file and not in the triangles, or not as the slicer will make it."""
    for kind, count in sorted(work.left_out.items()):
        yield reason("mesh.not_cut", volumes=count) if kind == CUTS else reason("mesh.left_out", kind, things=count)


def _items(model: Any, work: _Work) -> list[Any]:
    """The build items that are parts; supports are the printer's affair."""
    items, walk = [], model.GetBuildItems()
    while walk.MoveNext():
        item = walk.GetCurrent()
        if _is_support(item.GetObjectResource()):
            work.left_out["supports"] += 1
        else:
            items.append(item)
    return items


def _is_support(thing: Any) -> bool:
    return thing.GetType() in (lib3mf.ObjectType.Support, lib3mf.ObjectType.SolidSupport)


def _built(model: Any, items: list[Any], work: _Work) -> list[Triangles]:
    """The triangles of each build item."""
    objects = model.GetObjects().Count()
    if not items and objects and not work.left_out:
        raise Unmeasurable("mesh.none_built", objects=objects)
    things = [_Placed(item.GetObjectResource(), _transform(item.GetObjectTransform())) for item in items]
    _check_expansion([placed.thing for placed in things])
    pieces = [_move(_draw(placed.thing, placed.thing, work), placed.transform) for placed in things]
    if not sum(map(len, pieces)):
        raise Unmeasurable("mesh.empty")
    return pieces


def _name(item: Any, project: Project) -> str:
    """The name of what is built, with its part number where it has one besides."""
    thing = item.GetObjectResource()
    name = thing.GetName() or project.names.get(thing.GetModelResourceID(), "")
    number = item.GetPartNumber() or thing.GetPartNumber()
    return f"{name} ({number})" if name and number and name != number else str(name or number)


def _plates(items: list[Any], project: Project) -> tuple[int, ...]:
    """The plate that each build item stands on, 0 for one on none; nothing at all where the file knows no plates."""
    if not project.plates:
        return ()
    met: Counter[int] = Counter()
    plates = []
    for item in items:
        number = item.GetObjectResource().GetModelResourceID()
        plates.append(project.plates.get((number, met[number]), 0))
        met[number] += 1
    return tuple(plates)


def _parts(thing: Any) -> list[_Placed]:
    if not thing.IsComponentsObject():
        raise Unmeasurable("file.unsupported", "level sets")
    components = [thing.GetComponent(index) for index in range(thing.GetComponentCount())]
    return [_Placed(component.GetObjectResource(), _transform(component.GetTransform())) for component in components]


def _made(thing: Any, top: Any, work: _Work) -> list[_Placed]:
    """The components of `thing` that are made. `top` is the object of the build item that all this is in."""
    made = []
    for part in _parts(thing):
        kind = work.project.aside.get((top.GetModelResourceID(), part.thing.GetModelResourceID()))
        kind = "supports" if _is_support(part.thing) else kind
        if kind:
            work.left_out[kind] += 1
        else:
            made.append(part)
    return made


def _check_expansion(built: list[Any]) -> None:
    """Refuse what unfolds to more than can be drawn.

    Screening has done so from the XML; here is what lib3mf made of it, which may resolve a path or a number that screening did not.
    """
    things: dict[int, Thing[int]] = {}
    waiting = list(built)
    while waiting:
        thing = waiting.pop()
        key = thing.GetUniqueResourceID()
        if key in things:
            continue
        if thing.IsMeshObject():
            things[key] = Thing(int(thing.GetTriangleCount()))
        else:
            inner = [part.thing for part in _parts(thing)]
            things[key] = Thing(placed=[part.GetUniqueResourceID() for part in inner])
            waiting += inner
    check_expansion(things, [thing.GetUniqueResourceID() for thing in built])


def _draw(thing: Any, top: Any, work: _Work) -> Triangles:
    """The triangles of `thing` in its own coordinates. Each object is drawn once, however often it is placed.

    Which of its components are made depends on `top`, the object of the build item, where a slicer says so.
    """
    key = (thing.GetUniqueResourceID(), top.GetUniqueResourceID() if work.project.aside else 0)
    if key not in work.drawn:
        if thing.IsMeshObject():
            work.drawn[key] = _without(_mesh(thing), work.project.ranges.get(thing.GetModelResourceID(), []), work)
        else:
            pieces = [_move(_draw(part.thing, top, work), part.transform) for part in _made(thing, top, work)]
            work.drawn[key] = np.concatenate(pieces) if pieces else np.empty((0, 3, 3))
    return work.drawn[key]


def _without(triangles: Triangles, ranges: list[tuple[int, int, str]], work: _Work) -> Triangles:
    """The triangles but for those of volumes that are not made. A range that does not fit the mesh is not believed."""
    kept = np.ones(len(triangles), dtype=bool)
    for first, last, kind in ranges:
        if 0 <= first <= last < len(triangles):
            kept[first : last + 1] = False
            work.left_out[kind] += 1
    return triangles if kept.all() else triangles[kept]


def _move(triangles: Triangles, transform: npt.NDArray[np.float64]) -> Triangles:
    """The triangles in their place. A mirror turns their sides about, so their corners are swapped back."""
    moved: Triangles = triangles @ transform[:3] + transform[3]
    return moved[:, ::-1] if np.linalg.det(transform[:3]) < 0 else moved


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
