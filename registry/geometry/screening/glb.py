# SPDX-License-Identifier: AGPL-3.0-or-later
"""GLB: its chunks, buffers, views and accessors have the lengths they announce, and its nodes do not unfold without end (glTF 2.0)."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from registry.geometry.faults import Unmeasurable
from registry.geometry.screening.expansion import Thing, check_expansion

JSON_CHUNK, BINARY_CHUNK = 0x4E4F534A, 0x004E4942
LARGEST_JSON = 64 * 1024 * 1024
"""Our own choice: it names parts and holds no corners."""
COMPONENT_BYTES = MappingProxyType({5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4})
COMPONENTS = MappingProxyType({"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16})
PACKED = ("KHR_draco_mesh_compression", "EXT_meshopt_compression")

Json = Mapping[str, Any]


def screen_glb(path: Path) -> None:
    """Errors: `Unmeasurable` (`file.count`, `file.unreadable`, `file.unsupported`, `file.component_*`)."""
    told, binary = _chunks(path)
    try:
        model = json.loads(told)
        _check_model(model, binary)
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise Unmeasurable("file.unreadable", f"glTF: {type(error).__name__}") from None


def _chunks(path: Path) -> tuple[bytes, int]:
    """The JSON chunk, and the length of the binary one (glTF 2.0, section 4.4)."""
    size = path.stat().st_size
    told, binary, place = b"", 0, 12
    with path.open("rb") as file:
        length: int = struct.unpack("<4s2L", file.read(12))[2]
        if length > size:
            raise Unmeasurable("file.count", "bytes", announced=length, room=size)
        while place + 8 <= length:
            file.seek(place)
            chunk, kind = struct.unpack("<2L", file.read(8))
            place += 8
            if chunk > length - place:
                raise Unmeasurable("file.count", "bytes in a chunk", announced=chunk, room=length - place)
            if kind == JSON_CHUNK and not told:
                if chunk > LARGEST_JSON:
                    raise Unmeasurable("file.count", "bytes of JSON", announced=chunk, room=LARGEST_JSON)
                told = file.read(chunk)
            elif kind == BINARY_CHUNK:
                binary = chunk
            place += chunk
    return told, binary


def _check_model(model: Json, binary: int) -> None:
    for extension in model.get("extensionsRequired", []):
        if extension in PACKED:
            raise Unmeasurable("file.unsupported", f"meshes packed by {extension}")
    lengths = [_buffer(buffer, binary) for buffer in model.get("buffers", [])]
    views = model.get("bufferViews", [])
    for view in views:
        _check_room("bytes in a view", _whole(view, "byteOffset") + _whole(view, "byteLength"), lengths[_whole(view, "buffer")])
    for accessor in model.get("accessors", []):
        _check_accessor(accessor, views, binary)
    _check_nodes(model)


def _buffer(buffer: Json, binary: int) -> int:
    uri = str(buffer.get("uri", ""))
    if uri and not uri.startswith("data:"):
        raise Unmeasurable("file.unsupported", "a mesh whose corners lie in another file")
    # Base64 writes three bytes as four letters; the chunk is padded to four bytes.
    room = len(uri) * 3 // 4 if uri else binary
    length = _whole(buffer, "byteLength")
    _check_room("bytes in a buffer", length, room)
    return length


def _check_accessor(accessor: Json, views: list[Json], binary: int) -> None:
    count = _whole(accessor, "count")
    one = COMPONENT_BYTES[accessor["componentType"]] * COMPONENTS[accessor["type"]]
    if "bufferView" not in accessor:  # all zeros, but for what a sparse list replaces
        _check_room("records", count * one, binary)
        return
    view = views[_whole(accessor, "bufferView")]
    stride = _whole(view, "byteStride") or one
    needed = _whole(accessor, "byteOffset") + stride * (count - 1) + one if count else 0
    if needed > _whole(view, "byteLength"):
        raise Unmeasurable("file.count", "records", announced=count, room=max(0, _whole(view, "byteLength") // stride))


def _check_nodes(model: Json) -> None:
    """A node may have one parent only (section 3.5.2), but readers follow a file that gives it many."""
    meshes = [sum(_triangles(primitive, model) for primitive in mesh.get("primitives", [])) for mesh in model.get("meshes", [])]
    things: dict[int, Thing[int]] = {}
    for number, node in enumerate(model.get("nodes", [])):
        own = meshes[_whole(node, "mesh")] if "mesh" in node else 0
        things[number] = Thing(own, [int(child) for child in node.get("children", [])])
    check_expansion(things, [int(root) for scene in model.get("scenes", []) for root in scene.get("nodes", [])])


def _triangles(primitive: Json, model: Json) -> int:
    accessors = model.get("accessors", [])
    index = primitive.get("indices", primitive.get("attributes", {}).get("POSITION"))
    corners = _whole(accessors[index], "count") if index is not None else 0
    return corners // 3 if primitive.get("mode", 4) == 4 else corners  # strips and fans have almost one triangle a corner


def _whole(holder: Json, name: str) -> int:
    """The whole number `name`, 0 where it is not given. Errors: `ValueError` for anything else."""
    value = holder.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(name)
    return value


def _check_room(what: str, announced: int, room: int) -> None:
    if announced > room:
        raise Unmeasurable("file.count", what, announced=announced, room=room)
