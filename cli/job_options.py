# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a job is asked for with, on the command line."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from commonfab import v1


class Urgency(StrEnum):
    """How much a job matters to the one who asks."""

    USUAL = "usual"
    URGENT = "urgent"
    WHEN_CONVENIENT = "when-convenient"


JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="The job's id, as `commonfab job list` shows it.")]
OrderArgument = Annotated[str, typer.Argument(metavar="WORK_ORDER", help="A work order, as `commonfab job show` names it.")]
PartOption = Annotated[str, typer.Option("--part", help="The part; may be left out where there is only one.")]
QuantityOption = Annotated[int, typer.Option("--quantity", "-n", min=1, help="Good pieces wanted.")]
MaterialOption = Annotated[
    str, typer.Option("--material", help="What it must be made of, such as pla or petg; else what the maker demands.")
]
WithinOption = Annotated[float, typer.Option("--within-km", min=0, help="How far away it may be made, km; 0 for any distance.")]
NeededInOption = Annotated[
    str, typer.Option("--needed-in", metavar="TIME", help="How soon it is needed, from now: 3d, 36h, 90min, 1d12h; else whenever.")
]
UrgencyOption = Annotated[
    Urgency, typer.Option(help="How much it matters to you. Who has waited long comes first all the same.", show_default=False)
]
FirstArticleOption = Annotated[
    bool, typer.Option("--first-article", help="Have one piece made first; the others wait until you have looked at it.")
]
ProductOption = Annotated[
    bool, typer.Option("--product", help="Every part, as often as a product needs it; the quantity is then that of products.")
]
AssembledOption = Annotated[bool, typer.Option("--assembled", help="As --product, and put together by a shop that does so.")]


def urgency_of(chosen: Urgency) -> v1.Urgency.ValueType:
    """The urgency as it is sent."""
    from commonfab import v1

    return {Urgency.URGENT: v1.URGENCY_URGENT, Urgency.WHEN_CONVENIENT: v1.URGENCY_WHEN_CONVENIENT}.get(chosen, v1.URGENCY_UNSPECIFIED)
