# SPDX-License-Identifier: AGPL-3.0-or-later
"""Designs that refer to each other, put into a database by their manifests alone: what a test of their relations needs of a commons."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import sqlalchemy as sa

from commonfab import v1
from commonfab.identity import content_digest
from registry.lineage import references as lineage
from registry.tables import DESIGNS, REVISION_FILES, REVISIONS, writing


@dataclass
class Graph:
    """A database with designs that tests name by a letter or a word."""

    engine: sa.Engine

    def add(
        self, name: str, manifest: v1.Manifest | None = None, design: str = "", keeper: str = "ada", checked: bool = False, key: bytes = b""
    ) -> str:
        """Keep a revision, by default of a design of its own; returns its digest, which follows from its name alone.

        Parameters: `checked`, whether it must pass the checks of publishing.
        """
        asked = v1.Manifest()
        asked.CopyFrom(manifest or v1.Manifest())
        asked.design_id = f"design-{design or name}"
        asked.licence = asked.licence or "CC0-1.0"
        asked.description.title = asked.description.title or name
        digest = named(name)
        with writing(self.engine) as connection:
            if checked:
                lineage.check(connection, asked, lineage.Publisher(keeper, key))
            self._keep(connection, digest, asked, keeper, key)
        return digest

    def _keep(self, connection: sa.Connection, digest: str, manifest: v1.Manifest, keeper: str, key: bytes) -> None:
        design_id = manifest.design_id
        before = connection.execute(sa.select(sa.func.max(REVISIONS.c.number)).where(REVISIONS.c.design_id == design_id)).scalar()
        if before is None:
            design = {"id": design_id, "origin": named(design_id), "title": manifest.description.title, "keeper": keeper}
            connection.execute(DESIGNS.insert().values(**design, message=b"", created_at=0.0))
        values = {"digest": digest, "design_id": design_id, "number": (before or 0) + 1, "content": content_digest(manifest)}
        values |= {"manifest": manifest.SerializeToString(), "author": keeper, "published_at": 0.0, "public_key": key or None}
        connection.execute(REVISIONS.insert().values(values))
        for sha256 in {file.sha256 for file in manifest.files}:
            connection.execute(REVISION_FILES.insert().values(digest=digest, sha256=sha256, size_bytes=1))
        lineage.note(connection, digest, manifest)


def named(name: str) -> str:
    """The digest of the revision of this name."""
    return hashlib.sha256(name.encode()).hexdigest()


def made(revision: str, quantity: float = 1, part: str = "", name: str = "") -> v1.BillLine:
    """A line of a bill that makes something of the revision of this name."""
    return v1.BillLine(name=name or f"a {revision}", quantity=quantity, make=v1.Make(revision=named(revision), part=part))


def bought(name: str, quantity: float = 1, unit: str = "", standard: str = "", item: v1.Item | None = None) -> v1.BillLine:
    """A line of a bill that is bought."""
    return v1.BillLine(name=name, quantity=quantity, unit=unit, buy=v1.Buy(standard=standard, item=item))


def parts(**quantities: int) -> list[v1.Part]:
    """Parts, each with how many one product needs; each is described by a file of its name."""
    return [v1.Part(name=name, paths=[f"{name}.stl"], quantity_per_product=pieces) for name, pieces in quantities.items()]


def files(*names: str) -> list[v1.FileEntry]:
    """Files with these names, whose content follows from the name."""
    return [v1.FileEntry(path=f"{name}.stl", sha256=named(f"file {name}"), size_bytes=1) for name in names]
