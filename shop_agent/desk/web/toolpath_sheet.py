# SPDX-License-Identifier: AGPL-3.0-or-later
"""Bringing a toolpath that was made elsewhere: the files to make it from, and what the gate says of it, a line for each reason."""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import quote

from nicegui import ui
from nicegui.elements.upload_files import FileUpload

from shop_agent.desk import actions
from shop_agent.desk.cards import BenchCard
from shop_agent.desk.web.file_picker import pick
from shop_agent.desk.web.parts import Hands, button, div, found_by, sheet, text
from shop_agent.people.bringing import ENDINGS

ACCEPT = ",".join(sorted(ENDINGS))


def ask(card: BenchCard, hands: Hands) -> None:
    """Take the file, check every line of it, and say what is wrong."""
    with sheet(hands, f"{card.what}: bring its toolpath") as asked:
        text(f"It will run on {card.machine}. Every line is checked first, and nothing starts before somebody there says so.", "soft")
        files(card)

        async def sent(file: FileUpload) -> None:
            with tempfile.TemporaryDirectory() as folder:
                brought = Path(folder) / Path(file.name).name
                await file.save(brought)
                await asked.do_beside(hands, actions.bring_beside, hands.bench.config, card.order, brought)

        pick("Choose the file", "upload_file", ACCEPT, "toolpath", sent, lambda: asked.say("That file cannot be taken here."))
        with div("buttons"):
            button("Not now", asked.dialog.close, kind="quiet")


def files(card: BenchCard) -> None:
    """Links to what lies in the work folder: drawings, shapes, the sheet."""
    if not card.files:
        return
    with found_by(div("files"), f"files-{card.order}"):
        for name in card.files:
            with ui.element("a").props(f'href="/work/{quote(card.order)}/{quote(name)}" download').classes("file"):
                text("job sheet" if name == "sheet.md" else name)
