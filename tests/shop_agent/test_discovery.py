# SPDX-License-Identifier: AGPL-3.0-or-later
"""Machine servers are found by what they really announce, over real multicast DNS on the loopback interface."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from zeroconf import IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from shop_agent.starting.discovery import FoundServer, find_servers, one_of_each

HERE = "127.0.0.1"


@asynccontextmanager
async def announcing(*services: tuple[str, str, int, dict[str, str]]) -> AsyncIterator[None]:
    """Announce (type, name, port, TXT) as those programs do."""
    zeroconf = AsyncZeroconf(interfaces=[HERE], ip_version=IPVersion.V4Only)
    try:
        for kind, name, port, text in services:
            full = f"{name}._{kind}._tcp.local."
            address = [socket.inet_aton(HERE)]
            info = ServiceInfo(f"_{kind}._tcp.local.", full, port, addresses=address, properties=text, server="commonfab-test.local.")
            await (await zeroconf.async_register_service(info))
        yield
    finally:
        await zeroconf.async_unregister_all_services()
        await zeroconf.async_close()


@pytest.mark.slow
async def test_octoprint_moonraker_and_prusalink_are_found_where_they_answer() -> None:
    async with announcing(
        ("octoprint", 'OctoPrint instance "Lena\'s MK3"', 5000, {"path": "/octo/", "version": "1.11.8", "api": "0.1", "uuid": "u"}),
        ("moonraker", "Moonraker @ voron", 7125, {"uuid": "u", "https_port": "", "version": "v0.9"}),
        ("prusalink", "PrusaLink at mk3s", 80, {"path": "/"}),
        ("octoprint", "PrusaLink at mk3s", 80, {"path": "/"}),
    ):
        found = await find_servers(1.5, [HERE])
    ours = [server for server in found if server.url.startswith(f"http://{HERE}")]
    assert [(server.control, server.url) for server in ours] == [
        ("moonraker", f"http://{HERE}:7125"),
        ("octoprint", f"http://{HERE}:5000/octo"),
        ("prusalink", f"http://{HERE}"),
    ]
    assert ours[1].name == 'OctoPrint instance "Lena\'s MK3"'


async def test_a_silent_network_is_no_error() -> None:
    assert [server for server in await find_servers(0.3, [HERE]) if "commonfab" in server.name] == []


def test_a_prusalink_is_not_listed_a_second_time_as_the_octoprint_that_it_claims_to_be() -> None:
    both = [
        FoundServer("octoprint", "x", "http://a"),
        FoundServer("prusalink", "PrusaLink at x", "http://a"),
        FoundServer("octoprint", "x", "http://a"),
    ]
    assert one_of_each(both) == [FoundServer("prusalink", "PrusaLink at x", "http://a")]


def test_a_computer_without_any_network_finds_nothing_and_says_no_more() -> None:
    """In a network namespace of its own, where not even the loopback interface has an address."""
    program = shutil.which("unshare") or pytest.skip("unshare is not here")
    code = "import asyncio; from shop_agent.starting.discovery import find_servers; print(asyncio.run(find_servers(0.1)))"
    apart = [program, "--user", "--map-root-user", "--net"]
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no network namespaces may be made here")
    done = subprocess.run([*apart, sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0 and done.stdout.strip() == "[]", done.stderr
