# SPDX-License-Identifier: AGPL-3.0-or-later
"""Enters all designs anew when the rules by which they are judged may have changed, and for the first time in a database from before."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

import sqlalchemy as sa

from registry import knowledge
from registry.inspection import Inspections
from registry.rows import newest_row
from registry.search.facts import RULES
from registry.search.tables import SEARCH_DESIGNS
from registry.tables import DESIGNS, writing

AT_ONCE = 10
"""Designs between two pauses; judging one can take some hundredths of a second."""

PAUSE_SECONDS = 0.01
"""So that whoever publishes meanwhile gets a turn."""

LATER_SECONDS = 30.0
"""When the database did not answer."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reindexing:
    """Enters the designs that were entered by other rules, or never."""

    engine: sa.Engine
    inspections: Inspections

    async def run(self) -> None:
        """Go on until every design is entered. Several registries share the work."""
        clock, reached = self.inspections.clock, ""
        while True:
            try:
                reached = await asyncio.to_thread(self.enter_more, reached)
                if not reached:
                    return
                await clock.sleep(PAUSE_SECONDS)
            except sa.exc.SQLAlchemyError:
                log.warning("designs cannot be entered into the search now; trying again", exc_info=True)
                await clock.sleep(LATER_SECONDS)

    def enter_more(self, after: str) -> str:
        """Enter some designs whose ids come after this one; returns the last of them, empty where there was none.

        Errors: `sqlalchemy.exc.OperationalError`.
        """
        entered = (SEARCH_DESIGNS.c.design_id == DESIGNS.c.id) & (SEARCH_DESIGNS.c.rules == RULES)
        query = sa.select(DESIGNS.c.id).where(DESIGNS.c.id > after, ~sa.exists().where(entered)).order_by(DESIGNS.c.id).limit(AT_ONCE)
        with self.engine.connect() as connection:
            those = list(connection.execute(query).scalars())
        for design_id in those:
            # Each in a transaction of its own, as `knowledge.refresh` asks for. Two registries may enter the same one; that does no harm.
            with writing(self.engine) as connection:
                self._enter(connection, design_id)
        return those[-1] if those else ""

    def _enter(self, connection: sa.Connection, design_id: str) -> None:
        newest = newest_row(connection, design_id)
        if newest is None:
            return
        try:
            knowledge.refresh(connection, self.inspections, [newest["digest"]])
        except sa.exc.SQLAlchemyError:
            raise
        except Exception:  # one that cannot be judged must not keep all others from being found
            log.exception("design %s cannot be entered into the search", design_id)
