# SPDX-License-Identifier: AGPL-3.0-or-later
"""From an accepted offer to a toolpath that was checked: fetch, slice, gate."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

import grpc

from commonfab import processes
from commonfab.client import Node
from commonfab.errors import Refused, refusal_of
from shop_agent import gcode
from shop_agent.config import ShopConfig
from shop_agent.machine_section import MachineSection
from shop_agent.records import AttemptRecord, Toolpath
from shop_agent.slicing import SliceRequest, find_slicer, material_for, slice_mesh, toolpath_in

FETCH_SECONDS = 1800.0

log = logging.getLogger("shop_agent.preparing")


@dataclass(frozen=True)
class Preparer:
    """Prepares attempts of one shop. `slots` keeps two slicers from fighting over a small computer."""

    config: ShopConfig
    node: Node
    slots: asyncio.Semaphore

    async def __call__(self, attempt: AttemptRecord) -> Toolpath:
        """The checked toolpath. Errors: `Refused` and `gcode.ToolpathRefused` where trying again would not help; others may pass."""
        machine = self.config.machine_of(attempt.machine_id)
        if machine is None:
            raise Refused("machine.gone", attempt.machine_id)
        program = find_slicer(self.config.shop.slicer)
        prints = processes.satisfies(machine.process, "material_extrusion")
        if machine.control == "virtual" and not (program and prints):
            return _from_estimate(attempt, "PrusaSlicer is not installed" if prints else f"there is no slicer for {machine.process}")
        async with self.slots:
            mesh = await self._fetched(attempt.offer.mesh_sha256)
            return await self._sliced(attempt, machine, program, mesh)

    async def _fetched(self, sha256: str) -> Path:
        folder = self.config.data_dir / "meshes"
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        target = folder / sha256
        if not await asyncio.to_thread(target.exists):
            try:
                async with asyncio.timeout(FETCH_SECONDS):
                    await self.node.fetch(sha256, target)
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.NOT_FOUND and (refusal := refusal_of(error)) is not None:
                    raise Refused("file.unknown", refusal.reason.subject or sha256) from error
                raise
        return target

    async def _sliced(self, attempt: AttemptRecord, machine: MachineSection, program: str, mesh: Path) -> Toolpath:
        output = self.config.data_dir / "toolpaths" / f"{attempt.key}.gcode"
        wanted = SliceRequest(mesh, output, machine, material_for(attempt.offer, machine), attempt.offer.requirement)
        toolpath = await slice_mesh(program, wanted)
        path = await asyncio.to_thread(gcode.read_toolpath_file, output)
        against = gcode.check(path, machine)
        if against:
            for one in against:
                log.warning("%s: %s", attempt.key, one.message)
            output.unlink()
            raise gcode.ToolpathRefused(against)
        if await asyncio.to_thread(toolpath_in, output) != toolpath:
            raise Refused("toolpath.changed", output.name)
        return toolpath


def _from_estimate(attempt: AttemptRecord, why: str) -> Toolpath:
    """What a virtual machine plays where nothing can be sliced. It says so for ever."""
    estimate = attempt.offer.estimate
    note = f"not sliced, because {why}: time and grams are the offer's estimate"
    return Toolpath("", "", estimate.machine_time.ToTimedelta().total_seconds(), estimate.grams, note)
