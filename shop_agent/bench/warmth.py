# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether what was paused can go on. A pause may last for hours, and printers switch their heaters and motors off meanwhile.

Seen with Klipper 0.12: after `idle_timeout` (ten minutes, if nobody says otherwise) both are off; RESUME is answered with "ok", and the
print ends with "Must home axis first", or with "Extrude below minimum temp" where it was homed. OctoPrint 1.11 resumes with a cold nozzle
and sends the rest of the file, of which a firmware leaves out what it cannot extrude. Neither heats it again. A Prusa's own firmware does,
so nothing is asked of it here.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from commonfab.errors import Refused
from shop_agent.journal.records import AttemptRecord
from shop_agent.machines import Look

MOST_BELOW_C = 20.0
"""So much below what is wanted a nozzle still prints; a heater that is at work swings by less."""

HEATS = re.compile(rb"^\s*(?:N\d+\s*)?M10[49]\b[^;\n]*?[SR](\d+(?:\.\d+)?)", re.MULTILINE | re.IGNORECASE)


class Warmth:
    """Remembers of one attempt's toolpath how hot it gets: a file is long, and a bench looks every second."""

    def __init__(self) -> None:
        self._known = ("", 0.0)

    async def against_resuming(self, attempt: AttemptRecord, look: Look) -> Refused | None:
        """Why a piece that is held cannot go on as the machine is now; None where nothing is known against it."""
        machine = attempt.machine_id
        if not look.paused:
            return None
        if look.adrift:
            return Refused("machine.adrift", machine)
        if look.nozzle is None:
            return None
        now, wanted = look.nozzle
        wanted = wanted or await self._hottest(attempt)
        if now >= wanted - MOST_BELOW_C:
            return None
        return Refused("machine.cold", machine, now_c=5 * round(now / 5), wanted_c=round(wanted))

    async def _hottest(self, attempt: AttemptRecord) -> float:
        """The highest temperature that its toolpath asks a nozzle for, °C; 0 where it asks for none, or is gone."""
        toolpath = attempt.toolpath
        if toolpath is None or not toolpath.file:
            return 0.0
        if self._known[0] != toolpath.sha256:
            self._known = (toolpath.sha256, await asyncio.to_thread(hottest, Path(toolpath.file)))
        return self._known[1]


def in_words(against: Refused | None) -> str:
    """Why, and what to do about it; empty where nothing is against it."""
    return f"{against.reason.message}. {against.remedy}" if against else ""


def hottest(file: Path) -> float:
    """The highest temperature that a toolpath asks a nozzle for (M104, M109), °C."""
    try:
        with file.open("rb") as lines:
            return max((float(found[1]) for line in lines if (found := HEATS.match(line))), default=0.0)
    except OSError:
        return 0.0
