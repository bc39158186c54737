# SPDX-License-Identifier: AGPL-3.0-or-later
"""A page of another site, a turned-round name, or somebody without the PIN starts no machine."""

from __future__ import annotations

import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from clocks import ManualClock
from desk_shops import desk_shop

from commonfab.errors import Refused
from shop_agent.config import load_config
from shop_agent.desk.listening import address_in, is_loopback
from shop_agent.desk.pin import FREE_TRIES, SESSION_SECONDS, PinCheck, Sessions, desk_secret
from shop_agent.desk.web.door import COOKIE, Door, is_ours
from shop_agent.desk.web.server import serve

NAMES = frozenset({"localhost", "bench", "bench.local"})


async def inside(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """The desk, as far as a door can tell."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the desk"})


def door(clock: ManualClock, pin: str = "") -> Door:
    return Door(inside, NAMES, Sessions(b"secret", pin, clock), PinCheck(pin, clock) if pin else None, "Lena's garage")


def visitor(through: Door, base: str = "http://127.0.0.1:4790") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(through), base_url=base)


async def knock(through: Door, **headers: str) -> str:
    """A WebSocket that asks to come in; what it is told."""
    told: list[str] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        told.append(message["type"])

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await through({"type": "websocket", "path": "/_nicegui_ws/socket.io/", "headers": raw}, receive, send)
    return told[0]


@pytest.mark.parametrize("host", ["127.0.0.1:4790", "[::1]:4790", "localhost", "192.168.1.20:4790", "Bench.local:4790"])
def test_names_of_this_computer_are_ours(host: str) -> None:
    assert is_ours(host, NAMES)


@pytest.mark.parametrize(
    "host", ["", "evil.example:4790", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1:1; script-src *", "[::1"]
)
def test_a_name_that_was_turned_round_is_not(host: str) -> None:
    assert not is_ours(host, NAMES)


async def test_dns_rebinding_reaches_nothing(manual_clock: ManualClock) -> None:
    async with visitor(door(manual_clock)) as one:
        assert (await one.get("/")).text == "the desk"
        assert (await one.get("/", headers={"host": "evil.example:4790"})).status_code == 403
    assert await knock(door(manual_clock), host="evil.example", origin="http://evil.example") == "websocket.close"


async def test_a_page_of_another_site_can_say_nothing(manual_clock: ManualClock) -> None:
    ours, evil = {"host": "127.0.0.1:4790"}, "http://evil.example"
    assert await knock(door(manual_clock), **ours, origin="http://127.0.0.1:4790") == "websocket.accept"
    for origin in (evil, "null", "http://127.0.0.1:8080", "http://localhost:4790"):
        assert await knock(door(manual_clock), **ours, origin=origin) == "websocket.close"
    assert await knock(door(manual_clock), **ours) == "websocket.close"
    async with visitor(door(manual_clock)) as one:
        assert (await one.post("/x", headers={"origin": evil})).status_code == 403
        assert (await one.post("/x")).status_code == 403
        assert (await one.post("/x", headers={"origin": "http://127.0.0.1:4790"})).status_code == 200
        assert (await one.get("/x", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"})).status_code == 403
        assert (await one.get("/", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"})).status_code == 200


async def test_no_other_page_may_show_the_desk_and_nothing_comes_from_elsewhere(manual_clock: ManualClock) -> None:
    async with visitor(door(manual_clock)) as one:
        rules = (await one.get("/")).headers["content-security-policy"]
    assert "frame-ancestors 'none'" in rules and "default-src 'self'" in rules and "http://" not in rules and "https://" not in rules


async def test_beyond_this_computer_the_pin_comes_first(manual_clock: ManualClock) -> None:
    through, origin = door(manual_clock, "4711"), {"origin": "http://127.0.0.1:4790"}
    assert await knock(through, host="127.0.0.1:4790", origin="http://127.0.0.1:4790") == "websocket.close"
    async with visitor(through) as one:
        assert "PIN" in (await one.get("/")).text
        assert (await one.get("/picture/x.png")).status_code == 401
        assert (await one.post("/pin", data={"pin": "0000"}, headers=origin)).status_code == 403
        assert (await one.post("/pin", data={"pin": "4711"})).status_code == 403  # from no page of ours
        let_in = await one.post("/pin", data={"pin": "4711"}, headers=origin)
        assert let_in.status_code == 303
        cookie = let_in.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
        assert (await one.get("/")).text == "the desk"
    assert await knock(through, host="127.0.0.1:4790", **origin, cookie=cookie.partition(";")[0]) == "websocket.accept"


def test_wrong_pins_make_everybody_outside_wait_longer_and_longer(manual_clock: ManualClock) -> None:
    check = PinCheck("4711", manual_clock)
    for _ in range(FREE_TRIES):
        with pytest.raises(Refused, match="not the PIN"):
            check.check("0000")
    for wait in (30, 60, 120):
        with pytest.raises(Refused, match="too many"):
            check.check("4711")  # the right one too: a guess must not be told from a wait
        manual_clock.advance(wait - 1)
        with pytest.raises(Refused, match="too many"):
            check.check("4711")
        manual_clock.advance(1)
        with pytest.raises(Refused, match="not the PIN"):
            check.check("0000")
    manual_clock.advance(3600)
    check.check("4711")
    with pytest.raises(Refused, match="not the PIN"):
        check.check("")  # and five are free again


def test_a_session_ends_with_its_week_and_with_its_pin(manual_clock: ManualClock) -> None:
    sessions = Sessions(b"secret", "4711", manual_clock)
    made = sessions.made()
    assert sessions.holds(made)
    assert not Sessions(b"secret", "4712", manual_clock).holds(made)
    assert not Sessions(b"other", "4711", manual_clock).holds(made)
    later = str(int(manual_clock.now() + 10 * SESSION_SECONDS))
    assert not sessions.holds(f"{later}.{made.partition('.')[2]}")
    assert not any(sessions.holds(told) for told in ("", ".", "é.ü", COOKIE))
    manual_clock.advance(SESSION_SECONDS)
    assert not sessions.holds(made)


def test_the_secret_is_the_desks_own_and_stays(tmp_path: Path) -> None:
    secret = desk_secret(tmp_path)
    assert len(secret) >= 32 and desk_secret(tmp_path) == secret
    assert stat.S_IMODE((tmp_path / "desk.secret").stat().st_mode) == 0o600


def test_without_a_pin_it_listens_on_this_computer_only(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        serve(desk_shop(tmp_path), "0.0.0.0:0")
    assert refused.value.code == "desk.pin"
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "192.168.0.4", "bench")] == [True] * 3 + [False] * 3


@pytest.mark.parametrize("listen", ["", "4790", "127.0.0.1:", ":4790", "127.0.0.1:70000", "127.0.0.1:x"])
def test_an_address_that_is_none_is_refused(listen: str) -> None:
    with pytest.raises(Refused) as refused:
        address_in(listen)
    assert refused.value.code == "desk.listen"
    assert address_in("[::1]:4790") == ("::1", 4790)


def test_where_a_desk_runs_already_the_second_one_is_told_so(tmp_path: Path) -> None:
    with socket.socket() as first:
        first.bind(("127.0.0.1", 0))
        first.listen()
        listen = f"127.0.0.1:{first.getsockname()[1]}"
        with pytest.raises(Refused) as refused:
            serve(desk_shop(tmp_path), listen)
    assert refused.value.code == "desk.taken" and listen in refused.value.reason.message
    assert f"Open http://{listen}" in refused.value.remedy and "--listen" in refused.value.remedy


def test_an_address_of_another_computer_is_not_listened_on(tmp_path: Path) -> None:
    file = desk_shop(tmp_path).path
    file.write_text(file.read_text(encoding="utf-8").replace("[desk]", '[desk]\npin = "4711"'), encoding="utf-8")
    with pytest.raises(Refused) as refused:
        serve(load_config(file), "192.0.2.1:4790")
    assert refused.value.code == "desk.no_address" and "cannot listen on 192.0.2.1:4790" in refused.value.reason.message
