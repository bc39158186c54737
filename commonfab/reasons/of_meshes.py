# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is the matter with a triangle mesh."""

from __future__ import annotations

from commonfab.reasons.term import Term

TERMS = {
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
    "mesh.several_bodies": Term(
        "the file holds {bodies} separate bodies",
        "They are made together as drawn; publish a file for each to have them made one by one.",
    ),
}
