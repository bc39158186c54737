# SPDX-License-Identifier: AGPL-3.0-or-later
"""GLB: glTF 2.0 in its binary container (Khronos; ISO/IEC 12113).

glTF is in metres with Y up and a part's front towards +Z. A bed is level in X and Y here, so the part is stood up: what was up along Y is
up along Z, and what was the front looks along -Y.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from commonfab.reasons import reason
from registry.geometry.faults import Unmeasurable
from registry.geometry.meshes.drawn import Drawn
from registry.geometry.meshes.faces import MOST_TRIANGLES, check_corners, check_faces, fan, strip
from registry.geometry.meshes.objects import standing
from registry.geometry.triangles import Numbers, Triangles

Matrix = npt.NDArray[np.float64]

MILLIMETRES = 1000.0
Z_UP: Matrix = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
"""From Y up to Z up: a quarter turn about X. For column vectors."""

JSON_CHUNK, BINARY_CHUNK = 0x4E4F534A, 0x004E4942
COMPONENTS = MappingProxyType({5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"})
WIDTHS = MappingProxyType({"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16})
TRIANGLES, TRIANGLE_STRIP, TRIANGLE_FAN = 4, 5, 6
RESTARTS = MappingProxyType({1: 0xFF, 2: 0xFFFF, 4: 0xFFFFFFFF})
PACKED = MappingProxyType(
    {
        "KHR_draco_mesh_compression": "compressed meshes (Draco)",
        "EXT_meshopt_compression": "compressed meshes (meshopt)",
        "KHR_meshopt_compression": "compressed meshes (meshopt)",
        "EXT_mesh_gpu_instancing": "instances in buffers",
    }
)
"""Extensions that move the shape itself out of our reach. Others dress it."""


@dataclass(frozen=True)
class _File:
    """The description, and the buffers that it points into."""

    told: dict[str, Any]
    buffers: list[bytes | memoryview]

    def all(self, kind: str) -> list[Any]:
        return list(self.told.get(kind, []))


@dataclass(frozen=True)
class _Mesh:
    """The corners and triangles of each primitive of a mesh; how many triangles they are; how many primitives are points or lines."""

    parts: tuple[tuple[Matrix, Numbers], ...]
    triangles: int
    others: int


def read(path: Path) -> Drawn:
    """Everything in the file's scene, each mesh where its node puts it, in metres with Z up.

    Errors: `Unmeasurable` (`file.unreadable`, `file.unsupported`, `mesh.empty`).
    """
    try:
        return _drawn(_opened(path.read_bytes()))
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError, OverflowError, binascii.Error) as error:
        # JSON of any shape may stand where an index or a list is due.
        raise Unmeasurable(
            "file.unreadable", f"its glTF description does not hold together ({type(error).__name__}: {error})"[:200]
        ) from None


def _opened(data: bytes) -> _File:
    length = _length(data)
    told, binary = None, memoryview(b"")
    for kind, chunk in _chunks(data, length):
        if kind == JSON_CHUNK and told is None:
            told = json.loads(bytes(chunk))
        elif kind == BINARY_CHUNK:
            binary = chunk
    if not isinstance(told, dict):
        raise Unmeasurable("file.unreadable", "it has no glTF description")
    for extension in told.get("extensionsRequired", []):
        if extension in PACKED:
            raise Unmeasurable("file.unsupported", PACKED[extension])
    return _File(told, [_buffer(buffer, binary) for buffer in told.get("buffers", [])])


def _length(data: bytes) -> int:
    """The length that the header announces, which must be there."""
    if len(data) < 12 or not data.startswith(b"glTF"):
        raise Unmeasurable("file.unreadable", "it does not begin as a GLB does")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise Unmeasurable("file.unsupported", f"version {version} of glTF")
    if length > len(data):
        raise Unmeasurable("file.unreadable", f"it announces {length} bytes and has {len(data)}")
    return int(length)


def _chunks(data: bytes, length: int) -> Iterator[tuple[int, memoryview]]:
    """The kind and the bytes of each chunk behind the header."""
    at = 12
    while at + 8 <= length:
        size, kind = struct.unpack_from("<II", data, at)
        if at + 8 + size > length:
            raise Unmeasurable("file.unreadable", f"a chunk of {size} bytes reaches beyond its end")
        yield kind, memoryview(data)[at + 8 : at + 8 + size]
        at += 8 + size


def _buffer(buffer: dict[str, Any], binary: memoryview) -> bytes | memoryview:
    uri = buffer.get("uri")
    if uri is None:
        return binary
    head, comma, body = uri.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        raise Unmeasurable("file.unsupported", "data in other files")
    return base64.b64decode(body, validate=True)


def _drawn(file: _File) -> Drawn:
    meshes, left_out, total = file.all("meshes"), 0, 0
    pieces, counts, names = list[Triangles](), list[int](), list[str]()
    drawn: dict[int, _Mesh] = {}
    for node, place in _placed(file):
        if "mesh" not in node:
            continue
        index = _index(node["mesh"], meshes, "mesh")
        if index not in drawn:
            drawn[index] = _mesh(file, meshes[index])
        mesh = drawn[index]
        total += mesh.triangles
        if total > MOST_TRIANGLES:
            raise Unmeasurable("file.unsupported", f"more than {MOST_TRIANGLES} triangles")
        left_out += mesh.others
        pieces += [_moved(corners, sides, place) for corners, sides in mesh.parts]
        counts.append(mesh.triangles)
        names.append(str(node.get("name") or meshes[index].get("name") or ""))
    if not total:
        raise Unmeasurable("mesh.empty")
    triangles = np.concatenate(pieces)
    remarks = (reason("mesh.left_out", "points and lines", things=left_out),) if left_out else ()
    if len(names) == 1:
        return Drawn(triangles, None, "m", MILLIMETRES, tuple(names), remarks=remarks)
    groups, kept = standing(triangles, np.repeat(np.arange(len(counts)), counts), names)
    return Drawn(triangles, groups, "m", MILLIMETRES, kept, remarks=remarks)


def _index(number: Any, among: list[Any], what: str) -> int:
    """`number` as an index into `among`. A negative one is not Python's from the end, but wrong."""
    if not isinstance(number, int) or not 0 <= number < len(among):
        raise Unmeasurable("file.unreadable", f"it names {what} {number} of {len(among)}")
    return number


