# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where the desk listens, and who can reach it there. Pure."""

from __future__ import annotations

import ipaddress

from commonfab.errors import Refused


def address_in(listen: str) -> tuple[str, int]:
    """Host and port of "127.0.0.1:4790" or "[::1]:4790". Errors: `Refused` (`desk.listen`)."""
    host, colon, port = listen.rpartition(":")
    host = host.strip("[]")
    if not (colon and host and port.isdecimal() and int(port) < 65_536):
        raise Refused("desk.listen", listen)
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether only this computer can reach what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
