# SPDX-License-Identifier: AGPL-3.0-or-later
"""Stop and pause where the journal cannot be written: the disk is full, the card's file system was set to read-only, another program holds
the lock. The word then goes straight to the running agent, through a pipe (fifo(7)) beside the journal.

What is in a pipe lies in memory, so it needs no room on the disk, and it can be opened on a file system that is read-only. Nobody can write
into it unless an agent has it open, so whoever shouts knows whether anybody hears; and what was shouted ends with the agent, so none that
comes back carries it out late. Only stop and pause are taken: nothing is set in motion past the journal.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import select
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from commonfab.errors import Refused
from shop_agent.journal.store import LOCK
from shop_agent.journal.words import HALTS, Kind

PIPE = f"{LOCK}.shout"
"""Named after the lock: it belongs to the agent that holds the bench, and is no part of what a copy of the folder carries."""

MOST_BYTES = 1 << 20
"""More than a pipe holds."""

log = logging.getLogger("shop_agent.agent")


@dataclass(frozen=True)
class Shout:
    """Stop or pause, to which machine, and who says so."""

    machine_id: str
    kind: Kind
    who: str


def shout(data_dir: Path, said: Shout, why: str) -> None:
    """Tell the agent that is at work on a data folder. `why`: what stood in the way of the journal.

    Errors: `Refused` (`shop.unwritten`) where none listens: then no machine hears it.
    """
    line = (json.dumps({**asdict(said), "kind": said.kind.value}, ensure_ascii=False) + "\n").encode()
    if said.kind not in HALTS or len(line) > select.PIPE_BUF:  # longer ones may be torn apart by another's
        raise Refused("shop.unwritten", why)
    try:
        # Without a reader this is refused at once (ENXIO), and so is a line where an agent that hangs has left the pipe full (EAGAIN).
        pipe = os.open(data_dir / PIPE, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            if not stat.S_ISFIFO(os.fstat(pipe).st_mode):
                raise FileNotFoundError(PIPE)
            os.write(pipe, line)
        finally:
            os.close(pipe)
    except OSError:
        raise Refused("shop.unwritten", why) from None


async def listen(data_dir: Path, hear: Callable[[Shout], None]) -> None:
    """Hand on what is shouted, until cancelled. Errors: `OSError`, where no pipe can be made or opened."""
    pipe, woken, loop = _opened(data_dir / PIPE), asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(pipe, woken.set)
    try:
        while True:
            await woken.wait()
            woken.clear()
            try:
                said = os.read(pipe, MOST_BYTES)
            except BlockingIOError:
                continue
            for one in _understood(said):
                hear(one)
    finally:
        loop.remove_reader(pipe)
        os.close(pipe)


def _opened(file: Path) -> int:
    """The pipe of this folder, made where there is none. Only whoever may write the journal may write into it."""
    if not file.exists():
        os.mkfifo(file, 0o600)
    pipe = os.open(file, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW)  # for writing too: else it ends with whoever wrote first
    if not stat.S_ISFIFO(os.fstat(pipe).st_mode):
        os.close(pipe)
        raise FileExistsError(f"{file} is no pipe")
    return pipe


def _understood(said: bytes) -> Iterator[Shout]:
    for line in said.splitlines():
        try:
            told = json.loads(line)
            one = Shout(str(told["machine_id"]), Kind(told["kind"]), str(told["who"]))
        except (ValueError, KeyError, TypeError):
            log.warning("something was shouted that this agent does not know")
            continue
        if one.kind in HALTS:
            yield one
        else:
            log.warning("%s: %s is not taken past the journal; nothing was done", one.machine_id, one.kind)
