# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looks at everything an agent needs before it runs: its key, the disk, the slicer, each live machine, the node and the token.

Changes nothing, and sets nothing in motion.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Mapping
from types import MappingProxyType

import grpc

from commonfab import processes, v1
from commonfab.client import Node, connect
from commonfab.errors import Refused, refusal_of
from commonfab.identity import load_or_make_key
from commonfab.reasons import REASONS, reason
from commonfab.rpc_client import Endpoint
from shop_agent.config import ShopConfig
from shop_agent.shop_key import public_key_of
from shop_agent.slicing import find_slicer
from shop_agent.starting.check_desk import check_desk
from shop_agent.starting.check_machine import check_machine
from shop_agent.starting.finding import CheckFinding as CheckFinding

NODE_SECONDS = 4.0
SLICER_SECONDS = 20.0
LEAST_FREE_MB = 500
"""A detailed part's mesh, its toolpath, and the slicer's work beside them, several orders at a time."""


_REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "node.unreachable": "Look whether this computer is on the network and node under [router] in shop.toml is right; else ask the "
        "node's steward whether it is up.",
        "node.insecure": "Beyond this computer ca under [router] in shop.toml must name the node's certificate; commonfab shop join "
        "INVITATION fetches it.",
    }
)
"""What a shop can do about its node, where the usual words are for who keeps one."""


async def check_shop(config: ShopConfig) -> list[CheckFinding]:
    """Every finding, in the order in which a person would mend them."""
    found = [_key(config), *_disk(config), await asyncio.to_thread(_slicer, config)]
    for of_one in await asyncio.gather(*(check_machine(config, machine) for machine in config.machine)):
        found += of_one
    return [*found, *check_desk(config), *await _node(config)]


def _key(config: ShopConfig) -> CheckFinding:
    if not config.key_file.exists():
        return CheckFinding("key", True, f"{config.key_file} will be made at the first start")
    try:
        load_or_make_key(config.key_file)
    except (ValueError, OSError) as error:
        return CheckFinding("key", False, str(error), "Put the shop's key back; with another one the node does not know this shop.")
    return CheckFinding("key", True, f"the shop's key is {config.key_file}")


def _disk(config: ShopConfig) -> list[CheckFinding]:
    folder = config.data_dir
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        remedy = f"Give {folder} to the account that runs the agent, or name another data_dir under [shop]."
        return [CheckFinding("disk", False, f"{folder} cannot be written by this account", remedy)]
    free = shutil.disk_usage(there).free // 2**20
    if free < LEAST_FREE_MB:
        return [CheckFinding("disk", False, f"{free} MB are free for {folder}", f"Make room: {LEAST_FREE_MB} MB should be free.")]
    return [CheckFinding("disk", True, f"{folder} can be written, {free / 1024:.1f} GB are free")]


def _slicer(config: ShopConfig) -> CheckFinding:
    program = find_slicer(config.shop.slicer)
    if config.shop.slicer and not program:
        remedy = "Correct slicer under [shop] in shop.toml, or leave it out where PrusaSlicer is on the PATH."
        return CheckFinding("slicer", False, f"{config.shop.slicer}, which shop.toml names, is no program that can be run", remedy)
    prints = any(processes.satisfies(machine.process, "material_extrusion") for machine in config.machine)
    real = [machine.id for machine in config.machine if machine.control not in ("virtual", "by_hand")]
    if program:
        version = _version_of(program)
        if version:
            return CheckFinding("slicer", True, f"{version} is {program}")
        return CheckFinding("slicer", False, f"{program} does not run", "Try it by hand; on a Pi a build for ARM is needed.")
    if not prints or not real:
        return CheckFinding("slicer", True, "PrusaSlicer was not found; virtual machines work from the estimate and say so")
    return CheckFinding(
        "slicer", False, f"PrusaSlicer was not found, and {', '.join(real)} cannot work without", REASONS["slicer.missing"].remedy
    )


def _version_of(program: str) -> str:
    """What it calls itself in its help: "PrusaSlicer-2.5.0"; empty where it does not run."""
    how = {"capture_output": True, "encoding": "utf-8", "errors": "replace", "timeout": SLICER_SECONDS, "check": False}
    try:
        done = subprocess.run([program, "--help"], **how)  # type: ignore[call-overload]
    except (OSError, subprocess.TimeoutExpired):
        return ""
    named = [word for word in done.stdout.split() if word.startswith(("PrusaSlicer-", "Slic3r", "SuperSlicer"))]  # after lines of its log
    return named[0].partition("+")[0] if done.returncode == 0 and named else ""


async def _node(config: ShopConfig) -> list[CheckFinding]:
    about, node_address = "node", config.router.node
    try:
        async with connect(Endpoint(node_address, config.router.token, config.router.ca)) as node:
            await node.reachable(NODE_SECONDS)
            if not config.router.token:
                remedy = f"Ask the node's steward: commonfab token invite shop {config.shop.id}; then: commonfab shop join INVITATION"
                return [CheckFinding(about, True, f"{node_address} answers"), CheckFinding("token", False, "there is none yet", remedy)]
            answer = await node.access.WhoAmI(v1.WhoAmIRequest(), timeout=NODE_SECONDS)
            token = _token(config, answer.token)
            of_key = await _known_key(config, node) if token.ok else []
    except Refused as refused:
        return [CheckFinding(about, False, refused.reason.message, _REMEDIES.get(refused.code, refused.remedy))]
    except OSError as error:
        return [CheckFinding(about, False, f"ca cannot be read: {error}", "Correct ca under [router] in shop.toml.")]
    except grpc.aio.AioRpcError as error:
        refusal = refusal_of(error)
        if refusal is None:
            return [
                CheckFinding(about, False, f"{error.code().name}: {error.details()}", f"Look whether {node_address} is a Commonfab node.")
            ]
        return [CheckFinding("token", False, refusal.reason.message, refusal.remedy)]
    return [CheckFinding(about, True, f"{node_address} answers, version {answer.node_version}"), token, *of_key]


async def _known_key(config: ShopConfig, node: Node) -> list[CheckFinding]:
    """Whether the node knows this shop by another key than the one that is here; nothing where it does not know it yet."""
    if not config.key_file.exists():
        return []
    try:
        answer = await node.router.ListShops(v1.ListShopsRequest(), timeout=NODE_SECONDS)
        here = public_key_of(config.key_file)
    except (grpc.aio.AioRpcError, OSError, ValueError):
        return []  # what is wrong with the key stands above; a node that does not tell will tell the agent
    known = next((one.shop.public_key for one in answer.shops if one.shop.id == config.shop.id), b"")
    if not known or known == here:
        return []
    changed = reason("shop.key_changed", config.shop.id)
    return [CheckFinding("key", False, changed.message, REASONS[changed.code].remedy)]


def _token(config: ShopConfig, token: v1.Token) -> CheckFinding:
    scope = v1.Scope.Name(token.scope).removeprefix("SCOPE_").lower()
    if token.scope == v1.SCOPE_SHOP and token.subject == config.shop.id:
        return CheckFinding("token", True, f"speaks for shop {token.subject}")
    remedy = f"Ask the node's steward: commonfab token issue shop {config.shop.id}"
    return CheckFinding("token", False, f"it is a {scope} token for '{token.subject}', not a shop token for '{config.shop.id}'", remedy)


def check_shop_now(config: ShopConfig) -> list[CheckFinding]:
    """`check_shop` for callers that are not asynchronous."""
    return asyncio.run(check_shop(config))
