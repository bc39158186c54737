# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the agent keeps for a machine that keeps nothing itself: the toolpaths brought to it, which of them was begun, and how each ended.

One small file, on the disk before the machine is told to start; so a piece that it does not call begun was certainly never begun.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from commonfab.errors import Refused
from shop_agent.machines import Standing

KEPT_ENDS = 500
"""So many ended names are remembered; a name is used once only, and the journal has long accounted for older ones."""


@dataclass(frozen=True)
class Brought:
    """A toolpath that lies here: what it is, how long it should take (s), and how many characters of it will be sent."""

    sha256: str
    seconds: float
    characters: int


@dataclass(frozen=True)
class Ended:
    """How a piece ended: `standing` by name, the seconds that the machine moved, and what was the matter."""

    standing: str
    seconds: float
    why: str = ""


@dataclass(frozen=True)
class _Known:
    files: dict[str, Brought]
    ended: dict[str, Ended]
    feeding: str = ""
    parsed: bool = False


class Memory:
    """The state file of one machine and the folder of its toolpaths. Errors of reading it: `OSError`, `ValueError`."""

    def __init__(self, folder: Path, stem: str) -> None:
        self._file = folder / f"{stem}.json"
        self._folder = folder / stem
        self._known = self._read()

    @property
    def feeding(self) -> str:
        """The name that was begun and has not ended; empty where there is none."""
        return self._known.feeding

    @property
    def parsed(self) -> bool:
        """Whether Grbl had taken the last line of it."""
        return self._known.parsed

    def brought(self, name: str) -> Brought | None:
        """What was brought under a name."""
        return self._known.files.get(name)

    def ended(self, name: str) -> Ended | None:
        """How a name ended."""
        return self._known.ended.get(name)

    def standing(self, name: str) -> Standing:
        """How a name stands that is not under way."""
        if (ended := self.ended(name)) is not None:
            return Standing(ended.standing)
        return Standing.HERE if self.brought(name) else Standing.NOT_HERE

    def bring(self, name: str, content: bytes, brought: Brought) -> None:
        """Keep a toolpath's bytes. Errors: `OSError`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        _written(self._folder / name, content)
        self._write(replace(self._known, files={**self._known.files, name: brought}))

    def content_file(self, name: str) -> Path:
        """The file of a toolpath, if it is still what was brought. Errors: `Refused` (`toolpath.changed`); `OSError`."""
        file, brought = self._folder / name, self._known.files[name]
        with file.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != brought.sha256:
                raise Refused("toolpath.changed", str(file))
        return file

    def begin(self, name: str) -> None:
        """It is about to be started. On the disk when this returns. Errors: `OSError`."""
        self._write(replace(self._known, feeding=name, parsed=False))

    def note_parsed(self) -> None:
        """Grbl has taken the last line."""
        self._write(replace(self._known, parsed=True))

    def end(self, name: str, standing: Standing, seconds: float, why: str) -> None:
        """It is over. Errors: `OSError`."""
        ended = {**self._known.ended, name: Ended(standing.value, round(seconds, 1), why)}
        kept = dict(list(ended.items())[-KEPT_ENDS:])
        self._write(replace(self._known, ended=kept, feeding="", parsed=False))

    def forget(self, name: str) -> None:
        """Remove the toolpath; that it was run stays known."""
        if name in self._known.files and name != self.feeding:
            self._write(replace(self._known, files={key: value for key, value in self._known.files.items() if key != name}))
            with contextlib.suppress(OSError):
                (self._folder / name).unlink()

    def _read(self) -> _Known:
        try:
            read: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return _Known({}, {})
        try:
            files = {name: Brought(**one) for name, one in read["files"].items()}
            ended = {name: Ended(**one) for name, one in read["ended"].items()}
            return _Known(files, ended, str(read["feeding"]), bool(read["parsed"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{self._file} is damaged") from error

    def _write(self, known: _Known) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        _written(self._file, json.dumps(asdict(known)).encode())
        self._known = known


def _written(file: Path, content: bytes) -> None:
    """Write a file so that after a power cut it is the old or the new one, whole."""
    scratch = file.with_name(file.name + ".part")
    with scratch.open("wb") as writing:
        writing.write(content)
        writing.flush()
        os.fsync(writing.fileno())
    scratch.replace(file)
    if os.name == "posix":
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
