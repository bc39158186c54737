# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why a design or a revision was not taken in, or not found."""

from __future__ import annotations

from grpc import StatusCode

from commonfab.reasons.term import Term

TERMS = {
    "design.unknown": Term(
        "there is no design {subject} here",
        "commonfab design list shows the designs of this node.",
        StatusCode.NOT_FOUND,
    ),
    "revision.unknown": Term(
        "there is no revision {subject} here",
        "commonfab design show DESIGN lists a design's revisions.",
        StatusCode.NOT_FOUND,
    ),
    "design.keeper": Term(
        "design {subject} is kept by somebody else",
        "Publish it as a design of your own that names this revision as its parent; a fork needs nobody's leave.",
        StatusCode.PERMISSION_DENIED,
    ),
    "revision.no_files": Term(
        "the revision has no files",
        "Name at least one file to publish.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "revision.path": Term(
        "{subject} is not a path that can be kept in a revision",
        "Use relative paths with '/' between folders, without '..', each once.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "revision.part": Term(
        "part {subject} is not described by files of this revision",
        "Give each part a name of its own, a quantity of at least 1, and at least one path of the revision.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "revision.unit": Term(
        "{subject} is not a unit that parts are drawn in",
        "Use mm, cm, m or inch.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "revision.file_size": Term(
        "{subject} has {has}, the manifest says {says}",
        "Upload the file as it is now, then publish a manifest with its SHA-256 and its length.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "revision.recalled": Term(
        "the revision was recalled: {subject}",
        "Do not make or use it. commonfab design show DESIGN says which revisions there are.",
        StatusCode.FAILED_PRECONDITION,
    ),
    "revision.signature": Term(
        "the signature is not one over this manifest",
        "Sign the manifest that CheckManifest answers, unchanged; commonfab design publish does so.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "revision.form": Term(
        "the signed manifest is not in the form in which it would be kept, whose digest is {subject}",
        "Ask CheckManifest for that form, and sign it.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "design.id": Term(
        "{subject} is not the id of a design that this key began",
        "Leave the id to CheckManifest for a new design; for a later revision send the first one with its signature too.",
        StatusCode.PERMISSION_DENIED,
    ),
}
