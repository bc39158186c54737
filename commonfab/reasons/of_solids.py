# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is the matter with a solid."""

from __future__ import annotations

from commonfab.reasons.term import Term

TERMS = {
    "bend.blank_estimated": Term(
        "not every flange could be unfolded; the size of the flat blank is an estimate",
        "Publish the flat pattern as a drawing beside the solid.",
    ),
    "brep.empty": Term(
        "the file holds no shape at all",
        "Export the part itself, as a closed solid: the file holds only data about it, or results of an analysis.",
    ),
    "brep.no_solid": Term(
        "the file holds only curves or points, no solid and no surface",
        "Export the part as a closed solid.",
    ),
    "brep.open_shell": Term(
        "the file holds {faces} surfaces and no solid, and they cannot be joined to sound solids; {edges} of their edges are open",
        "Close and stitch the surfaces into a solid in the program they were drawn with, or give them a thickness.",
    ),
    "brep.closed_shell": Term(
        "the file holds {shells} closed surfaces and no solid; they were measured as if they were solids",
        "Export the part as a solid to be sure that it is what is meant.",
    ),
    "brep.sewn": Term(
        "the file holds {faces} loose surfaces and no solid; joined where they come within {gap}, they close {solids} solids, "
        "which were measured",
        "Export the part as a solid to be sure that it is what is meant.",
    ),
    "brep.loose_surfaces": Term(
        "{faces} surfaces in the file belong to no solid and were left out",
        "Remove them, or make them solids, where they are part of what shall be made.",
    ),
    "brep.inside_out": Term(
        "{inside_out} of {solids} solids are inside out; they were turned round in the copy that is made from the file",
        "Turn them round in the program they were drawn with.",
    ),
    "brep.no_volume": Term(
        "{flat} of {solids} solids have no volume",
        "Give them a thickness: what has no volume cannot be made.",
    ),
    "brep.invalid": Term(
        "the modelling kernel finds {invalid} of {solids} solids invalid: {subject}",
        "Repair the solid in the program it was drawn with, or say that it shall be made as it is.",
    ),
    "brep.check_limited": Term(
        "{faces} faces with very many outlines or edges were not checked for outlines that cross each other",
        "Nothing, unless the part looks wrong: the rest of it was checked.",
    ),
    "brep.missing_reference": Term(
        "the file refers to {files} others that are not in it: {subject}",
        "Export the whole product into one file, or publish each of those files as a part.",
    ),
    "brep.features_limited": Term(
        "holes, pockets and the like were looked for in {taken} of {solids} solids",
        "Send the parts of an assembly one by one where each shall be judged.",
    ),
}
