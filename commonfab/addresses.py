# SPDX-License-Identifier: AGPL-3.0-or-later
"""Addresses of nodes. Apart from the settings, so that a caller who has settings of its own need not load theirs (9 MB)."""

from __future__ import annotations

DEFAULT_ADDRESS = "127.0.0.1:4780"
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")


def is_loopback(address: str) -> bool:
    """Whether `address` ("host:port") is on this very machine."""
    return address.rpartition(":")[0] in LOOPBACK_HOSTS
