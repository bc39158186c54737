# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why a shop agent does not take, start or go on with something."""

from __future__ import annotations

from grpc import StatusCode

from commonfab.reasons.term import Term

TERMS: dict[str, Term] = {
    "shop.config": Term("{subject}", "Correct it, then look at everything with commonfab shop check.", StatusCode.INVALID_ARGUMENT),
    "shop.id": Term(
        "{subject}",
        "An id has small letters (a to z), digits, hyphens and dots, and no spaces. What people read may be anything: say it with --name.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "shop.exists": Term(
        "{subject} is there already and was not touched",
        "Edit it, or move it away first.",
        StatusCode.ALREADY_EXISTS,
    ),
    "shop.machine_option": Term(
        "{subject}",
        "Write it like octoprint=http://octopi.local,key=KEY,materials=pla+petg, or "
        "grbl=/dev/ttyUSB0,process=cnc_routing,envelope=300x200x60.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "shop.okw_lab": Term(
        "the description does not name exactly one shop; it holds {subject}",
        "Say which one with --lab.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "shop.node_away": Term(
        "no node answers at {subject}",
        "Look whether this computer is on the network, and ask the node's steward whether the node is up and that is its address.",
        StatusCode.UNAVAILABLE,
    ),
    "shop.other_node": Term(
        "the invitation is for another node than shop.toml names, or for one with TLS",
        "Under [router] in shop.toml set {subject}; then join again.",
    ),
    "shop.other_id": Term(
        "the token is for the shop {subject}, and shop.toml has another id",
        "Set id under [shop] in shop.toml to {subject}; the token is kept.",
    ),
    "shop.running": Term(
        "another agent of this shop is at work on {subject}",
        "End that one first: two agents on one bench would start things twice.",
    ),
    "shop.replaced": Term(
        "a newer agent speaks for shop {subject}; this one has stopped, and its machines go on with what they do",
        "Let one agent run for a shop. If this is the right one, end the other and start this one again.",
        StatusCode.ABORTED,
    ),
    "shop.data": Term(
        "{subject} was written by a newer agent",
        "Update this agent; the journal was not touched.",
    ),
    "shop.unwritten": Term(
        "the journal cannot be written ({subject}), and no agent is there that could be told past it: no machine hears this",
        "Stop the machine by its own switch. Then make room on the disk, or look what ails it, and see that the agent runs: "
        "commonfab shop run",
        StatusCode.UNAVAILABLE,
    ),
    "shop.unanswered": Term(
        "there is no open offer {subject}",
        "commonfab shop offers shows those that stand.",
        StatusCode.NOT_FOUND,
    ),
    "shop.no_attempt": Term(
        "nothing of work order {subject} is on the bench",
        "commonfab shop status shows what is. What was reported already is corrected with commonfab design report --work-order.",
        StatusCode.NOT_FOUND,
    ),
    "shop.not_given_back": Term(
        "nothing of {subject} came to nothing here that is still shown",
        "commonfab shop status shows what did; to take off what lies on the bench: commonfab shop withdraw {subject}",
        StatusCode.NOT_FOUND,
    ),
    "attempt.given_elsewhere": Term(
        "{subject} was given to somebody else after the router was set back to an older state",
        "Do not start more of it. Its report is kept: tell the requester, who may withdraw the other lot; then send it"
        " again with commonfab shop resend {subject}",
        StatusCode.FAILED_PRECONDITION,
    ),
    "attempt.forgotten": Term(
        "the router no longer knows {subject}: it was set back to a moment before it gave that out",
        "What runs goes on, no further piece begins. What was made stays with you and its report is kept: whoever asked for it has to ask"
        " again; make the rest for them as a walk-in. Once read: commonfab shop dismiss {subject}",
        StatusCode.FAILED_PRECONDITION,
    ),
    "shop.no_report": Term(
        "no report of {subject} is kept here that could be sent again",
        "commonfab shop status shows what waits to be sent, and what the router did not take",
        StatusCode.NOT_FOUND,
    ),
    "policy.pieces": Term(
        "{needs} pieces are wanted, the shop's policy takes up to {has}",
        "Raise max_pieces in shop.toml to take larger lots.",
    ),
    "policy.distance": Term(
        "it is for somebody {needs} away, the shop's policy goes up to {has}",
        "Raise max_km in shop.toml to work for people further away.",
    ),
    "policy.material": Term(
        "the shop's policy leaves {subject} out",
        "Add it to materials under [policy] in shop.toml.",
    ),
    "policy.minutes": Term(
        "it takes {needs}, the shop's policy takes work of up to {has} at a time",
        "Raise most_minutes in shop.toml to take longer work.",
    ),
    "policy.requester": Term(
        "the shop has said whose work it takes, and this requester is not among them",
        "That is its right; others are asked.",
    ),
    "policy.ask": Term("the owner wants to be asked", "Answer with commonfab shop accept or commonfab shop decline."),
    "policy.tried": Term(
        "the shop gave this work back or could not make it before",
        "Answer with commonfab shop accept once the cause is mended, or commonfab shop decline.",
    ),
    "owner.withdrew": Term("the shop's owner took it off the bench: {subject}"),
    "slicer.material": Term(
        "no temperatures are known here for {subject}, and the machine has no profile of its own",
        "Export a profile for it from PrusaSlicer and name it as slicer_profile in shop.toml.",
    ),
    "slicer.missing": Term(
        "PrusaSlicer was not found",
        "Install it (Debian: apt install prusa-slicer), or name its program with slicer under [shop] in shop.toml.",
    ),
    "slicer.failed": Term(
        "PrusaSlicer could not slice the part: {subject}", "Look at the part's mesh and at the machine's slicer profile."
    ),
    "slicer.slow": Term(
        "PrusaSlicer had not finished after {limit}",
        "The part is too detailed for this computer; a simpler mesh may do.",
    ),
    "slicer.setting_unknown": Term(
        "the slicer cannot be told {subject}",
        "Accept the work only if you see to that yourself; the toolpath is made without it.",
    ),
    "slicer.setting_not_kept": Term(
        "the toolpath does not keep what is demanded: {subject}",
        "Look at the shop's slicer profile: a script or a rule in it undoes the demand.",
    ),
    "slicer.setting_range": Term("nothing can be printed with {subject}", "The demand is the maker's; ask for it to be corrected."),
    "slicer.layer_height": Term(
        "layers of {needs} are demanded, and a nozzle of {nozzle} lays {least} to {most}",
        "Correct nozzle_mm in shop.toml if another nozzle is in the machine; else it is work for another one.",
    ),
    "slicer.nozzle": Term(
        "a nozzle of {needs} is demanded, the machine has one of {has}",
        "Change the nozzle and say so with nozzle_mm in shop.toml, or leave it to others.",
    ),
    "offer.not_measured": Term("its minutes and grams are not measured: {subject}"),
    "stock.short": Term(
        "{quantity} pieces take {needs} of {subject}, and {has} are there",
        "Say what is there with commonfab shop stock, or under stock in shop.toml; or leave it to others.",
    ),
    "stock.promised": Term(
        "{quantity} pieces take {needs} of {subject}; {has} are there, and {promised} of them are promised to work that was accepted",
        "Once there is more, say so with commonfab shop stock; or take the other work off the bench, or leave this to others.",
    ),
    "machine.drains": Term("{subject} takes no new work until somebody says so"),
    "toolpath.nobody_makes": Term(
        "nothing here makes toolpaths for {subject}, and toolpaths made elsewhere are not taken",
        "Set outside_toolpaths = true for it in shop.toml if you bring your own: each is checked, and waits for you.",
    ),
    "toolpath.not_wanted": Term(
        "no toolpath is taken for {subject}",
        "Bring it after you accepted the work and before it has leave to start; work by hand needs none.",
    ),
    "slicer.mesh": Term("the file is not a mesh that may be given to the slicer: {subject}", "Publish it as STL or as a plain 3MF."),
    "machine.busy": Term("{subject} is at work", "Wait until it is done; nothing was started."),
    "machine.away": Term("{subject} does not answer", "Look whether it is switched on and its address in shop.toml is right."),
    "machine.folder": Term("the folder of its toolpaths cannot be used: {subject}", "Nothing is taken for done until it is back."),
    "machine.key": Term(
        "{subject} does not accept the key", "Put a valid api_key for it into shop.toml, or a file with it as api_key_file."
    ),
    "machine.user": Term(
        "{subject} works only for its own users, and shop.toml names none",
        'Put user = "…" and that user\'s password as api_key, or a file with it as api_key_file, under the machine in shop.toml.',
    ),
    "machine.user_unknown": Term(
        "{subject} does not know that user, or that is not the user's password",
        "Correct user, api_key or api_key_file of the machine in shop.toml; the users stand in the server's own settings.",
    ),
    "machine.not_taken": Term("{subject} did not take the job", "Look at the machine's own log; nothing was started."),
    "machine.not_stopped": Term("{subject} did not stop", "Stop it at the machine itself; it may be waiting there for a person."),
    "shop.photograph": Term("{subject} is larger than 32 MB", "Take it smaller; a few megabytes show all that a shop wants to know."),
    "shop.no_upkeep": Term(
        "shop.toml knows no such upkeep of that machine: {subject}",
        "Name one of these, or add it under upkeep in shop.toml.",
        StatusCode.NOT_FOUND,
    ),
    "shop.no_stock": Term(
        "what is left cannot be counted there: shop.toml does not know {subject}",
        "Name a material of that machine; what lies there in several sizes is corrected in shop.toml itself.",
        StatusCode.NOT_FOUND,
    ),
    "shop.changed": Term(
        "the agent does not know {subject} as shop.toml has it now: the file was changed after it began",
        "Restart it: sudo systemctl restart commonfab-shop, or Ctrl-C and commonfab shop run again. What runs on machines runs on, but for"
        ' what the agent itself feeds (control = "grbl"): that is stopped, so let it be done first.',
    ),
    "shop.not_begun": Term(
        "nothing of {subject} is begun yet, so nothing of it would be counted",
        "Say at its machine that it begins (commonfab shop ready); once it has leave to start, tell again what is made.",
    ),
    "shop.too_many": Term(
        "{told} more good pieces of {subject} were told, and {remain} are wanted; nothing was counted",
        "Tell those that are wanted. What was made beyond them nobody asked for: it is yours, and in no report.",
    ),
    "shop.no_piece": Term(
        "nothing that was made of {subject} waits to be judged",
        "commonfab shop status shows what is on the benches; what was reported is corrected with commonfab design report.",
        StatusCode.NOT_FOUND,
    ),
    "machine.no_such_care": Term("it cannot be told from here ({subject})", "Do it at the machine itself."),
    "machine.care_failed": Term("it was told and did not do it ({subject})", "Look at the machine before you say it again."),
    "machine.cold": Term(
        "the nozzle of {subject} has {now_c} °C, and what is held there needs {wanted_c} °C",
        "Heat it at the machine, and say resume once it is warm. Many printers switch their heaters off in a long pause.",
    ),
    "machine.adrift": Term(
        "{subject} switched its motors off while it was held, and no longer knows where it stands",
        "This piece cannot go on: say stop, clear the bed and say ready. A longer idle timeout of the printer leaves more time.",
    ),
    "machine.tells_itself": Term(
        "{subject} knows by itself when a piece is done",
        "Judge the piece once it is done; stop the machine if it must not go on.",
    ),
    "machine.spoiled": Term("too many pieces were spoiled: {pieces}", "Look at the machine before it is given more."),
    "machine.gone": Term("machine {subject} is no longer in shop.toml", "Put it back, or leave its work to others."),
    "desk.needs": Term(
        "the desk needs {subject}, which is not installed here",
        "In the folder of Commonfab's files: pip install '.[desk]'. The command line does all that the desk does.",
    ),
    "desk.pin": Term(
        "the desk would listen on {subject}, where others can reach it, and has no PIN",
        'Put pin = "…" (4 to 12 digits) or pin_file under [desk] in shop.toml, or listen on 127.0.0.1 only.',
    ),
    "desk.taken": Term(
        "the port of {subject} is taken by another program, perhaps by a desk that runs already",
        "Open http://{subject} in a browser: if the desk is there, all is well. Else end what holds the port, or take another one "
        "with --listen, or with listen under [desk] in shop.toml.",
        StatusCode.ALREADY_EXISTS,
    ),
    "desk.no_address": Term(
        "the desk cannot listen on {subject}",
        "Under [desk] in shop.toml set listen to an address that this computer has, and a port of 1024 or more; 127.0.0.1:4790 is both.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "desk.listen": Term(
        "'{subject}' is no address to listen on",
        'Write listen = "127.0.0.1:4790" under [desk] in shop.toml: an address of this computer and a port that is free.',
        StatusCode.INVALID_ARGUMENT,
    ),
    "desk.pin_wrong": Term("that is not the PIN", "It stands in shop.toml under [desk]; try again.", StatusCode.PERMISSION_DENIED),
    "desk.pin_wait": Term(
        "too many wrong PINs were tried; the next try is in {wait}",
        "Wait. Whoever is in already stays in.",
        StatusCode.RESOURCE_EXHAUSTED,
    ),
    "walk_in.what": Term(
        "a walk-in needs a word of what it is", 'Say what is made, such as "a hook for the door".', StatusCode.INVALID_ARGUMENT
    ),
    "walk_in.material": Term(
        "{subject}",
        "Take one of these, or add it to materials of that machine in shop.toml.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "walk_in.file": Term(
        "nothing can be made there from {subject}",
        "Bring an STL or 3MF file for a printer, a toolpath where outside_toolpaths = true; work by hand needs no file.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "walk_in.needs_file": Term(
        "{subject} needs a file to make it from",
        "Bring an STL or 3MF file for a printer, or a toolpath where outside_toolpaths = true.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "shop.not_a_picture": Term(
        "{subject} is no picture that can be shown",
        "Take a PNG, JPEG, WebP or HEIC picture; nothing was kept.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "desk.number": Term("{subject} is no figure that can be", "Write a number above 0.", StatusCode.INVALID_ARGUMENT),
    "desk.size": Term(
        "{subject} does not say a size", "Write its name, the size as drawn and as it came out: bore=8.0/8.03", StatusCode.INVALID_ARGUMENT
    ),
}
