# SPDX-License-Identifier: AGPL-3.0-or-later
"""The hash chain of the ledger, so that anybody can check it and nobody can change an entry unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from commonfab import v1
from commonfab.identity import signature_holds

GENESIS = bytes(32)
"""The previous hash of the first entry."""


def entry_hash(previous: bytes, number: int, signed: v1.SignedWork) -> bytes:
    """The hash of an entry, as `proto/commonfab/v1/ledger.proto` defines it; 32 bytes."""
    hasher = hashlib.sha256(previous + number.to_bytes(8, "big"))
    for part in (signed.work, signed.signature, signed.public_key):
        hasher.update(len(part).to_bytes(4, "big") + part)
    return hasher.digest()


def broken_entry(entries: Sequence[v1.LedgerEntry], previous: bytes = GENESIS, after: int = 0) -> int:
    """The number of the first entry that does not fit: not chained to the one before, changed, or not signed; 0 where all hold.

    Parameters: `previous`, the hash of entry number `after`, which the first of `entries` must follow.
    """
    for entry in entries:
        chained = entry.number == after + 1 and entry.previous_hash == previous
        if not (chained and entry.hash == entry_hash(previous, entry.number, entry.signed) and signature_holds(entry.signed)):
            return entry.number
        previous, after = entry.hash, entry.number
    return 0
