# SPDX-License-Identifier: AGPL-3.0-or-later
"""Beyond this machine a node listens only with TLS. Another address of the loopback network stands for a far one here."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

import pytest
from cli_nodes import Starter, run
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

pytestmark = pytest.mark.slow

FAR = "127.0.0.77"
"""Of the loopback network, so that nothing outside can reach it, but none of the names that count as this machine."""


def self_signed(folder: Path, address: str) -> tuple[Path, Path]:
    """A certificate for `address` and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "commonfab test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "node.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "node.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "node.pem", folder / "node.key"


@pytest.mark.parametrize("listen", [f"{FAR}:0", "0.0.0.0:0", "[::]:0"])
def test_beyond_loopback_without_tls_is_refused_before_anything_starts(tmp_path: Path, listen: str) -> None:
    done = run("up", "--data-dir", str(tmp_path / "node"), "--listen", listen, "--metrics-listen", "127.0.0.1:0")
    assert done.returncode == 1
    assert "node.listen" in done.stderr
    assert "COMMONFAB_TLS_CERTIFICATE" in done.stderr
    assert not (tmp_path / "node").exists()


def test_with_tls_it_answers_those_who_trust_its_certificate(start_node: Starter, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path / "tls", FAR)
    node = start_node(tmp_path / "node", "--tls-certificate", str(certificate), "--tls-key", str(key), listen=f"{FAR}:0")
    told = run("token", "whoami", "--node", node.address, "--ca", str(certificate), "--token", node.steward_token)
    assert told.returncode == 0, told.stderr
    assert "steward" in told.stdout


def test_a_caller_who_trusts_another_authority_is_told_so(start_node: Starter, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path / "tls", FAR)
    other, _ = self_signed(tmp_path / "other", FAR)
    node = start_node(tmp_path / "node", "--tls-certificate", str(certificate), "--tls-key", str(key), listen=f"{FAR}:0")
    told = run("token", "whoami", "--node", node.address, "--ca", str(other), "--token", node.steward_token)
    assert told.returncode == 1
    assert "node.tls" in told.stderr


def test_a_caller_without_tls_sends_no_token_beyond_this_machine() -> None:
    told = run("token", "whoami", "--node", f"{FAR}:4780", "--token", "secret")
    assert told.returncode == 1
    assert "node.insecure" in told.stderr


def test_metrics_beyond_loopback_need_the_certificate_too(tmp_path: Path) -> None:
    done = run("up", "--data-dir", str(tmp_path / "node"), "--listen", "127.0.0.1:0", "--metrics-listen", f"{FAR}:0")
    assert done.returncode == 1
    assert "node.listen" in done.stderr
    assert not (tmp_path / "node").exists()
