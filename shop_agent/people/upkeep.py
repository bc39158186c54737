# SPDX-License-Identifier: AGPL-3.0-or-later
"""What must be done to a machine now and then, counted in the hours that it ran."""

from __future__ import annotations

from dataclasses import dataclass

from commonfab.errors import Refused
from shop_agent.journal.book import Journal
from shop_agent.journal.sums import seconds_run
from shop_agent.shop_toml.machine_section import MachineSection


@dataclass(frozen=True)
class Due:
    """One thing to be done. `ran_hours`: hours that the machine ran since it was done last; `stops`: overdue, nothing starts."""

    what: str
    every_hours: float
    ran_hours: float
    stops: bool

    @property
    def overdue(self) -> bool:
        """Whether it is time."""
        return self.ran_hours >= self.every_hours


def hours_run(journal: Journal, machine_id: str) -> float:
    """Hours that a machine ran for pieces in the journal."""
    return seconds_run(journal.connection, machine_id) / 3600


def upkeep_of(journal: Journal, facts: MachineSection) -> list[Due]:
    """What shop.toml says must be done to a machine, in its order."""
    if not facts.upkeep:
        return []
    ran = hours_run(journal, facts.id)
    done = dict(journal.connection.execute("SELECT what, seconds FROM upkeep WHERE machine_id = ?", (facts.id,)).fetchall())
    return [Due(one.what, one.every_hours, ran - done.get(one.what, 0.0) / 3600, one.stops) for one in facts.upkeep]


def note_done(journal: Journal, facts: MachineSection, what: str, who: str) -> None:
    """It was done just now. Errors: `Refused` (`shop.no_upkeep`) where shop.toml knows no such thing."""
    if what not in [one.what for one in facts.upkeep]:
        known = ", ".join(one.what for one in facts.upkeep) or "nothing"
        raise Refused("shop.no_upkeep", f"'{what}' (it knows {known})")
    with journal.change() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO upkeep (machine_id, what, who, at, seconds) VALUES (?, ?, ?, ?, ?)",
            (facts.id, what, who, journal.clock.now(), hours_run(journal, facts.id) * 3600),
        )
