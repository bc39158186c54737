# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why a machine cannot make a part, or why one is better placed than another."""

from __future__ import annotations

from commonfab.reasons.term import Term

TERMS = {
    "process.other": Term(
        "the part needs {subject}",
        "Look for a machine of that process.",
    ),
    "size.x": Term(
        "size.x needs {needs} has {has}",
        "A machine with more room across, or the part in two pieces.",
    ),
    "size.y": Term(
        "size.y needs {needs} has {has}",
        "A machine with more room in depth, or the part in two pieces.",
    ),
    "size.z": Term(
        "size.z needs {needs} has {has}",
        "A machine with more height, or the part in two pieces.",
    ),
    "material.missing": Term(
        "{subject} is not on hand",
        "Ask for another material, or bring the shop some.",
    ),
    "material.thickness": Term(
        "{subject} of {needs} is thicker than the {has} that the machine cuts",
        "A stronger machine, or thinner stock.",
    ),
    "stock.thickness": Term(
        "{subject} of {needs} is not on hand; the nearest is {has}",
        "Bring the shop a sheet, or draw the part for a thickness that it has.",
    ),
    "stock.size": Term(
        "no piece of {subject} on hand is large enough; {missing} are missing",
        "Bring the shop a larger sheet, or make the part in two pieces.",
    ),
    "axes.missing": Term("it takes {needs} axes, the machine moves {has}", "A machine with more axes, or more set-ups."),
    "machine.not_enclosed": Term("the material needs a closed, warm chamber", "An enclosed machine, or another material."),
    "machine.power": Term("it takes {needs}, the machine has {has}", "A stronger machine, or thinner stock."),
    "machine.resolution": Term(
        "the smallest detail of {needs} is finer than the {has} that the machine resolves",
        "A finer nozzle, pixel or kerf; or draw the detail larger.",
    ),
    "tolerance.machine": Term(
        "a tolerance of {needs} is demanded, the machine was measured to keep {has}",
        "A more exact machine, or a wider tolerance.",
    ),
    "tolerance.unmeasured": Term(
        "a tolerance of {needs} is demanded, and what the machine keeps was not measured; {usual} is usual",
        "Measure the machine and say tolerance_mm in shop.toml, or ask for a wider tolerance.",
    ),
    "tool.diameter": Term(
        "a cutter of at most {needs} is needed, the smallest on hand has {has}",
        "A smaller cutter, or larger inner radii in the drawing.",
    ),
    "tool.reach": Term(
        "a cutter must reach {needs} deep, the longest that is small enough reaches {has}",
        "A longer cutter, larger inner radii, or a shallower pocket.",
    ),
    "op.tapping": Term("nobody here cuts threads ({subject})", 'Say operations = ["tap"] in shop.toml where it is done.'),
    "op.countersinking": Term("nobody here countersinks ({subject})", 'Say operations = ["countersink"] in shop.toml where it is done.'),
    "op.counterboring": Term("nobody here counterbores ({subject})", 'Say operations = ["counterbore"] in shop.toml where it is done.'),
    "op.knurling": Term("nobody here knurls ({subject})", 'Say operations = ["knurl"] in shop.toml where it is done.'),
    "op.bending": Term("nobody here bends sheet ({subject})", 'Say operations = ["bend"] in shop.toml where it is done.'),
    "op.drilling": Term("nobody here drills ({subject})", 'Say operations = ["drill"] in shop.toml where it is done.'),
    "op.other": Term("nobody here does: {subject}", "Say it under operations in shop.toml where it is done."),
    "route.no_second_machine": Term(
        "it also takes {subject}, and no machine of this shop can do that step",
        "A shop with both machines, or two shops.",
    ),
    "machine.out_of_order": Term("the machine is out of order: {subject}", "Wait until its owner has mended it."),
    "machine.offline": Term("the machine does not answer its agent", "Its owner may have switched it off; wait."),
    "shop.silent": Term("the shop was last heard {ago} ago", "It takes part again when its agent calls."),
    "shop.distance": Term(
        "the shop is {distance} away, the job allows {allowed}",
        "Ask again with a larger distance.",
    ),
    "shop.declined": Term("the shop has declined this job", "That is its right; others are asked."),
    "shop.tried": Term("the shop gave this job back or could not make it", "Others are asked."),
    "place.near": Term("{distance} away"),
    "place.unknown": Term("the distance is not known, because one side gave no place"),
    "queue.free_in": Term("free in {wait}"),
    "queue.free_now": Term("free now"),
}
