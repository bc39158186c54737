# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a licence is understood to be, and what may be made of what. A program's reading of the texts; never legal advice."""

from __future__ import annotations

from grpc import StatusCode

from commonfab.reasons.term import Term

_ASK = "This is a reading of the licences' texts and not legal advice; ask the author where it matters."

TERMS = {
    "licence.missing": Term(
        "the revision has no licence",
        "Choose one that others may build on: CERN-OHL-S-2.0 or CERN-OHL-W-2.0 for hardware, CC-BY-SA-4.0 or "
        "CC-BY-4.0 for documents, CC0-1.0 to ask for nothing.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "licence.unknown": Term(
        "{subject} is not an SPDX licence expression",
        "It is stored and shown as it is, but no jobs are made of it. Use identifiers from https://spdx.org/licenses, joined by "
        "AND, OR, WITH: for example CERN-OHL-S-2.0, CC-BY-SA-4.0, CC0-1.0.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "licence.corrected": Term("the licence is written as SPDX writes it: {subject}", "Say so if something else was meant."),
    "licence.deprecated": Term(
        "SPDX has given up an identifier that left open whether later versions are allowed: {subject}",
        "Where later versions are allowed too, write -or-later.",
    ),
    "licence.drafted_for": Term(
        "the licence was drafted for something else: {subject}",
        "It may be used all the same. CERN-OHL-S-2.0, CERN-OHL-W-2.0 and CERN-OHL-P-2.0 were drafted for hardware.",
    ),
    "licence.not_routable": Term(
        "no job is made of it: nobody here knows what the licence {subject} allows",
        "Publish a revision under a licence of https://spdx.org/licenses, if it is yours; else ask its author.",
    ),
    "licence.kept": Term("the fork keeps its parent's licence, {subject}"),
    "licence.free": Term("the parent asks for nothing: {subject}"),
    "licence.attribution": Term(
        "the parent may be built on under another licence as long as its notices stay: {subject}",
        "The parent's notice travels with the fork by itself; leave it there.",
    ),
    "licence.compatible": Term("the parent's licence itself allows the fork's: {subject}", _ASK),
    "licence.conditional": Term("the parent's licence allows the fork's only under a condition: {subject}", _ASK),
    "licence.share_alike": Term(
        "what is derived stays under the parent's licence: {subject}",
        "Publish the fork under its parent's licence, or ask the parent's author for another.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "licence.non_commercial": Term(
        "the parent may not be used for money, and the fork's licence would allow it: {subject}",
        "Publish the fork under its parent's licence, or ask the parent's author for another.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "licence.no_derivatives": Term(
        "the parent may be passed on as it is, and nothing derived from it may be: {subject}",
        "Ask the parent's author; or use the parent unchanged, in a bill of materials.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "licence.dropped": Term(
        "the fork's licence asks for less than the parent's, whose notices must stay all the same: {subject}",
        "Name both, as in CC-BY-4.0 AND CC0-1.0, or ask somebody who knows.",
    ),
    "licence.exception_added": Term("the fork allows an exception that the parent does not: {subject}", _ASK),
    "licence.terms_unknown": Term(
        "what these licences ask of each other is not known here: {subject}",
        "A person must read both. " + _ASK,
    ),
    "licence.bill_bought": Term("a thing that is bought carries no licence into the product: {subject}"),
    "licence.bill_aggregate": Term(
        "listed beside other parts and unchanged, a part keeps its own licence and asks nothing of the others: {subject}",
        "Changing its shape makes a derivative: publish that as a fork of the part.",
    ),
    "licence.bill_complete_source": Term(
        "whoever passes the product on must pass on the source of all of it: {subject}",
        "In the commons all sources are there. Tell whoever gets the product where they are.",
    ),
    "licence.bill_source_closed": Term(
        "a part asks for the source of the whole product under its own licence, and another part's licence does not allow that: {subject}",
        "Ask one of the authors for another licence, or use another part. " + _ASK,
    ),
    "licence.bill_non_commercial": Term(
        "a part may not be made or sold for money, so neither may the product: {subject}",
        "Have it made for nothing or at cost, ask that part's author, or use another part. " + _ASK,
    ),
    "licence.bill_no_derivatives": Term(
        "a part may be made as it is but not changed: {subject}",
        "Do not change its shape to make it fit; ask that part's author.",
    ),
    "licence.bill_unknown": Term(
        "nobody here knows what the licence of a part allows: {subject}",
        "No job is made of that part. Ask its author for a licence of https://spdx.org/licenses.",
    ),
    "licence.bill_empty": Term("the bill of materials names nothing that has a licence of its own"),
}
