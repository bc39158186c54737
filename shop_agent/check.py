# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looks at everything an agent needs before it runs: its key, the slicer, each machine, the node and the token. Changes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import grpc

from commonfab import materials, processes, v1
from commonfab.client import connect
from commonfab.clock import SystemClock
from commonfab.errors import Refused, refusal_of
from commonfab.identity import load_or_make_key
from commonfab.reasons import REASONS
from commonfab.rpc_client import Endpoint
from shop_agent.config import ShopConfig
from shop_agent.machine_section import MachineSection
from shop_agent.machines import machine_for
from shop_agent.slicing import NOZZLE_C, find_slicer

NODE_SECONDS = 5.0


@dataclass(frozen=True)
class CheckFinding:
    """One thing that was looked at. `remedy` is empty where all is well."""

    about: str
    ok: bool
    told: str
    remedy: str = ""


async def check_shop(config: ShopConfig) -> list[CheckFinding]:
    """Every finding, in the order in which a person would mend them."""
    found = [_key(config), _slicer(config)]
    for machine in config.machine:
        found.append(await _machine(config, machine))
        found += _words(machine)
    return [*found, *await _node(config)]


def _key(config: ShopConfig) -> CheckFinding:
    if not config.key_file.exists():
        return CheckFinding("key", True, f"{config.key_file} will be made at the first start")
    try:
        load_or_make_key(config.key_file)
    except (ValueError, OSError) as error:
        return CheckFinding("key", False, str(error), "Put the shop's key back; with another one the node does not know this shop.")
    return CheckFinding("key", True, f"the shop's key is {config.key_file}")


def _slicer(config: ShopConfig) -> CheckFinding:
    program = find_slicer(config.shop.slicer)
    if program:
        return CheckFinding("slicer", True, f"PrusaSlicer is {program}")
    prints = any(processes.satisfies(machine.process, "material_extrusion") for machine in config.machine)
    real = [machine.id for machine in config.machine if machine.control not in ("virtual", "by_hand")]
    if not prints or not real:
        return CheckFinding("slicer", True, "PrusaSlicer was not found; virtual machines work from the estimate and say so")
    return CheckFinding(
        "slicer", False, f"PrusaSlicer was not found, and {', '.join(real)} cannot work without", REASONS["slicer.missing"].remedy
    )


async def _machine(config: ShopConfig, facts: MachineSection) -> CheckFinding:
    about = f"machine {facts.id}"
    if facts.out_of_service:
        return CheckFinding(about, True, f"{'out of order' if facts.out_of_order else 'in maintenance'}: {facts.out_of_service}")
    machine = machine_for(config, facts, SystemClock())
    try:
        look = await machine.state("")
    finally:
        await machine.close()
    if not look.reachable:
        return CheckFinding(
            about, False, look.note, f"Look whether it is switched on and connected, and at url and api_key of '{facts.id}'."
        )
    return CheckFinding(about, True, f"busy with {look.busy_with}" if look.busy_with else f"answers and is idle ({facts.control})")


def _words(machine: MachineSection) -> list[CheckFinding]:
    """Terms that no job asks for are no error, but most likely a slip of the pen."""
    about, found = f"machine {machine.id}", []
    if machine.process not in processes.BROADER:
        known = ", ".join(processes.BROADER)
        found.append(CheckFinding(about, False, f"'{machine.process}' is not in the process vocabulary", f"Known: {known}."))
    for material in machine.on_hand:
        term = materials.canonical(material)
        if term not in materials.BROADER:
            known = ", ".join(materials.BROADER)
            found.append(CheckFinding(about, False, f"'{material}' is not in the material vocabulary", f"Known: {known}."))
        elif processes.satisfies(machine.process, "material_extrusion") and NOZZLE_C.get(term, 0) > machine.max_nozzle_c:
            told = f"{material} needs {NOZZLE_C[term]} °C and max_nozzle_c is {machine.max_nozzle_c:g}"
            found.append(CheckFinding(about, False, told, "Raise the limit if the machine can, or take the material out."))
    return found


async def _node(config: ShopConfig) -> list[CheckFinding]:
    about, node_address = "node", config.router.node
    try:
        async with connect(Endpoint(node_address, config.router.token, config.router.ca)) as node:
            await node.reachable(NODE_SECONDS)
            answer = await node.access.WhoAmI(v1.WhoAmIRequest(), timeout=NODE_SECONDS)
    except Refused as refused:
        return [CheckFinding(about, False, refused.reason.message, refused.remedy)]
    except OSError as error:
        return [CheckFinding(about, False, f"ca cannot be read: {error}", "Correct ca under [router] in shop.toml.")]
    except grpc.aio.AioRpcError as error:
        refusal = refusal_of(error)
        if refusal is None:
            return [
                CheckFinding(about, False, f"{error.code().name}: {error.details()}", f"Look whether {node_address} is a Commonfab node.")
            ]
        return [CheckFinding("token", False, refusal.reason.message, refusal.remedy)]
    return [CheckFinding(about, True, f"{node_address} answers, version {answer.node_version}"), _token(config, answer.token)]


def _token(config: ShopConfig, token: v1.Token) -> CheckFinding:
    scope = v1.Scope.Name(token.scope).removeprefix("SCOPE_").lower()
    if token.scope == v1.SCOPE_SHOP and token.subject == config.shop.id:
        return CheckFinding("token", True, f"speaks for shop {token.subject}")
    remedy = f"Ask the node's steward: commonfab token issue shop {config.shop.id}"
    return CheckFinding("token", False, f"it is a {scope} token for '{token.subject}', not a shop token for '{config.shop.id}'", remedy)


def check_shop_now(config: ShopConfig) -> list[CheckFinding]:
    """`check_shop` for callers that are not asynchronous."""
    return asyncio.run(check_shop(config))
