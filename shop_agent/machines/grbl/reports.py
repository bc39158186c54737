# SPDX-License-Identifier: AGPL-3.0-or-later
"""What Grbl 1.1 says: status reports, settings, errors and alarms. Pure.

Sources: https://github.com/gnea/grbl/wiki/Grbl-v1.1-Interface and https://github.com/gnea/grbl/wiki/Grbl-v1.1-Configuration
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shop_agent.machines import Description

STATES = frozenset(("Idle", "Run", "Hold", "Jog", "Alarm", "Door", "Check", "Home", "Sleep"))
MOVING = frozenset(("Run", "Jog", "Home"))
"""In these an axis moves, or may at any moment."""

BANNER = re.compile(r"^Grbl (\S+) \[")
SETTING = re.compile(r"^\$(\d+)=([-+.\d]+)")
VERSION = re.compile(r"^\[VER:([^:\]]+)")
MODES = re.compile(r"^\[GC:([^\]]*)\]$")

ERRORS: Mapping[int, str] = MappingProxyType(
    {
        1: "a word without its letter",
        2: "a number that cannot be read",
        3: "an unknown $ command",
        4: "a negative value",
        5: "homing is switched off in the settings",
        6: "a step pulse that is too short",
        7: "the stored settings could not be read",
        8: "only possible while idle",
        9: "locked while in alarm or jogging",
        10: "soft limits need homing",
        11: "the line is too long",
        12: "the step rate is too high",
        13: "the safety door is open",
        14: "a stored line is too long",
        15: "the jog goes beyond the travel",
        16: "not a jog command",
        17: "laser mode needs a spindle output with PWM",
        20: "an unknown or unsupported command",
        21: "two commands that exclude each other",
        22: "no feed rate was set",
        23: "a command that needs a whole number",
        24: "two commands that both want the axes",
        25: "a word appears twice",
        26: "a command without its axes",
        27: "a line number that is not valid",
        28: "a command without its value",
        29: "an unknown coordinate system",
        30: "G53 needs G0 or G1",
        31: "axes that no command uses",
        32: "an arc without axes in its plane",
        33: "a target that cannot be reached so",
        34: "an arc whose radius does not fit",
        35: "an arc without its centre",
        36: "words that no command uses",
        37: "a tool length for an axis that has none",
        38: "a tool number that is too large",
    }
)
"""What `error:N` means."""

ALARMS: Mapping[int, str] = MappingProxyType(
    {
        1: "a limit switch was hit; the position may be lost",
        2: "a move would have left the machine's travel",
        3: "reset while it moved; the position may be lost",
        4: "the probe was not as expected before it began",
        5: "the probe touched nothing",
        6: "reset while it homed",
        7: "the safety door was opened while it homed",
        8: "homing could not leave the switch",
        9: "homing found no switch",
    }
)
"""What `ALARM:N` means."""

BLOCKING_ALARMS = frozenset((1, 2))
"""After these Grbl answers nothing, not even `?`, until it is reset (protocol.c, "critical event")."""

DOORS: Mapping[int, str] = MappingProxyType(
    {0: "the safety door was opened and is closed again", 1: "the safety door is open", 2: "the safety door is open", 3: "it goes on soon"}
)


@dataclass(frozen=True)
class Status:
    """One status report. Lengths in mm, or in inches where the controller's $13 says so. -1 stands for what it did not say."""

    state: str
    sub: int = -1
    at: tuple[float, ...] = ()
    feed: float = 0.0
    s: float = 0.0
    free_blocks: int = -1

    @property
    def held(self) -> bool:
        """Whether it waits for `~` and has come to a stand."""
        return self.state == "Hold" and self.sub <= 0

    @property
    def paused(self) -> bool:
        """Whether it waits, or is about to, for somebody to say that it goes on."""
        return self.state in ("Hold", "Door")

    @property
    def reads(self) -> str:
        """Its figures in words."""
        place = " ".join(f"{axis}{value:.2f}" for axis, value in zip("XYZABC", self.at, strict=False))
        return f"{self.state}, {place}, feed {self.feed:g}, S {self.s:g}" if place else self.state


def status_of(line: str) -> Status | None:
    """A status report, `<Run|MPos:1.000,2.000,0.000|FS:500,8000|Bf:12,90>`, read; None where the line is none or is damaged."""
    if not (line.startswith("<") and line.endswith(">")):
        return None
    head, *fields = line[1:-1].split("|")
    state, _, sub = head.partition(":")
    if state not in STATES:
        return None
    told = dict(field.split(":", 1) for field in fields if ":" in field)
    try:
        at = tuple(float(value) for value in (told.get("WPos") or told.get("MPos") or "").split(",") if value)
        rates = [float(value) for value in (told.get("FS") or told.get("F") or "0").split(",")]
        blocks = int(told["Bf"].split(",")[0]) if "Bf" in told else -1
        return Status(state, int(sub) if sub else -1, at, rates[0], rates[1] if len(rates) > 1 else 0.0, blocks)
    except ValueError:
        return None


def settings_of(lines: Iterable[str]) -> dict[int, float]:
    """The answer to `$$`, by number."""
    return {int(found[1]): float(found[2]) for line in lines if (found := SETTING.match(line))}


def code_of(line: str, kind: str) -> int | None:
    """N of `error:N` or `ALARM:N`; None where the line is none of that kind."""
    head, _, number = line.partition(":")
    return int(number) if head == kind and number.isdecimal() else None


def error_text(code: int) -> str:
    """An error with its meaning."""
    return f"error:{code} ({ERRORS.get(code, 'unknown')})"


def alarm_text(code: int) -> str:
    """An alarm with its meaning."""
    return f"ALARM:{code} ({ALARMS.get(code, 'unknown')})"


def trouble_of(status: Status, alarm: str) -> str:
    """What a person must see to before it can work; empty where nothing is the matter. `alarm`: the last one that was told."""
    match status.state:
        case "Alarm":
            return f"{alarm or 'Alarm'}: it must be reset, then homed ($H) or unlocked ($X) by a person"
        case "Door":
            return DOORS.get(status.sub, "the safety door is open")
        case "Sleep":
            return "it sleeps: it must be reset by a person"
        case "Check":
            return "it is in check mode ($C) and would only seem to work"
    return ""


def description(program: str, status: Status, alarm: str, settings: Mapping[int, float], burns: bool) -> Description:
    """What a Grbl says of itself: how far its axes go ($130 to $132), its largest S ($30), and what its owner should know."""
    reach = tuple(settings.get(number, 0.0) for number in (130, 131, 132))
    travel = (reach[0], reach[1], reach[2]) if all(reach) else None
    note = "; ".join(filter(None, (trouble_of(status, alarm), notes_on(settings, burns))))
    return Description(program, travel, most_s=settings.get(30, 0.0), note=note)


def notes_on(settings: Mapping[int, float], burns: bool) -> str:
    """What its owner should know of the settings. `burns`: the machine is a laser."""
    notes = []
    if settings.get(13):
        notes.append("it reports in inches ($13=1)")
    if burns and settings.get(32) == 0:
        notes.append("laser mode is off ($32=0): the beam stays on while it does not move")
    if not burns and settings.get(32):
        notes.append("laser mode is on ($32=1): the spindle will not wait to come up to speed")
    if settings.get(20) == 0:
        notes.append("soft limits are off ($20=0)")
    return "; ".join(notes)
