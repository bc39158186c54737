# SPDX-License-Identifier: AGPL-3.0-or-later
"""The world that the questions of `commonfab shop init` are put to: a terminal, the local network, serial ports, live machines."""

from __future__ import annotations

import asyncio

import typer

from cli import output
from commonfab.clock import SystemClock
from shop_agent.machines import Description
from shop_agent.starting.discovery import FoundPort, FoundServer, find_servers, serial_ports
from shop_agent.starting.drafts import MachineDraft
from shop_agent.starting.octoprint_key import ask_for_key, can_ask
from shop_agent.starting.presets import describe_draft


class Terminal:
    """Implements `cli.shop.answers.Surroundings`."""

    def ask(self, question: str, default: str = "") -> str:
        return str(typer.prompt(question, default=default, show_default=bool(default)))

    def tell(self, text: str) -> None:
        output.say().print(output.plain(text), soft_wrap=True)

    def servers(self) -> list[FoundServer]:
        return asyncio.run(find_servers())

    def ports(self) -> list[FoundPort]:
        return serial_ports()

    def octoprint_key(self, url: str) -> str:
        async def granted() -> str:
            return await ask_for_key(url, SystemClock()) if await can_ask(url) else ""

        return asyncio.run(granted())

    def describe(self, draft: MachineDraft) -> Description:
        return asyncio.run(describe_draft(draft, SystemClock()))
