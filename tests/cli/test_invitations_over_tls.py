# SPDX-License-Identifier: AGPL-3.0-or-later
"""From an invitation to a token, over TLS with an authority of the node's own: nothing is trusted but the fingerprint in the invitation."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from authorities import authority, signed_by
from cli_nodes import Starter, run
from test_up_tls import FAR, self_signed

pytestmark = pytest.mark.slow


def test_a_newcomer_needs_nothing_but_the_invitation(start_node: Starter, tmp_path: Path) -> None:
    tls = signed_by(authority(tmp_path / "authority"), tmp_path / "tls", FAR)
    node = start_node(tmp_path / "node", "--tls-certificate", str(tls.chain), "--tls-key", str(tls.key), listen=f"{FAR}:0")
    steward = ("--node", node.address, "--ca", str(tmp_path / "authority" / "ca.pem"), "--token", node.steward_token)
    invited = run("token", "invite", "maker", "mia", "--good-for", "3d", "--json", *steward)
    assert invited.returncode == 0, invited.stderr
    told = json.loads(invited.stdout)
    assert told["good_for"] == "259200s" and told["command"] == f"commonfab token join {told['invitation']}"
    joined = run("token", "join", told["invitation"], cwd=tmp_path)
    assert joined.returncode == 0, joined.stderr
    who = run("token", "whoami", "--node", node.address, "--ca", str(tmp_path / "node-ca.pem"), "--token", joined.stdout.strip())
    assert who.stdout.startswith("maker mia"), who.stderr
    assert stat.S_IMODE((tmp_path / "node-ca.pem").stat().st_mode) == 0o600
    assert (tmp_path / "node-ca.pem").read_text(encoding="utf-8").strip() == (tmp_path / "authority" / "ca.pem").read_text(
        encoding="utf-8"
    ).strip()
    again = run("token", "join", told["invitation"], cwd=tmp_path)
    assert again.returncode == 1 and "invitation.unknown" in again.stderr


def test_whoever_answers_in_the_nodes_place_is_told_nothing(start_node: Starter, tmp_path: Path) -> None:
    """An impostor has a certificate for the same address, from an authority of the same name."""
    certificate, key = self_signed(tmp_path / "tls", FAR)
    node = start_node(tmp_path / "node", "--tls-certificate", str(certificate), "--tls-key", str(key), listen=f"{FAR}:0")
    steward = ("--node", node.address, "--ca", str(certificate), "--token", node.steward_token)
    invitation = json.loads(run("token", "invite", "shop", "lena", "--json", *steward).stdout)["invitation"]
    other, other_key = self_signed(tmp_path / "impostor", FAR)
    impostor = start_node(tmp_path / "other", "--tls-certificate", str(other), "--tls-key", str(other_key), listen=f"{FAR}:0")
    misled = run("token", "join", invitation.replace(node.address, impostor.address), cwd=tmp_path)
    assert misled.returncode == 1 and "invitation.authority" in misled.stderr
    assert not (tmp_path / "node-ca.pem").exists()
    assert "/commonfab.v1.Access/Join" not in _metrics(impostor.told["metrics"]), "nothing was sent to it"
    assert run("token", "join", invitation, cwd=tmp_path).returncode == 0, "the code is still good"


def _metrics(url: str) -> str:
    import httpx

    return httpx.get(url, timeout=60).text