def _placed(file: _File) -> Iterator[tuple[dict[str, Any], Matrix]]:
    """The nodes of the scene, parents before children, each with its place in the world as a matrix for column vectors."""
    nodes, scenes = file.all("nodes"), file.all("scenes")
    if scenes:
        roots = scenes[_index(file.told.get("scene", 0), scenes, "scene")].get("nodes", [])
    else:
        children = {child for node in nodes for child in node.get("children", [])}
        roots = [index for index in range(len(nodes)) if index not in children]
    base = np.eye(4)
    base[:3, :3] = Z_UP
    waiting = [(root, base) for root in reversed(roots)]
    seen: set[int] = set()
    while waiting:
        number, around = waiting.pop()
        node = nodes[_index(number, nodes, "node")]
        if number in seen:
            raise Unmeasurable("file.unreadable", f"node {number} hangs in more than one place of its tree")
        seen.add(number)
        place = around @ _matrix(node)
        yield node, place
        waiting += [(child, place) for child in reversed(node.get("children", []))]


def _matrix(node: dict[str, Any]) -> Matrix:
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    x, y, z, w = np.array(node.get("rotation", (0, 0, 0, 1)), np.float64)
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, :3] *= np.array(node.get("scale", (1, 1, 1)), np.float64)
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix


def _moved(corners: Matrix, sides: Numbers, place: Matrix) -> Triangles:
    """Triangles where `place` puts them. A mirror turns their sides about, so their corners are swapped back (glTF 2.0, 3.7.4)."""
    moved = corners @ place[:3, :3].T + place[:3, 3]
    triangles: Triangles = moved[sides[:, ::-1] if np.linalg.det(place[:3, :3]) < 0 else sides]
    return triangles


def _mesh(file: _File, mesh: dict[str, Any]) -> _Mesh:
    parts, others = list[tuple[Matrix, Numbers]](), 0
    for primitive in mesh["primitives"]:
        for extension in primitive.get("extensions", {}):
            if extension in PACKED:
                raise Unmeasurable("file.unsupported", PACKED[extension])
        mode = primitive.get("mode", TRIANGLES)
        if mode not in (TRIANGLES, TRIANGLE_STRIP, TRIANGLE_FAN):
            others += 1
            continue
        corners = _accessor(file, primitive["attributes"]["POSITION"], "VEC3").astype(np.float64)
        check_corners(corners)
        sides = _sides(file, primitive.get("indices"), len(corners), mode)
        check_faces(sides.reshape(-1), np.full(len(sides), 3), len(corners))
        parts.append((corners, sides))
    return _Mesh(tuple(parts), sum(len(sides) for _, sides in parts), others)


