# SPDX-License-Identifier: AGPL-3.0-or-later
"""The inspection worker: `python -m registry.worker`. Any number of them may run; each measures one file at a time.

Settings come from the environment as for a node: COMMONFAB_DATA_DIR, COMMONFAB_DATABASE_URL, COMMONFAB_REDIS_URL, COMMONFAB_INSPECTION_*.
It stops at SIGTERM or SIGINT; what it was measuring is measured again by the next one.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import threading

import dramatiq
import redis
import sqlalchemy as sa

from commonfab.clock import SystemClock
from commonfab.database import migrate, open_database
from commonfab.settings import NodeSettings
from registry.geometry.sandbox import Limits, Sandbox, SandboxBroken
from registry.inspection import ACTOR, QUEUE, Inspections, Subject, inspect, make_broker
from registry.knowledge import refresh_of_file
from registry.opening import open_blobs

IDLE_MS = 250
"""How often an idle worker looks into the queue at the least; the library's own second would be felt by a maker who waits."""

STOP_MS = 10_000

log = logging.getLogger(__name__)


def main() -> None:
    """Work until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    told_to_stop = stop_at_a_signal()
    settings = NodeSettings()
    engine = open_database(settings.database())
    migrate(engine, "registry")
    sandbox = Sandbox(Limits.of(settings), settings.data_dir / "scratch")
    try:
        work(settings, engine, sandbox, told_to_stop)
    finally:
        sandbox.close()
        engine.dispose()


def stop_at_a_signal() -> threading.Event:
    """An event that is set at SIGTERM and SIGINT, however many come at once.

    A handler runs wherever the main thread happens to be: inside the event's own lock, or inside the handler of the signal before (when a
    node is killed, Linux sends SIGTERM once for each of its threads). So it only touches a queue that is made for that, and a thread
    sets the event.
    """
    heard: queue.SimpleQueue[int] = queue.SimpleQueue()
    told_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: heard.put(number))

    def pass_on() -> None:
        heard.get()
        told_to_stop.set()

    threading.Thread(target=pass_on, name="signals", daemon=True).start()
    return told_to_stop


def work(settings: NodeSettings, engine: sa.Engine, sandbox: Sandbox, told_to_stop: threading.Event) -> None:
    """Take inspections from the queue, one at a time, until `told_to_stop` is set. A Redis that goes away is waited for."""
    inspections = Inspections(engine, make_broker(settings.redis_url), SystemClock())
    blobs = open_blobs(settings)

    def measure(sha256: str, unit: str) -> None:
        inspect(Subject(sha256, unit), inspections, blobs, sandbox, lambda connection: refresh_of_file(connection, inspections, sha256))

    dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=inspections.broker)(measure)
    worker = dramatiq.Worker(inspections.broker, worker_threads=1, worker_timeout=IDLE_MS)
    worker.start()
    try:
        sandbox.start()  # not with the first file: whoever runs a node is told at once how it is protected
    except SandboxBroken as error:
        log.error("no file can be measured here yet: %s", error)
    # The worker before this one may have been killed over its work.
    inspections.send_again(0.0)
    log.info("ready to inspect files of %s", settings.data_dir)
    told_to_stop.wait()
    log.info("stopping")
    sandbox.close()  # ends what is being measured; its message goes back to the queue
    with contextlib.suppress(redis.RedisError):  # it may have stopped before us; SQL knows what still waits
        worker.stop(STOP_MS)
    inspections.broker.close()


if __name__ == "__main__":
    main()
