# SPDX-License-Identifier: AGPL-3.0-or-later
"""A folder of `shop.toml` files as the shops that they describe: what could be asked, with no node and no agent running."""

from __future__ import annotations

from pathlib import Path

from commonfab import v1
from commonfab.clock import Clock, SystemClock
from commonfab.errors import Refused
from shop_agent.config import ShopConfig, load_config
from shop_agent.shop_toml.machine_section import described
from shop_agent.shop_toml.shop_described import described_shop


def load_fleet(folder: Path, clock: Clock | None = None) -> list[v1.Shop]:
    """The shops of every `.toml` file under `folder`, in the order of their ids. Nothing secret is read.

    Errors: `Refused` (`shop.config` with the file and line; `fleet.empty`; `fleet.twice` where two files describe one shop).
    """
    files = sorted(file for file in folder.rglob("*.toml") if file.is_file() and not _hidden(file.relative_to(folder)))
    if not files:
        raise Refused("fleet.empty", str(folder))
    shops: dict[str, v1.Shop] = {}
    for file in files:
        shop = shop_of(load_config(file, secrets=False), clock or SystemClock())
        if shop.id in shops:
            raise Refused("fleet.twice", f"{shop.id} ({file})")
        shops[shop.id] = shop
    return [shops[key] for key in sorted(shops)]


def _hidden(inside: Path) -> bool:
    """Whether a file lies in a hidden folder of the fleet; where the fleet itself lies is its owner's affair."""
    return any(step.startswith(".") for step in inside.parts)


def shop_of(config: ShopConfig, clock: Clock) -> v1.Shop:
    """A shop as its file describes it, every machine in service that is not said to be out of order."""
    machines = []
    for facts in config.machine:
        machine = described(facts)
        machine.state = facts.rest_state if facts.out_of_service else v1.MACHINE_STATE_READY
        machine.state_reason = facts.out_of_service
        machines.append(machine)
    return described_shop(config, machines, clock.now())
