# SPDX-License-Identifier: AGPL-3.0-or-later
"""From an offer to a toolpath that was checked: fetch, slice, gate; and what is prepared where a person makes the piece or its toolpath.

The same is done for an offer, to know what it takes, and for an attempt, to make it: an attempt gets the very bytes that were measured.
The slicer's and the gate's own files are loaded by the functions that need them: an idle agent does without.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import grpc

from commonfab import __version__, processes, v1
from commonfab.canonical import is_sha256
from commonfab.client import Node
from commonfab.errors import Refused, refusal_of
from shop_agent.config import ShopConfig
from shop_agent.journal.records import AttemptRecord, Toolpath
from shop_agent.people.bringing import NeedsPerson, is_toolpath, taken
from shop_agent.preparing import storeroom
from shop_agent.preparing.work_folder import lay_out
from shop_agent.shop_toml.machine_section import MachineSection

FETCH_SECONDS = 1800.0
ESTIMATED = "time and grams are the offer's estimate"

OF_NO_ACCOUNT = frozenset(
    (
        *("name", "url", "port", "baud_rate", "folder", "api_key", "api_key_file", "starts_itself", "clears_itself", "confirm", "sensor"),
        *("judged_by", "upkeep", "silent", "out_of_order", "maintenance", "stock", "loaded", "may_run", "speed_factor", "journal_file"),
    )
)
"""What of a machine's section changes no toolpath and no verdict of the gate."""

log = logging.getLogger("shop_agent.preparing")


class Way(Enum):
    """How a machine comes to its work."""

    SLICED = "a toolpath is made here"
    BROUGHT = "somebody brings a toolpath"
    BY_HAND = "a person makes it, without any toolpath"
    PLAYED = "a virtual machine plays the estimate"


@dataclass(frozen=True)
class Preparer:
    """Prepares the work of one shop. `slots` keeps two slicers from fighting over a small computer; `quoted` answers what was measured for
    a work order while it was an offer."""

    config: ShopConfig
    node: Node
    slots: asyncio.Semaphore
    quoted: Callable[[str], Toolpath | None]

    async def __call__(self, attempt: AttemptRecord) -> Toolpath:
        """The checked toolpath of accepted work.

        Errors: `Refused` and `gcode.ToolpathRefused` where trying again would not help; `NeedsPerson`; others may pass.
        """
        from shop_agent.slicing import find_slicer

        machine = self._machine(attempt.machine_id)
        program = find_slicer(self.config.shop.slicer)
        source = Path(attempt.source) if attempt.source else None
        if source is not None and is_toolpath(source):
            return await asyncio.to_thread(taken, self.config.data_dir, machine, attempt, source)
        way = way_of(machine, attempt.offer, program, source)
        if way is Way.PLAYED:
            return self._played(attempt.offer, machine)
        if way is Way.SLICED:
            return await self._sliced(attempt.offer, machine, program, source, attempt.ref.work_order_id)
        folder = await lay_out(self.config.data_dir, attempt, self.config.shop.name or self.config.shop.id, self._brought_to)
        log.info("%s: what its maker published lies in %s", attempt.key, folder)
        if way is Way.BY_HAND:
            return _from_estimate(attempt.offer, "worked by hand")
        order = attempt.ref.work_order_id
        raise NeedsPerson(f"somebody to bring a toolpath, from the files in {folder}: commonfab shop toolpath {order} FILE")

    async def measure(self, offer: v1.Offer) -> Toolpath:
        """What an offer would be made with, measured where it can be. Errors: as of a call, but no `NeedsPerson`."""
        from shop_agent.slicing import find_slicer

        machine = self._machine(offer.machine_id)
        program = find_slicer(self.config.shop.slicer)
        way = way_of(machine, offer, program)
        if way is Way.SLICED:
            return await self._sliced(offer, machine, program, None, "")
        if way is Way.PLAYED:
            return self._played(offer, machine)
        if way is Way.BROUGHT and not machine.outside_toolpaths:
            raise Refused("toolpath.nobody_makes", machine.id)
        return _from_estimate(offer, "worked by hand" if way is Way.BY_HAND else "its toolpath is yet to be brought")

    def _machine(self, machine_id: str) -> MachineSection:
        machine = self.config.machine_of(machine_id)
        if machine is None:
            raise Refused("machine.gone", machine_id)
        return machine

    def _played(self, offer: v1.Offer, machine: MachineSection) -> Toolpath:
        why = "PrusaSlicer is not installed" if prints(machine) else f"there is no slicer for {machine.process}"
        return _from_estimate(offer, f"not sliced, because {why}")

    async def _sliced(self, offer: v1.Offer, machine: MachineSection, program: str, source: Path | None, order: str) -> Toolpath:
        from shop_agent import gcode
        from shop_agent.slicing import SliceRequest, material_for, slice_mesh

        if not program:
            raise Refused("slicer.missing")
        material, folder = material_for(offer, machine), self.config.data_dir
        mesh_sha256 = await asyncio.to_thread(storeroom.digest_of, source) if source else offer.mesh_sha256
        key = await asyncio.to_thread(content_key, program, mesh_sha256, machine, material, offer.requirement)
        if order and (quote := self.quoted(order)) is not None and storeroom.is_made_from(quote, key):
            if await asyncio.to_thread(storeroom.is_still, quote):
                return quote
            log.warning("%s: the toolpath that was measured is gone or changed, so it is made again", order)
        async with self.slots:
            if (before := await asyncio.to_thread(storeroom.checked_before, folder, key)) is not None:
                return before
            mesh = source or await self._mesh(mesh_sha256)
            output = folder / storeroom.TOOLPATHS / f"{key}.fresh"
            wanted = SliceRequest(mesh, output, machine, material, offer.requirement)
            try:
                toolpath = await slice_mesh(program, wanted)
                verdict = await asyncio.to_thread(gcode.judge, output, machine)
                verdict.insist()
                if verdict.sha256 != toolpath.sha256:
                    raise Refused("toolpath.changed", output.name)
                return await asyncio.to_thread(storeroom.keep_checked, folder, key, toolpath)
            finally:
                output.unlink(missing_ok=True)

    async def _mesh(self, sha256: str) -> Path:
        folder = self.config.data_dir / storeroom.MESHES
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        target = folder / sha256
        if not await asyncio.to_thread(target.exists):
            await self._brought_to(sha256, target)
        return target

    async def _brought_to(self, sha256: str, target: Path) -> None:
        """Fetch a file from the node. Errors: `Refused` (`file.unknown`); others may pass."""
        if not is_sha256(sha256):  # it comes from outside and names a file
            raise Refused("file.unknown", sha256)
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                await self.node.fetch(sha256, target)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND and (refusal := refusal_of(error)) is not None:
                raise Refused("file.unknown", refusal.reason.subject or sha256) from error
            raise


