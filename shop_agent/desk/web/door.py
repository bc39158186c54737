# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who may speak to the desk: an ASGI layer around all of it, HTTP and WebSocket alike.

A page of another site must not press Start here. So the Host header must name this computer (a name that was turned round to point here
does not), whatever changes something must come from a page of the desk itself, and no other page may show the desk in a frame.
"""

from __future__ import annotations

import html
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from commonfab.errors import Refused
from shop_agent.desk.pin import SESSION_SECONDS, PinCheck, Sessions
from shop_agent.desk.web.theme import pin_template
from shop_agent.desk.wrong import in_words

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "commonfab_desk"
SAFE = ("GET", "HEAD")
MOST_FORM_BYTES = 1024
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:;,\[\]]+)(?::\d{1,5})?")


def names_of_this_computer(listen_host: str) -> frozenset[str]:
    """Names by which people on the local network call this computer, beside its addresses."""
    own = socket.gethostname().lower()
    return frozenset({"localhost", own, f"{own}.local", f"{own.partition('.')[0]}.local", listen_host.lower()})


def is_ours(host: str, names: Iterable[str]) -> bool:
    """Whether a Host header names this computer. An address always does: only a name can be turned round by whoever owns it."""
    told = HOST.fullmatch(host.lower())
    if told is None:
        return False
    bare = told[1].strip("[]")
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        return bare.rstrip(".") in names
    return True


@dataclass(frozen=True)
class Door:
    """Stands before the desk's web application. `pin`: None where only this computer can reach it and no PIN was said."""

    app: App
    names: frozenset[str]
    sessions: Sessions
    pin: PinCheck | None
    shop: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in, ask for the PIN, or refuse."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        against = self.against(scope, headers)
        if against:
            await _refuse(scope, receive, send, against)
        elif self.pin is not None and not self.sessions.holds(_cookie(headers)):
            await self._ask(self.pin, scope, receive, send)
        else:
            await self.app(scope, receive, _guarded(send, headers.get("host", "")))

    def against(self, scope: Scope, headers: dict[str, str]) -> str:
        """Why it must not come in, whoever it is; empty for nothing."""
        host = headers.get("host", "")
        if not is_ours(host, self.names):
            return "This is not the name of this computer."
        origin = headers.get("origin", "")
        changes = scope["type"] == "websocket" or scope["method"] not in SAFE
        if (origin or changes) and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
            return "Only a page of the desk itself may say that."
        fetched = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        if fetched and headers.get("sec-fetch-mode") != "navigate":
            return "Only a page of the desk itself may ask for that."
        return ""

    async def _ask(self, pin: PinCheck, scope: Scope, receive: Receive, send: Send) -> None:
        """The page that asks for the PIN, and what was typed there."""
        if scope["type"] == "websocket":
            await _refuse(scope, receive, send, "The PIN first.")
        elif scope["path"] == "/pin" and scope["method"] == "POST":
            await self._try(pin, receive, send)
        elif scope["method"] in SAFE and scope["path"] in ("/", "/pin"):
            await _answer(send, 200, pin_page(self.shop, ""))
        else:
            await _answer(send, 401, "The PIN first.", kind="text/plain")

    async def _try(self, pin: PinCheck, receive: Receive, send: Send) -> None:
        told = parse_qs((await _body(receive)).decode("utf-8", "replace")).get("pin", [""])[0]
        try:
            pin.check(told)
        except Refused as refused:
            await _answer(send, 403, pin_page(self.shop, in_words(refused)))
            return
        cookie = f"{COOKIE}={self.sessions.made()}; Path=/; Max-Age={int(SESSION_SECONDS)}; HttpOnly; SameSite=Strict"
        await _answer(send, 303, "", extra=[(b"location", b"/"), (b"set-cookie", cookie.encode())])


def _cookie(headers: dict[str, str]) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


async def _body(receive: Receive) -> bytes:
    body = b""
    while len(body) <= MOST_FORM_BYTES:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            break
    return body[:MOST_FORM_BYTES]


def _guarded(send: Send, host: str) -> Send:
    """Adds to every answer what a browser must hold to."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *_promises(host)]
        await send(message)

    return guarded


def _promises(host: str) -> list[tuple[bytes, bytes]]:
    # The page's own framework compiles its templates, so scripts may be made from text; all of it comes from here.
    rules = (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
        f" font-src 'self' data:; connect-src 'self' ws://{host} wss://{host}; object-src 'none'; base-uri 'self'; form-action 'self';"
        " frame-ancestors 'none'"
    )
    return [
        (b"content-security-policy", rules.encode("latin-1", "replace")),
        (b"x-frame-options", b"DENY"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),  # without any, a browser says "Origin: null" of our own forms,
    ]


async def _refuse(scope: Scope, receive: Receive, send: Send, why: str) -> None:
    if scope["type"] == "websocket":
        await receive()  # the request to connect, which is answered by closing
        await send({"type": "websocket.close", "code": 4403, "reason": why})
        return
    await _answer(send, 403, why, kind="text/plain")


async def _answer(send: Send, status: int, body: str, kind: str = "text/html", extra: Iterable[tuple[bytes, bytes]] = ()) -> None:
    content = body.encode()
    headers = [
        (b"content-type", f"{kind}; charset=utf-8".encode()),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        *_promises(""),
        *extra,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def pin_page(shop: str, wrong: str) -> str:
    """The page that asks for the PIN: no script, no picture."""
    complaint = f'<p class="wrong" role="alert">{html.escape(wrong)}</p>' if wrong else ""
    return pin_template().replace("SHOP", html.escape(shop)).replace("WRONG", complaint)
