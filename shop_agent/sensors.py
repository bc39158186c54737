# SPDX-License-Identifier: AGPL-3.0-or-later
"""Declared sensors: what they see is said of the machine as a person would say it, with the sensor's name and the time.

A sensor confirms bed, stock or tool; never "go". What it saw while the machine worked does not count, and when it no longer sees it, its
word is taken back.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path

from commonfab.errors import Refused
from shop_agent.journal import Journal
from shop_agent.machine_section import MachineSection
from shop_agent.sections import SensorSection

SEES = frozenset(("1", "true", "yes", "on", "clear", "ready"))
ANSWER_SECONDS = 2.0
LONGEST_ANSWER = 64


@dataclass(frozen=True)
class Sensors:
    """Lets the sensors of a shop's machines speak into its journal."""

    journal: Journal

    async def __call__(self, facts: MachineSection) -> None:
        """Ask each of a machine's sensors, and write down what has changed. One that does not answer sees nothing."""
        for sensor in facts.sensor:
            sees = await read_sensor(sensor)
            said = self._standing_word(facts.id, sensor)
            if sees and not said:
                with contextlib.suppress(Refused):  # the machine works: what lies on its bed is the piece
                    self.journal.mark_ready(facts.id, name_of(sensor), (sensor.confirms,), by_sensor=True)
            elif said and not sees:
                self.journal.unsay(facts.id, sensor.confirms)

    def _standing_word(self, machine_id: str, sensor: SensorSection) -> bool:
        found = self.journal.connection.execute(
            "SELECT 1 FROM readiness WHERE machine_id = ? AND by_sensor = 1 AND confirms = ? AND used = 0", (machine_id, sensor.confirms)
        )
        return found.fetchone() is not None


def name_of(sensor: SensorSection) -> str:
    """What a sensor is called beside its word."""
    return f"sensor {sensor.file or sensor.url}"


async def read_sensor(sensor: SensorSection) -> bool:
    """Whether a sensor sees now what it confirms; False where it cannot be read."""
    try:
        text = await asyncio.to_thread(_read, sensor.file) if sensor.file else await _fetch(sensor.url)
    except (OSError, ValueError):
        return False
    return text.strip().lower() in SEES


def _read(file: Path) -> str:
    with file.open(encoding="utf-8") as content:
        return content.read(LONGEST_ANSWER)


async def _fetch(url: str) -> str:
    import httpx  # only loaded by shops that have such a sensor

    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as http:
            answer = await http.get(url)
            return answer.text[:LONGEST_ANSWER] if answer.is_success else ""
    except httpx.HTTPError:
        return ""
