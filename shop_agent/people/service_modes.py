# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a person said of a machine's service beside shop.toml: it takes no new work, or is out of order, until she says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shop_agent.journal.book import Journal
from shop_agent.people.taking_back import take_back


class Mode(StrEnum):
    """How a machine is taken out of service."""

    DRAIN = "drain"  # what was accepted is made, nothing new is taken
    MAINTENANCE = "maintenance"
    OUT_OF_ORDER = "out_of_order"


@dataclass(frozen=True)
class OutOfService:
    """Who took a machine out of service, how, why and when (seconds since 1970)."""

    mode: Mode
    why: str
    who: str
    at: float

    @property
    def stops(self) -> bool:
        """Whether what was accepted waits too."""
        return self.mode is not Mode.DRAIN


def take_out(journal: Journal, machine_id: str, mode: Mode, why: str, who: str) -> None:
    """Take a machine out of service; what runs on it goes on. Where nothing is started any more, what was said of it before says nothing
    of how it stands afterwards: somebody works on it."""
    if mode is not Mode.DRAIN:
        take_back(journal, machine_id)  # first: no agent may see it in service with its word gone otherwise than so
    with journal.change() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO service (machine_id, mode, why, who, at) VALUES (?, ?, ?, ?, ?)",
            (machine_id, mode, why, who, journal.clock.now()),
        )


def bring_back(journal: Journal, machine_id: str) -> None:
    """It takes work again. What shop.toml says of it still holds."""
    with journal.change() as connection:
        connection.execute("DELETE FROM service WHERE machine_id = ?", (machine_id,))


def service_of(journal: Journal, machine_id: str) -> OutOfService | None:
    """What was said of a machine's service; None where it is in service."""
    row = journal.connection.execute("SELECT * FROM service WHERE machine_id = ?", (machine_id,)).fetchone()
    return OutOfService(Mode(row["mode"]), row["why"], row["who"], row["at"]) if row else None
