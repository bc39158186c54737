# SPDX-License-Identifier: AGPL-3.0-or-later
"""The signed report of what an attempt made."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from math import isfinite
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration

from commonfab import v1
from shop_agent.journal import set_back
from shop_agent.journal.book import Journal
from shop_agent.journal.records import AttemptRecord
from shop_agent.people.accounts import NOTHING_ADDED, RUNNING, Account, Size
from shop_agent.shop_toml.machine_section import MachineSection

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

log = logging.getLogger("shop_agent.reporting")

MOST_SIZES = 500
MOST_PHOTOGRAPHS = 50
"""What a node takes of each with one report; the rest stays in the journal."""


def report(
    attempt: AttemptRecord, machine: MachineSection, shop_id: str, key: Ed25519PrivateKey, account: Account = NOTHING_ADDED
) -> v1.SignedWork:
    """What was made so far, signed. Times and grams are the sums over all pieces, spoiled ones too.

    Parameters: `account`, what people added to it; nobody is named in it.
    """
    from commonfab.identity import sign_work  # brings cryptography along, which an idle agent does without
    from shop_agent.slicing import material_for

    ran = sum(piece.seconds for piece in attempt.pieces)
    toolpath = attempt.toolpath
    work = v1.CompletedWork(
        attempt=attempt.ref,
        job_id=attempt.offer.job_id,
        revision_digest=attempt.offer.revision_digest,
        part_name=attempt.offer.part_name,
        shop_id=shop_id,
        machine_id=machine.id,
        control=machine.control,
        process=machine.process,
        material=material_for(attempt.offer, machine),
        pieces_good=min(attempt.good, attempt.offer.quantity),
        pieces_scrap=attempt.scrap,
        machine_time=_duration(ran),
        grams=round(sum(piece.grams for piece in attempt.pieces), 3),
        toolpath_sha256=toolpath.sha256 if toolpath else "",
        note="; ".join(filter(None, (toolpath.note if toolpath else "", _beyond(attempt), _unjudged(attempt)))),
        tasks=tasks(ran, account, machine),
        sizes=[v1.MeasuredSize(name=one.name, nominal_mm=one.nominal_mm, measured_mm=one.measured_mm) for one in _measured(account)],
        photographs=[one.sha256 for one in account.photographs[:MOST_PHOTOGRAPHS]],
    )
    return sign_work(work, key)


def _beyond(attempt: AttemptRecord) -> str:
    """What was made beyond what was asked for, as where a piece was called good after all while it was made again. A router takes no report
    of more good pieces than its work order has."""
    more = attempt.good - attempt.offer.quantity
    return f"{more} more good {'piece was' if more == 1 else 'pieces were'} made than asked for" if more > 0 else ""


def _unjudged(attempt: AttemptRecord) -> str:
    """What nobody has looked at, where its router dropped it before: it counts neither as good nor as scrap."""
    left = attempt.unjudged
    return f"{left} {'piece was' if left == 1 else 'pieces were'} made besides and not judged" if left else ""


def report_forgotten(journal: Journal, signed: Mapping[str, Callable[[AttemptRecord], v1.SignedWork]]) -> None:
    """Report what was made of attempts that a router which was set back no longer knows, once nothing of them runs any more.

    Parameters: `signed`, for each machine of the shop, makes the report of an attempt on it.
    """
    for attempt in set_back.unreported(journal):
        if (sign := signed.get(attempt.machine_id)) is not None:
            set_back.report(journal, attempt, sign(attempt))
            log.warning("%s: %s; its report, %d good, is kept", attempt.key, attempt.wish_reason.message, attempt.good)


def tasks(ran: float, account: Account, machine: MachineSection) -> list[v1.TaskTime]:
    """Where the time went, running first. What is worked by hand keeps a person as long as it runs, whether or not they say so.

    Parameters: `ran`, seconds that the machine ran, over all pieces.
    """
    people = dict(account.person_seconds)
    if machine.control == "by_hand":
        people.setdefault(RUNNING, ran)
    found = {task: v1.TaskTime(task=task, person_time=_duration(seconds)) for task, seconds in people.items() if seconds > 0}
    if ran > 0:
        found.setdefault(RUNNING, v1.TaskTime(task=RUNNING)).machine_time.CopyFrom(_duration(ran))
    return sorted(found.values(), key=lambda one: (one.task != RUNNING, one.task))


def _measured(account: Account) -> list[Size]:
    """Sizes that are numbers: a node refuses a report with any other."""
    return [one for one in account.sizes if isfinite(one.nominal_mm) and isfinite(one.measured_mm)][:MOST_SIZES]


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromMilliseconds(round(1000 * seconds))
    return duration
