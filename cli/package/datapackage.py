# SPDX-License-Identifier: AGPL-3.0-or-later
"""`datapackage.json` as Manyfold reads it, so that a package can be put into a Manyfold library as it is.

The format is the Data Package (https://datapackage.org/standard/data-package/) with Manyfold's profile
(https://github.com/manyfold3d/website/blob/main/technology/packaging.md). Of it, Manyfold's `DataPackage::ModelDeserializer` takes title,
caption, description, keywords, links, homepage and image; of each resource path, media type and caption; the name of the *first* licence;
and the first contributor with the role "creator". Every contributor must have roles, or it stumbles.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from cli.package.layout import FILES, plain_json
from commonfab import v1

SCHEMA = "https://manyfold.app/profiles/0.0/datapackage.json"

MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".stl": "model/stl",
        ".3mf": "model/3mf",
        ".obj": "model/obj",
        ".step": "model/step",
        ".stp": "model/step",
        ".iges": "model/iges",
        ".igs": "model/iges",
        ".glb": "model/gltf-binary",
        ".ply": "model/x-ply",
        ".dxf": "image/vnd.dxf",
        ".svg": "image/svg+xml",
        ".png": "image/png",
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".webp": "image/webp",
        ".pdf": "application/pdf",
        ".md": "text/markdown",
        ".txt": "text/plain",
        ".json": "application/json",
        ".gcode": "text/x-gcode",
        ".scad": "application/x-openscad",
        ".zip": "application/zip",
    }
)
"""IANA's names where it has one; else those of Manyfold's list of formats."""

PICTURES = ("image/png", "image/jpeg", "image/webp")


def datapackage(manifest: v1.Manifest) -> bytes:
    """The descriptor of a revision whose files lie under `files/`."""
    said = manifest.description
    resources = _resources(manifest)
    pictures = [resource["path"] for resource in resources if resource.get("mediatype") in PICTURES]
    told: dict[str, Any] = {
        "$schema": SCHEMA,
        "name": slug(said.title) or manifest.design_id,
        "title": said.title or manifest.design_id,
        "description": said.summary,
        "version": said.version,
        "homepage": next((link.url for link in said.links if link.kind == "repository"), ""),
        "image": pictures[0] if pictures else "",
        "keywords": list(said.tags),
        "licenses": [{"name": manifest.licence, "path": _licence_address(manifest.licence)}],
        "contributors": [{"title": author, "roles": ["creator"]} for author in said.authors],
        "links": [{"path": link.url} for link in said.links],
        "sources": [{"title": f"revision {named}"} for named in _sources(manifest)],
        "resources": resources,
    }
    kept = ("licenses", "resources", "keywords")
    return plain_json({key: _without_blanks(value) for key, value in told.items() if value or key in kept})


def _sources(manifest: v1.Manifest) -> list[str]:
    named = [manifest.parent, *manifest.also_derives_from, manifest.variant_of.revision]
    return list(dict.fromkeys(one for one in named if one))


def _resources(manifest: v1.Manifest) -> list[dict[str, Any]]:
    parts = {path: part.name for part in manifest.parts for path in part.paths}
    names = dict[str, int]()
    found = []
    for file in manifest.files:
        name = slug(PurePosixPath(file.path).name) or "file"
        names[name] = names.get(name, 0) + 1
        resource = {
            "name": name if names[name] == 1 else f"{name}-{names[name]}",
            "path": f"{FILES}/{file.path}",
            "title": PurePosixPath(file.path).name,
            "mediatype": MEDIA_TYPES.get(PurePosixPath(file.path).suffix.lower(), "application/octet-stream"),
            "bytes": int(file.size_bytes),
            "hash": f"sha256:{file.sha256}",
        }
        if file.path in parts:
            resource["caption"] = parts[file.path]
        found.append(resource)
    return found


def _licence_address(licence: str) -> str:
    return f"https://spdx.org/licenses/{licence}.html" if re.fullmatch(r"[A-Za-z0-9.-]+", licence) else "https://spdx.org/licenses/"


def slug(text: str) -> str:
    """Lower case letters, digits and dashes, as a name in an address has them."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _without_blanks(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_blanks(one) for one in value]
    return {key: one for key, one in value.items() if one not in ("", None)} if isinstance(value, dict) else value
