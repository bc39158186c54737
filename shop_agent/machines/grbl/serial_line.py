# SPDX-License-Identifier: AGPL-3.0-or-later
"""A serial port that nobody else may use at the same time, on the event loop.

Opening the port of an Arduino resets it: its reset hangs on an edge of DTR, and Linux raises DTR at each open and lowers it at each close.
So the port is told not to lower it any more (HUPCL off), which also holds when this process is killed: the first open after plugging in
resets the controller, every later one does not, and a controller that still moves is found moving.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import select
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serial import Serial

MOST_LINE = 4096
"""A line longer than this is noise."""

log = logging.getLogger("shop_agent.grbl")


class PortAway(Exception):
    """There is nobody to talk to at the port; why, for its owner."""


class SerialLine:
    """An open port. `heard` gets each whole line; `lost` is called once, when the port is gone."""

    def __init__(self, port: Serial, heard: Callable[[str], None], lost: Callable[[str], None]) -> None:
        self._port = port
        self._fd: int = port.fileno()
        self._heard, self._lost = heard, lost
        self._incoming = b""
        self._outgoing = b""
        self._loop = asyncio.get_running_loop()
        self.open = True
        try:
            self._loop.add_reader(self._fd, self._read)
        except NotImplementedError:
            self.close()
            raise PortAway("serial ports are served on Linux and macOS only") from None

    def write(self, data: bytes) -> None:
        """Send, now or as soon as the port takes it. Nothing happens where the port is gone: `lost` has said so."""
        if self.open:
            self._outgoing += data
            self._send()

    def close(self) -> None:
        """Let go of the port."""
        if not self.open:
            return
        self.open = False
        for remove in (self._loop.remove_reader, self._loop.remove_writer):
            with contextlib.suppress(NotImplementedError):
                remove(self._fd)
        with contextlib.suppress(OSError):
            _share(self._fd, shared=True)
        with contextlib.suppress(OSError):
            self._port.close()

    def _read(self) -> None:
        try:
            got = os.read(self._fd, 4096)
        except BlockingIOError:
            return
        except OSError as error:
            self._gone(error.strerror or str(error))
            return
        if not got:
            if _hung_up(self._fd):
                self._gone("the port was unplugged")
            return
        *lines, self._incoming = (self._incoming + got).split(b"\n")
        self._incoming = self._incoming[-MOST_LINE:]
        for line in lines:
            if text := line.decode("ascii", "replace").strip():
                self._heard(text)

    def _send(self) -> None:
        try:
            self._outgoing = self._outgoing[os.write(self._fd, self._outgoing) :]
        except BlockingIOError:
            pass
        except OSError as error:
            self._gone(error.strerror or str(error))
            return
        if self._outgoing:
            self._loop.add_writer(self._fd, self._send)
        else:
            self._loop.remove_writer(self._fd)

    def _gone(self, why: str) -> None:
        self.close()
        self._lost(why)


async def open_line(port: str, baud_rate: int, heard: Callable[[str], None], lost: Callable[[str], None]) -> SerialLine:
    """Open a port for ourselves alone. Errors: `PortAway`."""
    opened = await asyncio.to_thread(_opened, port, baud_rate)
    return SerialLine(opened, heard, lost)


def _opened(port: str, baud_rate: int) -> Serial:
    from serial import Serial, SerialException  # only shops with such a machine load it

    try:
        opened = Serial(port, baud_rate, timeout=0, write_timeout=0, exclusive=True)
    except (SerialException, OSError, ValueError) as error:
        raise PortAway(_why(port, getattr(error, "errno", None), str(error))) from error
    except Exception as error:  # termios.error is no OSError, and there is no termios on Windows to name it
        raise PortAway(f"{port}: {error}") from error
    with contextlib.suppress(OSError, ImportError):
        _share(opened.fileno(), shared=False)
        _keep_dtr(opened.fileno())
    return opened


def _why(port: str, number: int | None, text: str) -> str:
    match number:
        case errno.EAGAIN | errno.EBUSY:
            return f"another program has {port} open"
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            return f"{port} is not there: is it plugged in and switched on?"
        case errno.EACCES | errno.EPERM:
            return f"this user may not open {port} (Debian: adduser USER dialout)"
    return f"{port}: {text}"


def _share(fd: int, shared: bool) -> None:
    """pyserial's lock is known to pyserial only; this one keeps away senders of every kind."""
    import fcntl
    import termios

    fcntl.ioctl(fd, termios.TIOCNXCL if shared else termios.TIOCEXCL)


def _keep_dtr(fd: int) -> None:
    import termios

    try:
        attributes = termios.tcgetattr(fd)
        attributes[2] &= ~termios.HUPCL
        termios.tcsetattr(fd, termios.TCSANOW, attributes)
    except termios.error as error:
        log.debug("the port keeps lowering DTR when it is closed: %s", error)


def _hung_up(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return any(events & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, events in poll.poll(0))
