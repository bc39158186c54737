# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is the matter with a file, or with its upload."""

from __future__ import annotations

from grpc import StatusCode

from commonfab.reasons.term import Term

TERMS = {
    "file.empty": Term("the file is empty", "Export it again and look at its size before you publish it.", StatusCode.INVALID_ARGUMENT),
    "file.digest": Term(
        "what arrived is not what was announced: its SHA-256 is {subject}",
        "Send the file again from the start; what had arrived was thrown away.",
        StatusCode.DATA_LOSS,
    ),
    "file.size": Term(
        "{sent} arrived of {announced} announced",
        "Ask StatFile how much is here and go on from there.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "file.offset": Term(
        "the upload begins at {given} but {here} of the file are here",
        "Ask StatFile how much is here and go on from there.",
        StatusCode.FAILED_PRECONDITION,
    ),
    "file.too_large": Term(
        "the file has {has}; this node takes up to {limit}",
        "Publish a smaller file, or ask the node's steward to raise COMMONFAB_LARGEST_FILE_MB.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "file.busy": Term(
        "the same file is being sent by another call of yours",
        "Wait until it ends, then ask StatFile how much is here.",
        StatusCode.ABORTED,
    ),
    "file.unknown": Term(
        "file {subject} has not been uploaded here",
        "Upload it first, then publish.",
        StatusCode.NOT_FOUND,
    ),
    "file.sha256": Term(
        "{subject} is not a SHA-256",
        "Give 64 lower-case hexadecimal digits.",
        StatusCode.INVALID_ARGUMENT,
    ),
}
