# SPDX-License-Identifier: AGPL-3.0-or-later
"""Taking work for somebody who came to the door, at any desk: looked at before it lies on a bench, so that it is not given back later."""

from __future__ import annotations

import math
import os
import re
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from commonfab import materials, v1
from commonfab.errors import Refused
from shop_agent import gcode
from shop_agent.config import ShopConfig, digest_now, load_config
from shop_agent.desk.actions import MOST_MINUTES, MOST_PIECES, Bench
from shop_agent.journal.book import Journal, open_journal
from shop_agent.live import read_live
from shop_agent.people import walk_in
from shop_agent.people.bringing import is_toolpath
from shop_agent.people.walk_in import Wanted
from shop_agent.shop_toml.machine_section import MachineSection

FILES = "walk-ins"
"""The folder beside the journal with what was brought; a stick is soon gone, and a browser's file is nowhere else."""

SHAPES = frozenset((".stl", ".3mf"))
LONGEST_WHAT = 200
SPARE_SECONDS = 3600.0


def take(bench: Bench, machine_id: str, wanted: Wanted) -> str:
    """Put it on a machine's bench; answers its work order. A file that is brought is copied.

    Errors: `Refused` (`command.machine`, `desk.number`, `walk_in.*`, `toolpath.nobody_makes`, `slicer.missing`; `shop.changed`,
    `shop.config`); `gcode.ToolpathRefused` where it is a toolpath that does not pass the gate; `OSError`.
    """
    config, facts = _as_it_is_worked(bench, machine_id)
    sound = _sound(facts, wanted)
    _can_be_made(config, facts, sound)
    if sound.source is not None:
        sound = replace(sound, source=_kept(bench, sound.source))
    return walk_in.take(bench.journal, bench.config, facts, sound)


def take_beside(config: ShopConfig, machine_id: str, wanted: Wanted) -> str:
    """The same from a thread of its own, so that a page goes on while a long toolpath is read."""
    with closing(open_journal(config)) as journal:
        return take(Bench(config, journal), machine_id, wanted)


def makes_from(facts: MachineSection) -> str:
    """What a machine makes a walk-in from, in words; empty where it needs no file."""
    from shop_agent.preparing.preparer import prints

    told = ["an STL or 3MF file"] if prints(facts) else []
    if facts.outside_toolpaths:
        told.append("a toolpath")
    return "" if facts.control == "by_hand" else " or ".join(told)


def _as_it_is_worked(bench: Bench, machine_id: str) -> tuple[ShopConfig, MachineSection]:
    """The machine as shop.toml has it now, and as the agent works it: a walk-in is judged by what it will be made by.

    Errors: `Refused` (`command.machine`; `shop.changed` where the agent works it by what the file said before; `shop.config`).
    """
    now = bench.config
    if now.digest and digest_now(now.path) != now.digest:  # it was changed since this desk was opened
        now = load_config(now.path)
    facts = Bench(now, bench.journal).machine(machine_id)
    live = read_live(bench.config.data_dir)
    if live is None or live.is_stale(bench.journal.clock.now()) or live.shop_toml in ("", now.digest):
        return now, facts
    # What the agent has read is not kept; only a desk that has read the same can tell that this machine stayed as it was.
    if live.shop_toml != bench.config.digest or bench.config.machine_of(machine_id) != facts:
        raise Refused("shop.changed", facts.name)
    return bench.config, facts


def _sound(facts: MachineSection, wanted: Wanted) -> Wanted:
    """What is wanted, with its words tidied. Errors: `Refused` (`walk_in.what`, `walk_in.material`, `desk.number`)."""
    what = " ".join(wanted.what.split())[:LONGEST_WHAT]
    if not what:
        raise Refused("walk_in.what")
    if not 1 <= wanted.quantity <= MOST_PIECES:
        raise Refused("desk.number", f"{wanted.quantity} pieces")
    if not (math.isfinite(wanted.minutes) and 0 <= wanted.minutes <= MOST_MINUTES):
        raise Refused("desk.number", f"{wanted.minutes:g} minutes")
    material = wanted.material.strip() or (facts.loaded or facts.on_hand[0])
    if materials.canonical(material) not in map(materials.canonical, facts.on_hand):
        raise Refused("walk_in.material", f"{material} is not among {', '.join(facts.on_hand)}")
    return replace(wanted, what=what, material=material)


def _can_be_made(config: ShopConfig, facts: MachineSection, wanted: Wanted) -> None:
    """Errors: as of `take`. What the agent would find out later and give back, while whoever came is no longer there."""
    from shop_agent.preparing.preparer import Way, way_of
    from shop_agent.slicing import find_slicer

    source = wanted.source
    if source is not None:
        ending = source.suffix.lower()
        if not source.is_file() or facts.control == "by_hand" or not (ending in SHAPES or is_toolpath(source)):
            raise Refused("walk_in.file", source.name)
        if is_toolpath(source):
            gcode.judge(source, facts, gcode.Origin.OUTSIDE).insist()
            return
    way = way_of(facts, v1.Offer(), find_slicer(config.shop.slicer), source)
    if way is Way.SLICED and not find_slicer(config.shop.slicer):
        raise Refused("slicer.missing")
    if way is Way.BROUGHT and not facts.outside_toolpaths:
        raise Refused("walk_in.needs_file" if makes_from(facts) else "toolpath.nobody_makes", facts.name)


def _kept(bench: Bench, source: Path) -> Path:
    """A copy beside the journal. What no open walk-in is made from is cleared away."""
    folder = bench.config.data_dir / FILES
    folder.mkdir(parents=True, exist_ok=True)
    _clear(folder, bench.journal)
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", source.stem).strip("-")[:60] or "file"
    kept = folder / f"{bench.journal.ids('file')}-{stem}{source.suffix.lower()}"
    scratch = kept.with_suffix(f".part{os.getpid()}")
    try:
        shutil.copyfile(source, scratch)
        scratch.replace(kept)
    finally:
        scratch.unlink(missing_ok=True)
    return kept


def _clear(folder: Path, journal: Journal) -> None:
    needed = {attempt.source for attempt in journal.attempts()}
    for file in folder.iterdir():
        # An hour: who has just brought one is about to write that down.
        if str(file.resolve()) not in needed and abs(journal.clock.now() - file.stat().st_mtime) > SPARE_SECONDS:
            file.unlink(missing_ok=True)
