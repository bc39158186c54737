# SPDX-License-Identifier: AGPL-3.0-or-later
"""Work for somebody who came to the door: the owner takes it, whether or not a router can be heard.

It lies on the bench like any other order, passes the same gate, and waits for the same words of readiness. What was made is signed, and
reaches the ledger when the router is heard again; no job is moved by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from google.protobuf.duration_pb2 import Duration

from commonfab import v1
from commonfab.errors import Refused
from commonfab.walk_ins import walk_in_order
from shop_agent.config import ShopConfig
from shop_agent.journal.book import Journal
from shop_agent.live import read_live
from shop_agent.shop_toml.machine_section import MachineSection


@dataclass(frozen=True)
class Wanted:
    """What somebody wants made.

    `what`: in the owner's words; `source`: a mesh to be sliced, or a toolpath where the machine takes such; None for work by hand.
    `material`: empty for what is loaded; `minutes`: machine or working time a piece, for planning until something better is known.
    """

    what: str
    quantity: int
    source: Path | None = None
    material: str = ""
    minutes: float = 0.0


def take(journal: Journal, config: ShopConfig, machine: MachineSection, wanted: Wanted) -> str:
    """Put it on a machine's bench; answers its work order, by which everything else is said of it.

    Errors: `Refused` (`shop.changed`) where the agent that runs does not know the machine: it would wait there, and nobody would see it.
    """
    live = read_live(config.data_dir)
    if live is not None and not live.is_stale(journal.clock.now()) and machine.id not in [one.id for one in live.machines]:
        raise Refused("shop.changed", machine.name)
    order = walk_in_order(config.shop.id, journal.ids("w"))
    takes = Duration()
    takes.FromMilliseconds(round(wanted.minutes * 60_000))
    offer = v1.Offer(
        work_order_id=order,
        machine_id=machine.id,
        title=wanted.what,
        part_name=wanted.what,
        quantity=wanted.quantity,
        requirement=v1.Requirement(process=machine.process, material=wanted.material or machine.loaded),
        estimate=v1.Estimate(machine_time=takes, method="said by the shop's owner"),
    )
    with journal.change() as connection:
        connection.execute(
            "INSERT INTO attempts (work_order_id, number, epoch, offer, machine_id, walk_in, source) VALUES (?, 1, 0, ?, ?, 1, ?)",
            (order, offer.SerializeToString(), machine.id, str(wanted.source.resolve()) if wanted.source else ""),
        )
    return order