def prints(machine: MachineSection) -> bool:
    """Whether PrusaSlicer makes toolpaths for such a machine."""
    return processes.satisfies(machine.process, "material_extrusion")


def way_of(machine: MachineSection, offer: v1.Offer, program: str, source: Path | None = None) -> Way:
    """How a machine comes to a piece of work. `program`: the slicer, empty where there is none; `source`: the mesh of a walk-in."""
    if machine.control == "by_hand":
        return Way.BY_HAND
    shape = bool(source or offer.mesh_sha256)
    if machine.control == "virtual":
        return Way.SLICED if program and prints(machine) and shape else Way.PLAYED
    return Way.SLICED if prints(machine) and shape else Way.BROUGHT


def content_key(program: str, mesh_sha256: str, machine: MachineSection, material: str, need: v1.Requirement) -> str:
    """Names a toolpath by all that it is made from and checked against: whatever changes gives another name. Errors: `OSError`."""
    from shop_agent.slicing import profile_for

    own, slicer = profile_for(machine, material), Path(program).stat()
    facts = machine.model_dump_json(exclude=set(OF_NO_ACCOUNT))
    from_what = (
        *(__version__, program, str(slicer.st_size), str(slicer.st_mtime_ns), mesh_sha256, material, facts),
        storeroom.digest_of(own) if own else "",
        need.SerializeToString(deterministic=True).hex(),
    )
    return hashlib.sha256("\n".join(from_what).encode()).hexdigest()[:24]


def _from_estimate(offer: v1.Offer, why: str) -> Toolpath:
    """Where there is no toolpath to be measured. It says so for ever."""
    estimate = offer.estimate
    return Toolpath("", "", estimate.machine_time.ToTimedelta().total_seconds(), estimate.grams, f"{why}: {ESTIMATED}")
