# SPDX-License-Identifier: AGPL-3.0-or-later
"""A conversation with one Grbl: what it said last, questions and their answers. Decides nothing and starts nothing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from commonfab.clock import Clock
from shop_agent.machines.grbl.reports import BANNER, BLOCKING_ALARMS, MODES, Status, alarm_text, code_of, status_of
from shop_agent.machines.grbl.serial_line import PortAway, SerialLine, open_line

CONTACT_SECONDS = 4.0
"""An Arduino that was reset by opening its port needs about two to come up."""
ASK_AGAIN_SECONDS = 0.25
STEP_SECONDS = 0.5
ANSWER_SECONDS = 2.0

STATUS, HOLD, RESUME, RESET = b"?", b"!", b"~", b"\x18"

log = logging.getLogger("shop_agent.grbl")


class Link:
    """What has been heard since the port was opened.

    `resets`: how often the controller said that it came up; `unbidden`: how often it did so without our telling it. `alarm`: the alarm that
    it told last; `blocked`: after it, it answers nothing until it is reset. `answers`: where each "ok" and "error:N" goes while lines are
    fed. `ended`: why the line is gone.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._line: SerialLine | None = None
        self._asked: asyncio.Future[list[str]] | None = None
        self._said: list[str] = []
        self._in_step: asyncio.Future[list[str]] | None = None
        self._steps_asked = 0
        self._modes: list[str] | None = None
        self._looking: list[asyncio.Future[Status]] = []
        self._asking = asyncio.Lock()
        self.answers: Callable[[str], None] | None = None
        self.program = ""
        self.resets = self.unbidden = 0
        self._told_to_reset = False
        self.alarm = ""
        self.blocked = False
        self.ended = ""

    async def open(self, port: str, baud_rate: int) -> Status:
        """Open the port and return the controller's first status. Sends nothing but `?`. Errors: `PortAway`."""
        self._line = await open_line(port, baud_rate, self._heard, self._lost)
        until = self._clock.monotonic() + CONTACT_SECONDS
        try:
            while True:
                try:
                    return await self.look(ASK_AGAIN_SECONDS)
                except PortAway:
                    if self.ended or self._clock.monotonic() >= until:
                        raise
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether the port is still there."""
        return not self.ended

    def send(self, data: bytes) -> None:
        """Realtime commands and lines, as they are."""
        self._told_to_reset = self._told_to_reset or data == RESET
        if self._line is not None:
            self._line.write(data)

    async def look(self, seconds: float = ANSWER_SECONDS) -> Status:
        """A status report of now. Errors: `PortAway`."""
        if self.blocked:
            return Status("Alarm")
        answer: asyncio.Future[Status] = asyncio.get_running_loop().create_future()
        self._looking.append(answer)
        self.send(STATUS)
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            raise PortAway(self.ended or "it does not answer: is it switched on, and is baud_rate right?") from None
        finally:
            if answer in self._looking:
                self._looking.remove(answer)

    async def ask(self, command: str, seconds: float = ANSWER_SECONDS) -> list[str]:
        """The lines of the answer to a $ command, the last of them "ok" or "error:N", or the banner where the controller came up anew
        instead. Errors: `PortAway`."""
        async with self._asking:
            self._said = []
            self._asked = asyncio.get_running_loop().create_future()
            self.send(command.encode("ascii") + b"\n")
            try:
                async with asyncio.timeout(seconds):
                    return await self._asked
            except TimeoutError:
                raise PortAway(self.ended or f"it does not answer {command}") from None
            finally:
                self._asked = None

    async def in_step(self) -> list[str] | None:
        """Whether every line that was sent before, by whomever, has been carried out: the modes (`["G0", "G54", …]`) that Grbl tells then.

        None while it does not answer. The rest of a line that was cut off by a broken connection becomes an error by what follows it, and
        Grbl carries out a line whole or not at all; so it is asked a second time. Not a third: its buffer may be full to the window.
        """
        async with self._asking:
            for _ in range(2):
                self._in_step = asyncio.get_running_loop().create_future()
                if self._steps_asked < 2:
                    self._steps_asked += 1
                    self.send(b"$G\n")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(STEP_SECONDS):
                        return await self._in_step
        return None

    def close(self) -> None:
        """Let go of the port."""
        self.ended = self.ended or "closed"
        if self._line is not None:
            self._line.close()

    def _heard(self, line: str) -> None:
        if (status := status_of(line)) is not None:
            self._seen(status)
        elif line == "ok" or code_of(line, "error") is not None:
            self._answered(line)
        elif (code := code_of(line, "ALARM")) is not None:
            self.alarm, self.blocked = alarm_text(code), code in BLOCKING_ALARMS
            if self.blocked:
                self._tell(Status("Alarm"))
        elif banner := BANNER.match(line):
            self.program, self.blocked = f"Grbl {banner[1]}", False
            self.resets += 1
            self.unbidden += not self._told_to_reset
            self._told_to_reset = False
            self._steps_asked, self._modes = 0, None
            if self._asked is not None and not self._asked.done():
                self._asked.set_result([*self._said, line])
        elif modes := MODES.match(line):
            self._modes = modes[1].split()
        elif line.startswith(("[", "$")):
            self._said.append(line)
        else:
            log.debug("not understood: %r", line[:80])

    def _seen(self, status: Status) -> None:
        if status.state != "Alarm":
            self.alarm, self.blocked = "", False
        self._tell(status)

    def _tell(self, status: Status) -> None:
        looking, self._looking = self._looking, []
        for answer in looking:
            if not answer.done():
                answer.set_result(status)

    def _answered(self, line: str) -> None:
        if self.answers is not None:
            self.answers(line)
        elif line == "ok" and self._modes is not None:
            self._steps_asked = max(self._steps_asked - 1, 0)
            modes, self._modes = self._modes, None
            if self._in_step is not None and not self._in_step.done():
                self._in_step.set_result(modes)
        elif self._asked is not None and not self._asked.done():
            self._asked.set_result([*self._said, line])

    def _lost(self, why: str) -> None:
        self.ended = why or "the port is gone"
        log.warning("the serial port is gone: %s", self.ended)
        for waiting in (*self._looking, self._asked, self._in_step):
            if waiting is not None and not waiting.done():
                waiting.set_exception(PortAway(self.ended))
