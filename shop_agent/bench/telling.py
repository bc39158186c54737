# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is told of a bench: to the router its machine's state and how long it is busy, to whoever looks on how it stands. Pure but for
reading the journal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration

from commonfab import v1
from shop_agent.bench.service import out_of_service
from shop_agent.journal.book import Journal
from shop_agent.journal.records import AttemptRecord
from shop_agent.live import LiveMachine
from shop_agent.machines import Look
from shop_agent.people.service_modes import service_of
from shop_agent.shop_toml.machine_section import GO, MachineSection, described


@dataclass(frozen=True)
class Sight:
    """A bench at this moment. `line`: the attempts that lie on it; `waits`: what each of them waits for, in words, by its key; `person`:
    that of them which only a person can do."""

    journal: Journal
    facts: MachineSection
    look: Look
    line: Sequence[AttemptRecord]
    waits: Mapping[str, str]
    person: Mapping[str, str]


def machine_of(sight: Sight, with_stock: MachineSection) -> v1.Machine:
    """The machine as the router is told of it. `with_stock`: its section with what is left of each stock."""
    state, why = state_of(sight)
    free_in = Duration()
    # In whole minutes: a router writes what changed to its disk and plans anew, and seconds would change at every call.
    free_in.FromSeconds(60 * math.ceil(_seconds_to_go(sight) / 60))
    machine = described(with_stock)
    machine.MergeFrom(v1.Machine(state=state, state_reason=why, free_in=free_in))
    return machine


def state_of(sight: Sight) -> tuple[v1.MachineState.ValueType, str]:
    """What the machine is for those who want work of it, and why it takes none just now."""
    journal, facts, look = sight.journal, sight.facts, sight.look
    state, why = out_of_service(journal, facts)
    if why:
        return state, why
    if not look.reachable:
        return v1.MACHINE_STATE_OFFLINE, look.note
    said = service_of(journal, facts.id)
    if said is not None:  # it drains: what was accepted is made, and nothing more is offered
        return v1.MACHINE_STATE_MAINTENANCE, said.why or "it takes no new work"
    if look.busy_with:
        return v1.MACHINE_STATE_BUSY, ""
    if look.fault:
        return v1.MACHINE_STATE_NEEDS_PERSON, look.fault
    if sight.person:
        return v1.MACHINE_STATE_NEEDS_PERSON, next(iter(sight.person.values()))
    ready = journal.ready(facts.id)
    if facts.still_to_say(ready.confirms if ready else frozenset(), journal.bed_in_doubt(facts.id)) - {GO}:
        return v1.MACHINE_STATE_NEEDS_PERSON, "nobody has said that it is ready"
    return v1.MACHINE_STATE_READY, ""


def live_of(sight: Sight) -> LiveMachine:
    """How the machine stands, for whoever looks on."""
    look, (state, why) = sight.look, state_of(sight)
    begun = next((attempt for attempt in sight.line if attempt.piece_begun), None)
    return LiveMachine(
        id=sight.facts.id,
        state=v1.MachineState.Name(state).removeprefix("MACHINE_STATE_").lower(),
        why=why,
        busy_with=look.busy_with,
        attempt=begun.key if begun else "",
        piece=begun.current_number if begun else 0,
        paused=look.paused,
        progress=round(look.progress, 3),
        remaining_seconds=round(look.remaining_seconds),
        reads=look.reads,
        fault=look.fault,
        waits=dict(sight.waits),
        waits_for_person=tuple(sight.person),
    )


def progress_of(attempt: AttemptRecord, look: Look, facts: MachineSection) -> tuple[float, float]:
    """How far the piece at work is (0 to 1) and how many seconds the rest of the attempt will take."""
    begun = attempt.piece_begun
    running = begun is not None and look.busy_with == attempt.file_name(begun.number)
    factor = facts.speed_factor if facts.control == "virtual" else 1.0
    left = max(attempt.offer.quantity - attempt.good - attempt.unjudged - (1 if begun else 0), 0) * seconds_of(attempt) / factor
    return (look.progress, left + look.remaining_seconds) if running else (0.0, left)


def seconds_of(attempt: AttemptRecord) -> float:
    """Seconds of machine time for one piece."""
    estimated = attempt.offer.estimate.machine_time.ToTimedelta().total_seconds()
    return attempt.toolpath.seconds if attempt.toolpath else estimated


def _seconds_to_go(sight: Sight) -> float:
    return sum(progress_of(attempt, sight.look, sight.facts)[1] for attempt in sight.line if not attempt.ended)
