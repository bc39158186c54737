# SPDX-License-Identifier: AGPL-3.0-or-later
"""`/metrics` for Prometheus: how the shop stands at the moment of each look. Only loaded where `[shop] metrics` says an address."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from commonfab import __version__, v1
from commonfab.addresses import is_loopback
from shop_agent.config import ShopConfig
from shop_agent.journal.book import Journal
from shop_agent.live import Live
from shop_agent.people.stock_left import grams_left
from shop_agent.people.upkeep import hours_run, upkeep_of

PATIENCE_SECONDS = 5.0
LONGEST_REQUEST = 8192
AGAIN_SECONDS = 30.0

STATES = tuple(name.removeprefix("MACHINE_STATE_").lower() for name in v1.MachineState.keys())  # noqa: SIM118 (no dictionary)

log = logging.getLogger("shop_agent.metrics")


@dataclass(frozen=True, eq=False)
class ShopFigures(Collector):
    """Reads what is told, whenever somebody asks; it keeps nothing. To be called in the thread of the journal.

    `live` answers how the shop stands.
    """

    config: ShopConfig
    journal: Journal
    live: Callable[[], Live]

    def collect(self) -> Iterator[Metric]:
        """Every figure. Names and units follow https://prometheus.io/docs/practices/naming/: base units, in the name."""
        live = self.live()
        yield _gauge(
            "commonfab_shop_info",
            "Always 1; says which shop and version this is.",
            {(self.config.shop.id, __version__): 1},
            "shop",
            "version",
        )
        yield from _of_machines(live)
        yield from self._of_pieces()
        yield from self._of_router(live)
        yield from self._of_machine_care()
        yield _gauge("commonfab_refused_toolpaths", "Offers whose toolpath the gate refused, by rule.", self._refused(), "rule")

    def _of_pieces(self) -> Iterator[Metric]:
        counted, seconds = (
            Counter[tuple[str, ...]](),
            SummaryMetricFamily("commonfab_piece_run_seconds", "Time that machines ran for pieces that are over.", labels=["machine"]),
        )
        rows = self.journal.connection.execute(
            "SELECT a.machine_id, p.state, count(*) AS many FROM pieces p JOIN attempts a ON a.row = p.attempt GROUP BY 1, 2"
        )
        for row in rows:
            counted[row["machine_id"], row["state"]] = row["many"]
        for facts in self.config.machine:
            for state in ("begun", "made", "good", "scrap", "void"):
                counted.setdefault((facts.id, state), 0)
            over = sum(many for (machine, state), many in counted.items() if machine == facts.id and state != "begun")
            seconds.add_metric([facts.id], count_value=over, sum_value=hours_run(self.journal, facts.id) * 3600)
        yield _gauge("commonfab_pieces", "Pieces in the journal, by machine and state.", counted, "machine", "state")
        yield seconds

    def _of_router(self, live: Live) -> Iterator[Metric]:
        heard = self.journal.clock.now() - live.router_heard if live.router_heard else float("inf")
        stands = self.journal.connection.execute("SELECT count(*) FROM offers WHERE stands = 1 AND answer = ''").fetchone()[0]
        yield _gauge("commonfab_router_silent_seconds", "Time since the router was heard; +Inf where it was not in this run.", {(): heard})
        yield _gauge("commonfab_events_waiting", "Events that the router has not acknowledged.", {(): live.unsent})
        yield _gauge("commonfab_offers_standing", "Offers that wait for an answer.", {(): stands})

    def _of_machine_care(self) -> Iterator[Metric]:
        left, ran, every = {}, {}, {}
        for facts in self.config.machine:
            for material, grams in grams_left(self.journal, facts).items():
                left[facts.id, material] = grams
            for due in upkeep_of(self.journal, facts):
                ran[facts.id, due.what], every[facts.id, due.what] = due.ran_hours * 3600, due.every_hours * 3600
        yield _gauge("commonfab_stock_left_grams", "Weighed stock that is left.", left, "machine", "material")
        yield _gauge("commonfab_upkeep_run_seconds", "Time that a machine ran since something was done to it last.", ran, "machine", "what")
        yield _gauge("commonfab_upkeep_due_seconds", "After how much running it is due.", every, "machine", "what")

    def _refused(self) -> Counter[tuple[str, ...]]:
        rows = self.journal.connection.execute("SELECT refused FROM offers WHERE refused != x''")
        codes = (reason.code for row in rows for reason in v1.Release.FromString(row["refused"]).reasons)
        return Counter((code,) for code in codes if code.startswith("toolpath."))


def _of_machines(live: Live) -> Iterator[Metric]:
    states = {(one.id, state): float(one.state == state) for one in live.machines for state in STATES}
    yield _gauge("commonfab_machine_state", "1 for the state that a machine is in, 0 for the others.", states, "machine", "state")
    progress = {(one.id,): one.progress if one.busy_with else 0.0 for one in live.machines}
    yield _gauge("commonfab_piece_progress_ratio", "How far the piece at work is, 0 to 1; 0 where none is.", progress, "machine")
    remaining = {(one.id,): one.remaining_seconds if one.busy_with else 0.0 for one in live.machines}
    yield _gauge("commonfab_piece_remaining_seconds", "How long the piece at work will still take.", remaining, "machine")
    waits = {(one.id,): len(one.waits_for_person) for one in live.machines}
    yield _gauge("commonfab_waiting_for_person", "Work orders that wait for a person, by machine.", waits, "machine")


def _gauge(name: str, about: str, values: Mapping[Any, float], *labels: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=labels)
    for told, value in sorted(values.items()):
        family.add_metric(told, value)
    return family


def text_of(collectors: Iterable[Collector]) -> bytes:
    """What Prometheus reads, from a registry of its own."""
    registry = CollectorRegistry(auto_describe=False)
    for one in collectors:
        registry.register(one)
    return generate_latest(registry)


async def serve_metrics(figures: ShopFigures) -> None:
    """Serve until cancelled. Where the address cannot be had it says so and tries again: nobody's work depends on it."""
    host, _, port = figures.config.shop.metrics.rpartition(":")
    if not is_loopback(figures.config.shop.metrics):
        log.warning("metrics are served on %s: whoever reaches it can read what this shop makes and when", figures.config.shop.metrics)
    while True:
        try:
            server = await asyncio.start_server(_Answerer(figures), host.strip("[]"), int(port), limit=LONGEST_REQUEST)
        except OSError as error:
            log.warning("no metrics on %s: %s", figures.config.shop.metrics, error)
            await figures.journal.clock.sleep(AGAIN_SECONDS)
            continue
        async with server:
            await server.serve_forever()


@dataclass(frozen=True)
class _Answerer:
    """Answers GET /metrics, and nothing else."""

    figures: ShopFigures

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(head))
                await writer.drain()
        writer.close()

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        path = rest.split(b" ", 1)[0].split(b"?", 1)[0]
        if method not in (b"GET", b"HEAD") or path != b"/metrics":
            return _http("404 Not Found", "text/plain; charset=utf-8", b"There is only /metrics here.\n")
        try:
            body = text_of([self.figures])
        except Exception:  # a figure that cannot be had must not end the connection without a word
            log.exception("the metrics could not be read")
            return _http("500 Internal Server Error", "text/plain; charset=utf-8", b"The agent's log says why.\n")
        return _http("200 OK", CONTENT_TYPE_LATEST, body if method == b"GET" else b"")


def _http(status: str, kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
