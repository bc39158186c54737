# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs the demo, and sees to it that nothing of it is left running, however it ends."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import signal
import sys
import tempfile
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from cli.demo.children import Children
from cli.demo.outcome import Outcome
from cli.demo.story import Cast, Stage, tell_story
from cli.demo.telling import Teller
from cli.output import notes, plain, print_json_line, say
from commonfab.clock import SystemClock
from commonfab.errors import Refused
from commonfab.units import Quantity

LIMIT_SECONDS = 180.0
"""On two cores the story takes well under a minute."""


def run_demo(once: bool, folder: Path | None) -> None:
    """Run the demo; with `once` to its end, else until Ctrl-C. Errors: `Refused`, `grpc.aio.AioRpcError`, `OSError`."""
    _refuse_light_install()
    if folder is not None and folder.exists() and any(folder.iterdir()):
        raise Refused("demo.folder", str(folder))
    place = (folder or Path(tempfile.mkdtemp(prefix="commonfab-demo-"))).absolute()
    try:
        asyncio.run(_perform(once, place))
    except BaseException as error:
        notes().print(f"The demo's files and logs are in {plain(str(place))}", soft_wrap=True)
        if isinstance(error, asyncio.CancelledError):  # SIGTERM
            sys.exit(128 + signal.SIGTERM)
        raise
    if folder is None:
        shutil.rmtree(place, ignore_errors=True)


def _refuse_light_install() -> None:
    """Say at once what is missing, before anything is started."""
    for package in ("cadquery", "sqlalchemy", "redis", "trimesh"):
        if importlib.util.find_spec(package) is None:
            raise Refused("node.light_install", package)


async def _perform(once: bool, folder: Path) -> None:
    me = asyncio.current_task()
    assert me is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    clock = SystemClock()
    async with Children(folder / "logs") as children, AsyncExitStack() as closing:
        stage = Stage(folder, children, clock, Teller(clock))
        cast, outcome = await _told_in_time(stage, closing)
        if not once:
            await _stay(cast, children)
    if once:
        print_json_line(outcome.summary())


async def _told_in_time(stage: Stage, closing: AsyncExitStack) -> tuple[Cast, Outcome]:
    """The story's end. Errors: `Refused` (`demo.late`, `demo.child`), and those of the story."""
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            return await stage.children.beside(tell_story(stage, closing))
    except TimeoutError:
        raise Refused("demo.late", "the whole story", limit=Quantity(LIMIT_SECONDS, "s")) from None


async def _stay(cast: Cast, children: Children) -> None:
    """Leave the street as it is until Ctrl-C."""
    console = say()
    console.print("\n[bold]The node and the shops stay up until Ctrl-C.[/bold] Try, in another terminal:")
    program = "commonfab" if shutil.which("commonfab") else sys.argv[0]
    prefix = f"COMMONFAB_NODE={cast.told.address} COMMONFAB_DATA_DIR={cast.told.data_dir} {program}"
    for command in ("design list", "job list", "shop list", "ledger show", "token list"):
        console.print(f"  {plain(prefix)} {command}", soft_wrap=True)
    with suppress(asyncio.CancelledError):
        await children.beside(asyncio.Event().wait())
