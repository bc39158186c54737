# SPDX-License-Identifier: AGPL-3.0-or-later
"""What CNCjs says of one of its ports (GET /api/controllers), read. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shop_agent.machines import Standing
from shop_agent.machines.grbl.reports import MOVING, Status


@dataclass(frozen=True)
class Said:
    """What the server says of our port.

    `sent`, `received`: lines of the program that went to Grbl, and that it answered. `begun`, `finished`: whether the server noted such a
    time. `ready`: whether Grbl has answered at all. `asked`: lines that somebody typed wait for the answer to an earlier one.
    """

    name: str
    workflow: str
    total: int
    sent: int
    received: int
    begun: bool
    finished: bool
    seconds: float
    remaining: float
    error: str
    ready: bool
    asked: bool
    status: Status
    settings: dict[int, float]
    version: str

    @property
    def idle(self) -> bool:
        """Whether the server sends nothing and the machine stands and waits for nothing."""
        return self.workflow == "idle" and self.status.state not in {*MOVING, "Hold"}

    @property
    def paused(self) -> bool:
        """Whether the program or the machine is held."""
        return self.workflow == "paused" or self.status.paused

    @property
    def waits_for_answers(self) -> bool:
        """Whether it runs a program whose lines Grbl has not answered, while Grbl says that it has nothing to do."""
        return self.workflow == "running" and self.status.state == "Idle" and self.received < self.sent


def ending(name: str, said: Said) -> tuple[Standing, float, str]:
    """How what was begun has ended, now that nothing moves and nothing is sent."""
    if said.name != name:
        return Standing.UNKNOWN, 0.0, f"CNCjs no longer has it loaded{f', but {said.name}' if said.name else ''}"
    if said.finished:
        return Standing.DONE, said.seconds, ""
    if said.begun:
        return Standing.FAILED, said.seconds, "stopped at CNCjs"
    return Standing.UNKNOWN, 0.0, "CNCjs was told to start it and did not"


def said_in(entry: dict[str, Any]) -> Said:
    """One entry of the answer; its times are in ms. Errors: `ValueError`, `KeyError`, `TypeError`, `AttributeError`."""
    sender, controller = entry["sender"], entry["controller"]
    status = (controller.get("state") or {}).get("status") or {}
    settings = controller.get("settings") or {}
    place = status.get("mpos") or {}
    begun, finished = float(sender.get("startTime") or 0), float(sender.get("finishTime") or 0)
    reason, feeder = sender.get("holdReason") or {}, entry.get("feeder") or {}
    return Said(
        name=str(sender.get("name") or ""),
        workflow=str(entry["workflow"]["state"]),
        total=int(sender.get("total") or 0),
        sent=int(sender.get("sent") or 0),
        received=int(sender.get("received") or 0),
        begun=begun > 0,
        finished=finished > 0,
        seconds=((finished - begun) if finished else float(sender.get("elapsedTime") or 0)) / 1000,
        remaining=max(float(sender.get("remainingTime") or 0), 0.0) / 1000,
        error=str(reason.get("msg") or "an error") if reason.get("err") else "",
        ready=bool(entry.get("ready")) and bool(status.get("activeState")),
        asked=bool(feeder.get("queue")),
        status=Status(
            str(status.get("activeState") or ""),
            int(status["subState"]) if str(status.get("subState") or "").isdecimal() else -1,
            tuple(float(place[axis]) for axis in "xyz" if axis in place),
            float(status.get("feedrate") or 0),
            float(status.get("spindle") or 0),
        ),
        settings={int(key[1:]): float(value) for key, value in (settings.get("settings") or {}).items() if key[1:].isdecimal()},
        version=str(settings.get("version") or ""),
    )
