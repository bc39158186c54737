# SPDX-License-Identifier: AGPL-3.0-or-later
"""Machines as they are given on the command line: `--machine octoprint=http://octopi.local,key=ABC,materials=pla+petg`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, get_args

from commonfab import processes
from commonfab.errors import Refused
from shop_agent.shop_toml.machine_section import NEEDS, Control
from shop_agent.shop_toml.sections import ID
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
    given: dict[str, Any] = {}
    if where:
        named = _WHERE.get(kind, "url")
        try:
            given[named] = address_given(where) if named == "url" else where
        except ValueError:
            raise Refused("shop.machine_option", f"'{where}' is no address; write it like http://octopi.local") from None
    for one in more:
        key, _, value = one.partition("=")
        if key not in _READERS or not value:
            raise Refused("shop.machine_option", f"'{one}' is not understood; known are {', '.join(_READERS)}")
        try:
            given["api_key" if key == "key" else "envelope_mm" if key == "envelope" else key] = _READERS[key](value)
        except ValueError as error:
            told = str(error) if key == "id" else f"'{one}' is not understood"
            raise Refused("shop.machine_option", told) from None
    draft = replace(MachineDraft(id_from(given.get("name", kind), taken), kind), **given)
    if draft.id in taken:
        raise Refused("shop.machine_option", f"two machines are called '{draft.id}'; give each an id of its own")
    if missing := [key for key in NEEDS.get(kind, ()) if not getattr(draft, key)]:
        raise Refused("shop.machine_option", f"{kind} needs {' and '.join(missing)}")
    return draft


def size_given(text: str) -> tuple[float, float, float]:
    """250x210x210, mm; 250,5 x 210 x 210, 250 210 210 and 250,210,210 too. Errors: `ValueError`."""
    plain = text.lower().replace("×", "x").replace("mm", "").strip()
    if "x" not in plain:  # with an x between the sides, or a blank, a comma is a decimal one
        plain = re.sub(r"\s*[;,]\s+|\s+|;", "x", plain)
    parts = plain.split("x") if "x" in plain else plain.split(",")
    sides = [number_given(side) for side in parts]
    if len(sides) != 3 or not all(0 < side < math.inf for side in sides):
        raise ValueError(text)
    return sides[0], sides[1], sides[2]


def number_given(text: str) -> float:
    """0.4, or 0,4. Errors: `ValueError`."""
    return float(text.strip().replace(",", "."))


def id_given(text: str) -> str:
    """An id as shop.toml takes it. Errors: `ValueError`, in words for the owner."""
    if not re.fullmatch(ID, text):
        raise ValueError(f"'{text}' is no id: an id has a-z, 0-9, '-' and '.'; such as {id_from(text)}")
    return text


def address_given(text: str) -> str:
    """Where a server answers, as it may be copied from a browser: octopi.local, http://mainsail.local/#/. Errors: `ValueError`."""
    found = re.fullmatch(r"(?:(https?)://)?([^\s/?#:@]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(/[^\s?#]*)?(?:[?#].*)?", text.strip())
    if found is None:
        raise ValueError(text)
    scheme, host, port, path = found.groups()
    return f"{scheme or 'http'}://{host}{port or ''}{(path or '').rstrip('/')}"


def materials_given(text: str) -> tuple[str, ...]:
    """pla+petg, or with commas. Errors: `ValueError`."""
    found = tuple(word.strip() for word in text.replace(",", "+").split("+") if word.strip())
    if not found:
        raise ValueError(text)
    return found


_READERS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        "id": id_given,
        "name": str,
        "process": processes.canonical,
        "envelope": size_given,
        "materials": materials_given,
        "key": str,
        "port": str,
        "folder": str,
        "nozzle_mm": number_given,
        "max_nozzle_c": float,
        "max_bed_c": float,
        "max_s": float,
    }
)
