# SPDX-License-Identifier: AGPL-3.0-or-later
"""How the shop stands at this moment, for whoever looks on: the agent writes it to `live.json`, desks and commands read it.

It is no truth to rely on (that is the journal) and is never synced to the disk, which on a Raspberry Pi is a card that wears out.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from commonfab.clock import Clock
from shop_agent.journal.store import agent_is_there

AGAIN_SECONDS = 10.0
"""How often it is written where nothing changed, so that a reader can tell that the agent lives."""

STALE_SECONDS = 3 * AGAIN_SECONDS


@dataclass(frozen=True)
class LiveMachine:
    """One machine. `state` is a name of `MachineState` without its prefix, lower case; `attempt` the key of what is on it, `piece` its
    number; `waits`: what each attempt waits for, in words, by its key; those in `waits_for_person` wait for a person.
    """

    id: str
    state: str
    why: str = ""
    busy_with: str = ""
    attempt: str = ""
    piece: int = 0
    paused: bool = False
    progress: float = 0.0
    remaining_seconds: float = 0.0
    reads: str = ""
    fault: str = ""
    waits: dict[str, str] = field(default_factory=dict)
    waits_for_person: tuple[str, ...] = ()


@dataclass(frozen=True)
class Live:
    """The shop. `router_heard`: when the router last answered, seconds since 1970, 0 where it has not yet in this run; `router_trouble`:
    why it does not answer, empty where it does; `unsent`: events without a receipt; `alone`: whoever wrote this holds the bench as long as
    it runs (`store.only_agent`); `shop_toml`: which shop.toml it works by (`config.digest_of`), empty where it does not say.
    """

    at: float
    machines: tuple[LiveMachine, ...] = ()
    router_heard: float = 0.0
    router_trouble: str = ""
    unsent: int = 0
    alone: bool = False
    shop_toml: str = ""

    def is_stale(self, now: float) -> bool:
        """Whether the agent has probably ended since."""
        return abs(now - self.at) > STALE_SECONDS


class LiveFile:
    """Writes `live.json`, only where something changed or some time has passed."""

    def __init__(self, data_dir: Path, clock: Clock) -> None:
        self._file = live_file(data_dir)
        self._clock = clock
        self._written: dict[str, Any] = {}
        self._written_at = float("-inf")

    def write(self, live: Live) -> None:
        """Write it, unless the same was written a moment ago. A full disk is no trouble: nothing depends on it."""
        told = asdict(live)
        same = {**told, "at": 0, "router_heard": 0} == self._written
        if same and self._clock.monotonic() - self._written_at < AGAIN_SECONDS:
            return
        self._written, self._written_at = {**told, "at": 0, "router_heard": 0}, self._clock.monotonic()
        scratch = self._file.with_suffix(".part")
        try:
            scratch.write_text(json.dumps(told), encoding="utf-8")
            scratch.replace(self._file)
        except OSError:
            scratch.unlink(missing_ok=True)


def live_file(data_dir: Path) -> Path:
    """Where it is."""
    return data_dir / "live.json"


def read_live(data_dir: Path) -> Live | None:
    """How the shop stood when its agent last wrote; None where there is nothing to be read, or where that agent has ended since."""
    try:
        told = json.loads(live_file(data_dir).read_text(encoding="utf-8"))
        machines = tuple(LiveMachine(**{**one, "waits_for_person": tuple(one["waits_for_person"])}) for one in told.pop("machines"))
        live = Live(machines=machines, **told)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return None if live.alone and not agent_is_there(data_dir) else live
