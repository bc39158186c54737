# SPDX-License-Identifier: AGPL-3.0-or-later
"""Meshes other than STL: OBJ, PLY, OFF, GLB."""

from __future__ import annotations

import re
import struct

from commonfab import v1
from registry.geometry.faults import Unmeasurable
from registry.geometry.sniff.glance import Glance

OBJ_WORDS = frozenset(
    b"v vn vt vp f l p g s o mtllib usemtl usemap newmtl cstype deg bmat step curv curv2 surf parm trim hole scrv sp end con mg".split()
    + b"bevel c_interp d_interp lod shadow_obj trace_obj ctech stech call csh fo maplib".split()
)
"""The statements of OBJ (Wavefront, "Advanced Visualizer", appendix B1), and `newmtl`: some writers put materials in the same file."""
MATERIAL_WORDS = frozenset(b"Ka Kd Ks Ke Kt Tf Tr Ni Ns d illum map_Ka map_Kd map_Ks map_Bump map_d bump refl".split())
VERTEX = re.compile(rb"(?:v|vn|vt|vp)(?:\s+[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?){2}", re.ASCII)
LIKELY = 0.6
"""The share of lines that must be statements of the format; the rest may be faults, which are for its reader to name."""
OFF = re.compile(rb"(?:ST)?C?N?4?n?OFF(?=[\s\d]|$)")


def glb(glance: Glance) -> v1.FileFormat.ValueType | None:
    """glTF 2.0 in its binary container. Errors: `Unmeasurable` (`file.unsupported` for another version, `file.unrecognised`)."""
    if not glance.head.startswith(b"glTF"):
        return None
    if glance.size < 12:
        raise Unmeasurable("file.unrecognised")
    version: int = struct.unpack_from("<L", glance.head, 4)[0]
    if version != 2:
        raise Unmeasurable("file.unsupported", f"glTF of version {version}")
    return v1.FILE_FORMAT_GLB


def ply(glance: Glance) -> v1.FileFormat.ValueType | None:
    """PLY, text or binary. Errors: `Unmeasurable` (`file.breaks_off`) where it ends within its header."""
    if not re.match(rb"\s*ply\s*[\r\n]", glance.head):
        return None
    if b"end_header" not in glance.head:
        raise Unmeasurable("file.breaks_off", "end_header")
    return v1.FILE_FORMAT_PLY


def off(glance: Glance) -> v1.FileFormat.ValueType | None:
    """OFF as text, and its kinds with colours, normals, textures."""
    statements = [line for line in glance.lines[:1000] if not line.startswith(b"#")]
    return v1.FILE_FORMAT_OFF if statements and OFF.match(statements[0]) else None


def obj(glance: Glance) -> v1.FileFormat.ValueType | None:
    """OBJ: lines that begin with its words, corners among them; or nothing but a comment that says so."""
    statements = [line for line in glance.lines if not line.startswith(b"#")]
    if not statements:
        named = any(re.search(rb"\bobj\b", line, re.IGNORECASE) for line in glance.lines[:20])
        return v1.FILE_FORMAT_OBJ if named else None
    if not any(VERTEX.match(line) for line in statements):
        return None
    known = sum(line.split(None, 1)[0] in OBJ_WORDS | MATERIAL_WORDS for line in statements)
    return v1.FILE_FORMAT_OBJ if known >= LIKELY * len(statements) else None
