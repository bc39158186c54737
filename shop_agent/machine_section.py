# SPDX-License-Identifier: AGPL-3.0-or-later
"""`[[machine]]` in `shop.toml`: one machine, and how the router is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from commonfab import materials, v1
from shop_agent.opening_hours import Hours

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
Millimetres = Annotated[float, Field(gt=0, le=100_000)]
Extent = tuple[Millimetres, Millimetres, Millimetres]
Corner = tuple[float, float, float]

LASERS: Mapping[str, str] = MappingProxyType(
    {"co2": "co2_laser_cutting", "fibre": "fibre_laser_cutting", "fiber": "fibre_laser_cutting", "diode": "diode_laser_cutting"}
)
"""What kind of laser makes which process. What one of them cuts, another may set on fire."""


def _as_date(told: Any) -> Any:
    """A date, written with quotes or without, as text. Errors: `ValueError`."""
    if isinstance(told, str) and told:
        try:
            date.fromisoformat(told)
        except ValueError:
            raise ValueError(f"'{told}' is no date; write it like 2026-05-31") from None
    return told.isoformat() if isinstance(told, date) else told


DateText = Annotated[str, BeforeValidator(_as_date)]
"""A day as ISO 8601 writes it; empty where none is said."""


class Section(BaseModel):
    """A table of `shop.toml`: unknown keys are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolSection(Section):
    """One cutter: `{ kind = "end_mill", diameter_mm = 3, reach_mm = 12 }`."""

    kind: str = "end_mill"
    diameter_mm: Millimetres
    reach_mm: float = Field(default=0.0, ge=0)


class StockSection(Section):
    """What lies there: `{ material = "plywood", thickness_mm = 4, size_mm = [600, 300], pieces = 3 }`."""

    material: str = Field(min_length=1)
    thickness_mm: float = Field(default=0.0, ge=0)
    size_mm: tuple[Millimetres, Millimetres] | None = None
    grams: float = Field(default=0.0, ge=0)
    pieces: int = Field(default=0, ge=0, le=1_000_000)


class MachineSection(Section):
    """[[machine]]: one machine. Lengths in mm, temperatures in °C, power in W."""

    id: Id
    name: str = ""
    process: str = "fdm"
    envelope_mm: Extent
    materials: tuple[str, ...] = ()
    control: Literal["octoprint", "virtual", "by_hand"] = "by_hand"
    url: str = ""
    api_key: str = Field(default="", repr=False)
    api_key_file: Path | None = None
    starts_itself: bool = False
    clears_itself: bool = False
    out_of_order: str = ""
    maintenance: str = ""
    slicer_profile: Path | None = None
    nozzle_mm: float = Field(default=0.4, gt=0, le=3)
    max_nozzle_c: float = Field(default=290.0, gt=0)
    max_bed_c: float = Field(default=120.0, gt=0)
    reach_min_mm: Corner = (0.0, 0.0, 0.0)
    reach_max_mm: Corner | None = None
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
    def driven(self) -> bool:
        """Whether the agent drives it; one that is worked by hand is only described."""
        return self.control != "by_hand"

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
        if self.control == "octoprint" and not self.url:
            raise ValueError('control = "octoprint" needs url = "http://…", the address of OctoPrint')
        return self


def described(facts: MachineSection) -> v1.Machine:
    """What `shop.toml` says of a machine, as the router is told of it; how it stands at the moment is added by who looks at it,
    and its hours by who knows the shop's time zone (`shop_described`)."""
    return v1.Machine(
        id=facts.id,
        name=facts.name,
        process=LASERS[facts.laser] if facts.process == "laser_cutting" else facts.process,
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
