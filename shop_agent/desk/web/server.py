# SPDX-License-Identifier: AGPL-3.0-or-later
"""Serves the desk: on this computer alone, or on the local network behind a PIN."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from commonfab.clock import SystemClock
from commonfab.errors import Refused
from shop_agent.config import ShopConfig
from shop_agent.desk.actions import Bench
from shop_agent.desk.cards import Desk
from shop_agent.desk.listening import address_in, is_loopback
from shop_agent.desk.of_work import pictures_wanted
from shop_agent.desk.pictures import fetch_picture, pictures_folder
from shop_agent.desk.pin import PinCheck, Sessions, desk_secret
from shop_agent.desk.view import look
from shop_agent.desk.web.door import Door, names_of_this_computer
from shop_agent.desk.work_files import file_of
from shop_agent.journal.book import open_journal
from shop_agent.live import live_file

LOOK_AGAIN_SECONDS = 5.0
NO_PICTURES_SECONDS = 60.0


def serve(config: ShopConfig, listen: str = "") -> None:
    """Serve the desk until Ctrl-C or SIGTERM.

    Parameters: `listen`, host and port; else what shop.toml says.
    Errors: `Refused` (`desk.pin`, `desk.listen`, `desk.taken`, `desk.no_address`, `shop.data`).
    """
    host, port = address_in(listen or config.desk.listen)
    if not config.desk.pin and not is_loopback(host):
        raise Refused("desk.pin", f"{host}:{port}")
    with closing(_bound(host, port)) as bound:
        os.environ["NICEGUI_STORAGE_PATH"] = str((config.data_dir / "desk").resolve())  # read when it is imported
        os.umask(0o077)
        print(f"The desk of {config.shop.name or config.shop.id} is at http://{_shown(host, bound.getsockname()[1])}", flush=True)
        _run(config, host, bound)


def _bound(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Refused("desk.taken", _shown(host, port)) from None
        raise Refused("desk.no_address", f"{_shown(host, port)}: {error.strerror or error}") from None
    return made


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _run(config: ShopConfig, host: str, bound: socket.socket) -> None:
    import uvicorn

    door = _door(config, host)
    server = uvicorn.Server(
        uvicorn.Config(door, log_level="warning", proxy_headers=False, server_header=False, timeout_graceful_shutdown=2)
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[bound])


def _door(config: ShopConfig, host: str) -> Door:
    """The desk's application, behind its door."""
    from fastapi import FastAPI, Response
    from fastapi.responses import FileResponse
    from nicegui import app as pages
    from nicegui import ui

    secret, clock = desk_secret(config.data_dir), SystemClock()
    pictures = pictures_folder(config.data_dir)
    pictures.mkdir(parents=True, exist_ok=True)
    pages.add_static_files("/picture", pictures)
    watch: list[Watch] = []

    @asynccontextmanager
    async def open_watch(app: FastAPI) -> AsyncIterator[None]:
        # SQLite keeps a connection in the thread that opened it.
        with closing(open_journal(config)) as journal:
            watch.append(Watch(Bench(config, journal)))
            fetching = asyncio.create_task(watch[0].fetch_pictures())
            yield
            fetching.cancel()

    application = FastAPI(lifespan=open_watch, docs_url=None, redoc_url=None, openapi_url=None)

    @application.get("/work/{order}/{path:path}")
    def work_file(order: str, path: str) -> Response:
        file = file_of(config, order, path)
        return Response(status_code=404) if file is None else FileResponse(file, media_type="application/octet-stream", filename=file.name)

    @ui.page("/", title=config.shop.name or config.shop.id)
    def desk() -> None:
        from shop_agent.desk.web.page import build

        build(watch[0].bench, watch[0].look)

    ui.run_with(
        application,
        storage_secret=secret,
        session_middleware_kwargs={"same_site": "strict", "session_cookie": "commonfab_desk_page"},
        dark=None,
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=10.0,
    )
    pin = PinCheck(config.desk.pin, clock) if config.desk.pin else None
    sessions = Sessions(secret.encode(), config.desk.pin, clock)
    return Door(application, names_of_this_computer(host), sessions, pin, config.shop.name or config.shop.id)


class Watch:
    """The desk as it is, for every browser: read again only where something was written, and now and then."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._desk: Desk | None = None
        self._seen: tuple[int, int] = (-1, -1)
        self._at = float("-inf")
        self._looked = asyncio.Event()
        bench.journal.on_change = self.changed

    def changed(self) -> None:
        """Something was said here: look again."""
        self._at = float("-inf")

    def look(self) -> Desk:
        """The desk as it is now."""
        journal = self.bench.journal
        seen, now = (journal.stamp(), _written_at(live_file(self.bench.config.data_dir))), journal.clock.monotonic()
        if self._desk is None or seen != self._seen or now - self._at >= LOOK_AGAIN_SECONDS:
            self._desk, self._seen, self._at = look(self.bench.config, journal), seen, now
            self._looked.set()
        return self._desk

    async def fetch_pictures(self) -> None:
        """Fetch what is to be seen and is not here, until cancelled; only while somebody looks. A node that is away is asked again after a
        minute."""
        from commonfab.client import connect
        from commonfab.rpc_client import Endpoint

        config = self.bench.config
        given_up: set[str] = set()
        while True:
            await self._looked.wait()
            self._looked.clear()
            wanted = [one for one in pictures_wanted(self.bench.journal, config.data_dir) if one not in given_up]
            try:
                if wanted:
                    async with connect(Endpoint(config.router.node, config.router.token, config.router.ca)) as node, asyncio.timeout(120):
                        for sha256 in wanted:
                            if await fetch_picture(node, config.data_dir, sha256) is None:
                                given_up.add(sha256)
                    self.changed()
            except Exception:  # whatever a network can throw: a desk without pictures is still a desk
                await asyncio.sleep(NO_PICTURES_SECONDS)


def _written_at(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
