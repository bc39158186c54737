# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is the matter with a triangle mesh."""

from __future__ import annotations

from commonfab.reasons.term import Term

TERMS = {
    "mesh.empty": Term("the file holds no triangles", "Export the part again and look at it in a viewer."),
    "mesh.none_built": Term(
        "the file holds {objects} objects but builds none of them",
        "Put the objects on the build plate before you export, or export them as STL.",
    ),
    "mesh.left_out": Term(
        "{things} {subject} in the file are no part of the shape and were left out",
        "If they are meant to be made, turn them into solid bodies and export again.",
    ),
    "mesh.not_cut": Term(
        "the slicer's project cuts {volumes} volumes out of the shape; it was measured as if they were not cut",
        "Cut them out in the drawing program and export again, to have volume and walls measured as they will be.",
    ),
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
        "the surface, or that of a body in the file, is inside out; it is turned round in the copy that is made from",
        "Nothing has to be done; flip the normals in the program it was drawn with to have the file itself right.",
    ),
    "mesh.several_bodies": Term(
        "the file holds {bodies} separate bodies",
        "They are made together as drawn; publish a file for each to have them made one by one.",
    ),
}
