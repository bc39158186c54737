# SPDX-License-Identifier: AGPL-3.0-or-later
"""A machine that makes nothing, in fast motion, for the demo and for tests. All else about it is like a real one.

It lives outside the agent: its state is a small file, so it goes on "printing" while the agent is dead, and it writes down each piece that
it really finished, once, in `made.jsonl`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from commonfab.clock import Clock
from commonfab.errors import Refused
from shop_agent.journal.records import Toolpath
from shop_agent.machines import Description, Look, Standing, mark
from shop_agent.machines.tells_itself import TellsItself
from shop_agent.shop_toml.machine_section import MachineSection


class VirtualMachine(TellsItself):
    """Plays a toolpath's own time, divided by the speed factor.

    State file: `files`, each toolpath on it by name; `run`, what it is at work on; `ended`, how each earlier run ended.
    """

    start_is_certain = True  # the state file is written before the start command is answered

    def __init__(self, facts: MachineSection, folder: Path, clock: Clock) -> None:
        self._facts = facts
        self._clock = clock
        self._state_file = folder / f"virtual-{facts.id}.json"
        self._made_file = facts.journal_file or folder / "made.jsonl"

    async def describe(self) -> Description:
        return Description("a virtual machine, which makes nothing")

    async def reconcile(self, name: str) -> Look:
        return await self.state(name)

    async def state(self, name: str) -> Look:
        state = self._caught_up()
        run = state["run"]
        busy_with = run["name"] if run else ""
        ran = _last_run(state)
        if run and busy_with == name:
            played = self._played(run) / run["duration"] if run["duration"] else 1.0
            progress = min(max(played, 0.0), 1.0)
            return Look(Standing.RUNNING, True, name, progress, run["duration"] * (1 - progress), paused=_is_held(run))
        if name in state["ended"]:
            ended = state["ended"][name]
            standing = Standing.DONE if ended["done"] else Standing.FAILED
            return Look(standing, busy_with=busy_with, progress=1.0, seconds=ended["seconds"], ran=ran)
        return Look(Standing.HERE if name in state["files"] else Standing.NOT_HERE, busy_with=busy_with, ran=ran)

    async def nothing_ran_since(self, ran: str) -> bool:
        return _last_run(self._caught_up()) == ran

    async def prepare(self, toolpath: Toolpath, name: str) -> None:
        state = self._caught_up()
        state["files"][name] = {"seconds": toolpath.seconds, "sha256": toolpath.sha256}
        self._write(state)

    async def start(self, name: str) -> None:
        state = self._caught_up()
        if state["run"]:
            raise Refused("machine.busy", self._facts.id)
        if name not in state["files"] or name in state["ended"]:
            raise Refused("machine.not_taken", self._facts.id)
        seconds = state["files"][name]["seconds"]
        state["run"] = {"name": name, "started_at": self._clock.now(), "duration": seconds / self._facts.speed_factor, "seconds": seconds}
        state["starts"] += 1
        self._write(state)

    async def pause(self, name: str) -> None:
        state = self._caught_up()
        run = state["run"]
        if run and run["name"] == name and not _is_held(run):
            run["held_at"] = self._clock.now()
            self._write(state)

    async def resume(self, name: str) -> None:
        state = self._caught_up()
        run = state["run"]
        if run and run["name"] == name and _is_held(run):
            run["started_at"] += self._clock.now() - run.pop("held_at")
            self._write(state)

    async def stop(self, name: str) -> None:
        state = self._caught_up()
        run = state["run"]
        if run and run["name"] == name:
            played = self._played(run) * self._facts.speed_factor
            state["ended"][name] = {"done": False, "seconds": min(max(played, 0.0), run["seconds"])}
            state["run"] = None
            self._write(state)

    async def forget(self, name: str) -> None:
        state = self._caught_up()
        if state["files"].pop(name, None) is not None:
            self._write(state)

    async def close(self) -> None:
        pass

    def _caught_up(self) -> dict[str, Any]:
        """The state as it is now: a run whose time is over has ended, whether or not anybody looked."""
        state = self._read()
        run = state["run"]
        if not run or self._played(run) < run["duration"]:
            return state
        self._write_made(run, state)
        state["ended"][run["name"]] = {"done": True, "seconds": run["seconds"]}
        state["run"] = None
        self._write(state)
        return state

    def _played(self, run: dict[str, Any]) -> float:
        """Seconds that a run has moved; those while it was held do not count."""
        return float(run.get("held_at", self._clock.now()) - run["started_at"])

    def _write_made(self, run: dict[str, Any], state: dict[str, Any]) -> None:
        """One line for each start that came to its end: killed between this line and the state file, it must not write the line again."""
        line = {
            "machine": self._facts.id,
            "name": run["name"],
            "start": state["starts"],
            "started_at": run["started_at"],
            "seconds": run["seconds"],
            "sha256": state["files"].get(run["name"], {}).get("sha256", ""),
        }
        written = json.dumps(line, sort_keys=True) + "\n"
        if self._made_file.exists() and written in self._made_file.read_text(encoding="utf-8").splitlines(keepends=True):
            return
        self._made_file.parent.mkdir(parents=True, exist_ok=True)
        with self._made_file.open("a") as file:
            file.write(written)
            file.flush()
            os.fsync(file.fileno())

    def _read(self) -> dict[str, Any]:
        try:
            read: dict[str, Any] = json.loads(self._state_file.read_text(encoding="utf-8"))
            return read
        except FileNotFoundError:
            return {"files": {}, "run": None, "ended": {}, "starts": 0}

    def _write(self, state: dict[str, Any]) -> None:
        self._state_file.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._state_file.with_suffix(".part")
        with scratch.open("w") as file:
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self._state_file)


def _last_run(state: dict[str, Any]) -> str:
    """A mark of what was begun last; empty only where nothing ever was."""
    return mark(next(reversed(state["ended"]), "something"), state["starts"]) if state["starts"] else ""


def _is_held(run: dict[str, Any]) -> bool:
    return "held_at" in run
