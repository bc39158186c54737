# SPDX-License-Identifier: AGPL-3.0-or-later
"""What happened in the design commons, one after the other, for whoever follows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from commonfab import v1
from commonfab.moments import moment
from registry.tables import EVENTS, LINEAGE, REVISIONS, one_at_a_time

EVENTS_LOCK = 4781
"""PostgreSQL's advisory lock for adding events. Without it, a reader could see event 8 before event 7 is committed, and miss 7 for ever."""

ADDED = "commonfab.events_added"


def add(connection: sa.Connection, now: float, design: v1.Design, event: v1.CommonsEvent) -> None:
    """Within a transaction, after everything else that it changes: add an event about `design`.

    Whoever adds an event keeps others from adding theirs until the end of the transaction. If it changed rows afterwards, it could wait for
    somebody who has changed those rows and waits to add an event.

    Parameters: `event`, with what happened; number and time are set here, and for a new revision the modules it is built from.
    """
    one_at_a_time(connection, EVENTS_LOCK)
    event.number, event.design_id, event.title = last_number(connection) + 1, design.id, design.title
    event.at.CopyFrom(moment(now))
    if event.HasField("revision_published"):
        event.modules[:] = _modules(connection, event.revision_published.digest)
    connection.execute(EVENTS.insert().values(number=event.number, design_id=design.id, message=event.SerializeToString()))
    connection.info[ADDED] = True


def last_number(connection: sa.Connection) -> int:
    """The number of the last event; 0 where there is none."""
    return connection.execute(sa.select(sa.func.max(EVENTS.c.number))).scalar() or 0


def after(connection: sa.Connection, number: int, most: int) -> list[v1.CommonsEvent]:
    """At most so many events after that number, in their order. There is never a gap that is filled later."""
    query = sa.select(EVENTS.c.message).where(EVENTS.c.number > number).order_by(EVENTS.c.number).limit(most)
    return [v1.CommonsEvent.FromString(bytes(row)) for row in connection.execute(query).scalars()]


@contextmanager
def telling(engine: sa.Engine, ring: Callable[[], None]) -> Iterator[None]:
    """Call `ring`, in whichever thread it happens, when a transaction of this process that added events is over.

    SQLAlchemy tells of a commit before it is done; a connection goes back to its pool afterwards, and carries the mark of `add` with it.
    """

    def given_back(_: Any, record: Any) -> None:
        if record.info.pop(ADDED, False):
            ring()

    sa.event.listen(engine, "checkin", given_back)
    try:
        yield
    finally:
        sa.event.remove(engine, "checkin", given_back)


def _modules(connection: sa.Connection, digest: str) -> list[str]:
    """The designs of which the bill of a revision names a revision that is here."""
    uses = (LINEAGE.c.digest == digest) & (LINEAGE.c.relation == v1.RELATION_USES)
    named_and_here = sa.join(REVISIONS, LINEAGE, LINEAGE.c.of_digest == REVISIONS.c.digest)
    query = sa.select(REVISIONS.c.design_id).select_from(named_and_here).where(uses).distinct()
    return sorted(connection.execute(query).scalars())
