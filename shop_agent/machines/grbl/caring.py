# SPDX-License-Identifier: AGPL-3.0-or-later
"""Homing (`$H`) and unlocking (`$X`), for a person who stands at the machine: while we hold the port nobody else can.

Source: https://github.com/gnea/grbl/wiki/Grbl-v1.1-Commands; limits.c of 1.1h: while it homes it answers nothing, not even `?`, and where
that fails it says `ALARM:6` to `ALARM:9` and comes up anew.
"""

from __future__ import annotations

from commonfab.clock import Clock
from commonfab.errors import Refused
from shop_agent.machines.grbl.link import RESET, Link
from shop_agent.machines.grbl.reports import BANNER, code_of, error_text
from shop_agent.machines.grbl.run import seen

HOMING_SECONDS = 120.0
"""A large router that seeks slowly."""
NEEDS_RESET = frozenset(("Alarm", "Sleep", "Check"))
"""An alarm may have blocked it, sleep and check mode end in no other way. It does not move in any of them, so its position stays."""


async def home(link: Link, clock: Clock, subject: str) -> None:
    """Let it find its switches. Errors: `Refused` (`machine.care_failed`, `machine.no_such_care` where $22=0); `PortAway`."""
    await _woken(link, clock, subject)
    answer = (await link.ask("$H", HOMING_SECONDS))[-1]
    if (code := code_of(answer, "error")) is not None:
        raise Refused("machine.no_such_care" if code == 5 else "machine.care_failed", f"{subject}: $H: {error_text(code)}")
    if BANNER.match(answer) or (await link.look()).state != "Idle":
        raise Refused("machine.care_failed", f"{subject}: {link.alarm or 'the controller was reset while it homed'}")


async def unlock(link: Link, clock: Clock, subject: str) -> None:
    """Take the lock off without moving; where it stands is then known only as well as before. Errors: as `home`."""
    await _woken(link, clock, subject)
    if (await link.look()).state == "Alarm":
        answer = (await link.ask("$X"))[-1]
        if (code := code_of(answer, "error")) is not None:
            raise Refused("machine.care_failed", f"{subject}: $X: {error_text(code)}")
    if (state := (await link.look()).state) != "Idle":
        raise Refused("machine.care_failed", f"{subject}: {state}")


async def _woken(link: Link, clock: Clock, subject: str) -> None:
    if (await link.look()).state not in NEEDS_RESET:
        return
    resets = link.resets
    link.send(RESET)
    if not await seen(link, clock, lambda status: link.resets > resets):
        raise Refused("machine.care_failed", f"{subject}: it does not come up after its reset")
