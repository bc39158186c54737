# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an owner answered so far, kept as it comes, so that Ctrl-C loses nothing; and what the questions need of the world.

How a question is put and what the network says are handed in, so that a test can answer as a person would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from shop_agent.machines import Description
from shop_agent.shop_toml.machine_section import NEEDS
from shop_agent.starting.discovery import FoundPort, FoundServer
from shop_agent.starting.drafts import MachineDraft
from shop_agent.starting.init import ShopDraft

T = TypeVar("T")


class Surroundings(Protocol):
    """What the questions need of the world."""

    def ask(self, question: str, default: str = "") -> str:
        """What the owner answers; the default where they only press Enter."""

    def tell(self, text: str) -> None:
        """Say something."""

    def servers(self) -> list[FoundServer]:
        """Machine servers of the local network."""

    def ports(self) -> list[FoundPort]:
        """Serial ports of this computer."""

    def octoprint_key(self, url: str) -> str:
        """A key that somebody granted at OctoPrint; empty where nobody did."""

    def describe(self, draft: MachineDraft) -> Description:
        """What the live machine says of itself. Errors: `Refused`."""


@dataclass
class Answers:
    """What is known so far."""

    shop: ShopDraft
    begun: MachineDraft | None = None

    @property
    def so_far(self) -> ShopDraft:
        """What is known at this moment, the machine that is being asked about among it; it makes a shop.toml that loads."""
        if self.begun is None:
            return self.shop
        missing: dict[str, Any] = {key: _NOT_SAID[key] for key in NEEDS.get(self.begun.control, ()) if not getattr(self.begun, key)}
        note = "\n".join(filter(None, (self.begun.note, "NOT FINISHED: the questions were broken off here; look over every line of it.")))
        return replace(self.shop, machines=(*self.shop.machines, replace(self.begun, note=note, **missing)))

    @property
    def ids(self) -> list[str]:
        """The machines' ids."""
        return [machine.id for machine in self.shop.machines]

    def add(self, machine: MachineDraft) -> None:
        """One machine more; nothing more is asked about it."""
        self.shop, self.begun = replace(self.shop, machines=(*self.shop.machines, machine)), None

    def note(self, machine: MachineDraft) -> MachineDraft:
        """Keep what was said of the machine that is being asked about."""
        self.begun = machine
        return machine


def asked(world: Surroundings, question: str, default: str, read: Callable[[str], T]) -> T:
    """What was answered, as `read` understands it; asked again where it does not."""
    while True:
        text = world.ask(question, default).strip()
        try:
            return read(text)
        except ValueError as error:
            world.tell(f"  {error or text} is not understood.")


_NOT_SAID: Mapping[str, str] = MappingProxyType(
    {"url": "http://not-said-yet.invalid", "port": "/dev/not-said-yet", "folder": "not-said-yet"}
)
