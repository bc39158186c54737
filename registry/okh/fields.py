# SPDX-License-Identifier: AGPL-3.0-or-later
"""The fields of a manifest, in the order in which the template of 2.4 has them, and the tables within them.

Keys are those of the 2.4 schema (https://w3id.org/oseg/schema/okh.schema.json); `timestamp` is of OKH-LOSH 1.0; `material` and
`printing-process` of a part are keys by which real manifests tell how to make it; `manufacturing-process`, `thickness-mm` and `quantity`
are ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from registry.okh.dimensions import dimensions
from registry.okh.notes import Notes
from registry.okh.record import Agent, Image, OkhPart, Software
from registry.okh.tables import Field, table
from registry.okh.values import Unheld, languages, level, mass, number, path, paths, text, texts

_MAIL = re.compile(r"(?P<name>[^<>]*[^<>\s])\s*<(?P<email>[^<>\s]+@[^<>\s]+)>")


def agent_of(written: str) -> Agent:
    """A person or an organization from one line: "Jane Doe <jane@example.org>"."""
    found = _MAIL.fullmatch(written)
    return Agent(name=found["name"], email=found["email"]) if found else Agent(name=written)


def agents(value: Any, key: str, notes: Notes) -> tuple[Agent, ...]:
    """People or organizations: texts, tables, or a list of both."""
    return tuple(one for one in (_agent(entry, key, notes) for entry in _listed(value)) if one != Agent())


def _agent(value: Any, key: str, notes: Notes) -> Agent:
    if isinstance(value, dict):
        return Agent(**table(value, AGENT, f"{key}.", notes))
    return agent_of(_one_text(value, key, notes))


def images(value: Any, key: str, notes: Notes) -> tuple[Image, ...]:
    """Pictures: paths, addresses, tables with a location, or a list of them."""
    return tuple(one for one in (_image(entry, key, notes) for entry in _listed(value)) if one.location)


def _image(value: Any, key: str, notes: Notes) -> Image:
    if not isinstance(value, dict):
        _one_text(value, key, notes, quiet=True)
        return Image(path(value, key, notes))
    held = table(value, IMAGE, f"{key}.", notes)
    if "location" not in held:
        raise Unheld
    return Image(**held)


def software(value: Any, key: str, notes: Notes) -> tuple[Software, ...]:
    """Software: tables, a single one, or releases alone."""
    entries = _tables(value, key, notes)
    made = [Software(**table(one, SOFTWARE, f"{key}.", notes)) if isinstance(one, dict) else _release(one, key, notes) for one in entries]
    return tuple(one for one in made if one != Software())


def _release(value: Any, key: str, notes: Notes) -> Software:
    _one_text(value, key, notes, quiet=True)
    release = path(value, key, notes)
    notes.add("okh.as_table", key, value, {"release": release})
    return Software(release=release)


def parts(value: Any, key: str, notes: Notes) -> tuple[OkhPart, ...]:
    """Parts: tables, or a single one."""
    entries = _tables(value, key, notes)
    if not all(isinstance(one, dict) for one in entries):
        raise Unheld
    made = [OkhPart(**table(one, PART, f"{key} {place}.", notes)) for place, one in enumerate(entries, 1)]
    return tuple(one for one in made if one != OkhPart())


def _tables(value: Any, key: str, notes: Notes) -> list[Any]:
    if isinstance(value, dict):
        notes.add("okh.as_list", key, "a single table", "a list of one")
    return _listed(value)


def _listed(value: Any) -> list[Any]:
    return [one for one in value if one not in ("", {})] if isinstance(value, list) else [value] if value else []


def _one_text(value: Any, key: str, notes: Notes, *, quiet: bool = False) -> str:
    if isinstance(value, list | dict):
        raise Unheld
    return "" if quiet else text(value, key, notes)


AGENT: Sequence[Field] = (Field("name", "name", text), Field("email", "email", text), Field("url", "url", text))

IMAGE: Sequence[Field] = (
    Field("location", "location", path),
    Field("depicts", "depicts", text),
    Field("slots", "slots", texts),
    Field("tags", "tags", texts),
)

SOFTWARE: Sequence[Field] = (
    Field("release", "release", path),
    Field("installation-guide", "installation_guide", path),
    Field("label", "label", text),
)

PART: Sequence[Field] = (
    Field("name", "name", text),
    Field("source", "source", paths),
    Field("export", "export", paths),
    Field("auxiliary", "auxiliary", paths),
    Field("tsdc", "tsdc", texts),
    Field("material", "material", text),
    Field("printing-process", "printing_process", text),
    Field("manufacturing-process", "manufacturing_process", texts),
    Field("thickness-mm", "thickness_mm", number),
    Field("quantity", "quantity", number),
    Field("mass", "mass_g", mass),
    Field("outer-dimensions", "outer_dimensions", dimensions),
    Field("image", "image", images),
)

RECORD: Sequence[Field] = (
    Field("name", "name", text),
    Field("repo", "repo", text),
    Field("license", "license", text),
    Field("licensor", "licensor", agents),
    Field("function", "function", text),
    Field("documentation-language", "documentation_language", languages),
    Field("version", "version", text),
    Field("forkOf", "fork_of", text),
    Field("organization", "organization", agents),
    Field("release", "release", path),
    Field("readme", "readme", paths),
    Field("contribution-guide", "contribution_guide", path),
    Field("technology-readiness-level", "technology_readiness_level", level),
    Field("documentation-readiness-level", "documentation_readiness_level", level),
    Field("attestation", "attestation", paths),
    Field("publication", "publication", texts),
    Field("standard-compliance", "standard_compliance", texts),
    Field("cpc-patent-class", "cpc_patent_class", texts),
    Field("tsdc", "tsdc", texts),
    Field("bom", "bom", paths),
    Field("manufacturing-instructions", "manufacturing_instructions", paths),
    Field("user-manual", "user_manual", paths),
    Field("source", "source", paths),
    Field("export", "export", paths),
    Field("auxiliary", "auxiliary", paths),
    Field("mass", "mass_g", mass),
    Field("timestamp", "timestamp", text),
    Field("documentation-license", "documentation_license", text),
    Field("software-license", "software_license", text),
    Field("keywords", "keywords", texts),
    Field("intended-use", "intended_use", text),
    Field("health-safety-notice", "health_safety_notice", text),
    Field("contributors", "contributors", agents),
    Field("outer-dimensions", "outer_dimensions", dimensions),
    Field("image", "image", images),
    Field("part", "part", parts),
    Field("software", "software", software),
)
