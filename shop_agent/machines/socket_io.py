# SPDX-License-Identifier: AGPL-3.0-or-later
"""As much of Socket.IO 2 over a websocket as it takes to give orders (https://github.com/socketio/socket.io-protocol/tree/v4).

The `python-socketio` of today speaks later protocols only. A frame is a digit of Engine.IO 3 (0 open, 2 ping, 4 message) and, in a message,
a digit of Socket.IO (0 connect, 2 event, 3 answer, 4 error).
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

CONNECTED, EVENT, ANSWER, ERROR = "40", "42", "43", "44"
PING, PONG = "2", "3"
MOST_BYTES = 2**26
"""A server may greet with the whole program that it has loaded."""


class NotTaken(Exception):
    """The server could not be reached, or did not take the order."""


async def told(url: str, token: str, orders: list[list[Any]], seconds: float) -> Any:
    """Give orders, `["command", port, "gcode:start"]`, one after the other; the last is one that the server answers, and its answer is
    returned: then all before it were carried out. Errors: `NotTaken`."""
    from websockets.asyncio.client import connect  # only shops with such a machine load it
    from websockets.exceptions import WebSocketException

    try:
        async with asyncio.timeout(seconds), connect(_address(url, token), max_size=MOST_BYTES, proxy=None) as socket:
            await _until(socket, CONNECTED)
            for order in orders[:-1]:
                await socket.send(EVENT + json.dumps(order))
            await socket.send(EVENT + "0" + json.dumps(orders[-1]))
            return json.loads((await _until(socket, ANSWER + "0"))[len(ANSWER) + 1 :] or "[]")
    except (OSError, TimeoutError, WebSocketException, ValueError) as error:
        raise NotTaken(str(error) or type(error).__name__) from error


async def _until(socket: Any, start: str) -> str:
    while True:
        frame = await socket.recv()
        if frame == PING:
            await socket.send(PONG)
        elif isinstance(frame, str) and frame.startswith(ERROR):
            raise NotTaken(frame[len(ERROR) :])
        elif isinstance(frame, str) and frame.startswith(start):
            return frame


def _address(url: str, token: str) -> str:
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    path = parts.path.rstrip("/") + "/socket.io/"
    return urlunsplit((scheme, parts.netloc, path, f"EIO=3&transport=websocket&token={quote(token)}", ""))
