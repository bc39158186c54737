# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why a machine cannot make a part, or why one is better placed than another."""

from __future__ import annotations

import grpc

from commonfab.reasons.term import Term

TERMS = {
    "process.other": Term(
        "the part needs {subject}",
        "Look for a machine of that process.",
    ),
    "process.broad": Term(
        "the part needs {subject}, and of the machine only a broader kind is known",
        "Ask its owner which kind it is; the owner can say it as process.",
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
    "size.unknown": Term(
        "nobody has said how much room the machine has",
        "Ask its owner whether the part fits.",
    ),
    "material.missing": Term(
        "{subject} is not on hand",
        "Ask for another material, or bring the shop some.",
    ),
    "material.unsaid": Term(
        "nobody has said what material is on hand there",
        "Ask its owner.",
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
    "stock.amount": Term(
        "one piece takes {needs} of {subject}, and {has} are left",
        "Bring the shop some, or ask for another material.",
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
    "tolerance.old": Term(
        "the tolerance it keeps was measured on {subject}, {age} ago; that is believed for {limit}",
        "Ask its owner to measure it again, and to say tolerance_measured_on.",
    ),
    "tolerance.undated": Term(
        "the tolerance it keeps was measured at a time that is no date: {subject}",
        "Ask its owner when it was measured; tolerance_measured_on is written like 2026-05-31.",
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
    "skill.missing": Term(
        "nobody here is trained or certified for: {subject}",
        "Say it under skills in shop.toml where somebody is.",
    ),
    "route.no_second_machine": Term(
        "it also takes {subject}, and no machine of this shop can do that step",
        "A shop with both machines, or two shops.",
    ),
    "route.unsure": Term(
        "it also takes {subject}, and only its owner can say whether a machine of this shop can do that step",
        "Ask its owner.",
    ),
    "machine.unsaid": Term(
        "the part asks for something of the machine that nobody has said: {subject}",
        "Ask its owner.",
    ),
    "machine.maintenance": Term(
        "the machine is being looked after: {subject}",
        "It comes back by itself; wait.",
    ),
    "machine.hours": Term(
        "one piece takes {needs}, the longest that the machine may run without a break is {has}",
        "A machine that may run longer, or the part in two pieces.",
    ),
    "machine.unattended": Term(
        "nobody is there in the hours in which the machine may run",
        "Its owner can say longer hours under [policy] or may_run.",
    ),
    "machine.out_of_order": Term("the machine is out of order: {subject}", "Wait until its owner has mended it."),
    "machine.offline": Term("the machine does not answer its agent", "Its owner may have switched it off; wait."),
    "shop.silent": Term("the shop was last heard {ago} ago", "It takes part again when its agent calls."),
    "shop.closed": Term("the shop takes no new work: {subject}", "Others are asked; ask again when it is open."),
    "shop.distance": Term(
        "the shop is {distance} away, the job allows {allowed}",
        "Ask again with a larger distance.",
    ),
    "shop.declined": Term("the shop has declined this job", "That is its right; others are asked."),
    "shop.tried": Term("the shop gave this job back or could not make it", "Others are asked."),
    "okw.unreadable": Term(
        "the list of labs cannot be read: {subject}",
        "Give JSON after Open Know-Where, with a list 'facilities'.",
        grpc.StatusCode.INVALID_ARGUMENT,
    ),
    "place.near": Term("{distance} away"),
    "place.unknown": Term("the distance is not known, because one side gave no place"),
    "queue.free_in": Term("free in {wait}"),
    "queue.free_now": Term("free now"),
    "rank.loaded": Term("{subject} is loaded already"),
    "rank.tight": Term("the part only just fits, with {margin} to spare"),
    "rank.pace": Term("work on this machine really took {pace} times the estimate"),
    "rank.short_stock": Term("there is {subject} for {has} of {needs} pieces"),
    "rank.made_first": Term("the shop made the first article"),
    "rank.proven": Term("{pieces} good pieces by {subject} were reported from here"),
    "rank.had_less": Term("the shop was given less work of late than the others: {had}, another {most}"),
    "near.room": Term("a machine for {subject} would do", "Ask the shops beyond your distance, or draw the part that much smaller."),
    "near.pieces": Term("in {pieces} pieces it would fit", "Ask the maker whether it may be cut and joined."),
    "near.material": Term("{subject} on hand would do", "Bring the shop some, or ask for another material."),
    "near.tool": Term("another cutter would do", "Bring the shop the cutter that is named, or draw larger inner radii."),
    "near.operation": Term("somebody who does this would do: {subject}", "Have that done elsewhere, or ask the shop whether it can."),
    "near.distance": Term("a distance of {needs} instead of {allowed} would do", "Ask again with that distance."),
    "near.place": Term("it would do to know how far it is", "Say where it is needed, or allow any distance."),
    "near.people": Term("the machine is there; it is up to its people", "Wait, or talk to them."),
    "near.means": Term(
        "a machine for {subject} without what stands against this one would do",
        "A wider tolerance or thinner stock may do too.",
    ),
    "near.process": Term("no machine comes near; it takes one for {subject}", "commonfab needs shows what else waits for such a machine."),
}
