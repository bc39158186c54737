# SPDX-License-Identifier: AGPL-3.0-or-later
"""What accepted work will still take of the weighed stock: two orders must not count on the same spool."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from commonfab import materials, v1
from shop_agent.journal.book import Journal
from shop_agent.journal.records import Toolpath
from shop_agent.shop_toml.machine_section import MachineSection


def promised_grams(journal: Journal, facts: MachineSection) -> dict[str, float]:
    """Grams of each material that accepted work on a machine has not used yet: measured where it was, else as estimated.

    What was answered with yes counts from that moment, before the router has heard it.
    """
    found: dict[str, float] = defaultdict(float)
    for offer, pieces, toolpath in (*_on_the_bench(journal), *_on_the_way(journal)):
        if offer.machine_id == facts.id and pieces > 0:
            from shop_agent.slicing import material_for  # an idle agent does without the files of slicing

            each = toolpath.grams if toolpath is not None and toolpath.grams > 0 else offer.estimate.grams
            found[materials.canonical(material_for(offer, facts))] += pieces * each
    return found


def _on_the_bench(journal: Journal) -> Iterator[tuple[v1.Offer, int, Toolpath | None]]:
    for attempt in journal.attempts():
        if not attempt.ended:
            order = attempt.ref.work_order_id
            # A piece that was made or spoiled has its grams in the journal already.
            yield attempt.offer, attempt.offer.quantity - attempt.good - attempt.unjudged, attempt.toolpath or journal.quoted(order)


def _on_the_way(journal: Journal) -> Iterator[tuple[v1.Offer, int, Toolpath | None]]:
    """What was accepted and has not come back from the router as an attempt."""
    said_yes = {event.accept.work_order_id for event in journal.unsettled() if event.HasField("accept")}
    for order in sorted(said_yes):
        if (record := journal.offer(order)) is not None:
            yield record.offer, record.offer.quantity, record.toolpath
