# SPDX-License-Identifier: AGPL-3.0-or-later
"""Machine servers of the local network, found by multicast DNS (RFC 6762, RFC 6763), and serial ports of this computer.

What each announces, read in its source: OctoPrint's bundled plugin "discovery" `_octoprint._tcp` with the TXT key `path`; Moonraker's
component "zeroconf" `_moonraker._tcp` with `version` and `https_port`; PrusaLink `_prusalink._tcp` with `path`, and, so that old slicers
find it, `_octoprint._tcp` as well, with a name that begins with "PrusaLink". So what answers at one place under both is PrusaLink.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from shop_agent.shop_toml.machine_section import Control

if TYPE_CHECKING:
    from zeroconf import Zeroconf
    from zeroconf.asyncio import AsyncZeroconf

SERVICES: Mapping[str, Control] = MappingProxyType(
    {"_octoprint._tcp.local.": "octoprint", "_moonraker._tcp.local.": "moonraker", "_prusalink._tcp.local.": "prusalink"}
)
LISTEN_SECONDS = 3.0
"""RFC 6762 lets who answers wait up to half a second; an old Pi over wireless takes longer."""

ASK_MILLISECONDS = 2000

LASTING = Path("/dev/serial")
"""Where udev keeps names of serial ports that last (60-serial.rules)."""


@dataclass(frozen=True)
class FoundServer:
    """A server that announced itself. `name`: what it calls itself; `url`: where it answers."""

    control: Control
    name: str
    url: str


@dataclass(frozen=True)
class FoundPort:
    """A serial port. `path`: a name that lasts, where there is one; `says`: what hangs on it."""

    path: str
    says: str


@dataclass(frozen=True)
class Plugged:
    """What is plugged into a port. `device`: the port's name of today; `number`: the serial number of what is plugged in, empty where it
    has none; `says`: what it calls itself."""

    device: str
    number: str
    says: str = ""


async def find_servers(seconds: float = LISTEN_SECONDS, interfaces: list[str] | None = None) -> list[FoundServer]:
    """Who answers within `seconds`, in the order of their names. An empty list where the network lets nothing through.

    Parameters: `interfaces`, addresses of this computer to listen at; all where it is None.
    """
    from zeroconf import InterfaceChoice, IPVersion
    from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf

    seen: set[tuple[str, str]] = set()

    def noticed(zeroconf: Zeroconf, service_type: str, name: str, state_change: object) -> None:
        seen.add((service_type, name))

    try:
        asking = AsyncZeroconf(interfaces=interfaces or InterfaceChoice.All, ip_version=IPVersion.V4Only)
    except (OSError, RuntimeError):  # no network at all: no address of this computer to listen at
        return []
    browser = AsyncServiceBrowser(asking.zeroconf, list(SERVICES), handlers=[noticed])
    try:
        await asyncio.sleep(seconds)
        found = await asyncio.gather(*(_resolved(asking, kind, name) for kind, name in sorted(seen)))
    finally:
        await browser.async_cancel()
        await asking.async_close()
    return one_of_each([server for server in found if server])


async def _resolved(asking: AsyncZeroconf, kind: str, name: str) -> FoundServer | None:
    info = await asking.async_get_service_info(kind, name, ASK_MILLISECONDS)
    addresses = info.parsed_addresses() if info else []
    if info is None or not addresses:
        return None
    label = name.removesuffix(f".{kind}")
    control = "prusalink" if label.startswith("PrusaLink") else SERVICES[kind]
    told = (info.properties or {}).get(b"path") or b"/"
    path = told.decode(errors="replace").strip("/") if control == "octoprint" else ""
    port = "" if info.port == 80 else f":{info.port}"
    return FoundServer(control, label, f"http://{addresses[0]}{port}{f'/{path}' if path else ''}")


def one_of_each(found: list[FoundServer]) -> list[FoundServer]:
    """One entry an address, by name; where an address says to be PrusaLink, what it says besides to please old slicers is left out."""
    best: dict[str, FoundServer] = {}
    for server in found:
        if server.url not in best or server.control == "prusalink":
            best[server.url] = server
    return sorted(best.values(), key=lambda server: (server.name, server.url))


def serial_ports() -> list[FoundPort]:
    """Serial ports that something is plugged into. Bare on-board ports, where nothing says what it is, are left out."""
    plugged = plugged_in()
    return [FoundPort(lasting_name(port.device, plugged), port.says) for port in plugged]


def plugged_in() -> list[Plugged]:
    """What is plugged into this computer's serial ports."""
    from serial.tools import list_ports

    ports = [port for port in list_ports.comports() if port.vid is not None]
    return [Plugged(port.device, port.serial_number or "", port.description or "") for port in ports]


def lasting_name(device: str, plugged: Sequence[Plugged], folder: Path = LASTING) -> str:
    """The name that a port keeps over a restart of the computer: by the board's own number, where it has one that no other here has; else
    by the socket that it hangs on. Boards without a number, as most with a CH340, share one name under by-id, and it is that of whichever
    woke up last. `device` itself where there is neither."""
    real = Path(device).resolve()
    number = next((one.number for one in plugged if Path(one.device).resolve() == real), "")
    unique = number and sum(one.number == number for one in plugged) == 1
    for kind in ("by-id", "by-path") if unique else ("by-path",):
        named = next((link for link in sorted((folder / kind).glob("*")) if link.resolve() == real), None)
        if named is not None:
            return str(named)
    return device
