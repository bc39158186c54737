# SPDX-License-Identifier: AGPL-3.0-or-later
"""Drawings as DXF, R12 to 2018, text or binary."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from ezdxf import recover
from ezdxf.filemanagement import readfile

from commonfab.reasons import reason
from registry.geometry.drawings.dxf_blocks import refuse_endless_blocks
from registry.geometry.drawings.dxf_entities import CURVES, Seen
from registry.geometry.drawings.dxf_header import BINARY, UNITS, read_header
from registry.geometry.drawings.layers import CONSTRUCTION, purpose_of
from registry.geometry.drawings.lines import Drawn, Stroke
from registry.geometry.drawings.words import shown
from registry.geometry.faults import Unmeasurable

TEXTS = frozenset({"TEXT", "MTEXT", "ATTRIB", "ATTDEF"})
ANNOTATIONS = frozenset(
    {
        *("DIMENSION", "ARC_DIMENSION", "LARGE_RADIAL_DIMENSION", "LEADER", "MULTILEADER", "MLEADER", "TOLERANCE", "ACAD_TABLE"),
        *("HATCH", "MPOLYGON", "SOLID", "TRACE", "IMAGE", "WIPEOUT", "OLE2FRAME", "OLEFRAME", "SHAPE", "RTEXT", "ARCALIGNEDTEXT"),
        *("UNDERLAY", "PDFUNDERLAY", "DWFUNDERLAY", "DGNUNDERLAY"),
    }
)
"""What explains or fills and is not cut."""

SPATIAL = frozenset(
    {
        *("3DFACE", "MESH", "3DSOLID", "BODY", "SURFACE", "PLANESURFACE"),
        *("EXTRUDEDSURFACE", "LOFTEDSURFACE", "REVOLVEDSURFACE", "SWEPTSURFACE"),
    }
)
"""Faces and bodies in space."""

NEITHER = frozenset({"POINT", "XLINE", "RAY", "VIEWPORT", "LIGHT", "CAMERA", "SUN", "SEQEND", "VERTEX", "GEODATA", "GEOPOSITIONMARKER"})
"""Points, endless lines and windows: nothing to cut and nothing to say."""

MOST_ENTITIES = 200_000
"""Lines and curves of a drawing, blocks expanded. A sheet with a hundred thousand holes is measured in half a minute."""

MOST_POINTS = 4_000_000
MOST_ANNOUNCED = 600_000
"""Entries of the file, the corners of old polylines among them, before anything is parsed: each takes a kilobyte of memory."""

MOST_TEXTS = 50


@dataclass
class Walk:
    """Where the reading of a document stands."""

    document: Any
    drawn: Drawn
    unseen: frozenset[str] = frozenset()
    linetypes: dict[str, str] = field(default_factory=dict)
    known: dict[tuple[str, str], str] = field(default_factory=dict)
    entities: int = 0
    points: int = 0
    heights: list[float] = field(default_factory=list)


def read_dxf(path: Path) -> Drawn:
    """The lines of a DXF file, in its own unit. Errors: `Unmeasurable`."""
    content = path.read_bytes()
    header = read_header(content)
    if not content.startswith(BINARY) and len(re.findall(rb"\n[ \t]*0[ \t]*\r?\n", content)) > MOST_ANNOUNCED:
        raise Unmeasurable("dxf.too_many", limit=MOST_ANNOUNCED)
    del content
    drawn = Drawn(version=header.version, insunits=header.insunits)
    drawn.unit, drawn.factor = UNITS.get(header.insunits, ("", 0.0))
    if not drawn.unit and header.measurement == 0:
        drawn.remarks.append(reason("dxf.imperial"))
    document, repair = _open(path)
    if repair:
        drawn.remarks.append(reason("dxf.repaired", repair))
    refuse_endless_blocks(document, MOST_ENTITIES)
    walk = Walk(document, drawn, *_layer_table(document))
    _expand(walk, document.modelspace(), (), "0")
    _note_heights(walk)
    _note_paper(walk)
    return drawn


def _open(path: Path) -> tuple[Any, str]:
    """The document, and what had to be repaired; the parser may stumble in any way over a damaged file."""
    try:
        return readfile(path), ""
    except MemoryError:
        raise
    except Exception as error:
        first = shown(f"{type(error).__name__}: {error}")
    try:
        document, _ = recover.readfile(path)
    except MemoryError:
        raise
    except Exception as error:
        raise Unmeasurable("file.unreadable", shown(f"{type(error).__name__}: {error}")) from None
    return document, first


def _layer_table(document: Any) -> tuple[frozenset[str], dict[str, str]]:
    """Layers that are frozen or switched off, and the kind of line of each, by name in small letters."""
    layers = list(document.layers)
    unseen = frozenset(layer.dxf.name.lower() for layer in layers if layer.is_off() or layer.is_frozen())
    return unseen, {layer.dxf.name.lower(): layer.dxf.linetype for layer in layers}


def _expand(walk: Walk, entities: Any, within: tuple[str, ...], layer: str) -> None:
    """Add what `entities` draw. `within` names the blocks they are in, `layer` is that of the reference to the innermost."""
    for entity in entities:
        walk.entities += 1
        if walk.entities > MOST_ENTITIES:
            raise Unmeasurable("dxf.too_many", limit=MOST_ENTITIES)
        try:
            own = entity.dxf.get("layer", "0")
            own = layer if own == "0" and within else own
            if own.lower() not in walk.unseen and not entity.dxf.get("invisible", 0):
                _take(walk, entity, within, own)
        except (Unmeasurable, MemoryError):
            raise
        except Exception:  # one broken entity: its numbers, its data, its references may be wrong in any way
            walk.drawn.unread.add(shown(entity.dxftype(), 40))


def _take(walk: Walk, entity: Any, within: tuple[str, ...], layer: str) -> None:
    kind, drawn = entity.dxftype(), walk.drawn
    if kind == "INSERT":
        _insert(walk, entity, within, layer)
    elif kind in TEXTS:
        drawn.annotations += 1
        _note_text(drawn, entity)
    elif kind in ANNOTATIONS:
        drawn.annotations += 1
    elif kind in SPATIAL or (kind == "POLYLINE" and (entity.is_poly_face_mesh or entity.is_polygon_mesh)):
        drawn.spatial += 1
    elif kind == "MLINE":
        _expand(walk, entity.virtual_entities(), within, layer)
    elif kind in CURVES:
        _draw(walk, CURVES[kind](entity), layer, entity.dxf.get("linetype", "BYLAYER"))
    elif kind not in NEITHER:
        drawn.unread.add(shown(kind, 40))


def _insert(walk: Walk, insert: Any, within: tuple[str, ...], layer: str) -> None:
    name = insert.dxf.get("name", "")
    block = walk.document.blocks.get(name)
    walk.drawn.annotations += len(insert.attribs)
    if block is None or block.block is None or block.block.is_xref:
        walk.drawn.unread.add(shown(f"block {name}", 80))
        return
    inner = (*within, name.lower())
    for single in insert.multi_insert() if insert.mcount > 1 else [insert]:
        _expand(walk, single.virtual_entities(), inner, layer)


def _draw(walk: Walk, seen: Seen | None, layer: str, linetype: str) -> None:
    if seen is None:
        return
    if linetype.upper() in ("BYLAYER", "BYBLOCK"):
        linetype = walk.linetypes.get(layer.lower(), "")
    layer = shown(layer)
    purpose = walk.known.get((layer, linetype))
    if purpose is None:
        purpose = walk.known[layer, linetype] = purpose_of(layer, linetype)
    curve, drawn = seen.curve, walk.drawn
    walk.points += len(curve.points)
    if walk.points > MOST_POINTS:
        raise Unmeasurable("dxf.too_many", limit=MOST_ENTITIES)
    drawn.entities[layer] = drawn.entities.get(layer, 0) + 1
    if drawn.purposes.get(layer) in (None, CONSTRUCTION):  # a layer with solid and chain lines is for what its solid lines are for
        drawn.purposes[layer] = purpose
    drawn.strokes.append(Stroke(curve.points, layer, purpose, curve.length, curve.bow))
    walk.heights.extend((seen.low, seen.high))


def _note_heights(walk: Walk) -> None:
    """Say how flat the lines lie; tilted ones count as things in space."""
    heights = np.array(walk.heights).reshape(-1, 2)
    if not len(heights) or not np.isfinite(heights).all():
        return
    points = np.concatenate([stroke.points for stroke in walk.drawn.strokes])
    slack = 1e-4 * float(np.ptp(points, axis=0).max() if np.isfinite(points).all() else 0.0)
    walk.drawn.tilted = int((np.ptp(heights, axis=1) > slack).sum())
    height = float(np.ptp(heights))
    walk.drawn.height = height if height > slack else 0.0


def _note_paper(walk: Walk) -> None:
    """Say what is drawn in paper space; its windows on the model do not count."""
    sheets = [layout for layout in walk.document.layouts if not layout.is_modelspace]
    on_paper = sum(1 for sheet in sheets for entity in sheet if entity.dxftype() not in NEITHER)
    if on_paper:
        walk.drawn.remarks.append(reason("dxf.paperspace", entities=on_paper))


def _note_text(drawn: Drawn, entity: Any) -> None:
    if len(drawn.texts) < MOST_TEXTS:
        text = entity.plain_text() if hasattr(entity, "plain_text") else entity.dxf.get("text", "")
        text = shown(text)
        if text:
            drawn.texts.append(text)
