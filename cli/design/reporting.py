# SPDX-License-Identifier: AGPL-3.0-or-later
"""A build report as the command line takes it: its sizes, settings, machine and photographs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from commonfab import v1
from commonfab.client import Node
from commonfab.errors import Refused
from shop_agent.config import ShopConfig


def measured(text: str) -> v1.MeasuredSize:
    """The size in "bore=8.0/8.03". Errors: `Refused` (`report.size`)."""
    name, _, sizes = text.partition("=")
    drawn, _, made = sizes.partition("/")
    try:
        figures = float(drawn), float(made)
    except ValueError:
        raise Refused("report.size", repr(text)) from None
    if not name.strip() or not all(map(math.isfinite, figures)):
        raise Refused("report.size", repr(text))
    return v1.MeasuredSize(name=name.strip(), nominal_mm=figures[0], measured_mm=figures[1])


def declared(text: str) -> v1.Setting:
    """The setting in "layer_height_mm=0.2". Errors: `Refused` (`report.setting`)."""
    key, is_there, value = text.partition("=")
    if not key.strip() or not is_there:
        raise Refused("report.setting", repr(text))
    return v1.Setting(key=key.strip(), value=value.strip())


def of_machine(shop: ShopConfig, machine_id: str) -> v1.BuildReport:
    """What shop.toml says of the machine: the one that is named, else the only one.

    Errors: `Refused` (`command.machine`, `report.machine`).
    """
    if not machine_id and len(shop.machine) > 1:
        raise Refused("report.machine", ", ".join(machine.id for machine in shop.machine))
    machine = shop.machine_of(machine_id) if machine_id else shop.machine[0]
    if machine is None:
        raise Refused("command.machine", machine_id)
    return v1.BuildReport(machine=machine.name or machine.id, process=machine.process, control=machine.control)


async def uploaded(node: Node, photographs: Sequence[Path]) -> list[str]:
    """The SHA-256 of these files, which the node has then. Errors: `grpc.aio.AioRpcError`, `OSError`."""
    return [(await node.upload(photograph)).sha256 for photograph in photographs]
