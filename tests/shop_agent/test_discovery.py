# SPDX-License-Identifier: AGPL-3.0-or-later
"""Machine servers are found by what they really announce, over real multicast DNS on the loopback interface."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from zeroconf import IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from shop_agent.shop_toml.machine_section import MachineSection
from shop_agent.starting.check_machine import passing_name
from shop_agent.starting.discovery import FoundServer, Plugged, find_servers, lasting_name, one_of_each

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


def udev(folder: Path, **links: str) -> Path:
    """What udev makes under /dev/serial: by-id and by-path, each with links to a port."""
    for name, device in links.items():
        kind, _, rest = name.partition("__")
        link = folder / kind.replace("_", "-") / rest
        link.parent.mkdir(parents=True, exist_ok=True)
        (folder / device).touch()
        link.symlink_to(folder / device)
    return folder


def test_a_board_with_a_number_of_its_own_is_named_by_it(tmp_path: Path) -> None:
    udev(tmp_path, by_id__uno_9553="ttyACM0", by_path__usb_1_2="ttyACM0")
    plugged = [Plugged(str(tmp_path / "ttyACM0"), "9553")]
    assert lasting_name(plugged[0].device, plugged, tmp_path) == str(tmp_path / "by-id" / "uno_9553")


@pytest.mark.parametrize("number", ["", "0001"], ids=["without a number", "with the same number"])
def test_of_two_boards_that_look_alike_each_is_named_by_its_socket(tmp_path: Path, number: str) -> None:
    """Under by-id there is one name for both."""
    udev(tmp_path, by_id__ch340="ttyUSB1", by_path__usb_1_2="ttyUSB0", by_path__usb_1_3="ttyUSB1")
    plugged = [Plugged(str(tmp_path / name), number) for name in ("ttyUSB0", "ttyUSB1")]
    assert [Path(lasting_name(one.device, plugged, tmp_path)).name for one in plugged] == ["usb_1_2", "usb_1_3"]


def test_where_there_is_no_lasting_name_it_is_the_ports_own(tmp_path: Path) -> None:
    assert lasting_name("/dev/ttyUSB7", [Plugged("/dev/ttyUSB7", "")], tmp_path) == "/dev/ttyUSB7"


@pytest.mark.parametrize(("port", "warns"), [("ttyUSB1", True), ("by-id/ch340", True), ("by-path/usb_1_3", False)])
def test_a_port_whose_name_may_be_another_boards_tomorrow_is_told(tmp_path: Path, port: str, warns: bool) -> None:
    udev(tmp_path, by_id__ch340="ttyUSB1", by_path__usb_1_2="ttyUSB0", by_path__usb_1_3="ttyUSB1")
    plugged = [Plugged(str(tmp_path / name), "") for name in ("ttyUSB0", "ttyUSB1")]
    mill = MachineSection(
        id="mill", process="milling", envelope_mm=(1, 1, 1), materials=("plywood",), control="grbl", port=str(tmp_path / port)
    )
    found = passing_name(mill, plugged, tmp_path)
    assert [one.ok for one in found] == ([False] if warns else [])
    assert not warns or f'port = "{tmp_path / "by-path" / "usb_1_3"}"' in found[0].remedy
