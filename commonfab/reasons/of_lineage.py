# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why designs do not hang together as they say: parents, bills of materials, all that a product takes, and packages."""

from __future__ import annotations

from grpc import StatusCode

from commonfab.reasons.term import Term

_BAD = StatusCode.INVALID_ARGUMENT
_AGAIN = "Fetch or export the package again; nothing of it was sent."

TERMS = {
    "revision.reference": Term(
        "{subject} is not the digest of a revision",
        "Name revisions by their digest of 64 digits; commonfab design show DESIGN lists them.",
        _BAD,
    ),
    "revision.variant": Term("the revision is a variant of {subject}, and no reason is given", "Say why: for 608 bearings.", _BAD),
    "revision.link": Term("{subject} is not an address", "Use http or https addresses with a host.", _BAD),
    "revision.language": Term("{subject} is not a language tag", "Use BCP 47: en-GB, de, pt-BR.", _BAD),
    "revision.item": Term(
        "{subject} names neither a maker, nor a model, nor a part number",
        "Say at least one of them, or leave the entry out.",
        _BAD,
    ),
    "revision.envelope": Term("the envelope of what the machine yields has a side of {subject}", "Give three lengths above 0 mm.", _BAD),
    "revision.yields": Term("what the machine yields names no process", "Name the processes: fdm, milling, …", _BAD),
    "bill.name": Term(
        "line {subject} of the bill of materials has no name of its own", "Name every line, and each differently: M3 screw, lid.", _BAD
    ),
    "bill.quantity": Term(
        "line {subject} of the bill of materials has the quantity {quantity}",
        "Give a number above 0, and not above a thousand million.",
        _BAD,
    ),
    "bill.unit": Term(
        "line {subject} of the bill of materials is counted in an unknown unit", "Leave it empty or say mm, m, g, kg, ml, l.", _BAD
    ),
    "bill.way": Term(
        "line {subject} of the bill of materials says neither make, nor buy, nor salvage", "Say one of them for every line.", _BAD
    ),
    "bill.pieces": Term(
        "line {subject} of the bill of materials is made, and not counted in whole pieces", "Give a whole number and no unit.", _BAD
    ),
    "bill.not_here": Term(
        "the bill of materials names a revision that is not here: {subject}",
        "Nothing is wrong with that; import the revision if it shall be made here.",
    ),
    "revision.parent_dropped": Term(
        "the design derives from {subject}, and this revision does not any more",
        "Name the revision before it as parent, or the one that is derived from in also_derives_from; what a fork owes does not end.",
        _BAD,
    ),
    "revision.same_files": Term(
        "every file of its parts is in {subject} too",
        "If it derives from that, say so: commonfab design publish --parent REVISION. Nothing is wrong where both come from one source.",
    ),
    "closure.circle": Term(
        "the bills of materials go in a circle: {subject}", "A thing cannot be built into itself; correct one of these bills."
    ),
    "closure.not_here": Term(
        "revision {subject} is not here", "Get it as a package from a node that has it: commonfab design import FILE."
    ),
    "closure.part": Term("revision {subject}", "Correct the bill that names the part; commonfab design show REVISION lists the parts."),
    "closure.too_many": Term(
        "so many pieces cannot be counted: {subject}", "Ask for fewer products, or look whether a bill has a quantity too much.", _BAD
    ),
    "closure.too_large": Term(
        "a bill of materials leads to more than {most} revisions", "Ask for the closures of what it is made of, one by one."
    ),
    "package.unreadable": Term("{subject} cannot be read as a design package", _AGAIN, _BAD),
    "package.foreign": Term(
        "{subject} is not a design package",
        "commonfab design export writes one; files by themselves are published with design publish.",
        _BAD,
    ),
    "package.newer": Term("the package was written by a newer version: {subject}", "Update commonfab and import it again.", _BAD),
    "package.name": Term("the package has an entry with a name that leads astray: {subject}", "Do not unpack it. " + _AGAIN, _BAD),
    "package.twice": Term("the package has entries that take one another's place: {subject}", "Do not unpack it. " + _AGAIN, _BAD),
    "package.kind": Term(
        "the package has an entry that is no plain file, or is packed in a way that is not used here: {subject}", _AGAIN, _BAD
    ),
    "package.bomb": Term(
        "the package would unpack to far more than it is: {subject}", "Do not unpack it. " + _AGAIN, StatusCode.RESOURCE_EXHAUSTED
    ),
    "package.large": Term("the package has more or larger entries than any is given: {subject}", _AGAIN, StatusCode.RESOURCE_EXHAUSTED),
    "package.index": Term("the package's index does not fit what is in it: {subject}", _AGAIN, _BAD),
    "package.content": Term("{subject} is not what the package's index says", "It was changed or broken on its way. " + _AGAIN, _BAD),
    "package.digest": Term("a revision is not the one that its digest names: {subject}", "It was changed on its way. " + _AGAIN, _BAD),
    "package.signature": Term("a signature does not hold: {subject}", "It was changed on its way. " + _AGAIN, _BAD),
    "package.unsigned": Term(
        "revision {subject} is not signed, so no other node can know whose it is",
        "Ask its author to publish it signed, as commonfab design publish does. The files can be unpacked and published as a design of "
        "your own that says where they come from.",
    ),
    "package.origin": Term(
        "nothing in the package proves whose design {subject} is",
        "Its first revision must be in the package with its signature; ask whoever exported it for one that has it.",
    ),
    "package.parent": Term("the package lacks a revision that another one refers to: {subject}", _AGAIN, _BAD),
    "package.evidence": Term("not every report could be carried over: {subject}", "The designs are here all the same; import again later."),
    "package.recall": Term(
        "a revision was recalled where the package comes from: {subject}",
        "Ask the keeper of the design here, or a steward, to recall it here too.",
    ),
}
