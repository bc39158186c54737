# SPDX-License-Identifier: AGPL-3.0-or-later
"""Toolpaths that a person brings: for machines whose work is not sliced here, or instead of a sliced one.

They come from outside, so they pass the gate as such, are taken only where `outside_toolpaths` allows it, and wait for a person, also on a
machine that starts by itself otherwise. What is run is the agent's own copy, of which the very bytes were checked.
"""

from __future__ import annotations

import os
from pathlib import Path

from commonfab.errors import Refused
from shop_agent.config import ShopConfig
from shop_agent.journal import attempt_steps
from shop_agent.journal.book import Journal
from shop_agent.journal.records import BROUGHT_NOTE, AttemptRecord, Toolpath
from shop_agent.preparing.storeroom import BROUGHT
from shop_agent.shop_toml.machine_section import MachineSection

ENDINGS = frozenset((".gcode", ".gco", ".g", ".nc", ".ngc", ".tap", ".cnc"))
"""How the files of toolpaths end."""


class NeedsPerson(Exception):
    """Preparing can go no further before a person has done what `why` says."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def is_toolpath(file: Path) -> bool:
    """Whether a file's name says that it is a toolpath and no shape."""
    return file.suffix.lower() in ENDINGS


def bring(journal: Journal, config: ShopConfig, work_order_id: str, file: Path) -> Toolpath:
    """Take a toolpath that somebody made for accepted work; the agent goes on with it, and waits for a person.

    What was said to start the one that it had says nothing of this one.

    Errors: `Refused` (`shop.no_attempt`, `machine.gone`, `toolpath.not_wanted`); `gcode.ToolpathRefused`; `OSError`.
    """
    attempt = next((one for one in journal.attempts() if one.ref.work_order_id == work_order_id and not one.ended), None)
    if attempt is None:
        raise Refused("shop.no_attempt", work_order_id)
    machine = config.machine_of(attempt.machine_id)
    if machine is None:
        raise Refused("machine.gone", attempt.machine_id)
    if attempt.start_asked or machine.control == "by_hand":
        raise Refused("toolpath.not_wanted", work_order_id)
    toolpath = taken(config.data_dir, machine, attempt, file)
    _make_way(journal, attempt)
    attempt_steps.note_toolpath(journal, attempt, toolpath)
    return toolpath


def _make_way(journal: Journal, attempt: AttemptRecord) -> None:
    """Lay the toolpath that it had aside, so that the agent cannot start it any more. To read a long one takes a while, in which leave may
    have been asked for what is there. Errors: `Refused` (`toolpath.not_wanted`)."""
    attempt_steps.forget_toolpath(journal, attempt)
    now = journal.attempt(attempt.row)
    if now.start_asked or now.ended:
        raise Refused("toolpath.not_wanted", attempt.ref.work_order_id)
    with journal.change() as connection:
        connection.execute("UPDATE attempts SET go_by = '' WHERE row = ?", (attempt.row,))


def taken(data_dir: Path, machine: MachineSection, attempt: AttemptRecord, file: Path) -> Toolpath:
    """A checked copy of a toolpath from outside. Errors: `gcode.ToolpathRefused`; `OSError`."""
    import shutil  # it brings three kinds of compression along, which an idle agent does without, as without the gate

    from shop_agent import gcode

    folder = data_dir / BROUGHT
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f".{attempt.key}-{os.getpid()}"
    try:
        shutil.copyfile(file, scratch)
        verdict = gcode.judge(scratch, machine, gcode.Origin.OUTSIDE)
        verdict.insist()
        kept = folder / f"{attempt.key}-{verdict.sha256[:12]}.gcode"
        scratch.replace(kept)
    finally:
        scratch.unlink(missing_ok=True)
    estimate = attempt.offer.estimate
    seconds = verdict.seconds or estimate.machine_time.ToTimedelta().total_seconds()
    return Toolpath(str(kept), verdict.sha256, seconds, estimate.grams, BROUGHT_NOTE)
