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
    "file.truncated": Term(
        "the file breaks off: it announces {announced} triangles and holds {has}, so {missing} are missing",
        "Export or download it again; the copy was cut short.",
    ),
    "file.breaks_off": Term(
        "the file breaks off: the line {subject} at its end is missing",
        "Export or download it again; the copy was cut short.",
    ),
    "file.text": Term(
        "the file is plain text and no drawing that this node can measure",
        "Look into it with a text editor, or export the part as STL, 3MF or STEP.",
    ),
    "file.web_page": Term(
        "the file is a web page and no drawing",
        "A download page was saved in place of the file; download the file itself.",
    ),
    "file.lfs_pointer": Term(
        "the file is a Git LFS pointer and not the file it points to",
        "Run git lfs pull, then publish again.",
    ),
    "file.unrecognised": Term(
        "the file is not of a kind that this node can measure",
        "Export the part as STL, 3MF or STEP.",
    ),
    "file.zip_broken": Term(
        "the file begins as a zip archive but cannot be read as one: {subject}",
        "Export or download it again; the copy may have been cut short.",
    ),
    "file.zip_ratio": Term(
        "the archive of {packed} would unpack to {unpacked}; {limit} is the most for an archive of that size",
        "Export the part again, or publish it as STL or STEP.",
    ),
    "file.zip_names": Term(
        "the archive holds {subject} more than once, and readers would disagree which one counts",
        "Export the part again.",
    ),
    "file.unreadable": Term(
        "the file cannot be read: {subject}",
        "Open it in the program it was drawn with and export it again.",
    ),
    "file.unsupported": Term(
        "the file draws with {subject}, which this node cannot measure yet",
        "Export the part as a plain triangle mesh.",
    ),
    "file.too_slow": Term(
        "measuring the file took longer than {limit}, so it was stopped",
        "Publish a coarser mesh or a simpler solid, or ask the node's steward to raise COMMONFAB_INSPECTION_SECONDS.",
    ),
    "file.too_big_to_measure": Term(
        "measuring the file needs more than {limit} of memory, so it was stopped",
        "Publish a coarser mesh or a simpler solid, or ask the node's steward to raise COMMONFAB_INSPECTION_MEMORY_MB.",
    ),
    "file.crashed_reader": Term(
        "the reader broke down over the file ({subject})",
        "Open it in the program it was drawn with and export it again; if it stays so, send the file to the makers of Commonfab.",
    ),
    "file.not_a_part": Term(
        "the file does not show a part that could be made",
        "Name a file of the part's shape first among its paths: STL, 3MF or STEP.",
    ),
    "file.source_only": Term(
        "the file is a source ({subject}), which is kept and never executed here",
        "Publish the shape beside it: STEP for a solid, 3MF or STL for a mesh, DXF or SVG for a cutting drawing.",
    ),
    "file.encrypted": Term(
        "{subject} in the archive is encrypted",
        "Publish it without a password: nobody could check or make what nobody can read.",
    ),
}
