# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why a job waits, and why a report about work changed nothing."""

from __future__ import annotations

from grpc import StatusCode

from commonfab.reasons.term import Term

TERMS = {
    "job.unknown": Term("there is no job {subject} here", "commonfab job list shows your jobs.", StatusCode.NOT_FOUND),
    "job.quantity": Term(
        "a job is for {least} to {most} pieces, not {given}",
        "Ask for a quantity within that.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "job.part": Term(
        "the revision has no part {subject}",
        "commonfab design show DESIGN lists its parts; name one with --part.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "job.which_part": Term(
        "the revision has several parts: {subject}",
        "Name one of them with --part.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "job.material": Term(
        "the maker demands {subject}",
        "Leave the material out, or ask the maker whether another will do.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "job.not_inspected": Term(
        "the part {subject} has not been inspected yet",
        "Wait until commonfab design show says that it is, then ask again.",
        StatusCode.FAILED_PRECONDITION,
    ),
    "job.not_makeable": Term(
        "no process that this node knows can make the part: {subject}",
        "commonfab design show DESIGN says what stands in the way.",
        StatusCode.FAILED_PRECONDITION,
    ),
    "job.not_held": Term("nothing holds job {subject}", "There is nothing to confirm.", StatusCode.FAILED_PRECONDITION),
    "job.confirm": Term(
        "these questions are still open: {subject}",
        "Confirm each of them by its code, or withdraw the job.",
        StatusCode.FAILED_PRECONDITION,
    ),
    "job.ended": Term("job {subject} has ended", "Ask for a new one.", StatusCode.FAILED_PRECONDITION),
    "job.cancelled": Term("the requester withdrew the job"),
    "job.no_shop": Term(
        "no shop is known here that could be asked",
        "The job waits; it is offered as soon as a shop that can make it calls.",
    ),
    "job.nobody_able": Term(
        "none of {machines} machines can make it",
        "commonfab job explain JOB says why, the nearest miss first.",
    ),
    "job.answers_awaited": Term("shops have been asked about {pieces} pieces and have not all answered"),
    "order.unknown": Term("there is no work order {subject} here", "It may have ended long ago.", StatusCode.NOT_FOUND),
    "order.not_uncertain": Term(
        "work order {subject} is not uncertain",
        "Only the rest of an uncertain work order can be made elsewhere.",
        StatusCode.FAILED_PRECONDITION,
    ),
    "offer.gone": Term(
        "offer {subject} no longer stands",
        "Nothing to do: the pieces have been offered elsewhere or the job was withdrawn.",
        StatusCode.FAILED_PRECONDITION,
    ),
    "offer.other_shop": Term("offer {subject} was made to another shop", "Answer only your own offers.", StatusCode.PERMISSION_DENIED),
    "attempt.superseded": Term(
        "the attempt at {subject} owns nothing any more",
        "Do not start it. The report was counted and changed nothing.",
        StatusCode.FAILED_PRECONDITION,
    ),
    "attempt.reported": Term(
        "the attempt at {subject} was reported before",
        "Nothing to do: the first report stands.",
        StatusCode.ALREADY_EXISTS,
    ),
    "attempt.not_started": Term(
        "the attempt at {subject} has no leave to start",
        "Ask for it with Start and wait for the receipt.",
        StatusCode.FAILED_PRECONDITION,
    ),
    "attempt.started": Term(
        "the attempt at {subject} has started, so it cannot be given back as if nothing had moved",
        "Report what was made with Complete or Fail.",
        StatusCode.FAILED_PRECONDITION,
    ),
    "attempt.silent": Term("the shop fell silent after the start; a machine may be running"),
    "attempt.silent_before_start": Term("the shop fell silent before anything moved"),
    "report.signature": Term(
        "the signature does not fit the report",
        "Sign the serialized report with the shop's key, as proto/commonfab/v1/completed_work.proto says.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "report.mismatch": Term(
        "the report does not fit its attempt: {subject}",
        "Correct the report and send it again.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "shop.key_changed": Term(
        "shop {subject} is known here by another key",
        "Use the key that the shop first came with (shop-data/key.pem): a changed key may be somebody else. "
        "A shop that lost its key begins anew under another id.",
        StatusCode.PERMISSION_DENIED,
    ),
    "shop.malformed": Term("the shop cannot be registered: {subject}", "Correct shop.toml.", StatusCode.INVALID_ARGUMENT),
    "event.unreadable": Term(
        "event {subject} says nothing that this router understands",
        "Update the router or the agent; the event was not carried out.",
        StatusCode.INVALID_ARGUMENT,
    ),
}
