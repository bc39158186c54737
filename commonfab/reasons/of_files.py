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
    "node.disk_full": Term(
        "the node's disk is full; there is no room for {subject}",
        "Nothing half-written was kept. Ask the node's steward to make room, then try again.",
        StatusCode.RESOURCE_EXHAUSTED,
    ),
    "node.files_away": Term(
        "the place where the node keeps its files does not answer",
        "Nothing was lost. Try again in a few seconds; if it stays so, ask the node's steward.",
        StatusCode.UNAVAILABLE,
    ),
    "node.blobs_url": Term(
        "{subject} names no place for files",
        "Set COMMONFAB_BLOBS_URL to file:///folder or s3://bucket/prefix, or leave it out.",
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
    "file.json": Term(
        "the file is JSON data and no drawing",
        "Publish the drawing itself: STEP for a solid, 3MF or STL for a mesh, DXF or SVG for a cutting drawing.",
    ),
    "file.picture": Term(
        "the file is a picture ({subject}) and no drawing",
        "A picture has no sizes; publish the shape it shows, and the picture beside it.",
    ),
    "file.document": Term(
        "the file is a document ({subject}) and no drawing",
        "Publish the drawing it was printed from: STEP, 3MF, STL, DXF or SVG.",
    ),
    "file.dwg": Term(
        "the file is a DWG drawing, a closed format that this node cannot read",
        "Export it as DXF from the program it was drawn with.",
    ),
    "file.closed": Term(
        "the file is {subject}, a format that only its own program reads",
        "Export the part as STEP from the program it was drawn with, and publish that.",
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
    "file.zip_overlap": Term(
        "{subject} in the archive lies over other parts of it, as only archives do that are made to unpack without end",
        "Export the part again.",
    ),
    "file.zip_lies": Term(
        "{subject} in the archive is not what the archive's directory says of it",
        "Export or download it again; readers would disagree on what the archive holds.",
    ),
    "file.zip_link": Term(
        "{subject} in the archive is a link to another place and no file",
        "Publish the file that the link points to.",
    ),
    "file.zip_path": Term(
        "{subject} in the archive would be unpacked outside its folder",
        "Export the part again.",
    ),
    "file.zip_entries": Term(
        "the archive holds {entries} entries; {limit} is the most",
        "Leave out of the archive what is no part of the drawing.",
    ),
    "file.xml_entities": Term(
        "the file declares the XML entity {subject}, which could fetch other files or unfold without end",
        "Save it as plain XML, without entities.",
    ),
    "file.xml_depth": Term(
        "the file's XML is nested more than {limit} deep",
        "Ungroup what needs no group and export it again.",
    ),
    "file.xml_attributes": Term(
        "{subject} in the file's XML has more than {limit} attributes",
        "Open it in the program it was drawn with and export it again.",
    ),
    "file.nesting": Term(
        "the file's lists are nested more than {limit} deep",
        "Open it in the program it was drawn with and export it again.",
    ),
    "file.component_expansion": Term(
        "with every component placed the part has {triangles} triangles or more; {limit} is the most",
        "Place fewer copies in one file and order the number you need.",
    ),
    "file.component_depth": Term(
        "components are nested more than {limit} deep",
        "Export the part with its components merged.",
    ),
    "file.component_cycle": Term(
        "{subject} contains itself",
        "Open it in the program it was drawn with and export it again.",
    ),
    "file.count": Term(
        "the file announces {announced} {subject}, but its length has room for {room}",
        "Export or download it again; the copy was cut short, or the program that wrote it miscounts.",
    ),
    "file.unreadable": Term(
        "the file cannot be read: {subject}",
        "Open it in the program it was drawn with and export it again.",
    ),
    "file.sloppy": Term(
        "the file was read, though it breaks the rules of its format: {subject}",
        "Look at the part's picture and size; export it anew if they are not what you expect.",
    ),
    "file.unsupported": Term(
        "the file holds {subject}, which this node cannot measure",
        "Unpack it where it is packed; otherwise export the part as STEP or as a plain triangle mesh.",
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
    "file.sibling_differs": Term(
        "{subject} has the same name and shows another shape",
        "Say which one is right: publish that one alone, or rename the other.",
    ),
    "preview.none": Term(
        "there is no picture of the part: {subject}",
        "The figures hold all the same; a coarser mesh can be drawn.",
    ),
}
