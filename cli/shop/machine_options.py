# SPDX-License-Identifier: AGPL-3.0-or-later
"""Machines as they are given on the command line: `--machine octoprint=http://octopi.local,key=ABC,materials=pla+petg`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, get_args

from commonfab.errors import Refused
from shop_agent.shop_toml.machine_section import NEEDS, Control
from shop_agent.starting.drafts import MachineDraft, id_from

KINDS: tuple[Control, ...] = get_args(Control)
_WHERE: Mapping[str, str] = MappingProxyType({"grbl": "port", "hot_folder": "folder"})
"""What stands after the kind, where it is no address."""


def machine_given(text: str, taken: Sequence[str] = ()) -> MachineDraft:
    """The machine that `text` gives: KIND[=ADDRESS][,KEY=VALUE]…. Errors: `Refused` (`shop.machine_option`)."""
    first, *more = text.split(",")
    kind, _, where = first.partition("=")
    if kind not in KINDS:
        raise Refused("shop.machine_option", f"'{kind}' is no kind of control; there are {', '.join(KINDS)}")
    given: dict[str, Any] = {_WHERE.get(kind, "url"): where} if where else {}
    for one in more:
        key, _, value = one.partition("=")
        if key not in _READERS or not value:
            raise Refused("shop.machine_option", f"'{one}' is not understood; known are {', '.join(_READERS)}")
        try:
            given["api_key" if key == "key" else "envelope_mm" if key == "envelope" else key] = _READERS[key](value)
        except ValueError:
            raise Refused("shop.machine_option", f"'{one}' is not understood") from None
    draft = replace(MachineDraft(id_from(kind, taken), kind), **given)
    if missing := [key for key in NEEDS.get(kind, ()) if not getattr(draft, key)]:
        raise Refused("shop.machine_option", f"{kind} needs {' and '.join(missing)}")
    return draft


def size_given(text: str) -> tuple[float, float, float]:
    """250x210x210, mm. Errors: `ValueError`."""
    sides = [float(side) for side in text.lower().replace("×", "x").replace(" ", "").split("x")]
    if len(sides) != 3 or min(sides) <= 0:
        raise ValueError(text)
    return sides[0], sides[1], sides[2]


def materials_given(text: str) -> tuple[str, ...]:
    """pla+petg, or with commas. Errors: `ValueError`."""
    found = tuple(word.strip() for word in text.replace(",", "+").split("+") if word.strip())
    if not found:
        raise ValueError(text)
    return found


_READERS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        "id": str,
        "name": str,
        "process": str,
        "envelope": size_given,
        "materials": materials_given,
        "key": str,
        "port": str,
        "folder": str,
        "nozzle_mm": float,
        "max_nozzle_c": float,
        "max_bed_c": float,
        "max_s": float,
    }
)
