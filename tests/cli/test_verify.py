# SPDX-License-Identifier: AGPL-3.0-or-later
"""A ledger is checked by its reader, who believes nobody."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cli.verify import Chain, check_chain, check_entry
from commonfab import v1
from commonfab.errors import Refused
from commonfab.identity import sign_work

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def ledger(length: int) -> list[v1.LedgerEntry]:
    """A sound ledger. The hash is written out here once more, as `ledger.proto` has it."""
    entries: list[v1.LedgerEntry] = []
    previous = bytes(32)
    for number in range(1, length + 1):
        signed = sign_work(v1.CompletedWork(job_id="job-1", pieces_good=number), KEY)
        content = previous + number.to_bytes(8, "big")
        for piece in (signed.work, signed.signature, signed.public_key):
            content += len(piece).to_bytes(4, "big") + piece
        entry_hash = hashlib.sha256(content).digest()
        work = v1.CompletedWork.FromString(signed.work)
        entries.append(v1.LedgerEntry(number=number, previous_hash=previous, hash=entry_hash, signed=signed, work=work))
        previous = entry_hash
    return entries


def test_a_sound_ledger_passes_whole_and_in_pieces() -> None:
    entries = ledger(5)
    assert check_chain(entries).number == 5
    assert check_chain(entries[2:], check_chain(entries[:2])).hash == entries[-1].hash


def test_a_ledger_whose_first_entries_were_cut_off_is_found_out() -> None:
    with pytest.raises(Refused) as refused:
        check_chain(ledger(3)[1:])
    assert refused.value.code == "ledger.chain"


def test_a_missing_entry_is_found_out_by_the_one_after_it() -> None:
    entries = ledger(4)
    del entries[1]
    with pytest.raises(Refused) as refused:
        check_chain(entries)
    assert (refused.value.code, refused.value.reason.figures[0].value) == ("ledger.chain", 3)


def test_a_report_that_was_changed_after_it_was_entered_is_found_out() -> None:
    entries = ledger(3)
    entries[1].signed.work = v1.CompletedWork(job_id="job-1", pieces_good=99).SerializeToString()
    with pytest.raises(Refused) as refused:
        check_chain(entries)
    assert (refused.value.code, refused.value.reason.figures[0].value) == ("ledger.hash", 2)


def test_a_forged_signature_is_found_out_even_where_the_hashes_fit() -> None:
    entry = v1.LedgerEntry(number=1, previous_hash=bytes(32), signed=sign_work(v1.CompletedWork(pieces_good=1), KEY))
    entry.signed.signature = bytes(64)
    content = entry.previous_hash + (1).to_bytes(8, "big")
    for piece in (entry.signed.work, entry.signed.signature, entry.signed.public_key):
        content += len(piece).to_bytes(4, "big") + piece
    entry.hash = hashlib.sha256(content).digest()
    with pytest.raises(Refused) as refused:
        check_entry(entry)
    assert refused.value.code == "ledger.signature"


def test_a_node_that_shows_something_else_than_was_signed_is_found_out() -> None:
    entry = ledger(1)[0]
    entry.work.pieces_good = 99
    with pytest.raises(Refused) as refused:
        check_chain([entry], Chain())
    assert refused.value.code == "ledger.decoded"