def _sides(file: _File, indices: Any, corners: int, mode: int) -> Numbers:
    """The corner numbers of a primitive's triangles, shape (n, 3)."""
    if indices is None:
        order, parts = np.arange(corners), [np.arange(corners)]
    else:
        read = _accessor(file, indices, "SCALAR").reshape(-1)
        if read.dtype.kind != "u":
            raise Unmeasurable("file.unreadable", "its corner numbers are not counted upwards from 0")
        order = read.astype(np.int64)
        restart = RESTARTS[read.dtype.itemsize]
        parts = [part[part != restart] for part in np.split(order, np.flatnonzero(order == restart))]
    if mode == TRIANGLES:
        if len(order) % 3:
            raise Unmeasurable("file.unreadable", f"{len(order)} corners do not make whole triangles")
        return order.reshape(-1, 3)
    cut = strip if mode == TRIANGLE_STRIP else fan
    return np.concatenate([np.empty((0, 3), np.int64), *(cut(part) for part in parts if len(part) >= 3)])


def _accessor(file: _File, number: Any, shape: str) -> npt.NDArray[Any]:
    """The numbers of an accessor, shape (n, width). Sparse changes are put in; whole numbers that stand for shares are turned into them."""
    accessors = file.all("accessors")
    told = accessors[_index(number, accessors, "accessor")]
    if told["type"] != shape:
        raise Unmeasurable("file.unreadable", f"accessor {number} holds {told['type']} where {shape} is due")
    dtype, width, count = np.dtype(COMPONENTS[told["componentType"]]), WIDTHS[shape], told["count"]
    if not isinstance(count, int) or not 0 <= count <= 3 * MOST_TRIANGLES:
        raise Unmeasurable("file.unreadable", f"accessor {number} announces {count} entries")
    if "bufferView" in told:
        values = _view(file, told["bufferView"], told.get("byteOffset", 0), count, dtype, width)
    else:
        values = np.zeros((count, width), dtype)
    if "sparse" in told:
        values = _with_changes(file, values, told["sparse"])
    if told.get("normalized"):
        return np.maximum(values / float(np.iinfo(dtype).max), -1.0)
    return values


def _with_changes(file: _File, values: npt.NDArray[Any], sparse: dict[str, Any]) -> npt.NDArray[Any]:
    count, where, what = sparse["count"], sparse["indices"], sparse["values"]
    at = _view(file, where["bufferView"], where.get("byteOffset", 0), count, np.dtype(COMPONENTS[where["componentType"]]), 1).reshape(-1)
    put = _view(file, what["bufferView"], what.get("byteOffset", 0), count, values.dtype, values.shape[1])
    if len(at) and not 0 <= int(at.min()) <= int(at.max()) < len(values):
        raise Unmeasurable("file.unreadable", f"a change to entry {int(at.max())} of {len(values)}")
    changed = values.copy()
    changed[at] = put
    return changed


def _view(file: _File, number: Any, offset: int, count: int, dtype: np.dtype[Any], width: int) -> npt.NDArray[Any]:
    """`count` rows of `width` numbers, read from a view of a buffer."""
    views = file.all("bufferViews")
    view = views[_index(number, views, "buffer view")]
    if any(extension in PACKED for extension in view.get("extensions", {})):
        raise Unmeasurable("file.unsupported", PACKED["EXT_meshopt_compression"])
    buffer = file.buffers[_index(view["buffer"], file.buffers, "buffer")]
    start, length, row = view.get("byteOffset", 0), view["byteLength"], dtype.itemsize * width
    stride = view.get("byteStride", row)
    needed = offset + (count - 1) * stride + row if count else 0
    if min(start, length, offset, count, stride - row) < 0 or needed > length or start + length > len(buffer):
        raise Unmeasurable("file.unreadable", f"buffer view {number} is too short for its {count} entries, or reaches beyond its buffer")
    return np.ndarray((count, width), dtype, buffer, start + offset if count else 0, (stride, dtype.itemsize))
