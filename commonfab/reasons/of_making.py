# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why a part can or cannot be made by a process, and what a person must say first."""

from __future__ import annotations

from commonfab.reasons.term import Term

TERMS = {
    "material.not_for_process": Term(
        "{subject} is not a material for this process",
        "Ask for a material that the process works with, or for another process.",
    ),
    "material.unsafe": Term(
        "{subject}",
        "Choose another material or another process; no shop is asked for this.",
    ),
    "shape.not_flat": Term(
        "the part is no flat sheet of one thickness",
        "Have it milled or printed, or draw it as flat parts.",
    ),
    "route.two_steps": Term(
        "it takes two steps: {subject}",
        "A shop with both machines is looked for.",
    ),
    "material.unnamed": Term(
        "the material is not named, and this process cuts only some: {subject}",
        "Name the material, with --material or as the part's material in the manifest.",
    ),
    "material.too_broad": Term(
        "{subject} may be a kind that is dangerous to cut this way",
        "Name the material more exactly.",
    ),
    "material.unknown": Term(
        "{subject} is no material of the vocabulary, so whether it may be cut this way is for a person to say",
        "Use a term of the vocabulary, or agree on it with the shop.",
    ),
    "material.doubt": Term(
        "{subject}",
        "Agree on it with the shop, or choose another material or process.",
    ),
    "material.thickness_unknown": Term(
        "nothing says how thick the sheet is",
        "Publish a revision that says it: commonfab design publish --thickness, or thickness-mm of the part in okh.toml.",
    ),
    "material.thickness_differs": Term(
        "the part is {drawn} thick and the maker demands {demanded}",
        "Correct the one that is wrong.",
    ),
    "material.too_thick": Term(
        "{subject} of {needs} is too thick: this process cuts up to {has}",
        "Make the part thinner or of several layers, or choose another process.",
    ),
    "shape.no_body": Term(
        "the file is a drawing of lines and has no body",
        "Have it cut from sheet, or publish a solid of the part.",
    ),
    "shape.thin_wall": Term(
        "some walls are {needs} thick, the process makes {has} and thicker",
        "Thicken the walls, or say that they may be left out where they are too thin.",
    ),
    "shape.overhang": Term(
        "{overhang} of the surface hangs over and is printed on supports",
        "Expect marks there, or draw the overhang at 45° and steeper.",
    ),
    "support.forbidden": Term(
        "the maker wants no supports, and however the part lies at least {overhang} of its surface hangs over",
        "Allow supports, change the shape, or say that it was printed so before.",
    ),
    "shape.trapped_volume": Term(
        "a closed cavity of {volume} would stay full of liquid resin",
        "Draw two holes through which the resin can drain, or say that it may stay inside.",
    ),
    "shape.several_parts": Term(
        "the file holds {parts} parts",
        "Say that one order means all of them together, or publish a file for each.",
    ),
    "shape.one_by_one": Term(
        "together the {pieces} pieces have no room, but each of them has by itself, at {subject}",
        "Say that they may be made one by one, or publish a file for each.",
    ),
    "shape.crossing_lines": Term(
        "lines of the drawing cross at {crossings} places, so it is uncertain what is cut out",
        "Trim the lines so that outlines do not cross.",
    ),
    "tool.min_hole": Term(
        "the smallest hole is {needs} wide, the process makes {has} and wider",
        "Widen the hole, or have it drilled afterwards.",
    ),
    "tool.min_web": Term(
        "the narrowest strip between two cuts is {needs} wide, below {has} it burns or warps",
        "Move the cuts apart, or agree on it with the shop.",
    ),
    "tolerance.beyond_process": Term(
        "a tolerance of {needs} is demanded, the process keeps {has} at best",
        "Allow more, or choose a more exact process.",
    ),
    "route.blind_features": Term(
        "{features} features do not go through the sheet, and a cut always does",
        "A router or a mill makes them.",
    ),
    "route.bend_material": Term(
        "the part is bent, and {subject} cannot be bent",
        "Choose a metal or a thermoplastic, or draw it flat.",
    ),
    "route.countersink": Term(
        "{holes} holes are countersunk or counterbored after cutting",
        "A shop that does this at the bench is looked for.",
    ),
    # Machining: router, mill, turn.
    "shape.mesh_only": Term(
        "the file is a mesh, and toolpaths for this process are made from a solid",
        "Add a STEP file of the part, or say that the mesh shall be followed as it is.",
    ),
    "shape.sides_unknown": Term(
        "from which sides a tool must come was not found",
        "A person has to look at the part before it is priced.",
    ),
    "shape.several_pieces": Term(
        "the file holds {pieces} separate pieces, and each is clamped on its own",
        "Publish a file for each, or say that they are to be made and joined as one.",
    ),
    "shape.bent": Term(
        "the part is bent from sheet, and cutting it from the full would turn most of the block into chips",
        "Have it cut and bent, or say that it shall be machined.",
    ),
    "shape.turned": Term(
        "the part is turned work of {length} length and {diameter} diameter",
        "A lathe makes it quicker and rounder; say if it shall be milled all the same.",
    ),
    "shape.relief": Term("it is carved in three dimensions from above, line by line", "Expect fine steps, or sand it."),
    "shape.small": Term(
        "its smaller side is {side}, too small for vacuum or clamps",
        "It is held by tabs or tape; expect small marks at the edge.",
    ),
    "stock.waste": Term(
        "the block is {ratio} times as large as the part, nearly all of it becomes chips",
        "Make it of several pieces, print or bend it, or say that it shall be machined from the full.",
    ),
    "tool.corner": Term(
        "inner corners are drawn sharp, and a round cutter leaves its own radius in them",
        "Draw a radius or a relief (dog-bone) into the corners, or say that a radius is welcome there.",
    ),
    "tool.depth": Term(
        "a {subject} of {depth} is {ratio} times as deep as its tool is thick ({diameter}); up to {usual} times is usual",
        "Make it shallower or wider, or draw larger inner radii.",
    ),
    "tool.unreachable": Term(
        "{share} of the surface is reached by no straight tool",
        "Open the undercut, make the part of two pieces, or have it printed.",
    ),
    "tool.many_setups": Term(
        "it is clamped {setups} times, and every time costs time and accuracy",
        "Draw features so that fewer sides are worked on.",
    ),
    "tool.in_edge": Term(
        "{holes} holes lie in the edge of the sheet, where a router does not reach",
        "Have them drilled by hand, or have the part milled.",
    ),
    "tool.turn_over": Term("it is worked on from both faces and turned over once", "Draw features on one face where you can."),
    "tolerance.process": Term(
        "a tolerance of {needs} is demanded, {usual} is what the process keeps with care",
        "Allow more, or agree on grinding, reaming or selecting with the shop.",
    ),
    "op.tap_hint": Term(
        "{holes} holes of {diameter} have the tap drill's size for {subject}",
        'Say operations = ["tap"] if threads are wanted there.',
    ),
    "shape.not_turned": Term(
        "only {share} of the surface is turned about one axis",
        "Have it milled or printed.",
    ),
    "shape.tailstock": Term("at {ratio} times as long as thick it is held by a tailstock too", ""),
    "shape.too_slender": Term(
        "at {ratio} times as long as thick it bends away from the tool; up to {usual} times is usual",
        "A steady rest, ground bar as it is bought, or a shorter part.",
    ),
    "shape.thin_disc": Term(
        "a disc of {diameter} and {length} length is hard to hold in a chuck",
        "Have it cut from sheet, or say that it shall be turned.",
    ),
    # Sheet bending.
    "shape.no_bends": Term("the part is not bent from sheet", "Have it cut, milled or printed."),
    "bend.radius": Term(
        "the inner radius of {radius} is tight for sheet of {thickness}: {subject} wants {usual} and more",
        "Draw a larger radius, take a softer temper, or leave the radius to the shop's punch.",
    ),
    "bend.angle": Term(
        "a bend by {angle} is more closed than a punch reaches, {usual} is the usual limit",
        "Open the bend, or agree on hemming with the shop.",
    ),
    "bend.force": Term("the longest bend takes about {force} in mild steel", ""),
    "bend.too_thick": Term(
        "sheet of {needs} is bent by heavy presses only, {has} is usual",
        "Take thinner sheet, or weld it of flat pieces.",
    ),
    # Stock, bought parts, assemblies.
    "shape.no_stock": Term("it is no piece of bar or profile that is only sawn off", "Have it machined or printed."),
    "shape.is_stock": Term("it is {length} of {subject}, sawn off", "Have it sawn and drilled, or say that it shall be machined."),
    "shape.bought": Term(
        "it looks like a standard part that is bought: {subject}",
        "Buy it, or say that it shall be made all the same.",
    ),
    "assembly.parts": Term(
        "the file is an assembly of {parts} parts, {pieces} pieces in all: {subject}",
        "Publish a file for each part, so that each is made by whoever makes it best; nothing is split silently.",
    ),
    "assembly.bought": Term("{pieces} pieces are bought and not made: {subject}", "Order them with the material."),
}
