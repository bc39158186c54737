# SPDX-License-Identifier: AGPL-3.0-or-later
"""The small tables inside `shop.toml` and the types of its values."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

ID = r"^[a-z0-9][a-z0-9.-]{0,63}$"
Id = Annotated[str, StringConstraints(pattern=ID)]
Millimetres = Annotated[float, Field(gt=0, le=100_000)]
Extent = tuple[Millimetres, Millimetres, Millimetres]
Corner = tuple[float, float, float]
Confirmation = Literal["bed", "stock", "tool"]


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


class SensorSection(Section):
    """Something that sees what a person would confirm: `{ confirms = "bed", file = "/run/bed-clear" }`, or `url = "http://…"`.

    What it says is a text: 1, true, yes, on or clear means that it is so.
    """

    confirms: Confirmation
    file: Path | None = None
    url: str = ""

    @model_validator(mode="after")
    def _has_one_source(self) -> SensorSection:
        if (self.file is None) == (not self.url):
            raise ValueError("a sensor has either file or url")
        return self


class UpkeepSection(Section):
    """What must be done to a machine now and then: `{ what = "grease the rails", every_hours = 200 }`. `stops`: overdue, nothing starts."""

    what: str = Field(min_length=1)
    every_hours: float = Field(gt=0)
    stops: bool = False
