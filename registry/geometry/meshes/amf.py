# SPDX-License-Identifier: AGPL-3.0-or-later
"""AMF, plain or zipped (ISO/ASTM 52915).

Curved triangles are read as flat ones, formulas for colours and materials are passed over. Objects that a constellation places are built
where it puts them, all others as they are drawn: our own choice, for the standard leaves open what becomes of an object that the
constellations of its file leave out.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO
from xml.parsers import expat

import numpy as np
import numpy.typing as npt

from commonfab import v1
from registry.geometry.faults import Unmeasurable
from registry.geometry.meshes.drawn import Drawn
from registry.geometry.meshes.faces import MOST_TRIANGLES, check_corners, check_faces, whole
from registry.geometry.meshes.objects import standing
from registry.geometry.meshes.print_settings import canonical
from registry.geometry.meshes.texts import numbers
from registry.geometry.triangles import Triangles

UNITS = MappingProxyType(
    {
        "millimeter": ("mm", 1.0),
        "inch": ("inch", 25.4),
        "feet": ("foot", 304.8),
        "foot": ("foot", 304.8),
        "meter": ("m", 1000.0),
        "micrometer": ("micron", 0.001),
        "micron": ("micron", 0.001),
    }
)
"""The units of ISO/ASTM 52915 and of its first edition; millimetre where the file names none."""
TOLD = ("name", "title", "description", "author", "designer", "company", "license", "licence", "copyright")
SLIC3R = "slic3r."
MOST_DEPTH = 32


def read(path: Path) -> Drawn:
    """Everything that the file builds. Errors: `Unmeasurable` (`file.unreadable`, `file.unsupported`, `file.zip_broken`, `mesh.empty`)."""
    found = _Found()
    with _opened(path) as file:
        _parse(file, found)
    if found.unit not in UNITS:
        raise Unmeasurable("file.unsupported", f'the unit "{found.unit[:40]}"')
    unit, factor = UNITS[found.unit]
    pieces = list(_built(found))
    if not pieces:
        raise Unmeasurable("mesh.empty")
    triangles = np.concatenate([piece for _, piece in pieces])
    numbered = np.repeat(np.arange(len(pieces)), [len(piece) for _, piece in pieces])
    groups, names = standing(triangles, numbered, [name for name, _ in pieces])
    return Drawn(triangles, groups, unit, factor, names, settings=tuple(found.settings), texts=tuple(found.texts))


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The XML, out of its archive where it is in one."""
    try:
        if not zipfile.is_zipfile(path):
            with path.open("rb") as plain:
                yield plain
            return
        with zipfile.ZipFile(path) as archive:
            inside = [entry for entry in archive.infolist() if entry.filename.lower().endswith((".amf", ".xml"))]
            if not inside:
                raise Unmeasurable("file.unreadable", "its archive holds no AMF")
            with archive.open(inside[0]) as packed:
                yield packed
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise Unmeasurable("file.zip_broken", str(error)) from None


@dataclass
class _Object:
    """An object's corners and the triangles of its volumes, as the file writes them: text, turned into numbers at the object's end."""

    name: str = ""
    places: tuple[list[str], list[str], list[str]] = field(default_factory=lambda: ([], [], []))
    volumes: list[tuple[list[str], list[str], list[str]]] = field(default_factory=list)
    pieces: list[Triangles] = field(default_factory=list)


@dataclass
class _Instance:
    of: str
    moves: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class _Found:
    """What a file holds, filled as it is read."""

    unit: str = "millimeter"
    objects: dict[str, _Object] = field(default_factory=dict)
    constellations: dict[str, list[_Instance]] = field(default_factory=dict)
    settings: list[v1.Setting] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


class _Reader:
    """Expat's calls. The text of an element that is wanted goes into the list `sink`, once."""

    def __init__(self, found: _Found) -> None:
        self.found = found
        self.sink: list[str] | None = None
        self.object: _Object | None = None
        self.constellation: list[_Instance] | None = None
        self.metadata: tuple[str, list[str]] | None = None
        self.sinks: dict[str, list[str]] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.sink = self.sinks.get(name)
        if self.sink is None:
            begin = getattr(self, f"start_{name.lower()}", None)
            if begin is not None:
                begin(attributes)

    def text(self, text: str) -> None:
        if self.sink is not None:
            self.sink.append(text)
            self.sink = None

    def start_amf(self, attributes: dict[str, str]) -> None:
        self.found.unit = attributes.get("unit", "millimeter").lower()

    def start_object(self, attributes: dict[str, str]) -> None:
        self.object = self.found.objects.setdefault(attributes.get("id", ""), _Object())

    def start_vertices(self, _: dict[str, str]) -> None:
        if self.object:
            self.sinks = dict(zip("xyz", self.object.places, strict=True))

    def start_volume(self, _: dict[str, str]) -> None:
        if self.object:
            self.object.volumes.append(([], [], []))
            self.sinks = dict(zip(("v1", "v2", "v3"), self.object.volumes[-1], strict=True))

    def start_constellation(self, attributes: dict[str, str]) -> None:
        self.constellation = self.found.constellations.setdefault(attributes.get("id", ""), [])

    def start_instance(self, attributes: dict[str, str]) -> None:
        if self.constellation is not None:
            self.constellation.append(_Instance(attributes.get("objectid", "")))
            moves = self.constellation[-1].moves
            self.sinks = {name: moves.setdefault(name, []) for name in ("deltax", "deltay", "deltaz", "rx", "ry", "rz")}

    def start_metadata(self, attributes: dict[str, str]) -> None:
        self.metadata = (attributes.get("type", "").lower(), [])
        self.sink = self.metadata[1]

    def end(self, name: str) -> None:
        match name.lower():
            case "vertices" | "volume" | "instance":
                self.sinks = {}
            case "metadata" if self.metadata:
                self._told(self.metadata[0], "".join(self.metadata[1]).strip())
                self.metadata = None
            case "object" if self.object:
                _finish(self.object)
                self.object = None

    def _told(self, kind: str, text: str) -> None:
        if self.object:
            self.object.name = text if kind == "name" else self.object.name
        elif kind in TOLD and text:
            self.found.texts.append(f"{kind}: {text}")
        if kind.startswith(SLIC3R):
            self.found.settings += canonical({kind.removeprefix(SLIC3R): text}, "AMF metadata")


