# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is the matter with a cutting drawing (DXF or SVG)."""

from __future__ import annotations

from commonfab.reasons.term import Term

TERMS = {
    "dxf.open_contour": Term(
        "{ends} ends of lines meet no other; the first lies at {subject}",
        "Join them in the drawing program, so that each part has a closed outline.",
    ),
    "dxf.no_contour": Term(
        "the drawing holds no closed line that could be cut",
        "Draw the outline of the part as a closed line.",
    ),
    "dxf.only_annotation": Term(
        "nothing in the drawing is a cut: all of it is on the layers {subject}, or is text and dimensions",
        "Put the outline of the part on a layer of its own, named cut.",
    ),
    "dxf.duplicate_lines": Term(
        "{lines} lines lie on other lines; each was counted once",
        "Remove them in the drawing program, or they are cut twice.",
    ),
    "dxf.crossing": Term(
        "{contours} closed lines cross themselves or another one",
        "Trim them where they cross: it is not clear what is to be cut out.",
    ),
    "dxf.several_parts": Term(
        "the drawing holds {parts} separate parts",
        "They are cut together as drawn; publish a file for each to have them made one by one.",
    ),
    "dxf.sheet_outline": Term(
        "the rectangle round everything, {subject}, was taken for the sheet and not for a cut",
        "Leave the sheet out of the drawing, to be sure.",
    ),
    "dxf.unread": Term(
        "what is drawn with {subject} could not be read and is missing here",
        "Explode it to lines, arcs and polylines before you export the drawing.",
    ),
    "dxf.three_dimensional": Term(
        "{entities} things in the drawing do not lie flat, so it is no cutting drawing",
        "Publish the part as STEP or STL, or export a flat view of it.",
    ),
    "dxf.laid_flat": Term(
        "the drawing has lines at heights that differ by {height}, or that are tilted; they were laid flat",
        "Look at the picture: it shows the view from above.",
    ),
    "dxf.repaired": Term(
        "the file breaks the rules of its format and was read with repairs: {subject}",
        "Compare the picture with the drawing, or export it again.",
    ),
    "dxf.recursion": Term(
        "the block {subject} is drawn with itself",
        "Correct the block in the drawing program.",
    ),
    "dxf.too_many": Term(
        "the drawing has more than {limit} lines and curves",
        "Publish it in parts, or simplify the lines before you export it.",
    ),
    "dxf.too_dense": Term(
        "more than {limit} times one closed line lies in another, so parts and cut-outs cannot be told apart",
        "Remove hatching and decoration, or publish the drawing in parts.",
    ),
    "dxf.block_expansion": Term(
        "with every block drawn where it is used, the drawing has more than {limit} lines and curves",
        "Place fewer copies in one file, and order the number that you need.",
    ),
    "dxf.numbers": Term(
        "{bad} lines lie at no place that can be measured",
        "Export the drawing again; its coordinates are not numbers, or absurdly large.",
    ),
    "dxf.paperspace": Term(
        "{entities} things are drawn in paper space, which is not cut",
        "Draw the part in model space.",
    ),
    "dxf.imperial": Term(
        "the file names no unit, but its header prefers inches",
        "Say the part's unit when you publish it. Many programs write this whatever the unit is, so it was not relied on.",
    ),
    "svg.pixels": Term(
        "the drawing gives its size in pixels only; it was read at {per_inch} to the inch",
        "Set the page's width and height in mm, or say the unit of the drawing when you publish it.",
    ),
}
