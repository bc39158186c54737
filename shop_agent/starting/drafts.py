# SPDX-License-Identifier: AGPL-3.0-or-later
"""A machine before it stands in `shop.toml`, and its block there: what is known is set, everything else is explained in a comment."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from commonfab import processes
from shop_agent.shop_toml.machine_section import Control

UNKNOWN_ENVELOPE = (200.0, 200.0, 180.0)
"""A small printer's bed: what is written, with a word that it is a guess, where neither the owner nor the machine said more."""


@dataclass(frozen=True)
class MachineDraft:
    """What is known of a machine that is to be written. Lengths in mm, temperatures in °C; 0, None or empty is not known."""

    id: str
    control: Control
    name: str = ""
    process: str = "fdm"
    envelope_mm: tuple[float, float, float] | None = None
    materials: tuple[str, ...] = ()
    url: str = ""
    port: str = ""
    folder: str = ""
    api_key: str = ""
    nozzle_mm: float = 0.0
    max_nozzle_c: float = 0.0
    max_bed_c: float = 0.0
    max_s: float = 0.0
    operations: tuple[str, ...] = ()
    power_w: float = 0.0
    axes: int = 0
    note: str = ""

    @property
    def key_file(self) -> str:
        """The file beside shop.toml that holds its key; empty where it needs none."""
        return f"{self.id}.key" if self.api_key else ""


def id_from(text: str, taken: Sequence[str] = ()) -> str:
    """An id made of what people call a thing: "Lena's MK3" is "lena-s-mk3", "Fräse" is "fraese"; numbered where it is taken."""
    spelt = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text.lower()).translate(_LETTERS))
    plain = "".join(letter for letter in spelt if not unicodedata.combining(letter))
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "machine"
    return next(one for one in (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))) if one not in taken)


_LETTERS: Mapping[int, str] = MappingProxyType(
    {
        ord(letter): written
        for letter, written in zip("äöüßæøåœłđðþ", ("ae", "oe", "ue", "ss", "ae", "oe", "aa", "oe", "l", "d", "d", "th"), strict=True)
    }
)
"""Letters that are written with others where there are only a to z; of the rest the accents are left out."""


def block(draft: MachineDraft) -> str:
    """`[[machine]]` for `shop.toml`."""
    prints = processes.satisfies(draft.process, "additive")
    lines = ["[[machine]]", *_said(draft)]
    lines += _OF_CONTROL.get(draft.control, ())
    lines += _PRINTS if prints else _CUTS
    if processes.satisfies(draft.process, "laser_cutting"):
        lines += _LASER
    given = {line.split(" = ")[0] for line in lines if re.match(r"[a-z_]+ = ", line)}
    return "\n".join(line for line in [*lines, *_ALL] if line.removeprefix("# ").split(" = ")[0] not in given or not line.startswith("# "))


def _said(draft: MachineDraft) -> list[str]:
    """The lines that are no comments."""
    size = draft.envelope_mm or UNKNOWN_ENVELOPE
    guess = "" if draft.envelope_mm else "; A GUESS: measure it"
    told = [f"# {line}" for line in draft.note.splitlines()]
    told += [
        f"id = {toml_text(draft.id)}",
        f"name = {toml_text(draft.name or draft.id)}",
        f"process = {toml_text(draft.process)}",
        _line("envelope_mm", f"[{', '.join(f'{side:g}' for side in size)}]", f"the largest part it can hold: x, y, z{guess}"),
        _line("materials", _texts(draft.materials or ("pla",)), "what lies there"),
        _line("control", toml_text(draft.control), _CONTROLS[draft.control]),
    ]
    for key in ("url", "port", "folder"):
        if value := getattr(draft, key):
            told.append(f"{key} = {toml_text(value)}")
    if draft.key_file:
        told.append(_line("api_key_file", toml_text(draft.key_file), "the key alone in a file that only you can read; or api_key = …"))
    for key in ("nozzle_mm", "max_nozzle_c", "max_bed_c", "max_s", "power_w", "axes"):
        if value := getattr(draft, key):
            told.append(f"{key} = {value:g}")
    if draft.operations:
        told.append(f"operations = {_texts(draft.operations)}")
    return told


def _line(key: str, value: str, comment: str) -> str:
    return f"{key} = {value}".ljust(33) + f" # {comment}"


def _texts(values: Sequence[str]) -> str:
    return f"[{', '.join(map(toml_text, values))}]"


