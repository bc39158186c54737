# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an invitation tells newcomers of a node's certificate."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates

from commonfab.access import Trust
from commonfab.settings import NodeSettings


def trust_in(settings: NodeSettings) -> Trust:
    """Whose certificate newcomers are to trust.

    A chain that ends in a certificate that signed itself is that of the node's own authority; newcomers know it by its fingerprint.
    Another chain leads to an authority that computers know already. Errors: `OSError`, `ValueError` where the file holds no certificate.
    """
    if not settings.tls_certificate or not settings.tls_key:
        return Trust()
    last = load_pem_x509_certificates(settings.tls_certificate.read_bytes())[-1]
    own = last.issuer == last.subject
    return Trust(True, hashlib.sha256(last.public_bytes(Encoding.DER)).digest() if own else b"")
