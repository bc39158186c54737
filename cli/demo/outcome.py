# SPDX-License-Identifier: AGPL-3.0-or-later
"""What became of the demo, read back from the node, and whether that is what should have become of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from cli.demo.street import LENA, LOFT, SHED
from cli.verify import check_chain
from commonfab import v1
from commonfab.errors import Refused


@dataclass(frozen=True)
class Outcome:
    """The figures of the summary. `lots`: good pieces by shop; `refusals`: reason codes by shop."""

    requested: int
    completed: int
    ledger_entries: int
    lots: dict[str, int]
    refusals: dict[str, list[str]]
    seconds: float

    def summary(self) -> dict[str, object]:
        """As it is written in JSON."""
        return asdict(self)


def read_outcome(job: v1.Job, entries: Sequence[v1.LedgerEntry], explanations: Sequence[v1.ExplainJobResponse], seconds: float) -> Outcome:
    """The outcome as the node tells it.

    Parameters: `entries`, the whole ledger; `explanations`, who cannot make what, for each thing that was asked about.
    """
    lots: Counter[str] = Counter()
    for order in job.work_orders:
        lots[order.shop_id] += order.pieces_good
    refusals: dict[str, set[str]] = {}
    for refused in (refused for explanation in explanations for refused in explanation.refused):
        refusals.setdefault(refused.shop_id, set()).update(reason.code for reason in refused.reasons)
    return Outcome(
        requested=job.request.quantity,
        completed=job.pieces_good,
        ledger_entries=len(entries),
        lots={shop: pieces for shop, pieces in lots.items() if pieces},
        refusals={shop: sorted(codes) for shop, codes in sorted(refusals.items())},
        seconds=round(seconds, 1),
    )


def check_outcome(outcome: Outcome, job: v1.Job, entries: Sequence[v1.LedgerEntry], wanted: int) -> None:
    """Compare what the job, the ledger and the explanations say with what was asked for, and with each other.

    Errors: `Refused` (`demo.outcome`, `ledger.…`).
    """
    check_chain(entries)
    recorded: Counter[str] = Counter()
    for entry in entries:
        recorded[entry.work.shop_id] += entry.work.pieces_good
    expectations = {
        f"{outcome.requested} pieces were asked for, not {wanted}": outcome.requested == wanted,
        f"{outcome.completed} of {wanted} pieces were made": outcome.completed == wanted and job.state == v1.JOB_STATE_DONE,
        f"the lot was not split over the two printers: {outcome.lots}": set(outcome.lots) == {LENA.id, SHED.id},
        f"the ledger has {dict(recorded)} and the job {outcome.lots}": dict(recorded) == outcome.lots,
        f"the ledger names another job than {job.id}": all(entry.work.job_id == job.id for entry in entries),
        f"{LENA.name} was not refused for the bracket's length": "size.x" in outcome.refusals.get(LENA.id, ()),
        f"{LOFT.name} was not refused for its process": "process.other" in outcome.refusals.get(LOFT.id, ()),
        f"{SHED.name} was refused": SHED.id not in outcome.refusals,
    }
    if failed := [complaint for complaint, holds in expectations.items() if not holds]:
        raise Refused("demo.outcome", "; ".join(failed))
