# SPDX-License-Identifier: AGPL-3.0-or-later
"""Declared sensors: what they see is said of the machine as a person would say it, with the sensor's name and the time.

A sensor confirms bed, stock or tool; never "go". What it saw while the machine worked does not count, and when it no longer sees it, its
word is taken back.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from commonfab.errors import Refused
from shop_agent.journal.book import Journal
from shop_agent.shop_toml.machine_section import MachineSection
from shop_agent.shop_toml.sections import Confirmation, SensorSection

SEES = frozenset(("1", "true", "yes", "on", "clear", "ready"))
ANSWER_SECONDS = 2.0
LONGEST_ANSWER = 64

FILE_AGAIN_SECONDS = 1.0
URL_AGAIN_SECONDS = 3.0
"""How often a sensor is asked at most: benches look whenever anything changes, and a Raspberry Pi has better things to do."""


@dataclass(frozen=True)
class Sensors:
    """Lets the sensors of a shop's machines speak into its journal."""

    journal: Journal
    _asked: dict[str, float] = field(default_factory=dict)

    async def __call__(self, facts: MachineSection) -> None:
        """Ask the sensors of a machine, and write down what has changed. One that does not answer sees nothing; where several confirm the
        same, all must see it."""
        for confirms in dict.fromkeys(sensor.confirms for sensor in facts.sensor):
            asked = [sensor for sensor in facts.sensor if sensor.confirms == confirms]
            if self._is_due(facts.id, confirms, asked):
                self._note(facts.id, confirms, asked, all([await read_sensor(sensor) for sensor in asked]))

    def _note(self, machine_id: str, confirms: Confirmation, asked: list[SensorSection], sees: bool) -> None:
        said = self._standing_word(machine_id, confirms)
        if sees and not said:
            with contextlib.suppress(Refused):  # the machine works: what lies on its bed is the piece
                self.journal.mark_ready(machine_id, " and ".join(map(name_of, asked)), (confirms,), by_sensor=True)
        elif said and not sees:
            self.journal.unsay(machine_id, confirms)

    def _is_due(self, machine_id: str, confirms: Confirmation, asked: list[SensorSection]) -> bool:
        """Whether enough has passed. Between two readings nothing is said: an old one may be from before the last piece ended."""
        key, now = f"{machine_id} {confirms}", self.journal.clock.monotonic()
        apart = URL_AGAIN_SECONDS if any(sensor.url for sensor in asked) else FILE_AGAIN_SECONDS
        if now - self._asked.get(key, -apart) < apart:
            return False
        self._asked[key] = now
        return True

    def _standing_word(self, machine_id: str, confirms: Confirmation) -> bool:
        found = self.journal.connection.execute(
            "SELECT 1 FROM readiness WHERE machine_id = ? AND by_sensor = 1 AND confirms = ? AND used = 0", (machine_id, confirms)
        )
        return found.fetchone() is not None


def name_of(sensor: SensorSection) -> str:
    """What a sensor is called beside its word."""
    return f"sensor {sensor.file or sensor.url}"


async def read_sensor(sensor: SensorSection) -> bool:
    """Whether a sensor sees now what it confirms; False where it cannot be read."""
    try:
        text = await asyncio.to_thread(partial(_read, sensor.file) if sensor.file else partial(_fetch, sensor.url))
    except (OSError, ValueError):
        return False
    return text.strip().lower() in SEES


def _read(file: Path) -> str:
    with file.open(encoding="utf-8") as content:
        return content.read(LONGEST_ANSWER)


def _fetch(url: str) -> str:
    """What an address answers. The standard library's client takes a tenth of the memory of the others. Errors: `OSError`, `ValueError`."""
    from http.client import HTTPException  # only loaded by shops that have such a sensor, as the next
    from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector

    opener = OpenerDirector()  # no proxies, no files, no redirects: a sensor is a thing in the house
    opener.add_handler(HTTPHandler())
    if url.startswith("https:"):
        opener.add_handler(HTTPSHandler())
    try:
        answer = opener.open(url, timeout=ANSWER_SECONDS)
        if answer is None:
            raise ValueError(f"{url} is no address that can be asked")
        with answer:
            return answer.read(LONGEST_ANSWER).decode("utf-8") if answer.status == 200 else ""
    except HTTPException as error:
        raise ValueError(f"what answers at {url} speaks no HTTP") from error
