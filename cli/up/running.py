# SPDX-License-Identifier: AGPL-3.0-or-later
"""A node in one process: the rooms mounted on one server, with their children beside them.

What is opened later may use what was opened earlier, and is closed before it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from prometheus_client import CollectorRegistry

from cli.up.announcement import Announcement, announce, published
from cli.up.board import OpenBoard, open_board
from cli.up.child import Child, Command
from cli.up.lock import hold_folder
from cli.up.metrics import check_metrics_listen, serve_metrics
from cli.up.node_token import provide_node_token
from cli.up.settings import child_environment
from cli.up.steward import provide_steward
from cli.up.trust import trust_in
from commonfab import v1
from commonfab.access import AccessService
from commonfab.clock import SystemClock
from commonfab.database import migrate, open_database
from commonfab.errors import Refused
from commonfab.ids import make_ids
from commonfab.rpc_server import Mount, RunningServer, Transport, serve
from commonfab.settings import NodeSettings
from commonfab.tokens import TokenStore
from registry import opening as registry_opening
from router import opening as router_opening

log = logging.getLogger(__name__)

GRACE_SECONDS = 1.0
"""How long calls under way may go on when the node stops. A watching or waiting call would never end by itself."""


def run_node(settings: NodeSettings) -> None:
    """Run a node until SIGINT or SIGTERM. Errors: `Refused` (`node.…`); `OSError`."""
    check_metrics_listen(settings)
    _log_to_stderr()
    with hold_folder(settings.data_dir):
        asyncio.run(_until_stopped(settings))


async def _until_stopped(settings: NodeSettings) -> None:
    me = asyncio.current_task()
    assert me is not None
    asked_to_stop = asyncio.Event()

    def stop() -> None:
        if not asked_to_stop.is_set():  # a second Ctrl-C must not break off the cleaning up
            asked_to_stop.set()
            me.cancel()

    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stop)
    try:
        async with open_node(settings) as told:
            announce(told)
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        if not asked_to_stop.is_set():
            raise
        log.info("the node has stopped")


@asynccontextmanager
async def open_node(settings: NodeSettings) -> AsyncIterator[Announcement]:
    """A node that answers, for as long as the context lasts. Errors: `Refused` (`node.…`)."""
    clock, metrics = SystemClock(), CollectorRegistry()
    ids = make_ids(clock)
    async with AsyncExitStack() as closing:
        board = await closing.enter_async_context(open_board(settings, clock))
        engine = open_database(settings.database())
        closing.callback(engine.dispose)
        await asyncio.to_thread(migrate, engine, "commonfab")
        tokens = TokenStore(engine, clock, ids)
        provide_steward(tokens, settings.steward_token_file())
        registry = registry_opening.open_registry(settings, engine, board.queue_url, clock, ids, metrics)
        closing.push_async_callback(registry.close)
        await registry.start()
        router = router_opening.open_router(settings, engine, board.url, clock, ids, metrics)
        closing.push_async_callback(router.close)
        access = Mount("commonfab.v1.Access", v1.add_AccessServicer_to_server, AccessService(tokens, trust_in(settings)))
        server = await _serve(settings, (*registry.mounts, *router.mounts, access), tokens, metrics)
        closing.push_async_callback(server.stop, GRACE_SECONDS)
        await router.start(server.local_address, provide_node_token(tokens, settings.data_dir / "node.token"))
        worker = _worker(settings, board, clock)
        closing.push_async_callback(worker.stop)
        await worker.start()
        metrics_url = closing.enter_context(serve_metrics(settings, metrics))
        told = Announcement(
            pid=os.getpid(),
            address=server.address,
            local_address=server.local_address,
            metrics=metrics_url,
            data_dir=str(settings.data_dir),
            database=engine.url.render_as_string(hide_password=True),
            board=board.shown,
            steward_token_file=str(settings.steward_token_file()),
            tls=bool(settings.tls_key),
        )
        closing.enter_context(published(told, settings.data_dir))
        yield told


async def _serve(settings: NodeSettings, mounts: tuple[Mount, ...], tokens: TokenStore, metrics: CollectorRegistry) -> RunningServer:
    transport = Transport(settings.listen, settings.tls_certificate, settings.tls_key)
    explain = first_of(registry_opening.explain, router_opening.explain)
    try:
        return await serve(mounts, transport, tokens.holder, metrics, explain)
    except RuntimeError:
        raise Refused("node.address_taken", settings.listen) from None


def first_of(*explanations: Callable[[Exception], Refused | None]) -> Callable[[Exception], Refused | None]:
    """The first explanation that has something to say."""

    def explain(error: Exception) -> Refused | None:
        return next((told for told in (one(error) for one in explanations) if told is not None), None)

    return explain


def _worker(settings: NodeSettings, board: OpenBoard, clock: SystemClock) -> Child:
    # -P: a folder named `registry` where the node happens to be started is not ours.
    command = (sys.executable, "-P", "-m", "registry.worker")
    environment = child_environment(settings, board.queue_url)
    return Child(Command("inspection worker", command, settings.data_dir / "worker.pid", environment), clock)


def _log_to_stderr() -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S", level=logging.WARNING, stream=sys.stderr)
    for room in ("cli", "commonfab", "registry", "router"):
        logging.getLogger(room).setLevel(logging.INFO)
