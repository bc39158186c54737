# SPDX-License-Identifier: AGPL-3.0-or-later
"""Sources that are kept as they are: OpenSCAD, KiCad, Gerber and Excellon, Python that draws. They are never executed."""

from __future__ import annotations

import re

from commonfab import v1
from registry.geometry.sniff.glance import Glance

KICAD = re.compile(
    rb"\((?:kicad_\w+|footprint|module|fp_lib_table|sym_lib_table|page_layout|export)\s|EESchema|PCBNEW-|# PCBNEW|Cmp-Mod V0"
)
KICAD_PROJECT = re.compile(rb'"filename"\s*:\s*"[^"]{0,200}\.kicad_(?:pro|prl)"')
GERBER_FORMAT = re.compile(rb"%FS[LTD]?[AI]|%MO(?:MM|IN)\*%|%TF\.|%ADD\d+")
GERBER_COMMENT, GERBER_DRAW = re.compile(rb"G0?4\b[^*]*\*"), re.compile(rb"D0?[123]\*")
EXCELLON_TOOL = re.compile(rb"(?m)^(?:T\d[^\r\n]*C[\d.]|METRIC|INCH|FMAT,[12]|M7[12]\s*$)")
PYTHON_CAD = re.compile(rb"(?m)^[ \t]*(?:from|import)[ \t]+(?:cadquery|build123d|cq_\w+)\b")

SCAD_SHAPE = re.compile(
    rb"(?:translate|rotate|scale|mirror|resize|multmatrix|color|difference|union|intersection|hull|minkowski|offset|projection|render"
    rb"|linear_extrude|rotate_extrude|cube|cylinder|sphere|polyhedron|circle|square|polygon|text|surface|import|children)\s*\("
)
SCAD_FRAME = re.compile(rb"(?:module|function)\s+\w+\s*\(|(?:use|include)\s*<[^>\r\n]+>|\$f[nas]\s*=")
SCAD_ENDS = (b";", b"{", b"}", b")", b",", b"]", b"[", b"(", b">")
OTHER_TONGUES = re.compile(
    rb"(?m)^(?:def |class |import \w|from \w+ import|const |let |var |#include|using |public |package )|=>|require\("
)


def kicad(glance: Glance) -> v1.FileFormat.ValueType | None:
    """A board, schematic, footprint, symbol library or project of KiCad."""
    project = glance.start.startswith(b"{") and KICAD_PROJECT.search(glance.text)
    return v1.FILE_FORMAT_KICAD if project or KICAD.match(glance.start) else None


def gerber(glance: Glance) -> v1.FileFormat.ValueType | None:
    """A Gerber layer (Ucamco, "The Gerber Layer Format Specification") or an Excellon drill file (its header begins with M48)."""
    lines = [line for line in glance.lines[:500] if not line.startswith(b";")]
    head = b"\n".join(lines)
    if lines[:1] == [b"M48"] and EXCELLON_TOOL.search(head):
        return v1.FILE_FORMAT_GERBER
    starred = sum(line.endswith((b"*", b"*%", b"%")) for line in lines)
    marked = GERBER_FORMAT.search(head) or (GERBER_COMMENT.match(head) and GERBER_DRAW.search(head))
    return v1.FILE_FORMAT_GERBER if marked and starred >= 0.8 * len(lines) else None


def cadquery(glance: Glance) -> v1.FileFormat.ValueType | None:
    """Python that imports CadQuery or build123d."""
    return v1.FILE_FORMAT_CADQUERY if PYTHON_CAD.search(glance.text) else None


def openscad(glance: Glance) -> v1.FileFormat.ValueType | None:
    """OpenSCAD: a shape or a module at the beginning of a line, and lines that end as its statements do."""
    statements = [line for line in _without_comments(glance.text) if line]
    if not statements or OTHER_TONGUES.search(b"\n".join(statements)):
        return None
    shapes = sum(bool(SCAD_SHAPE.match(line.lstrip(b"#!%*} "))) for line in statements)
    frames = sum(bool(SCAD_FRAME.match(line)) for line in statements)
    ended = sum(line.endswith(SCAD_ENDS) for line in statements)
    drawn = shapes + frames > 0 and any(b";" in line or b"{" in line or b"<" in line for line in statements)
    return v1.FILE_FORMAT_OPENSCAD if drawn and ended >= 0.6 * len(statements) else None


def _without_comments(text: bytes) -> list[bytes]:
    plain, place = [], 0
    while (start := text.find(b"/*", place)) >= 0:
        plain.append(text[place:start])
        end = text.find(b"*/", start + 2)
        place = end + 2 if end >= 0 else len(text)
    plain.append(text[place:])
    return [line.partition(b"//")[0].strip()[:2048] for line in re.split(rb"[\r\n]+", b"".join(plain))]