def _parse(file: IO[bytes], found: _Found) -> None:
    parser, reader = expat.ParserCreate(), _Reader(found)
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = reader.start, reader.end, reader.text
    parser.EntityDeclHandler = _refuse_entities
    try:
        parser.ParseFile(file)
    except expat.ExpatError as error:
        raise Unmeasurable("file.unreadable", f"its XML is not well-formed: {error}") from None


def _refuse_entities(*_: object) -> None:
    raise Unmeasurable("file.unreadable", "it declares XML entities")


def _finish(thing: _Object) -> None:
    """Turn the text of an object into triangles, volume by volume, and let go of the text."""
    corners = _columns(thing.places, "corner")
    check_corners(corners)
    for volume in thing.volumes:
        sides = whole(_columns(volume, "triangle").reshape(-1), "corner number").reshape(-1, 3)
        check_faces(sides.reshape(-1), np.full(len(sides), 3), len(corners))
        if len(sides):
            thing.pieces.append(corners[sides])
    thing.places, thing.volumes = ([], [], []), []


def _columns(texts: tuple[list[str], list[str], list[str]], what: str) -> npt.NDArray[np.float64]:
    """Three lists of numbers as the columns of one table, shape (n, 3)."""
    if len({len(column) for column in texts}) > 1:
        raise Unmeasurable("file.unreadable", f"a {what} without three numbers")
    try:
        read = [numbers(" ".join(column).encode()) if column else np.empty(0) for column in texts]
    except ValueError:
        raise Unmeasurable("file.unreadable", f"a {what} with something else than a number") from None
    if any(len(column) != len(texts[0]) for column in read):
        raise Unmeasurable("file.unreadable", f"a {what} without three numbers")
    return np.stack(read, axis=1)


def _built(found: _Found) -> Iterator[tuple[str, Triangles]]:
    """The volumes of everything that is built, in place, with the names of their objects."""
    placed = {instance.of for instances in found.constellations.values() for instance in instances}
    total = 0
    for key in (*found.constellations, *found.objects):
        if key in placed:
            continue
        for name, piece in _pieces(key, found, 0):
            total += len(piece)
            if total > MOST_TRIANGLES:
                raise Unmeasurable("file.unsupported", f"more than {MOST_TRIANGLES} triangles")
            yield name, piece


def _pieces(key: str, found: _Found, depth: int) -> Iterator[tuple[str, Triangles]]:
    if depth > MOST_DEPTH:
        raise Unmeasurable("file.unsupported", f"constellations nested more than {MOST_DEPTH} deep")
    if key in found.objects:
        yield from ((found.objects[key].name, piece) for piece in found.objects[key].pieces)
    elif key in found.constellations:
        for instance in found.constellations[key]:
            turn, shift = _move(instance)
            for name, piece in _pieces(instance.of, found, depth + 1):
                yield name, piece @ turn.T + shift
    else:
        raise Unmeasurable("file.unreadable", f'it places an object "{key[:40]}" that it does not hold')


def _move(instance: _Instance) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """How an instance is turned (about X, then Y, then Z, in degrees) and shifted."""
    try:
        told = {name: float(words[0]) if words else 0.0 for name, words in instance.moves.items()}
    except ValueError:
        raise Unmeasurable("file.unreadable", f'an object "{instance.of[:40]}" is placed by something else than numbers') from None
    turn = np.eye(3)
    for first, second, angle in ((1, 2, told["rx"]), (2, 0, told["ry"]), (0, 1, told["rz"])):
        cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        about = np.eye(3)
        about[[first, second], [first, second]] = cosine
        about[first, second], about[second, first] = -sine, sine
        turn = about @ turn
    return turn, np.array([told["deltax"], told["deltay"], told["deltaz"]])
