# SPDX-License-Identifier: AGPL-3.0-or-later
"""3MF: every XML part of the package is screened, and how many triangles its components unfold to is reckoned from the XML alone.

3MF core specification 1.3 (objects, components, build), production extension 1.1 (objects of other parts of the package, by their path),
secure content extension 1.0 (the keystore that names what is encrypted).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from registry.geometry.faults import Unmeasurable
from registry.geometry.screening import zips
from registry.geometry.screening.expansion import Thing, check_expansion
from registry.geometry.screening.xml import attribute, walk, xml_entries

Key = tuple[str, str]
"""The path of a part of the package, and the object's id in it: ids repeat from part to part."""


def screen_components(path: Path) -> None:
    """Refuse a package whose XML is hostile, whose components unfold to too much, or that keeps its model under a key.

    Errors: `Unmeasurable` (`file.component_expansion`, `file.component_depth`, `file.component_cycle`, `file.encrypted`, and as
    `xml.walk` and `zips.unpacked`).
    """
    found = _Found()
    # The keystore first: what it names is no XML, though its first byte may look so.
    for entry in sorted(xml_entries(path), key=lambda entry: "keystore" not in entry.filename.lower()):
        reader = _Part(_key(entry.filename), found)
        walk(zips.unpacked(path, entry), reader.start, reader.end, part=zips.shown(entry.filename))
        if found.encrypted:
            raise Unmeasurable("file.encrypted", zips.shown(found.encrypted[0]))
    check_expansion(found.things, found.built)


@dataclass
class _Found:
    things: dict[Key, Thing[Key]] = field(default_factory=dict)
    built: list[Key] = field(default_factory=list)
    encrypted: list[str] = field(default_factory=list)


class _Part:
    """What one XML part says of objects; it keeps nothing of their corners."""

    def __init__(self, path: str, found: _Found) -> None:
        self._path, self._found = path, found
        self._object: Thing[Key] | None = None

    def start(self, name: str, attributes: list[str]) -> None:
        if name == "vertex":  # these two are nearly all there is
            return
        if name == "triangle":
            self._triangle()
        else:
            self._other(name.rpartition(":")[2], attributes)

    def end(self, name: str) -> None:
        if name == "object" or name.endswith(":object"):
            self._object = None

    def _triangle(self) -> None:
        if self._object:
            self._object.triangles += 1

    def _other(self, name: str, attributes: list[str]) -> None:
        if name == "triangle":
            self._triangle()
        elif name == "object":
            # Of two objects with one id the readers take either; both are counted.
            self._object = self._found.things.setdefault((self._path, _number(attribute(attributes, "id"))), Thing())
        elif name == "component" and self._object:
            self._object.placed.append(self._target(attributes))
        elif name == "item":
            self._found.built.append(self._target(attributes))
        elif name == "resourcedata":
            self._found.encrypted.append(attribute(attributes, "path") or "a part")

    def _target(self, attributes: list[str]) -> Key:
        return (_key(attribute(attributes, "path")) or self._path, _number(attribute(attributes, "objectid")))


def _number(written: str) -> str:
    """An object's id as a number is written: to a reader, "07" and " +7" are 7."""
    try:
        return str(int(written))
    except ValueError:
        return written


def _key(path: str) -> str:
    return path.replace("\\", "/").strip("/").casefold()
