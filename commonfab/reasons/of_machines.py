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