def toml_text(value: str) -> str:
    """A TOML basic string. JSON's escapes are among TOML's, but for DEL, which TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


_CONTROLS: Mapping[str, str] = MappingProxyType(
    {
        "octoprint": "behind OctoPrint's REST API",
        "moonraker": "Klipper behind Moonraker",
        "prusalink": "behind PrusaLink",
        "cncjs": "Grbl behind CNCjs",
        "grbl": "Grbl on a serial port of this computer",
        "hot_folder": "its controller takes toolpaths from a folder; a person starts it and says when it is done",
        "by_hand": "a person works it: drill press, saw, welder, sewing machine",
        "virtual": "makes nothing, to try things out; octoprint, moonraker, prusalink, grbl … for real machines",
    }
)
_HTTP = (
    '# url = "http://octopi.local"     # where its server answers in a browser',
    '# api_key_file = "machine.key"    # the key alone in a file that only you can read; or api_key = "…"',
)
_OF_CONTROL: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "octoprint": _HTTP,
        "moonraker": _HTTP,
        "prusalink": _HTTP,
        "cncjs": (
            *_HTTP,
            '# user = "lena"                   # where CNCjs knows users; the key is that user\'s password',
            '# port = "/dev/ttyUSB0"           # the serial port that CNCjs opens',
            "# baud_rate = 115200",
        ),
        "grbl": (
            '# port = "/dev/ttyUSB0"           # better its name under /dev/serial/by-id or by-path, which lasts',
            "# baud_rate = 115200",
        ),
        "hot_folder": ('# folder = "/srv/cnc"            # where its controller looks for toolpaths',),
        "virtual": (
            "# speed_factor = 60               # so many times faster than the toolpath",
            '# journal_file = "virtual.log"    # where it writes what it did',
        ),
    }
)
_PRINTS = (
    "starts_itself = false             # false: each order waits for your word: commonfab shop ready MACHINE",
    "clears_itself = false             # false: after each piece somebody clears the bed and says so in the same way",
    '# slicer_profile = "mk3.ini"      # from PrusaSlicer: File, Export, Export Config; without it a plain profile is used',
    '# slicer_profiles = { petg = "mk3-petg.ini" }   # others by material',
    "# nozzle_mm = 0.4",
    "# max_nozzle_c = 290              # hotter toolpaths are refused",
    "# max_bed_c = 120",
    "# max_chamber_c = 60              # where the chamber is heated; else no toolpath may heat it",
    "# reach_min_mm = [0, -4, 0]       # where the tool may go outside the envelope, such as a purge line",
    "# reach_max_mm = [255, 212, 212]",
    "# home_mm = [250, 210, 0]         # where it stands after homing, where that is not its zero",
    "# enclosed = true                 # the chamber is closed and warm, as ABS wants it",
    '# stock = [{ material = "pla", grams = 750 }]   # how much there is; else any amount',
    '# loaded = "pla"                  # what is in it now; used before others that would do',
    '# judged_by = "person"            # a person looks at each piece before it counts; "machine": what ended well counts as good',
)
_CUTS = (
    "# max_feed_mm_min = 3000          # faster toolpaths are refused",
    "# max_s = 1000                    # the largest S word: Grbl's $30",
    "# axes = 3",
    '# tools = [{ kind = "end_mill", diameter_mm = 3, reach_mm = 12 }]   # its cutters; without it they are your affair',
    '# operations = ["tap", "countersink"]           # what is done besides',
    "# reach_min_mm = [-2, -2, -50]    # where the tool may go outside the envelope",
    "# reach_max_mm = [802, 602, 20]",
    '# stock = [{ material = "plywood", thickness_mm = 4, size_mm = [600, 300], pieces = 3 }]',
)
_LASER = (
    '# laser = "diode"                 # co2, fibre or diode: what one of them cuts, another may set on fire',
    "# power_w = 10                    # optical power",
    "# max_thickness_mm = { plywood = 6, acrylic = 8 }",
)
_ALL = (
    '# confirm = ["bed", "stock"]      # what is said before each start: bed, stock, tool; what cuts always waits for "go" too',
    '# sensor = [{ confirms = "bed", file = "/run/bed-clear" }]   # what sees it in your place; or url = "http://…"',
    '# may_run = ["08:00-20:00"]       # because of the neighbours\' sleep',
    "# silent = true                   # it may run in the shop's quiet hours too",
    '# upkeep = [{ what = "grease the rails", every_hours = 200, stops = false }]   # stops = true: overdue, nothing starts',
    '# out_of_order = "belt is torn"   # takes it out of service; maintenance = "…" where it comes back by itself',
    "# outside_toolpaths = true        # toolpaths that others made: checked like your own, and each waits for a person",
    '# allow_commands = ["M150"]       # commands that its toolpaths may hold beside the usual ones',
    "# tolerance_mm = 0.2              # the band that you measured it to keep",
    '# tolerance_measured_on = "2026-05-31"',
    "# smallest_feature_mm = 0.4",
)
