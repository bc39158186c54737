# SPDX-License-Identifier: AGPL-3.0-or-later
"""The shop's public key, without the library that makes signatures.

`cryptography` takes 10 MB of memory. The agent says its public key with every call and signs a report now and then, so the public half is
kept in a file beside the key, together with the digest of the key that it belongs to: with another key in its place it is read anew.
"""

from __future__ import annotations

import hashlib
from pathlib import Path


def public_key_of(key_file: Path) -> bytes:
    """The 32 bytes of the Ed25519 public key to the key in `key_file`, which is made where there is none.

    Errors: `ValueError` where the file holds something else; `OSError`.
    """
    beside = key_file.with_suffix(".pub")
    try:
        owner, _, public = beside.read_text(encoding="utf-8").strip().partition(" ")
        if owner == _digest(key_file) and len(known := bytes.fromhex(public)) == 32:
            return known
    except (OSError, ValueError):
        pass  # it is written anew
    from commonfab.identity import load_or_make_key, write_private

    made = load_or_make_key(key_file).public_key().public_bytes_raw()
    write_private(beside, f"{_digest(key_file)} {made.hex()}\n".encode())
    return made


def _digest(key_file: Path) -> str:
    return hashlib.sha256(key_file.read_bytes()).hexdigest()
