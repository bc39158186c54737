# SPDX-License-Identifier: AGPL-3.0-or-later
"""Choosing a file on whatever shows the page: one large button, and the file is here before anything is said of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import events, ui
from nicegui.elements.upload_files import FileUpload

from shop_agent.desk.web.parts import button

LARGEST_BYTES = 512 * 1024 * 1024
"""Of a toolpath or a shape; what is larger is brought with the command line."""


def pick(
    words: str, icon: str, accept: str, test: str, sent: Callable[[FileUpload], Awaitable[None]], too_large: Callable[[], None]
) -> None:
    """A button that opens the chooser. `sent`: called with the file; `too_large`: where the browser does not send it."""
    shown = button(words, _nothing, icon=icon, test=test)

    async def came(event: events.UploadEventArguments) -> None:
        await sent(event.file)
        upload.reset()  # the same file may be chosen again once it is mended

    upload = ui.upload(auto_upload=True, max_file_size=LARGEST_BYTES, on_upload=came)
    upload.on("rejected", too_large)
    upload.props(f'accept="{accept}"').mark(test)
    # In the browser itself: a chooser opens only in answer to the very touch.
    shown.on("click", js_handler=f"() => getElement({upload.id}).$refs.qRef.pickFiles()")


def _nothing() -> None:
    pass
