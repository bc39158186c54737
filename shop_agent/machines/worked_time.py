# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a person is at work on, since when, and how each piece ended: a small file beside the journal, for machines that cannot say so.

Time is counted by the clock that nobody can set, as long as the agent runs, and written down once a minute. What passed while the agent
was away is taken from the clock on the wall, but never more than `LONGEST_GAP_SECONDS` and never less than nothing: a Raspberry Pi
without a battery begins with yesterday's date, and a night with the power off was no work. One piece never counts more than
`LONGEST_PIECE_SECONDS`: somebody has forgotten to tell.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from commonfab.clock import Clock

LONGEST_GAP_SECONDS = 3600.0
LONGEST_PIECE_SECONDS = 24 * 3600.0
NOTE_SECONDS = 60.0
"""How often worked time is written down; a card wears out. A power cut loses no more than this."""

ENDED_KEPT = 200
"""How many ended pieces are remembered. The journal has counted them long before."""


@dataclass(frozen=True)
class Begun:
    """The piece at work. `worked`: seconds until `noted_at`, which is in seconds since 1970. `expected`: seconds it should take."""

    name: str
    expected: float
    worked: float
    noted_at: float
    held: bool = False


@dataclass(frozen=True)
class Ended:
    """How a piece ended, after how many seconds of work; `by_person`: a person has said whether it is good."""

    good: bool
    seconds: float
    by_person: bool = True


@dataclass(frozen=True)
class Work:
    """Everything in the file. `files`: what was brought, by name, with the seconds that it should take. Changed by making a new one."""

    files: dict[str, float] = field(default_factory=dict)
    begun: Begun | None = None
    ended: dict[str, Ended] = field(default_factory=dict)


class WorkedTime:
    """Keeps that file. Every change is on the disk before it returns. Errors: `OSError`."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self._counting_since = 0.0  # by the monotonic clock of this run
        self._work: Work | None = None

    def now(self) -> Work:
        """As it stands, with what was worked since it was last written."""
        work = self._read()
        begun = work.begun
        return work if begun is None or begun.held else replace(work, begun=replace(begun, worked=self._worked(begun)))

    def note(self) -> Work:
        """`now`, written down where enough has passed."""
        work = self.now()
        if work.begun and work.begun.worked - self._written_worked() >= NOTE_SECONDS:
            self._write(work)
        return work

    def bring(self, name: str, expected: float) -> None:
        """A piece may be begun from now on."""
        work = self.now()
        if name not in work.files:
            self._write(replace(work, files={**work.files, name: expected}))

    def begin(self, name: str) -> None:
        """A person begins a piece."""
        work = self.now()
        self._write(replace(work, begun=Begun(name, work.files.get(name, 0.0), 0.0, 0.0)))

    def hold(self, name: str, held: bool) -> None:
        """Work on a piece pauses, or goes on."""
        work = self.now()
        if work.begun and work.begun.name == name and work.begun.held != held:
            self._write(replace(work, begun=replace(work.begun, held=held)))

    def end(self, name: str, good: bool, by_person: bool = True) -> None:
        """A piece is over. What ended before is not changed."""
        work = self.now()
        if name in work.ended:
            return
        ours = work.begun is not None and work.begun.name == name
        worked = work.begun.worked if ours and work.begun else 0.0
        kept = dict([*work.ended.items(), (name, Ended(good, worked, by_person))][-ENDED_KEPT:])
        self._write(Work(work.files, None if ours else work.begun, kept))

    def forget(self, name: str) -> None:
        """A piece need not be kept at hand any more; how it ended is remembered."""
        work = self.now()
        if name in work.files:
            self._write(replace(work, files={one: expected for one, expected in work.files.items() if one != name}))

    def _worked(self, begun: Begun) -> float:
        return min(begun.worked + self._clock.monotonic() - self._counting_since, LONGEST_PIECE_SECONDS)

    def _written_worked(self) -> float:
        work = self._read()
        return work.begun.worked if work.begun else 0.0

    def _read(self) -> Work:
        """What was written last. The file is read once a run: nobody else writes it (`store.only_agent`)."""
        if self._work is None:
            try:
                told = json.loads(self._file.read_text(encoding="utf-8"))
            except FileNotFoundError:
                return Work()
            begun = self._caught_up(Begun(**told["begun"])) if told["begun"] else None
            self._counting_since = self._clock.monotonic()
            self._work = Work(told["files"], begun, {name: Ended(**ended) for name, ended in told["ended"].items()})
        return self._work

    def _caught_up(self, begun: Begun) -> Begun:
        """With what was probably worked while the agent was away."""
        gap = 0.0 if begun.held else min(max(self._clock.now() - begun.noted_at, 0.0), LONGEST_GAP_SECONDS)
        return replace(begun, worked=min(begun.worked + gap, LONGEST_PIECE_SECONDS))

    def _write(self, work: Work) -> None:
        if work.begun:
            work = replace(work, begun=replace(work.begun, noted_at=self._clock.now()))
        self._file.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._file.with_suffix(".part")
        with scratch.open("w", encoding="utf-8") as file:
            json.dump(asdict(work), file)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self._file)
        self._work, self._counting_since = work, self._clock.monotonic()
