# SPDX-License-Identifier: AGPL-3.0-or-later
"""Keys and secrets: a shop's Ed25519 key, what it signs, and the secrets of tokens."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from commonfab import v1

WORK_DOMAIN = b"commonfab.v1.CompletedWork\n"
"""Stands before the signed bytes, so that a signature on a report can never be used as one on something else."""


def load_or_make_key(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 key in the PEM file `path`; a new one, readable by its owner only, where there is no such file.

    Errors: `ValueError` where the file holds something else.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(path, pem)
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} does not hold an Ed25519 key")
    return key


def write_private(path: Path, content: bytes) -> None:
    """Write `content` to a new file that only its owner can read, whole or not at all."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    scratch.rename(path)


def sign_work(work: v1.CompletedWork, key: Ed25519PrivateKey) -> v1.SignedWork:
    """The report as the shop signs it."""
    written = work.SerializeToString(deterministic=True)
    return v1.SignedWork(work=written, signature=key.sign(WORK_DOMAIN + written), public_key=key.public_key().public_bytes_raw())


def signature_holds(signed: v1.SignedWork) -> bool:
    """Whether the signature is that of `signed.public_key` over `signed.work`."""
    try:
        Ed25519PublicKey.from_public_bytes(signed.public_key).verify(signed.signature, WORK_DOMAIN + signed.work)
    except (InvalidSignature, ValueError):
        return False
    return True


def new_secret() -> str:
    """A new token secret: 256 random bits, with a prefix by which a leaked one can be found."""
    return f"cfab_{secrets.token_urlsafe(32)}"


def hash_secret(secret: str) -> str:
    """What is stored of a token: SHA-256 in hexadecimal. The secret has 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()
