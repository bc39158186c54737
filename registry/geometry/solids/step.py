# SPDX-License-Identifier: AGPL-3.0-or-later
"""STEP files (ISO 10303-21) of any application protocol, read with their names and their structure.

Reading the structure cost up to a quarter more than the bare shape for parts of a few faces, and nothing more at two hundred, so it is
always read; tolerances only where the text has any. The kernel's reader would open the files that a file refers to, wherever they are:
it is not let.
"""

from __future__ import annotations

import io
import mmap
import re
from types import MappingProxyType

from OCP.IFSelect import IFSelect_RetDone
from OCP.STEPCAFControl import STEPCAFControl_Reader
from OCP.TCollection import TCollection_ExtendedString
from OCP.TColStd import TColStd_SequenceOfAsciiString
from OCP.TDocStd import TDocStd_Document
from OCP.TopoDS import TopoDS_Shape
from OCP.XCAFDoc import XCAFDoc_DocumentTool

from commonfab.reasons import reason
from registry.geometry.faults import Unmeasurable
from registry.geometry.solids.kernel import kernel_call, together
from registry.geometry.solids.reading import Solids
from registry.geometry.solids.threads import threads_in
from registry.geometry.solids.tolerances import tolerances_of
from registry.geometry.source import Source

UNITS = MappingProxyType(
    {
        "millimetre": "mm", "mm": "mm", "centimetre": "cm", "cm": "cm", "metre": "m", "m": "m", "inch": "inch", "in": "inch",
        "foot": "foot", "feet": "foot", "ft": "foot", "mil": "mil", "micrometre": "micron", "um": "micron", "kilometre": "km",
    }
)  # fmt: skip
"""The kernel's word for a unit, and ours."""

SCHEMAS = MappingProxyType({"CONFIG_CONTROL_DESIGN": "AP203", "AUTOMOTIVE_DESIGN": "AP214"})
"""Schema names that do not begin with the number of their protocol (ISO 10303-203 first edition, ISO 10303-214)."""

SCHEMA = re.compile(rb"FILE_SCHEMA\s*\(\s*\(\s*'([^']*)'")
HEADER_BYTES = 64 * 1024

REFERENCE = re.compile(rb"\b(?:APPLIED_EXTERNAL_IDENTIFICATION_ASSIGNMENT|DOCUMENT_FILE)\s*\(\s*'((?:[^']|'')+)'")
"""How a file names another one that holds a component (ISO 10303-44, recommended practices for external references)."""

TOLERANCE_WORDS = (b"DIMENSIONAL_SIZE", b"DIMENSIONAL_LOCATION", b"_TOLERANCE", b"PLUS_MINUS_TOLERANCE")
MOST_REFERENCES = 100


def read(source: Source) -> Solids:
    """The file's shapes; the kernel converts every part of it to millimetres. Errors: `Unmeasurable` (`file.unreadable`)."""
    with source.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        reader = STEPCAFControl_Reader()
        reader.SetColorMode(False)
        reader.SetLayerMode(False)
        reader.SetPropsMode(False)
        has_tolerances = any(text.find(word) >= 0 for word in TOLERANCE_WORDS)
        reader.SetGDTMode(has_tolerances)
        references = _references(text)
        with kernel_call():
            if references:
                # A word that the reader does not know, of the same length: the component then stays empty.
                told = reader.ReadStream("part", io.BytesIO(text[:].replace(b"DOCUMENT_FILE", b"DOCUMENT_LEFT")))
            else:
                told = reader.ReadFile(str(source.path))
        if told != IFSelect_RetDone:
            raise Unmeasurable("file.unreadable", "it is not well-formed STEP")
        units = _units(reader)
        document = TDocStd_Document(TCollection_ExtendedString("XmlXCAF"))
        with kernel_call():
            reader.Transfer(document)
        return Solids(
            shape=_shape(document),
            unit=units[0] if units else "",
            schema=schema_of(text[:HEADER_BYTES]),
            document=document,
            tolerances=tuple(tolerances_of(document)) if has_tolerances else (),
            references=references,
            threads=tuple(threads_in(text)),
            remarks=(reason("units.mixed", ", ".join(units)),) if len(units) > 1 else (),
        )


def schema_of(head: bytes) -> str:
    """The application protocol that the header names: "AP203", "AP214", "AP242", or the schema's own name."""
    found = SCHEMA.search(head)
    if not found:
        return ""
    name = found[1].decode(errors="replace").strip().split(" ")[0].split("{")[0].upper()
    protocol = re.match(r"AP\d{3}", name)
    return protocol[0] if protocol else SCHEMAS.get(name, name[:64])


def _references(text: mmap.mmap) -> tuple[str, ...]:
    if text.find(b"DOCUMENT_FILE") < 0:
        return ()
    named = (found[1].decode(errors="replace").replace("''", "'").strip() for found in REFERENCE.finditer(text))
    return tuple(dict.fromkeys(name for name in named if name))[:MOST_REFERENCES]


def _units(reader: STEPCAFControl_Reader) -> list[str]:
    """The units of length that the file names, each once."""
    lengths, angles, solid_angles = (TColStd_SequenceOfAsciiString() for _ in range(3))
    reader.ChangeReader().FileUnits(lengths, angles, solid_angles)
    told = [lengths.Value(index).ToCString().lower() for index in range(1, lengths.Length() + 1)]
    return list(dict.fromkeys(UNITS.get(unit, unit) for unit in told))


def _shape(document: TDocStd_Document) -> TopoDS_Shape:
    shape = XCAFDoc_DocumentTool.ShapeTool_s(document.Main()).GetOneShape()
    return together([]) if shape is None or shape.IsNull() else shape
