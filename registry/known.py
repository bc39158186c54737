# SPDX-License-Identifier: AGPL-3.0-or-later
"""A revision with all that is known of it, as it is handed to whatever follows from that."""

from __future__ import annotations

from dataclasses import dataclass

from commonfab import v1
from registry.evidence.maturity import ways


@dataclass(frozen=True)
class Known:
    """A revision with all that is known of it."""

    design: v1.Design
    revision: v1.Revision
    parts: tuple[v1.InspectedPart, ...]
    reports: tuple[v1.KeptBuildReport, ...]

    @property
    def newest(self) -> bool:
        """Whether it is the newest of its design: the one that is found by searching."""
        return self.design.latest_revision == self.revision.digest

    def about(self, event: v1.CommonsEvent) -> v1.CommonsEvent:
        """An event with what it is found by: how the revision can be made, and where it was made."""
        if event.HasField("build_reported"):
            built = event.build_reported
            event.processes[:] = [built.report.process] if built.report.process else []
            places = [built.place]
        else:
            event.processes[:] = sorted({way for part in self.parts for way in ways(part)})
            places = [] if event.HasField("maturity_changed") else [report.place for report in self.reports]
        event.places.extend(v1.Place(cell=cell) for cell in sorted({place.cell for place in places if place.cell}))
        return event
