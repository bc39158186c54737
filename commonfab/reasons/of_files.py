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
    "file.zip_bomb": Term(
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
    "mesh.empty": Term("the file holds no triangles", "Export the part again and look at it in a viewer."),
    "mesh.numbers": Term(
        "{bad} corners of triangles lie at no place that can be measured",
        "Export the part again; its coordinates are not numbers, or absurdly large.",
    ),
    "mesh.no_volume": Term(
        "the surface encloses no volume",
        "Give the part a thickness: what has no volume cannot be made.",
    ),
    "mesh.open_edges": Term(
        "the surface is open along {edges} edges, so a slicer has to guess what is inside",
        "Close the surface, or say that it shall be made as the slicer understands it.",
    ),
    "mesh.non_manifold_edges": Term(
        "more than two triangles meet along {edges} edges",
        "Slicers usually cope; join or separate the bodies that touch there to be sure.",
    ),
    "mesh.winding": Term(
        "neighbouring triangles disagree along {edges} edges about which side is outside, so the volume is uncertain",
        "Make the normals of the mesh agree, in the program it was drawn with.",
    ),
    "mesh.inside_out": Term(
        "the surface is inside out",
        "Slicers usually turn it round; flip the normals to be sure.",
    ),
    "solid.none": Term(
        "the file holds no solid, only surfaces or curves",
        "Export the part as a closed solid.",
    ),
    "solid.invalid": Term(
        "the modelling kernel finds {invalid} of {solids} solids invalid",
        "Repair the solid in the program it was drawn with, or say that it shall be made as it is.",
    ),
    "unit.suspect": Term(
        "the file does not say its unit, and in millimetres the size would be unlikely: {subject}",
        "Say the part's unit when you publish it, or confirm that it is millimetres.",
    ),
    "unit.differs": Term(
        "the maker says that the unit is {subject}, but the file itself declares another; the file's own was used",
        "Leave the unit out, or export the file in the unit that is meant.",
    ),
    "unit.assumed": Term(
        "the file does not say its unit; read as millimetres its largest side is {largest}, which is likely",
        "Say the part's unit when you publish it, to be sure.",
    ),
    "material.not_for_process": Term(
        "{subject} is not a material for this process",
        "Ask for a material that the process works with, or for another process.",
    ),
}
