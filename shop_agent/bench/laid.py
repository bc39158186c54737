# SPDX-License-Identifier: AGPL-3.0-or-later
"""What of ours lies on one machine and was not begun: which bytes they are, and that they go once their order came to nothing, or somebody
would load them there."""

from __future__ import annotations

from collections.abc import Collection

from commonfab.errors import Refused
from shop_agent.journal.book import Journal
from shop_agent.journal.records import AttemptRecord, Ending, Toolpath
from shop_agent.machines import Machine, Standing

ASKED_ABOUT = 30
"""So many orders that came to nothing before this run are looked for, the newest: more had hardly been laid ready at once."""


class Laid:
    """`_brought`: by an attempt's key, what this run of the agent put on the machine last: its name there and its SHA-256. `_lies`: of
    that, by name, what was not begun. `_earlier`: names that an earlier run may have left there."""

    def __init__(self, journal: Journal, machine: Machine) -> None:
        self._journal, self._machine = journal, machine
        self._brought: dict[str, tuple[str, str]] = {}
        self._lies: dict[str, str] = {}
        self._earlier: list[str] = []

    def note(self, attempt: AttemptRecord, name: str, toolpath: Toolpath) -> None:
        """It was put there just now."""
        self._brought[attempt.key], self._lies[attempt.key] = (name, toolpath.sha256), name

    def note_begun(self, attempt: AttemptRecord) -> None:
        """What lay there is about to run."""
        self._lies.pop(attempt.key, None)

    def is_there(self, attempt: AttemptRecord, name: str, toolpath: Toolpath) -> bool:
        """Whether this run of the agent put this very toolpath there under that name."""
        return self._brought.get(attempt.key) == (name, toolpath.sha256)

    def was_brought(self, attempt: AttemptRecord, toolpath: Toolpath) -> bool:
        """Whether this run of the agent put this very toolpath there, for whichever piece."""
        return self._brought.get(attempt.key, ("", ""))[1] == toolpath.sha256

    def recall_earlier_runs(self) -> None:
        """The agent begins: what ended while it was away, or just before, may lie there still."""
        rows = self._journal.connection.execute(
            "SELECT row FROM attempts WHERE machine_id = ? AND ended IN (?, ?, ?) AND toolpath_sha256 IS NOT NULL"
            " ORDER BY row DESC LIMIT ?",
            (self._machine.facts.id, Ending.RELEASE, Ending.DROP, Ending.FAIL, ASKED_ABOUT),
        ).fetchall()
        ended = [self._journal.attempt(row["row"]) for row in rows]
        self._earlier = [attempt.file_name(attempt.current_number) for attempt in ended if not attempt.piece_begun]

    async def tidy(self, on_bench: Collection[str], reachable: bool) -> None:
        """Remove what is not on the bench any more, never what runs or ran. It is only tidying up: what cannot be done now is tried
        again."""
        for key in self._brought.keys() - on_bench:
            del self._brought[key]
        if not reachable:
            return
        for key in self._lies.keys() - on_bench:
            if await self._removed(self._lies[key]):
                del self._lies[key]
        if self._earlier and await self._removed(self._earlier[-1]):  # one a look: a small computer has other things to do
            self._earlier.pop()

    async def _removed(self, name: str) -> bool:
        """Whether there is nothing more to be done about it."""
        try:
            look = await self._machine.state(name)
            if look.standing is Standing.HERE and look.reachable:
                await self._machine.forget(name)
        except Refused:
            return True  # the server is there and will not have it
        return look.reachable
