# SPDX-License-Identifier: AGPL-3.0-or-later
"""Checks a ledger with nothing but the ledger: the chain of hashes and the shops' signatures.

It takes nobody's word for it: every hash is computed anew on the reader's machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from commonfab import v1
from commonfab.chain import GENESIS, entry_hash
from commonfab.errors import Refused
from commonfab.identity import signature_holds


@dataclass(frozen=True)
class Chain:
    """Where checking has come: the number and hash of the last entry."""

    number: int = 0
    hash: bytes = GENESIS


def check_entry(entry: v1.LedgerEntry) -> None:
    """Errors: `Refused` (`ledger.hash`, `ledger.signature`, `ledger.decoded`)."""
    if entry_hash(entry.previous_hash, entry.number, entry.signed) != entry.hash:
        raise Refused("ledger.hash", entry=entry.number)
    if not signature_holds(entry.signed):
        raise Refused("ledger.signature", entry=entry.number)
    if v1.CompletedWork.FromString(entry.signed.work) != entry.work:
        raise Refused("ledger.decoded", entry=entry.number)


def check_chain(entries: Sequence[v1.LedgerEntry], since: Chain = Chain()) -> Chain:
    """Check entries that follow each other without gaps. Returns where checking has come.

    Errors: `Refused` (`ledger.chain`), and those of `check_entry`.
    """
    for entry in entries:
        if entry.number != since.number + 1 or entry.previous_hash != since.hash:
            raise Refused("ledger.chain", entry=entry.number)
        check_entry(entry)
        since = Chain(entry.number, entry.hash)
    return since
