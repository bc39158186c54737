# SPDX-License-Identifier: AGPL-3.0-or-later
"""What Klipper says of itself, read (https://www.klipper3d.org/Status_Reference.html). Pure.

`status` below is the `status` of Moonraker's `/printer/objects/query`, by object.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from shop_agent.machines import Description, Look, Standing, mark

Status = Mapping[str, Mapping[str, Any]]

ENDS: Mapping[str, Standing] = MappingProxyType({"complete": Standing.DONE, "cancelled": Standing.FAILED, "error": Standing.FAILED})
"""The states of `print_stats` in which a file is over."""


def look_at_ours(name: str, status: Status, fault: str) -> Look:
    """The look at a toolpath that Klipper itself names."""
    stats, card = status["print_stats"], status.get("virtual_sdcard") or {}
    ran, progress = float(stats.get("total_duration") or 0.0), float(card.get("progress") or 0.0)
    state, at_work, reads = str(stats.get("state")), moves(status), reads_of(status)
    ended = ENDS.get(state)
    if fault and state != "standby":  # Klipper is halted, and after its restart it goes on with nothing
        of_last_moves = Standing.UNKNOWN if at_work else Standing.DONE
        standing = of_last_moves if ended is Standing.DONE else Standing.FAILED
        return Look(standing, True, "", progress, 0.0, ran, fault=fault, reads=reads)
    if state in ("printing", "paused") or (ended is Standing.DONE and at_work):
        printed = float(stats.get("print_duration") or 0.0)
        left = printed / progress - printed if progress else 0.0
        paused, nozzle = state == "paused", _nozzle(status)
        return Look(
            Standing.RUNNING, True, name, progress, left, ran, paused=paused, reads=reads, nozzle=nozzle, adrift=paused and _adrift(status)
        )
    if ended is not None:
        return Look(ended, True, name if at_work else "", progress, 0.0, ran, reads=reads)
    return Look(Standing.HERE, True, busy_with(status), fault=fault, reads=reads)  # loaded, not begun


def busy_with(status: Status) -> str:
    """What Klipper is at work on: a file, or moves that somebody asked for by hand."""
    stats = status.get("print_stats") or {}
    if stats.get("state") in ("printing", "paused"):
        return str(stats.get("filename") or "something")
    return str(stats.get("filename") or "moves by hand") if moves(status) else ""


def moves(status: Status) -> bool:
    """Whether Klipper has moves or commands before it."""
    return (status.get("idle_timeout") or {}).get("state") == "Printing"


def fault_of(status: Status) -> str:
    """Why Klipper is halted, in its own words; empty where it is not."""
    hooks = status.get("webhooks") or {}
    if hooks.get("state") == "ready":
        return ""
    lines = str(hooks.get("state_message") or "").strip().splitlines()
    return lines[0] if lines else "Klipper is halted"


def reads_of(status: Status) -> str:
    """Its temperatures."""
    named = (("extruder", "nozzle"), ("heater_bed", "bed"))
    return ", ".join(f"{what} {status[key]['temperature']:.0f} °C" for key, what in named if (status.get(key) or {}).get("temperature"))


def _nozzle(status: Status) -> tuple[float, float] | None:
    """Its first nozzle, where that is the one that prints."""
    extruder, active = status.get("extruder") or {}, (status.get("toolhead") or {}).get("extruder")
    if active != "extruder" or extruder.get("temperature") is None:
        return None
    return float(extruder["temperature"]), float(extruder.get("target") or 0.0)


def _adrift(status: Status) -> bool:
    """Whether its motors were switched off, by its idle timeout or by somebody. One without axes never knows where they stand."""
    toolhead = status.get("toolhead") or {}
    return any(toolhead.get("axis_maximum") or ()) and not {"x", "y", "z"} <= set(toolhead.get("homed_axes", "xyz"))


def ran_last(stats: Mapping[str, Any]) -> str:
    """The mark of the print that is over and that Klipper still names; empty after its restart, which forgets it."""
    if not stats.get("filename") or stats.get("state") not in ENDS:
        return ""
    return mark(stats["filename"], stats["state"], stats.get("total_duration"))


def described(program: str, status: Status) -> Description:
    """What it says of its axes and limits, in `toolhead` and in `configfile`'s settings."""
    settings = (status.get("configfile") or {}).get("settings") or {}
    extruder, bed = settings.get("extruder") or {}, settings.get("heater_bed") or {}
    return Description(
        program,
        _travel(status.get("toolhead") or {}),
        float(extruder.get("nozzle_diameter") or 0.0),
        float(extruder.get("max_temp") or 0.0),
        float(bed.get("max_temp") or 0.0),
    )


def _travel(toolhead: Mapping[str, Any]) -> tuple[float, float, float] | None:
    least, most = toolhead.get("axis_minimum") or [], toolhead.get("axis_maximum") or []
    if len(least) < 3 or len(most) < 3:
        return None
    x, y, z = (float(most[axis]) - float(least[axis]) for axis in range(3))
    return x, y, z
