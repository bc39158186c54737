# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why a build report, a defect, a recall or a wish to follow was not taken."""

from __future__ import annotations

from grpc import StatusCode

from commonfab.reasons.term import Term

TERMS = {
    "build.signature": Term(
        "the signature is not one over this report",
        "Sign the report's bytes as they are sent; commonfab design report does so.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "build.shop": Term(
        "a shop reports only what it made itself, and this report is of {subject}",
        "Report it with the token of that shop.",
        StatusCode.PERMISSION_DENIED,
    ),
    "build.pieces": Term(
        "the report says of no piece that it was good or scrapped",
        "Say how many pieces were good and how many were scrapped.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "report.size": Term(
        "{subject} does not say what was drawn and what was made",
        "Write it as NAME=DRAWN/MADE in mm, such as bore=8.0/8.03.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "report.setting": Term(
        "{subject} does not say what was set",
        "Write it as KEY=VALUE, such as layer_height_mm=0.2.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "report.machine": Term(
        "the shop has several machines: {subject}",
        "Name the one that made it with --machine.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "evidence.part": Term(
        "the revision has no part {subject}",
        "commonfab design show REVISION lists its parts; leave the part out for the whole.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "defect.unknown": Term(
        "there is no defect {subject} here",
        "commonfab design defects DESIGN lists them.",
        StatusCode.NOT_FOUND,
    ),
    "defect.closer": Term(
        "defect {subject} is closed by the keeper of the design, by whoever filed it, or by a steward",
        "Tell the keeper of the design what you know of it.",
        StatusCode.PERMISSION_DENIED,
    ),
    "defect.fix": Term(
        "{subject} is not a later revision of the design that has the defect",
        "Publish the revision that mends it with --design, and name its digest; or say with a note why it is no defect.",
        StatusCode.FAILED_PRECONDITION,
    ),
    "recall.keeper": Term(
        "design {subject} is kept by somebody else, who alone may recall its revisions, as may a steward",
        "File a defect: commonfab design defect REVISION --severity dangerous --title TITLE. Who follows the design hears of it at once.",
        StatusCode.PERMISSION_DENIED,
    ),
    "recall.instead": Term(
        "{subject} cannot be made instead: it is that revision itself, or recalled too",
        "Name another revision, or none.",
        StatusCode.FAILED_PRECONDITION,
    ),
    "follow.after": Term(
        "there has been no event {after} here yet; the last is {last}",
        "Follow from the last one, or from the first.",
        StatusCode.OUT_OF_RANGE,
    ),
}
