# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who has how much, and may have how much.

What counts is each distinct content of the revisions that a subject published and, where a quota holds, of what it sent within a week and
no revision of its names yet. An upload counts whole as soon as it is announced, so that many at once cannot slip in together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from commonfab import v1
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.units import Quantity
from registry.blobs import BlobStore
from registry.tables import QUOTAS, REVISION_FILES, REVISIONS, UPLOADS, one_at_a_time, writing

MIB = 1024 * 1024


@dataclass(frozen=True)
class Quotas:
    """The quotas of one node. `everybody_bytes` holds for whoever has none of their own; 0 for no limit."""

    engine: sa.Engine
    blobs: BlobStore
    clock: Clock
    everybody_bytes: int

    def usage(self, subject: str = "") -> list[v1.Usage]:
        """Who has how much, the most first; one subject where it is named, even if it has nothing."""
        with self.engine.connect() as connection:
            own = {row.subject: row.quota_bytes for row in connection.execute(QUOTAS.select())}
            counted = {row.subject: row for row in connection.execute(_by_subject(subject))}
        told = [
            v1.Usage(
                subject=one,
                used_bytes=int(counted[one].used) if one in counted else 0,
                files=counted[one].files if one in counted else 0,
                quota_bytes=own.get(one, self.everybody_bytes),
            )
            for one in ([subject] if subject else {*counted, *own})
        ]
        return sorted(told, key=lambda usage: (-usage.used_bytes, usage.subject))

    def set(self, subject: str, quota_bytes: int | None) -> v1.Usage:
        """Give a subject a quota of its own, 0 for no limit; None to have it as everybody. What is over the quota already stays."""
        with writing(self.engine) as connection:
            _take_turn(connection, subject)
            connection.execute(QUOTAS.delete().where(QUOTAS.c.subject == subject))
            if quota_bytes is not None:
                connection.execute(QUOTAS.insert().values(subject=subject, quota_bytes=quota_bytes))
        return self.usage(subject)[0]

    def admit_upload(self, subject: str, header: v1.UploadHeader) -> None:
        """Count an upload before its first byte. Errors: `Refused` (`quota.full`)."""
        if not self._counts(subject):
            return
        with writing(self.engine) as connection:
            _take_turn(connection, subject)
            self._check(connection, subject, {_name(header): header.size_bytes})
            self._count(connection, subject, _name(header), header.size_bytes)

    def arrived(self, subject: str, header: v1.UploadHeader, sha256: str) -> None:
        """Count an upload by its SHA-256, which may be known only now."""
        if _name(header) != sha256 and self._counts(subject):
            with writing(self.engine) as connection:
                connection.execute(UPLOADS.delete().where(UPLOADS.c.subject == subject, UPLOADS.c.sha256 == _name(header)))
                self._count(connection, subject, sha256, header.size_bytes)

    def let_go(self, subject: str, header: v1.UploadHeader) -> None:
        """Count an upload no longer of which nothing is here: it was refused."""
        if not self._counts(subject):
            return
        asked = v1.StatFileRequest(sha256=header.sha256, beginning_sha256=header.beginning_sha256, size_bytes=header.size_bytes)
        here = self.blobs.stat(subject, asked)
        if not here.complete and not here.received_bytes:
            with writing(self.engine) as connection:
                connection.execute(UPLOADS.delete().where(UPLOADS.c.subject == subject, UPLOADS.c.sha256 == _name(header)))

    def admit_revision(self, connection: sa.Connection, subject: str, sizes: Mapping[str, int]) -> None:
        """Within the transaction that publishes: count the files of a revision. Parameters: `sizes`, bytes by SHA-256.

        Errors: `Refused` (`quota.full`).
        """
        if self._limit(connection, subject):
            _take_turn(connection, subject)
            self._check(connection, subject, sizes)

    def _counts(self, subject: str) -> bool:
        with self.engine.connect() as connection:
            return bool(self._limit(connection, subject))

    def _count(self, connection: sa.Connection, subject: str, name: str, size: int) -> None:
        connection.execute(UPLOADS.delete().where(UPLOADS.c.subject == subject, UPLOADS.c.sha256 == name))
        connection.execute(UPLOADS.insert().values(subject=subject, sha256=name, size_bytes=size, at=self.clock.now()))

    def _limit(self, connection: sa.Connection, subject: str) -> int:
        own = connection.execute(sa.select(QUOTAS.c.quota_bytes).where(QUOTAS.c.subject == subject)).scalar()
        return self.everybody_bytes if own is None else own

    def _check(self, connection: sa.Connection, subject: str, sizes: Mapping[str, int]) -> None:
        limit = self._limit(connection, subject)
        had = {row.sha256: row.size_bytes for row in connection.execute(_contents(subject))} if limit else {}
        more = sum(size for sha256, size in sizes.items() if sha256 not in had)
        has = sum(had.values())
        if limit and more and has + more > limit:
            raise Refused("quota.full", subject, has=_bytes(has), more=_bytes(more), limit=_bytes(limit))


def _name(header: v1.UploadHeader) -> str:
    """What an upload is counted by: its SHA-256, or that of its beginning while the whole is not hashed yet."""
    return header.sha256 or header.beginning_sha256


def _contents(subject: str) -> sa.CompoundSelect[tuple[str, str, int]]:
    """Subject, SHA-256 and bytes of each distinct content; of one subject, or of all where it is empty."""
    joined = REVISION_FILES.join(REVISIONS, REVISIONS.c.digest == REVISION_FILES.c.digest)
    columns = (REVISIONS.c.author.label("subject"), REVISION_FILES.c.sha256, REVISION_FILES.c.size_bytes)
    published = sa.select(*columns).select_from(joined)
    sent = sa.select(UPLOADS.c.subject, UPLOADS.c.sha256, UPLOADS.c.size_bytes)
    if subject:
        published, sent = published.where(REVISIONS.c.author == subject), sent.where(UPLOADS.c.subject == subject)
    return sa.union(published, sent)


def _by_subject(subject: str) -> sa.Select[tuple[str, int, int]]:
    each = _contents(subject).subquery()
    columns = (each.c.subject, sa.func.sum(each.c.size_bytes).label("used"), sa.func.count().label("files"))
    return sa.select(*columns).group_by(each.c.subject)


def _take_turn(connection: sa.Connection, subject: str) -> None:
    """What one subject adds is counted one after the other."""
    lock = int.from_bytes(hashlib.sha256(f"quota {subject}".encode()).digest()[:8], "big", signed=True)
    one_at_a_time(connection, lock)


def _bytes(number: int) -> Quantity:
    return Quantity(number, "bytes")
