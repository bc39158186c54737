# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tells the demo's story in the terminal, each line with the seconds since the beginning."""

from __future__ import annotations

from collections.abc import Iterable

from cli import describe
from cli.output import plain, say
from commonfab import v1
from commonfab.clock import Clock


class Teller:
    """The storyteller. Texts are given in rich's markup; names from outside must have gone through `plain`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begun = clock.monotonic()
        self._console = say()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return self._clock.monotonic() - self._begun

    def head(self, text: str) -> None:
        """Begin a chapter."""
        self._console.print(f"\n[bold cyan]{text}[/bold cyan]", soft_wrap=True)

    def line(self, text: str) -> None:
        """Say what happened just now."""
        self._console.print(f"[dim]{self.seconds:6.1f} s[/dim]  {text}", soft_wrap=True)

    def more(self, text: str) -> None:
        """Say more about the line before."""
        self._console.print(f"          {text}", soft_wrap=True)


def tell_parts(teller: Teller, parts: Iterable[v1.InspectedPart]) -> None:
    """What inspection found."""
    for part in parts:
        report = part.report
        teller.more(f"measured: {plain(part.part.name)} is {describe.size(report.size_mm)}, {report.volume_mm3 / 1000:.1f} cm³")
        for way in part.makeability:
            if way.verdict != v1.VERDICT_INFEASIBLE:
                teller.more(next(describe.makeability(way)).strip())


def tell_explanation(teller: Teller, answer: v1.ExplainJobResponse) -> None:
    """Who can and who cannot."""
    for able in answer.able:
        near = "; ".join(plain(reason.message) for reason in able.why)
        teller.more(f"[green]can[/green]     {plain(able.shop_name)}: {near}")
    for refused in answer.refused:
        why = "; ".join(describe.reason(reason) for reason in refused.reasons)
        teller.more(f"[red]cannot[/red]  {plain(refused.shop_name)}: {why}")


class JobTeller:
    """Tells what is new about a job at every change."""

    def __init__(self, teller: Teller, shop_names: dict[str, str]) -> None:
        self._teller = teller
        self._names = shop_names
        self._told: dict[str, tuple[int, int]] = {}

    def tell(self, job: v1.Job) -> None:
        """Tell the work orders that differ from when they were told last."""
        for order in job.work_orders:
            now = (order.state, order.pieces_good)
            if self._told.get(order.id) != now:
                self._told[order.id] = now
                self._teller.line(self._sentence(order))
                for reason in order.reasons:
                    self._teller.more(describe.reason(reason))

    def _sentence(self, order: v1.WorkOrder) -> str:
        shop = plain(self._names.get(order.shop_id, order.shop_id))
        pieces = f"{order.quantity} piece{'s' * (order.quantity != 1)}"
        sentences = {
            v1.WORK_ORDER_STATE_OFFERED: f"{pieces} offered to {shop}",
            v1.WORK_ORDER_STATE_ACCEPTED: f"{shop} accepts {pieces}; it prepares the toolpath",
            v1.WORK_ORDER_STATE_RUNNING: f"{shop} makes them: {order.pieces_good} of {order.quantity}",
            v1.WORK_ORDER_STATE_DONE: f"[green]{shop} is done: {order.pieces_good} of {order.quantity}[/green]",
        }
        state = describe.word(v1.WorkOrderState.Name(order.state), "WORK_ORDER_STATE_")
        return sentences.get(order.state, f"{shop}: {state}")
