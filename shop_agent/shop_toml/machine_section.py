# SPDX-License-Identifier: AGPL-3.0-or-later
"""`[[machine]]` in `shop.toml`: one machine, and how the router is told of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import Field, field_validator, model_validator

from commonfab import materials, processes, v1
from shop_agent.shop_toml.opening_hours import Hours
from shop_agent.shop_toml.sections import (
    Confirmation,
    Corner,
    DateText,
    Extent,
    Id,
    Millimetres,
    Section,
    SensorSection,
    StockSection,
    ToolSection,
    UpkeepSection,
)

LASERS: Mapping[str, str] = MappingProxyType(
    {"co2": "co2_laser_cutting", "fibre": "fibre_laser_cutting", "fiber": "fibre_laser_cutting", "diode": "diode_laser_cutting"}
)
"""What kind of laser makes which process. What one of them cuts, another may set on fire."""


Control = Literal["octoprint", "moonraker", "prusalink", "cncjs", "grbl", "hot_folder", "by_hand", "virtual"]

NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "octoprint": ("url",),
        "moonraker": ("url",),
        "prusalink": ("url",),
        "cncjs": ("url", "port"),
        "grbl": ("port",),
        "hot_folder": ("folder",),
    }
)
"""What must be said of a machine so that it is found, by its control."""

GO = "go"
"""What only a person can confirm, and only for one start: that it may begin now."""


class MachineSection(Section):
    """[[machine]]: one machine. Lengths in mm, temperatures in °C, power in W."""

    id: Id
    name: str = ""
    process: str = "fdm"
    envelope_mm: Extent
    materials: tuple[str, ...] = ()
    control: Control = "by_hand"
    url: str = ""
    port: str = ""
    baud_rate: int = Field(default=115_200, gt=0)
    folder: Path | None = None
    api_key: str = Field(default="", repr=False)
    api_key_file: Path | None = None
    user: str = ""
    starts_itself: bool = False
    clears_itself: bool = False
    confirm: tuple[Confirmation, ...] | None = None
    sensor: tuple[SensorSection, ...] = ()
    judged_by: Literal["machine", "person"] = "machine"
    upkeep: tuple[UpkeepSection, ...] = ()
    silent: bool = False
    out_of_order: str = ""
    maintenance: str = ""
    slicer_profile: Path | None = None
    slicer_profiles: dict[str, Path] = Field(default_factory=dict)
    outside_toolpaths: bool = False
    allow_commands: tuple[str, ...] = ()
    max_feed_mm_min: float = Field(default=0.0, ge=0)
    max_s: float = Field(default=0.0, ge=0)
    nozzle_mm: float = Field(default=0.4, gt=0, le=3)
    max_nozzle_c: float = Field(default=290.0, gt=0)
    max_bed_c: float = Field(default=120.0, gt=0)
    max_chamber_c: float = Field(default=0.0, ge=0)
    reach_min_mm: Corner = (0.0, 0.0, 0.0)
    reach_max_mm: Corner | None = None
    home_mm: Corner | None = None
    speed_factor: float = Field(default=60.0, gt=0)
    journal_file: Path | None = None
    laser: Literal["co2", "fibre", "fiber", "diode"] = "co2"
    axes: Literal[0, 3, 4, 5] = 0
    tools: tuple[ToolSection, ...] = ()
    operations: tuple[str, ...] = ()
    enclosed: bool = False
    power_w: float = Field(default=0.0, ge=0)
    max_thickness_mm: dict[str, Millimetres] = Field(default_factory=dict)
    stock: tuple[StockSection, ...] = ()
    tolerance_mm: float = Field(default=0.0, ge=0)
    tolerance_measured_on: DateText = ""
    smallest_feature_mm: float = Field(default=0.0, ge=0)
    loaded: str = ""
    may_run: tuple[Hours, ...] = ()

    @property
    def homes_at_mm(self) -> Corner:
        """Where it stands after homing: what its owner says, else its zero, or where the way to that ends."""
        lower, upper = self.reach_min_mm, self.reach_max_mm or self.envelope_mm
        x, y, z = (min(max(0.0, least), most) for least, most in zip(lower, upper, strict=True))
        return self.home_mm or (x, y, z)

    @property
    def on_hand(self) -> tuple[str, ...]:
        """Every material that lies there, as spool or as sheet; at least one."""
        return tuple(dict.fromkeys([*self.materials, *(one.material for one in self.stock)]))

    @property
    def out_of_service(self) -> str:
        """Why nothing is started on it; empty where it works."""
        return self.out_of_order or self.maintenance

    @property
    def rest_state(self) -> v1.MachineState.ValueType:
        """How a machine that is out of service stands: broken, or looked after and back by itself."""
        return v1.MACHINE_STATE_OUT_OF_ORDER if self.out_of_order else v1.MACHINE_STATE_MAINTENANCE

    @property
    def attended(self) -> bool:
        """Whether it cuts, burns, welds or is worked by hand: then it starts only when a person says so, every time."""
        return self.control != "virtual" and not processes.satisfies(self.process, "additive")

    @property
    def confirms(self) -> frozenset[str]:
        """What must have been said before a piece starts: by a person or a declared sensor, and `GO` by a person only."""
        if self.confirm is not None:
            told = frozenset[str](self.confirm)
        elif self.control == "by_hand":
            told = frozenset()  # whoever works it sees to all of that
        else:
            told = frozenset(("bed", "stock", "tool") if self.attended else ("bed", "stock"))
        return told | {GO} if self.attended and self.control != "by_hand" else told

    def still_to_say(self, said: frozenset[str], bed_in_doubt: bool) -> frozenset[str]:
        """What must still be said before a piece may start, `GO` among it. Idle is not ready; and what clears itself after a good piece
        cannot be trusted to after a spoiled one, or after its owner's own work."""
        return frozenset() if self.clears_itself and not bed_in_doubt else self.confirms - said

    @model_validator(mode="after")
    def _has_something_to_work_with(self) -> MachineSection:
        if not self.materials and not self.stock:
            raise ValueError('materials is missing: say what is on hand, such as materials = ["pla"], or list it under stock')
        return self

    @model_validator(mode="after")
    def _has_what_is_loaded(self) -> MachineSection:
        if self.loaded and materials.canonical(self.loaded) not in map(materials.canonical, self.on_hand):
            raise ValueError(f"loaded = '{self.loaded}' is not among the materials of the machine ({', '.join(self.on_hand)})")
        return self

    @model_validator(mode="after")
    def _needs_an_address(self) -> MachineSection:
        for key in NEEDS.get(self.control, ()):
            if not getattr(self, key):
                raise ValueError(f'control = "{self.control}" needs {key} = "{_EXAMPLES[key]}", {_MEANINGS[key]}')
        return self

    @field_validator("url")
    @classmethod
    def _is_a_web_address(cls, url: str) -> str:
        if url and not re.match(r"https?://[^\s/?#]", url, re.IGNORECASE):
            raise ValueError(f'url = "{url}" is no address of a server: write {_as_address(url)}')
        return url

    @model_validator(mode="after")
    def _signs_in_where_there_are_users(self) -> MachineSection:
        if self.user and self.control != "cncjs":
            raise ValueError(f'user is only for control = "cncjs"; {self.control} knows an api_key')
        if self.user and not self.api_key and self.api_key_file is None:
            raise ValueError(f"user = '{self.user}' needs the password of that user as api_key, or a file with it as api_key_file")
        return self

    @model_validator(mode="after")
    def _homes_within_its_reach(self) -> MachineSection:
        lower, upper = self.reach_min_mm, self.reach_max_mm or self.envelope_mm
        for axis, at, least, most in zip("xyz", self.home_mm or lower, lower, upper, strict=True):
            if not least <= at <= most:
                raise ValueError(f"home_mm says {at:g} mm of {axis}, and that axis goes from {least:g} to {most:g} mm: see reach_min_mm")
        return self

    @model_validator(mode="after")
    def _does_not_start_what_cuts(self) -> MachineSection:
        """Errors: `ValueError`, in words for the owner."""
        for key in ("starts_itself", "clears_itself"):
            if self.attended and getattr(self, key):
                raise ValueError(f"{key} is only for additive machines; what cuts, burns or welds starts when a person says so, every time")
        return self


