# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why somebody may not send more, what is wrong with what is kept, and why a backup was not taken or not put back."""

from __future__ import annotations

from grpc import StatusCode

from commonfab.reasons.term import Term

TERMS = {
    "quota.full": Term(
        "{subject} has {has} of files here, and {more} more would be over the quota of {limit}",
        "Publish fewer or smaller files, or ask the node's steward for more: commonfab admin quota {subject} SIZE.",
        StatusCode.RESOURCE_EXHAUSTED,
    ),
    "admin.size": Term(
        "{subject} is not a size",
        "Write a number with KB, MB, GB or TB (each 1024 of the one before), or none, or default.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "admin.faults": Term(
        "{faults} of what is kept here are not as they should be",
        "Upload a file that is missing or changed again, from whoever has it: its author, another node, a backup. What was changed "
        "lies in the folder set-aside. A revision whose manifest or signature is wrong is put right from a backup.",
        StatusCode.DATA_LOSS,
    ),
    "backup.folder": Term(
        "{subject} holds something else than a backup of Commonfab",
        "Name an empty folder, or one that holds an earlier backup of the same node.",
    ),
    "backup.inside": Term(
        "{subject} lies in the data folder that is to be backed up",
        "Name a folder outside, best on another disk.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "backup.no_node": Term(
        "there is no node's data folder at {subject}",
        "Name it with --data-dir, as commonfab up was given it.",
        StatusCode.NOT_FOUND,
    ),
    "backup.schema": Term(
        "the database is not as this version has it: {subject}",
        "Start the node once with this version, or take the backup with the version that the node runs.",
    ),
    "backup.other_database": Term(
        "the running node uses another database ({subject}) than the settings of this command name",
        "Give the command the same COMMONFAB_ variables as the node: DATABASE_URL, REDIS_URL.",
    ),
    "backup.incomplete": Term(
        "the backup was taken, but for {missing} files, which are missing or changed in the node: {subject}",
        "Run commonfab admin verify, put those files right, then take the backup again.",
        StatusCode.DATA_LOSS,
    ),
    "backup.board": Term(
        "the board was not backed up: {subject}",
        "Start the node, or the Redis that it uses, and take the backup again; designs, files and the ledger were taken.",
    ),
    "backup.none": Term(
        "there is no backup in {subject}",
        "Name the folder that was given to commonfab admin backup.",
        StatusCode.NOT_FOUND,
    ),
    "backup.damaged": Term(
        "the backup is damaged: {subject}",
        "Take another copy of it. Nothing was restored.",
        StatusCode.DATA_LOSS,
    ),
    "backup.newer": Term(
        "the backup was taken by a newer version, which this one cannot read: {subject}",
        "Install that version or a later one, then restore.",
    ),
    "restore.folder": Term(
        "the data folder {subject} is not empty",
        "Name an empty folder with --data-dir; only commonfab.toml may lie there.",
    ),
    "restore.database": Term(
        "the database holds tables of Commonfab already: {subject}",
        "Name an empty database with DATABASE_URL.",
    ),
    "restore.board": Term(
        "there is a board of this neighbourhood already in the Redis of the settings",
        "Name another Redis with REDIS_URL, or another neighbourhood.",
    ),
}
