# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is added to the account of an order: pieces made by hand, sizes, minutes, photographs."""

from __future__ import annotations

from nicegui import events, ui

from shop_agent.desk import actions
from shop_agent.desk.cards import BenchCard
from shop_agent.desk.web.parts import Hands, button, div, sheet, text
from shop_agent.people.accounts import LARGEST_PHOTOGRAPH, TASKS


def ask_made(order: str, what: str, hands: Hands) -> None:
    """How many more pieces were made by hand."""
    hands.named(lambda: _made(order, what, hands))


def _made(order: str, what: str, hands: Hands) -> None:
    with sheet(hands, f"{what}: how many more are made?") as asked:
        counts = {"good": 0, "scrap": 0}
        for kind in counts:
            counter(kind, counts)
        with div("buttons"):
            button("Not now", asked.dialog.close, kind="quiet")
            button(
                "Note it",
                lambda: asked.do(hands, actions.made, hands.bench, order, counts["good"], counts["scrap"], hands.who),
                kind="main",
                test="sure",
            )


def counter(kind: str, counts: dict[str, int], least: int = 0) -> None:
    """A number of pieces, with a button for one more and one for one less."""
    with div("count"):
        text(kind, "grow title")

        def step(by: int) -> None:
            counts[kind] = max(counts[kind] + by, least)
            shown.set_text(str(counts[kind]))

        button("−", lambda: step(-1), test=f"{kind}-less")
        shown = text(str(counts[kind]), "big")
        button("+", lambda: step(1), test=f"{kind}-more")


def ask_size(card: BenchCard, hands: Hands) -> None:
    """A size as drawn and as it came out."""
    with sheet(hands, f"{card.what}: a size") as asked:
        name = ui.input("What was measured: bore, width …").props("outlined").classes("size-name")
        nominal = ui.input("As drawn, mm").props("outlined inputmode=decimal").classes("size-nominal")
        came_out = ui.input("As it came out, mm").props("outlined inputmode=decimal").classes("size-measured")

        def tell() -> None:
            actions.measured(hands.bench, card.order, *actions.size_in(f"{name.value or ''}={nominal.value or ''}/{came_out.value or ''}"))

        with div("buttons"):
            button("Not now", asked.dialog.close, kind="quiet")
            button("Note it", lambda: asked.do(hands, tell), kind="main", test="sure")


def ask_minutes(card: BenchCard, hands: Hands) -> None:
    """Minutes of people's work, by task and never by person."""
    with sheet(hands, f"{card.what}: minutes of work") as asked:
        text("By task, for the report; never whose they were.", "soft")
        task = ui.select([one.replace("_", " ") for one in TASKS], value="finishing", label="Task").props("outlined")
        # No field for numbers: there a browser drops the comma of "12,5" without a word.
        minutes = ui.input("Minutes").props("outlined inputmode=decimal").classes("minutes")

        def tell() -> None:
            actions.spent(hands.bench, card.order, str(task.value).replace(" ", "_"), actions.minutes_in(minutes.value or ""))

        with div("buttons"):
            button("Not now", asked.dialog.close, kind="quiet")
            button("Note it", lambda: asked.do(hands, tell), kind="main", test="sure")


def ask_photograph(card: BenchCard, hands: Hands) -> None:
    """A picture from the tablet's camera."""
    with sheet(hands, f"{card.what}: a photograph") as asked:
        text("It goes to your node with the report, as it is: mind what else can be seen in it. PNG, JPEG, WebP or HEIC.", "soft")

        async def sent(event: events.UploadEventArguments) -> None:
            content = await event.file.read()
            asked.do(hands, actions.photograph_sent, hands.bench, card.order, event.file.name, content)

        def too_large() -> None:
            asked.wrong.set_text("That is no picture of up to 32 MB. Take it smaller.")
            asked.wrong.set_visibility(True)

        pick = button("Take or choose a picture", _nothing, kind="main", icon="photo_camera", test="pick")
        upload = ui.upload(label="Take or choose a picture", auto_upload=True, max_file_size=LARGEST_PHOTOGRAPH, on_upload=sent)
        upload.on("rejected", too_large)
        upload.props('accept="image/*" capture="environment"').mark("photograph")
        # In the browser itself: a camera opens only in answer to the very touch.
        pick.on("click", js_handler=f"() => getElement({upload.id}).$refs.qRef.pickFiles()")
        button("Not now", asked.dialog.close, kind="quiet")


def _nothing() -> None:
    pass