def _as_address(told: str) -> str:
    """How an address that lacks its beginning is written."""
    bare = re.sub(r"^(?:[a-z]*:?/+|https?:)", "", told.strip(), flags=re.IGNORECASE)
    if not re.fullmatch(r"[^\s/?#]\S*", bare):
        return 'it like url = "http://octopi.local" or url = "http://192.168.1.7:5000"'
    return f'url = "{"https" if told.strip().lower().startswith("https") else "http"}://{bare}"'


_EXAMPLES: Mapping[str, str] = MappingProxyType({"url": "http://…", "port": "/dev/ttyUSB0", "folder": "/path/of/a/folder"})
_MEANINGS: Mapping[str, str] = MappingProxyType(
    {"url": "the address of its server", "port": "the serial port of its controller", "folder": "where its controller looks for toolpaths"}
)


def process_of(facts: MachineSection) -> str:
    """What the machine does, as jobs name it: a plain `laser_cutting` is that of its kind of laser."""
    return LASERS[facts.laser] if facts.process == "laser_cutting" else facts.process


def described(facts: MachineSection) -> v1.Machine:
    """What `shop.toml` says of a machine, as the router is told of it; how it stands at the moment is added by who looks at it,
    and its hours by who knows the shop's time zone (`shop_described`)."""
    return v1.Machine(
        id=facts.id,
        name=facts.name,
        process=process_of(facts),
        envelope_mm=v1.Size(x=facts.envelope_mm[0], y=facts.envelope_mm[1], z=facts.envelope_mm[2]),
        materials=facts.on_hand,
        control=facts.control,
        axes=facts.axes,
        tools=[v1.Tool(kind=tool.kind, diameter_mm=tool.diameter_mm, reach_mm=tool.reach_mm) for tool in facts.tools],
        operations=facts.operations,
        enclosed=facts.enclosed,
        power_w=facts.power_w,
        max_thickness=[v1.ThicknessLimit(material=name, thickness_mm=limit) for name, limit in sorted(facts.max_thickness_mm.items())],
        stock=[_stock(one) for one in facts.stock],
        tolerance_mm=facts.tolerance_mm,
        tolerance_measured_on=facts.tolerance_measured_on,
        smallest_feature_mm=facts.smallest_feature_mm or (facts.nozzle_mm if facts.process == "fdm" else 0.0),
        loaded=facts.loaded,
    )


def _stock(one: StockSection) -> v1.Stock:
    size = v1.Size(x=one.size_mm[0], y=one.size_mm[1], z=one.thickness_mm) if one.size_mm else None
    return v1.Stock(material=one.material, thickness_mm=one.thickness_mm, size_mm=size, grams=one.grams, pieces=one.pieces)
