# SPDX-License-Identifier: AGPL-3.0-or-later
"""What taking in build reports, defects and recalls has in common: what it is about, and the pages in which it is told."""

from __future__ import annotations

import sqlalchemy as sa

from commonfab.errors import Refused
from registry.limits import LONGEST_LINE
from registry.rows import Published, design_row, newest_first, published, revision_row

MOST_PHOTOGRAPHS = 50


def subject(connection: sa.Connection, digest: str, part_name: str = "") -> Published:
    """The revision that something is filed about. Errors: `Refused` (`revision.unknown`, `evidence.part`)."""
    if revision_row(connection, digest) is None:
        raise Refused("revision.unknown", digest[:LONGEST_LINE])
    found = published(connection, digest)
    if part_name and part_name not in [part.name for part in found.revision.manifest.parts]:
        raise Refused("evidence.part", repr(part_name[:LONGEST_LINE]))
    return found


def page(
    connection: sa.Connection, of: str, table: sa.Table, since: sa.Column[float], size: int, token: str, *which: sa.ColumnElement[bool]
) -> tuple[list[bytes], str]:
    """Messages about a revision or a design, newest first, and the token of the next page.

    Parameters: `of`, a digest or a design's id; the others as `newest_first` has them.
    Errors: `Refused` (`revision.unknown`, `page.token`).
    """
    if revision_row(connection, of) is None and design_row(connection, of) is None:
        raise Refused("revision.unknown", of[:LONGEST_LINE])
    about = (table.c.digest == of) | (table.c.design_id == of)
    found, following = newest_first(connection, table, since, size, token, about, *which)
    messages = {
        row.id: bytes(row.message) for row in connection.execute(sa.select(table.c.id, table.c.message).where(table.c.id.in_(found)))
    }
    return [messages[one] for one in found], following
