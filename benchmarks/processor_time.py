# SPDX-License-Identifier: AGPL-3.0-or-later
"""Processor time of a node, of its Redis and of the benchmark itself, from /proc (Linux, proc(5))."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, fields
from pathlib import Path

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
USER_FIELD = 11  # utime, counted from the state, which follows the name in brackets; stime comes next


@dataclass(frozen=True)
class ProcessorTime:
    """Processor seconds, user and system: of the node's process, of redis-server, and of the process that makes the load."""

    node: float
    redis: float
    load: float

    def __sub__(self, earlier: ProcessorTime) -> ProcessorTime:
        return ProcessorTime(*(getattr(self, one.name) - getattr(earlier, one.name) for one in fields(self)))

    def per(self, count: float) -> ProcessorTime:
        """The same for one of `count`."""
        return ProcessorTime(*(getattr(self, one.name) / count for one in fields(self)))


def processor_time(folder: Path) -> ProcessorTime:
    """What the node on the data folder `folder`, and this process, have used until now. Its inspection workers are not counted."""
    node = json.loads((folder / "node.json").read_text(encoding="utf-8"))["pid"]
    redis = int((folder / "board" / "redis.pid").read_text(encoding="utf-8"))
    return ProcessorTime(_used(node), _used(redis), time.process_time())


def _used(process: int) -> float:
    after_name = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(after_name[USER_FIELD]) + int(after_name[USER_FIELD + 1])) * TICK_SECONDS
