# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looks at one machine: whether it answers, and whether it is what `shop.toml` says of it."""

from __future__ import annotations

import asyncio
import difflib
import getpass
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from commonfab import materials, processes
from commonfab.clock import SystemClock
from commonfab.errors import Refused
from shop_agent.config import ShopConfig
from shop_agent.machines import Description, Look, machine_for
from shop_agent.people.sensors import name_of, read_sensor
from shop_agent.shop_toml.machine_section import MachineSection
from shop_agent.slicing import NOZZLE_C
from shop_agent.starting.discovery import LASTING, Plugged, lasting_name, plugged_in
from shop_agent.starting.finding import CheckFinding

ANSWER_SECONDS = 20.0
"""For all that is asked of one machine: a board on a serial port takes a few seconds to wake up."""

LEAST_DIFFERENCE_MM = 0.05
"""Of travels and nozzles: less is rounding."""


async def check_machine(config: ShopConfig, facts: MachineSection) -> list[CheckFinding]:
    """Every finding about one machine."""
    about = f"machine {facts.id}"
    if facts.out_of_service:
        told = f"{'out of order' if facts.out_of_order else 'in maintenance'}: {facts.out_of_service}"
        return [CheckFinding(about, True, told), *_words(facts)]
    return [*await _live(config, facts), *passing_name(facts), *_folder(facts), *await _sensors(facts), *_words(facts), *_gate(facts)]


async def _live(config: ShopConfig, facts: MachineSection) -> list[CheckFinding]:
    about = f"machine {facts.id}"
    if (shut := shut_port(facts)) is not None:
        return [shut]
    if facts.control == "by_hand":
        return [CheckFinding(about, True, "a person works it; there is nothing to connect")]
    look: Look | None = None
    try:
        machine = machine_for(config, facts, SystemClock())
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                look = await machine.state("")
                described = await machine.describe()  # of one that is not reached too: here it says why, and what to do
        finally:
            await machine.close()
    except TimeoutError:
        told = look.note if look is not None and look.note else f"no answer within {ANSWER_SECONDS:g} s"
        return [CheckFinding(about, False, told, _where(facts))]
    except Refused as refused:
        return [CheckFinding(about, False, refused.reason.message, _where(facts) if refused.code == "machine.away" else refused.remedy)]
    if not look.reachable:
        return [CheckFinding(about, False, look.note, _where(facts))]
    stands = f"busy with {look.busy_with}" if look.busy_with else "idle"
    told = f"{described.program or facts.control} answers and is {stands}{f' ({look.reads})' if look.reads else ''}"
    fault = [CheckFinding(about, False, look.fault, "See to the machine itself.")] if look.fault else []
    return [CheckFinding(about, True, told), *fault, *compared(facts, described)]


def shut_port(facts: MachineSection) -> CheckFinding | None:
    """A serial port of this computer that this account may not open, or that has another name today."""
    if facts.control != "grbl" or not facts.port.startswith("/dev/"):
        return None
    about, port = f"machine {facts.id}", Path(facts.port)
    if not port.exists():
        remedy = "Plug it in and switch it on; ls -l /dev/serial/by-id /dev/serial/by-path shows what is there, under names that last."
        return CheckFinding(about, False, f"there is no {port}", remedy)
    if os.access(port, os.R_OK | os.W_OK):
        return None
    group, who = _group_of(port), getpass.getuser()
    remedy = f"sudo usermod -a -G {group} {who}, then log in again; under systemd SupplementaryGroups={group} does the same."
    return CheckFinding(about, False, f"the account {who} may not open {port}, which belongs to the group {group}", remedy)


def passing_name(facts: MachineSection, plugged: Sequence[Plugged] | None = None, folder: Path = LASTING) -> list[CheckFinding]:
    """A name of a port that may be another board's after a restart: then one machine would cut what was meant for another."""
    port = Path(facts.port)
    if facts.control != "grbl" or not (port.name.startswith(("ttyUSB", "ttyACM")) or port.parent.name == "by-id") or not port.exists():
        return []
    better = lasting_name(facts.port, plugged_in() if plugged is None else plugged, folder)
    if better == facts.port or Path(better).parent.name == port.parent.name:
        return []
    told = f"{port} may be another board after a restart, or once something else is plugged in"
    return [CheckFinding(f"machine {facts.id}", False, told, f'Set port = "{better}", and leave it at that socket.')]


def _group_of(port: Path) -> str:
    try:
        return port.group()
    except KeyError:  # a group without a name
        return str(port.stat().st_gid)


def _where(facts: MachineSection) -> str:
    keys = {"grbl": "port and baud_rate", "hot_folder": "folder", "cncjs": "url, port, user and api_key"}.get(
        facts.control, "url and api_key"
    )
    return f"Look whether it is switched on and connected, and at {keys} of '{facts.id}'."


