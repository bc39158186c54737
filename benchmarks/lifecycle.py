# SPDX-License-Identifier: AGPL-3.0-or-later
"""How fast a router is: whole lives of jobs, offers and accepts, from a request to its offer, and messages for each agent.

A node of its own with its private Redis, every change on the disk before it is answered; beside it this process, which is all shops and
all requesters, each with a connection of its own. The calls that do nothing (WhoAmI) go to the same node over the same connections.

    python benchmarks/lifecycle.py [--only lives,offers,latency,messages] [--agents 200] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import time
from pathlib import Path

from jobs_under_way import Figures, say
from running_node import running_node
from split_jobs import offers
from steady_requests import latency
from whole_lives import lives, messages

MODES = (lives, offers, latency, messages)
OPEN_FILES = 8192
"""A thousand agents are a thousand connections, here and at the node."""


def main() -> None:
    """Run the benchmark: a fresh node for each mode, so that none finds what another left."""
    options = _options()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, OPEN_FILES)), hard))
    found = asyncio.run(_measured(options))
    if options.json:
        say(json.dumps(found))


async def _measured(options: argparse.Namespace) -> Figures:
    found: Figures = {}
    for mode in (mode for mode in MODES if mode.__name__ in options.only):
        say(f"--- {mode.__name__}: {mode.__doc__}")
        with running_node(most_calls_per_second=str(options.cap)) as node:
            if not found:
                found["durable_write_ms"] = durable_write_ms(node.folder)
                say(f"a write of 256 bytes that waits for this disk: {found['durable_write_ms']:.2f} ms; {os.cpu_count()} processors")
            found[mode.__name__] = await mode(node, options)
    return found


def durable_write_ms(folder: Path) -> float:
    """What one write of 256 bytes costs that waits for the disk, median of 200, ms."""
    took = []
    with (folder / "probe").open("wb", buffering=0) as file:
        for _ in range(200):
            started = time.perf_counter()
            file.write(bytes(256))
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - started)
    return round(1000 * statistics.median(took), 3)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [mode.__name__ for mode in MODES]
    parser.add_argument("--only", type=lambda text: text.split(","), default=names, help=f"some of {','.join(names)}")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--agents", type=int, default=200, help="shops in lives, offers and latency")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of lives and offers")
    parser.add_argument("--jobs", type=int, default=400, help="lives: jobs of one piece in a round")
    parser.add_argument("--in-flight", type=int, default=64, help="lives: jobs under way at once")
    parser.add_argument("--split-jobs", type=int, default=10, help="offers: jobs asked for at once")
    parser.add_argument("--split-pieces", type=int, default=100, help="offers: pieces of each")
    parser.add_argument("--rates", type=_numbers, default=[200, 100, 50, 25, 10], help="latency: requests/s, tried until one is sustained")
    parser.add_argument("--seconds", type=float, default=10, help="latency: how long requests come")
    parser.add_argument("--streets", type=_numbers, default=[10, 100, 1000], help="messages: numbers of agents")
    parser.add_argument("--lives-each", type=int, default=3, help="messages: jobs for each agent")
    parser.add_argument("--idle-seconds", type=float, default=20, help="messages: how long idle agents are listened to")
    parser.add_argument("--cap", type=int, default=200, help="calls a second that idle agents may make together")
    options = parser.parse_args()
    if unknown := set(options.only) - set(names):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    return options


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


if __name__ == "__main__":
    main()
