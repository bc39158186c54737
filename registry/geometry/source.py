# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a reader is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from commonfab import v1

DERIVED_MESH = "mesh.stl"
"""The derived mesh's name in the scratch folder."""

PICTURES: Mapping[str, str] = MappingProxyType(
    {"preview.glb": "model/gltf-binary", "preview.png": "image/png", "preview.svg": "image/svg+xml"}
)
"""Names of pictures in the scratch folder, with their media types."""


@dataclass(frozen=True)
class Source:
    """A file to be measured: where it is, what it was recognised as, the unit that its maker names for a file that names none ("mm", "cm",
    "m", "inch", or empty), and a folder for what is derived from it."""

    path: Path
    format: v1.FileFormat.ValueType
    declared_unit: str
    scratch: Path