def compared(facts: MachineSection, told: Description) -> list[CheckFinding]:
    """Where the machine says of itself something else than `shop.toml` does. What it does not say is not compared."""
    found = []
    if told.note:
        found.append((True, told.note, ""))
    if told.travel_mm:
        for axis, says, reaches in zip("xyz", facts.envelope_mm, told.travel_mm, strict=True):
            if says > reaches + LEAST_DIFFERENCE_MM:
                has = f"its {axis} axis goes {reaches:g} mm, and envelope_mm says {says:g}"
                found.append((False, has, "Correct envelope_mm, or the settings of the machine; larger parts would not fit."))
    if told.nozzle_mm and processes.satisfies(facts.process, "fdm") and abs(told.nozzle_mm - facts.nozzle_mm) > LEAST_DIFFERENCE_MM:
        found.append(
            (False, f"it has a nozzle of {told.nozzle_mm:g} mm, and nozzle_mm says {facts.nozzle_mm:g}", "Correct the one that is wrong.")
        )
    for key, limit, most, unit in (
        ("max_nozzle_c", facts.max_nozzle_c, told.most_nozzle_c, " °C"),
        ("max_bed_c", facts.max_bed_c, told.most_bed_c, " °C"),
        ("max_s", facts.max_s, told.most_s, ""),
    ):
        if most and limit > most:
            remedy = f"Set {key} = {most:g}, so that nothing is prepared that it would refuse in the middle."
            found.append((False, f"it allows {most:g}{unit} at most, and {key} says {limit:g}", remedy))
    if told.most_s and not facts.max_s:
        found.append((False, f"its largest S word is {told.most_s:g}, and max_s is not said", f"Set max_s = {told.most_s:g}."))
    return [CheckFinding(f"machine {facts.id}", ok, text, remedy) for ok, text, remedy in found]


def _folder(facts: MachineSection) -> list[CheckFinding]:
    if facts.folder is None:
        return []
    about = f"machine {facts.id}"
    if not facts.folder.is_dir():
        return [CheckFinding(about, False, f"there is no folder {facts.folder}", "Make or mount it, or correct folder.")]
    if not os.access(facts.folder, os.W_OK | os.X_OK):
        return [CheckFinding(about, False, f"{facts.folder} cannot be written by this account", "Let the agent's account write there.")]
    return [CheckFinding(about, True, f"{facts.folder} can be written")]


async def _sensors(facts: MachineSection) -> list[CheckFinding]:
    found = []
    for sensor in facts.sensor:
        about = f"machine {facts.id}"
        if sensor.file and not os.access(sensor.file, os.R_OK):
            found.append(CheckFinding(about, False, f"{name_of(sensor)} cannot be read", f"Without it a person says {sensor.confirms}."))
            continue
        sees = await read_sensor(sensor)
        found.append(CheckFinding(about, True, f"{name_of(sensor)} {'sees' if sees else 'does not see'} {sensor.confirms} now"))
    return found


def _words(machine: MachineSection) -> list[CheckFinding]:
    """Terms that no job asks for are no error, but most likely a slip of the pen; materials that nothing could be sliced for are one."""
    about, found = f"machine {machine.id}", []
    if machine.process not in processes.BROADER:
        remedy = _meant(machine.process, processes.canonical(machine.process), processes.BROADER)
        found.append(CheckFinding(about, False, f"'{machine.process}' is not in the process vocabulary", remedy))
    for material in machine.on_hand:
        term = materials.canonical(material)
        if term not in materials.BROADER:
            remedy = _meant(material, term, materials.BROADER)
            found.append(CheckFinding(about, False, f"'{material}' is not in the material vocabulary", remedy))
        elif processes.satisfies(machine.process, "material_extrusion"):
            found += _sliced(machine, material, term)
    return found


def _meant(written: str, term: str, known: Mapping[str, str]) -> str:
    """What to write instead: the term that a name of the trade means, those that are spelt nearly so, else all that there are."""
    if term in known:
        return f'Write "{term}", which is the same here.'
    near = difflib.get_close_matches(written.casefold(), known, n=3)
    return f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(known)}."


def _sliced(machine: MachineSection, material: str, term: str) -> list[CheckFinding]:
    about = f"machine {machine.id}"
    if NOZZLE_C.get(term, 0) > machine.max_nozzle_c:
        told = f"{material} needs {NOZZLE_C[term]} °C and max_nozzle_c is {machine.max_nozzle_c:g}"
        return [CheckFinding(about, False, told, "Raise the limit if the machine can, or take the material out.")]
    profiled = machine.slicer_profile or any(materials.canonical(key) == term for key in machine.slicer_profiles)
    known = any(one in NOZZLE_C for one in materials.broader_terms(term))
    if not profiled and not known and machine.control not in ("by_hand", "virtual"):
        remedy = "Export a profile for it from PrusaSlicer and name it under slicer_profiles."
        return [CheckFinding(about, False, f"no temperatures are known here for {material}, and it has no slicer profile", remedy)]
    return []


def _gate(facts: MachineSection) -> list[CheckFinding]:
    """What the owner opened is said again: it should be on purpose."""
    about, found = f"machine {facts.id}", []
    if facts.outside_toolpaths:
        found.append(CheckFinding(about, True, "toolpaths from outside are let in; they are checked, and each waits for a person"))
    if facts.allow_commands:
        found.append(CheckFinding(about, True, f"toolpaths may hold {', '.join(facts.allow_commands)} beside the usual commands"))
    if facts.starts_itself:
        found.append(CheckFinding(about, True, "starts by itself once it is ready: you switched that on"))
    return found
