# SPDX-License-Identifier: AGPL-3.0-or-later
"""XML, read once by expat and kept nowhere: no entities that unfold or fetch, no depth and no attributes without end.

expat fetches nothing by itself, and since 2.4 it stops entities that amplify.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from xml.parsers import expat

from registry.geometry.faults import Unmeasurable
from registry.geometry.screening import zips

MOST_DEPTH = 256
"""As libxml2's own limit. Drawings nest a dozen groups."""
MOST_ATTRIBUTES = 256
"""Our own choice: a richly styled element has some sixty."""
LONGEST_ENTITY = 256
MOST_ENTITIES = 64
"""Our own choice. Adobe Illustrator declares a dozen entities in its SVG, each the name of a namespace."""
CHUNK = 64 * 1024
CUT_OFF = (expat.errors.XML_ERROR_NO_ELEMENTS, expat.errors.XML_ERROR_UNCLOSED_TOKEN)

Started = Callable[[str, list[str]], None]
Ended = Callable[[str], None]


def screen_svg(path: Path) -> None:
    """Errors: `Unmeasurable` (`file.xml_entities`, `file.xml_depth`, `file.xml_attributes`, `file.unreadable`, `file.breaks_off`)."""
    walk(_pieces(path), short_entities=True)


def screen_amf(path: Path) -> None:
    """An AMF, plain or zipped. Errors: as `screen_svg`, and as `zips.screen_archive`."""
    with path.open("rb") as file:
        packed = file.read(4) == b"PK\x03\x04"
    if not packed:
        walk(_pieces(path))
        return
    zips.screen_archive(path)
    for entry in xml_entries(path):
        walk(zips.unpacked(path, entry), part=zips.shown(entry.filename))


def looks_like_xml(start: bytes) -> bool:
    """Whether bytes begin as XML does, in UTF-8 or UTF-16."""
    return start[:256].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<")


def walk(
    pieces: Iterable[bytes], started: Started | None = None, ended: Ended | None = None, *, short_entities: bool = False, part: str = ""
) -> None:
    """Read XML to its end.

    Parameters: `started`, called with each element's name and its attributes, names and values in turn; `ended`, called with its name;
    names are as the file has them, prefix and all; `short_entities`, whether entities that stand for a short text are allowed; `part`,
    the name of the archive's entry.
    Errors: `Unmeasurable` (`file.xml_entities`, `file.xml_depth`, `file.xml_attributes`, `file.unreadable`, `file.breaks_off`).
    """
    parser = expat.ParserCreate()
    parser.ordered_attributes = True  # a list costs less than a dictionary, and a mesh has millions of elements
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    watch = _Watch(started, ended)
    parser.StartElementHandler, parser.EndElementHandler = watch.start, watch.end
    parser.EntityDeclHandler = _entity_watch(short_entities)
    try:
        for piece in pieces:
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        if part and not watch.root and expat.ErrorString(error.code) == expat.errors.XML_ERROR_NO_ELEMENTS:
            return  # an empty part of a package, which most readers never open
        raise _unreadable(error, watch, part) from None
    except (LookupError, ValueError) as error:  # Python's own word about an encoding that it does not know or that is no encoding of text
        raise Unmeasurable("file.unreadable", f"{part or 'XML'}: {error}") from None


def attribute(attributes: list[str], name: str) -> str:
    """The value of the attribute `name`, whatever its prefix; empty where there is none."""
    pairs = zip(attributes[::2], attributes[1::2], strict=True)
    return next((value for key, value in pairs if key.rpartition(":")[2] == name), "")


class _Watch:
    """How deep expat is. It is called for every element, so it does little."""

    def __init__(self, started: Started | None, ended: Ended | None) -> None:
        self._started, self._ended = started, ended
        self.root, self.depth = "", 0

    def start(self, name: str, attributes: list[str]) -> None:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise Unmeasurable("file.xml_depth", limit=MOST_DEPTH)
        if len(attributes) > 2 * MOST_ATTRIBUTES:
            raise Unmeasurable("file.xml_attributes", zips.shown(name), limit=MOST_ATTRIBUTES)
        self.root = self.root or name
        if self._started:
            self._started(name, attributes)

    def end(self, name: str) -> None:
        self.depth -= 1
        if self._ended:
            self._ended(name)


def _entity_watch(short_entities: bool) -> Callable[..., None]:
    """A handler of entity declarations that refuses them, but for a few that stand for a short text where those are allowed."""
    allowed = MOST_ENTITIES if short_entities else 0

    def declared(name: str, parameter: bool, value: str | None, *_: str | None) -> None:
        nonlocal allowed
        allowed -= 1
        plain = value is not None and not parameter and len(value) <= LONGEST_ENTITY and not set("&%<") & set(value)
        if allowed < 0 or not plain:
            raise Unmeasurable("file.xml_entities", zips.shown(name))

    return declared


def _unreadable(error: expat.ExpatError, watch: _Watch, part: str) -> Unmeasurable:
    word = expat.ErrorString(error.code)
    if "amplification" in word:
        return Unmeasurable("file.xml_entities", part or "XML")
    if word in CUT_OFF and watch.root and not part:
        return Unmeasurable("file.breaks_off", f"</{zips.shown(watch.root)}>")
    where = f"{part}, line {error.lineno}" if part else f"line {error.lineno}"
    return Unmeasurable("file.unreadable", f"{where}: {word}")


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def xml_entries(path: Path) -> Iterator[zipfile.ZipInfo]:
    """The entries of an archive that begin as XML does, whatever they are called. Errors: as `zips.unpacked`."""
    for entry in zips.directory(path):
        if looks_like_xml(zips.beginning(path, entry, 256)):
            yield entry
