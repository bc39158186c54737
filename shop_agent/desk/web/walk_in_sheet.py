# SPDX-License-Identifier: AGPL-3.0-or-later
"""Work for somebody who came to the door: what, on which machine, how many, of what, from which file."""

from __future__ import annotations

import tempfile
from pathlib import Path

from nicegui import ui
from nicegui.elements.upload_files import FileUpload

from shop_agent.desk import actions, walk_ins
from shop_agent.desk.web.account_sheets import counter
from shop_agent.desk.web.file_picker import pick
from shop_agent.desk.web.parts import Hands, Sheet, button, div, sheet, text
from shop_agent.desk.wrong import tried
from shop_agent.people.bringing import ENDINGS
from shop_agent.people.walk_in import Wanted

ACCEPT = ",".join(sorted(ENDINGS | walk_ins.SHAPES))


def ask(hands: Hands) -> None:
    """Everything in one sheet; what is wrong is said there, and nothing that was typed is lost."""
    machines = {facts.id: facts for facts in hands.bench.config.machine}
    with sheet(hands, "A walk-in: what is to be made?") as asked:
        text("It needs no router. It waits on the machine's bench like any other order, and counts in the ledger later.", "soft")
        what = ui.input("What, in your words").props("outlined maxlength=200").classes("walk-in-what")
        with div("two-up"):
            machine = ui.select({key: one.name for key, one in machines.items()}, value=next(iter(machines)), label="On which machine")
            material = ui.select([], label="Of what")
        machine.props("outlined").classes("walk-in-machine")
        material.props("outlined").classes("walk-in-material")
        counts = {"pieces": 1}
        counter("pieces", counts, least=1)
        minutes = ui.input("Minutes a piece, about; may be empty").props("outlined inputmode=decimal").classes("walk-in-minutes")
        picked = _file(asked)
        needs = text("", "soft")

        def other_machine() -> None:
            facts = machines[str(machine.value)]
            material.set_options(list(facts.on_hand), value=facts.loaded or facts.on_hand[0])
            makes_from = walk_ins.makes_from(facts)
            needs.set_text(f"{facts.name} makes it from {makes_from}." if makes_from else f"{facts.name} needs no file.")
            picked.box.set_visibility(bool(makes_from))

        machine.on_value_change(other_machine)
        other_machine()

        async def take() -> None:
            if wrong := tried(lambda: told.append(actions.minutes_in(minutes.value or "0"))):
                asked.say(wrong)
                return
            from_file = picked.file if picked.box.visible else None
            wanted = Wanted(what.value or "", counts["pieces"], from_file, str(material.value or ""), told.pop())
            await asked.do_beside(hands, walk_ins.take_beside, hands.bench.config, str(machine.value), wanted)

        told: list[float] = []
        with div("buttons"):
            button("Not now", asked.dialog.close, kind="quiet", test="not-now")
            button("Put it on the bench", take, kind="main", test="sure")


class Picked:
    """The file that was chosen; it lies here until the sheet is closed. `box`: what is shown of it."""

    def __init__(self, box: ui.element, folder: tempfile.TemporaryDirectory[str]) -> None:
        self.box, self.folder = box, folder
        self.file: Path | None = None


def _file(asked: Sheet) -> Picked:
    picked = Picked(div("picked"), tempfile.TemporaryDirectory())
    asked.dialog.on("hide", picked.folder.cleanup)
    with picked.box:
        name = text("", "grow")

        async def sent(file: FileUpload) -> None:
            picked.file = Path(picked.folder.name) / Path(file.name).name
            await file.save(picked.file)
            name.set_text(f"From {file.name}")
            asked.say("")

        pick("Choose its file", "upload_file", ACCEPT, "walk-in-file", sent, lambda: asked.say("That file cannot be taken here."))
    return picked
