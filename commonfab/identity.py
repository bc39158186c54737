# SPDX-License-Identifier: AGPL-3.0-or-later
"""Keys and secrets: a shop's Ed25519 key, what it signs, and the secrets of tokens."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from commonfab import v1
from commonfab.canonical import digest

WORK_DOMAIN = b"commonfab.v1.CompletedWork\n"
"""Stands before the signed bytes, so that a signature on a report can never be used as one on something else."""

MANIFEST_DOMAIN = b"commonfab.v1.Manifest\n"
BUILD_DOMAIN = b"commonfab.v1.BuildReport\n"
DESIGN_DOMAIN = b"commonfab.v1.Design\n"

DESIGN_ID_DIGITS = 24
"""120 bits: nobody finds a second design with the id of a first."""


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
    """Write `content` to a new file that only its owner can read, whole or not at all; nothing stays of what could not be written."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.rename(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def sign_work(work: v1.CompletedWork, key: Ed25519PrivateKey) -> v1.SignedWork:
    """The report as the shop signs it."""
    written = work.SerializeToString(deterministic=True)
    return v1.SignedWork(work=written, signature=key.sign(WORK_DOMAIN + written), public_key=key.public_key().public_bytes_raw())


def signature_holds(signed: v1.SignedWork) -> bool:
    """Whether the signature is that of `signed.public_key` over `signed.work`."""
    return holds(WORK_DOMAIN, signed.work, v1.Signature(public_key=signed.public_key, signature=signed.signature))


def sign_build_report(report: v1.BuildReport, key: Ed25519PrivateKey) -> v1.SignedBuildReport:
    """A build report as the shop signs it."""
    written = report.SerializeToString(deterministic=True)
    return v1.SignedBuildReport(report=written, signature=sign(BUILD_DOMAIN, written, key))


def build_signature_holds(signed: v1.SignedBuildReport) -> bool:
    """Whether the signature is that of its public key over the report."""
    return holds(BUILD_DOMAIN, signed.report, signed.signature)


def sign(domain: bytes, content: bytes, key: Ed25519PrivateKey) -> v1.Signature:
    """A signature over `domain` followed by `content`. The domain says what is signed, so that no signature can serve for another thing."""
    return v1.Signature(public_key=key.public_key().public_bytes_raw(), signature=key.sign(domain + content))


def holds(domain: bytes, content: bytes, signature: v1.Signature) -> bool:
    """Whether `signature` is that of its public key over `domain` followed by `content`."""
    try:
        Ed25519PublicKey.from_public_bytes(signature.public_key).verify(signature.signature, domain + content)
    except (InvalidSignature, ValueError):
        return False
    return True


def sign_manifest(manifest: v1.Manifest, key: Ed25519PrivateKey) -> v1.Signature:
    """The author's signature over a manifest, by its digest."""
    return sign(MANIFEST_DOMAIN, digest(manifest).encode(), key)


def manifest_signature_holds(manifest: v1.Manifest, signature: v1.Signature) -> bool:
    """Whether `signature` is one over this manifest."""
    return holds(MANIFEST_DOMAIN, digest(manifest).encode(), signature)


def content_digest(manifest: v1.Manifest) -> str:
    """The digest of what a manifest says, whichever design it belongs to."""
    content = v1.Manifest()
    content.CopyFrom(manifest)
    content.ClearField("design_id")
    return digest(content)


def design_id_of(public_key: bytes, first: v1.Manifest) -> str:
    """The id of the design whose first revision is `first`, signed with this key.

    It follows from both, so the same design has the same id on every node, and nobody can take the id of somebody else's.
    """
    named = hashlib.sha256(DESIGN_DOMAIN + public_key + content_digest(first).encode()).digest()
    return f"design-{base64.b32encode(named).decode().lower()[:DESIGN_ID_DIGITS]}"


def new_secret() -> str:
    """A new token secret: 256 random bits, with a prefix by which a leaked one can be found."""
    return f"cfab_{secrets.token_urlsafe(32)}"


def hash_secret(secret: str) -> str:
    """What is stored of a token: SHA-256 in hexadecimal. The secret has 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()
