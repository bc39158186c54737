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
    "job.bill": Term(
        "the product's bill of materials names what is not here: {subject}",
        "Bring those designs to this node with commonfab design import, or ask for the parts that are here one by one.",
        StatusCode.FAILED_PRECONDITION,
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
    "job.of_product": Term(
        "job {subject} is a part of a product",
        "Withdraw the product's job, which takes its parts with it: commonfab job show JOB names it.",
        StatusCode.FAILED_PRECONDITION,
    ),
    "job.no_first_article": Term(
        "no first article was asked for with job {subject}", "There is nothing to approve.", StatusCode.FAILED_PRECONDITION
    ),
    "job.first_not_made": Term(
        "the first article of job {subject} is not made yet",
        "Wait until commonfab job show says that it is, and look at it.",
        StatusCode.FAILED_PRECONDITION,
    ),
    "job.cancelled": Term("the requester withdrew the job"),
    "job.recalled": Term(
        "the revision that job {subject} asks for was recalled, so nothing more of it is made",
        "commonfab job show {subject} says why, and whether there is a revision to ask for instead; withdraw this job.",
        StatusCode.FAILED_PRECONDITION,
    ),
    "job.no_shop": Term(
        "no shop is known here that could be asked",
        "The job waits; it is offered as soon as a shop that can make it calls.",
    ),
    "job.nobody_able": Term(
        "none of {machines} can make it",
        "commonfab job explain JOB says why, the nearest miss first.",
    ),
    "job.answers_awaited": Term("answers are awaited for {pieces}: {shops} asked, {left} left at most"),
    "job.only_ask": Term(
        "nobody else can; only the owner can say, of {machines}",
        "commonfab job explain JOB names them; ask them yourself.",
    ),
    "job.offered_next": Term("next to be offered: {pieces}"),
    "job.rest_waits": Term(
        "{pieces} to be offered when a lot is done: all that can make it have as much as they take",
        "Nothing to do: it goes on by itself.",
    ),
    "job.under_way": Term("under way: {pieces} in {shops}; the longest lot takes about {expected} of machine time"),
    "job.under_way_unestimated": Term("under way: {pieces} in {shops}"),
    "job.parts_awaited": Term("the jobs of its {parts} must be done first", "commonfab job show JOB names them."),
    "job.first_article_awaited": Term(
        "one piece is made first, and the others wait until it was looked at", "When it is made, look at it: commonfab job approve JOB."
    ),
    "job.first_article_made": Term(
        "the first piece is made; somebody must look at it", "Look at it. If it is right: commonfab job approve {subject}."
    ),
    "job.needed_in": Term(
        "'{subject}' is not a length of time",
        "Say days, hours or minutes, such as 3d, 36h, 90min or 1d12h.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "need.around": Term("a distance is counted from a place", "Give --lat and --lon, or --cell.", StatusCode.INVALID_ARGUMENT),
    "need.machine": Term("{jobs} for {subject}{within}"),
    "need.material": Term("{jobs} for {subject}{within}, on a machine that is there"),
    "need.tool": Term("{jobs} for a cutter{within}, in a machine that is there: {subject}"),
    "need.skill": Term("{jobs} for somebody{within} who does this beside a machine that is there: {subject}"),
    "need.people": Term("{jobs} for people{within}: a machine that could is there, but its shop is closed, silent or has said no"),
    "need.distance": Term("{jobs}{within} though a machine further away than they allow could do it"),
    "need.ask": Term("{jobs}{within} for somebody to ask the owner of a machine that may do"),
    "plan.late": Term(
        "{late} of {pieces} pieces would come after the deadline: the last in {ends}, needed in {needed}",
        "Give it more time, allow a larger distance, or ask for fewer.",
    ),
    "plan.rest_waits": Term(
        "{rest} of {pieces} pieces wait until a machine has made its first lot",
        "Nothing to do: they are offered as soon as a shop that can make them has room for another lot.",
    ),
    "order.unknown": Term("there is no work order {subject} here", "It may have ended long ago.", StatusCode.NOT_FOUND),
    "order.ended": Term("work order {subject} has ended", "There is nothing to take back.", StatusCode.FAILED_PRECONDITION),
    "order.withdrawn": Term("the requester took the lot back"),
    "order.recalled": Term(
        "the revision was recalled: nothing more of it may be made",
        "The shop reads why, and what to do with what was made, with commonfab shop status; the requester with commonfab job show.",
        StatusCode.FAILED_PRECONDITION,
    ),
    "offer.withdrawn": Term("nobody is asked any more: the shop closed, or the machine is out of service"),
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
