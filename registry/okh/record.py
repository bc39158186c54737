# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a manifest says, the same whichever version it was written in. The fields are those of Open Know-How 2.4.

Every text is trimmed and no list has an empty entry; a text is empty and a list is `()` where the manifest does not say. `unknown` holds
the keys that no version names, and known ones with a value that they cannot have, as they were found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Unknown = Mapping[str, Any]
"""Keys with their values, both as found: texts, numbers, booleans, dates, lists and tables."""


def _nothing() -> Unknown:
    return MappingProxyType({})


@dataclass(frozen=True)
class Agent:
    """A person or an organization. `email` and `url` are empty where they are not said."""

    name: str = ""
    email: str = ""
    url: str = ""
    unknown: Unknown = field(default_factory=_nothing)


@dataclass(frozen=True)
class Image:
    """A picture: a path in the repository or an address; what it shows, and the roles and words that 2.4 has for pictures."""

    location: str
    depicts: str = ""
    slots: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    unknown: Unknown = field(default_factory=_nothing)


@dataclass(frozen=True)
class Dimensions:
    """The box that holds the thing, mm: `width` along X, `depth` along Y, `height` along Z."""

    width: float
    depth: float
    height: float


@dataclass(frozen=True)
class Software:
    """Software that the thing needs: the release, how it is installed, and what it is called."""

    release: str = ""
    installation_guide: str = ""
    label: str = ""
    unknown: Unknown = field(default_factory=_nothing)


@dataclass(frozen=True)
class OkhPart:
    """One thing to be made. `mass_g` is 0 and `outer_dimensions` None where they are not said; `thickness_mm` is that of its sheet."""

    name: str = ""
    source: tuple[str, ...] = ()
    export: tuple[str, ...] = ()
    auxiliary: tuple[str, ...] = ()
    image: tuple[Image, ...] = ()
    tsdc: tuple[str, ...] = ()
    material: str = ""
    printing_process: str = ""
    manufacturing_process: tuple[str, ...] = ()
    thickness_mm: float = 0.0
    quantity: float = 0.0
    mass_g: float = 0.0
    outer_dimensions: Dimensions | None = None
    unknown: Unknown = field(default_factory=_nothing)


@dataclass(frozen=True)
class Record:
    """A manifest. Paths are relative to the repository, with '/' between folders, or addresses.

    `documentation_license`, `software_license`, `keywords`, `intended_use`, `health_safety_notice` and `contributors` are of 1.0; in 2.4
    they are keys of one's own. `timestamp` is of OKH-LOSH 1.0.
    """

    name: str
    repo: str = ""
    license: str = ""
    licensor: tuple[Agent, ...] = ()
    function: str = ""
    documentation_language: tuple[str, ...] = ()
    version: str = ""
    fork_of: str = ""
    organization: tuple[Agent, ...] = ()
    release: str = ""
    readme: tuple[str, ...] = ()
    contribution_guide: str = ""
    technology_readiness_level: str = ""
    documentation_readiness_level: str = ""
    attestation: tuple[str, ...] = ()
    publication: tuple[str, ...] = ()
    standard_compliance: tuple[str, ...] = ()
    cpc_patent_class: tuple[str, ...] = ()
    tsdc: tuple[str, ...] = ()
    bom: tuple[str, ...] = ()
    manufacturing_instructions: tuple[str, ...] = ()
    user_manual: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    export: tuple[str, ...] = ()
    auxiliary: tuple[str, ...] = ()
    mass_g: float = 0.0
    timestamp: str = ""
    documentation_license: str = ""
    software_license: str = ""
    keywords: tuple[str, ...] = ()
    intended_use: str = ""
    health_safety_notice: str = ""
    contributors: tuple[Agent, ...] = ()
    outer_dimensions: Dimensions | None = None
    image: tuple[Image, ...] = ()
    part: tuple[OkhPart, ...] = ()
    software: tuple[Software, ...] = ()
    unknown: Unknown = field(default_factory=_nothing)
