# SPDX-License-Identifier: AGPL-3.0-or-later
"""The far end of PrusaLink's serial line: an MK3S, as far as PrusaLink asks. It keeps every line that it got: what really moved.

What it answers follows the expressions with which PrusaLink 0.8.1 reads its printer (prusa/link/printer_adapter/structures/
regular_expressions.py): firmware, model, nozzle, serial number, EEPROM, telemetry, `// action:` lines, line numbers and checksums.
"""

from __future__ import annotations

import os
import pty
import re
import select
import termios
import threading
import time
import tty
from pathlib import Path

FIRMWARE, MODEL_MK3S, NOZZLE, SERIAL_NUMBER = "3.14.1-8237", "302", "0.40", "CZPX4720X004XC34242"
PRINT_INFO = "MODE: Percent done: {}; print time remaining in mins: {}; Change in mins: -1"
MODES = (("NORMAL", "P", "R"), ("SILENT", "Q", "S"))  # which words of M73 are about which mode
TEMPERATURES = "T:21.0 /0.0 B:21.0 /0.0 T0:21.0 /0.0 @:0 B@:0 P:0.0 A:25.0"
POSITION = "X:0.00 Y:0.00 Z:0.00 E:0.00 Count X: 0.00 Y:0.00 Z:0.00 E:0.00"
FANS = "E0:0 RPM PRN1:0 RPM E0@:0 PRN1@:0"
LOOK_SECONDS = 0.05
ANSWERS_AFTER_SECONDS = 0.004  # about what a line of 40 characters takes at 115200 baud; PrusaLink starts and prints as well without it

_ANSWERS = {
    "PRUSA Fir": (FIRMWARE,),
    "M862.2 Q": (MODEL_MK3S,),
    "M862.1 Q": (NOZZLE,),
    "PRUSA SN": (SERIAL_NUMBER,),
    "M220": ("100%",),
    "M221": ("100%",),
    "M27 P": ("Not SD printing",),
    "M20 LT": ("Begin file list", "End file list"),
    "M21": ("echo:SD init fail",),
    "M420": ("Mesh bed leveling not active.",),
    "M601": ("// action:paused",),
    "M602": ("// action:resumed",),
    "M603": ("// action:cancel",),
}


class Mk3:
    """A printer on a pty at `link`. It outlives the PrusaLink that talks to it, and so does its EEPROM.

    `seconds_a_move`: how long each G0 and G1 takes. `silent`: it hears and does not answer. `wants_a_person`: it holds at the next move and
    says every second that somebody must come, as for a filament change.
    """

    def __init__(self, link: Path, seconds_a_move: float = 0.006) -> None:
        self.link = link
        self.seconds_a_move = self._first_seconds_a_move = seconds_a_move
        self.silent = False
        self.wants_a_person = False
        self.heard: list[str] = []
        self.wrong_lines = 0
        self._eeprom: dict[int, int] = {}
        self._progress = dict.fromkeys("PRQS", -1)
        self._telemetry_every = 0.0
        self._telemetry_at = 0.0
        self._line_number = 0
        self._rest = b""
        self._master = -1
        self._kept_open = -1
        self._ending = threading.Event()
        self._lock = threading.RLock()
        self.plug()
        self._thread = threading.Thread(target=self._live, name="mk3", daemon=True)
        self._thread.start()

    @property
    def moves(self) -> list[str]:
        """Every G0 and G1 that it was told to make, oldest first."""
        return [line for line in self.heard if re.match(r"G[01]\b", line)]

    def plug(self) -> None:
        """Put the cable in: a new device behind the same name."""
        with self._lock:
            self._master, self._kept_open = pty.openpty()
            tty.setraw(self._kept_open)
            self._rest = b""
            scratch = self.link.with_suffix(".new")
            scratch.unlink(missing_ok=True)
            scratch.symlink_to(os.ttyname(self._kept_open))
            scratch.replace(self.link)

    def unplug(self) -> None:
        """Pull the cable: whoever has the device open gets an error, and its name is gone."""
        with self._lock:
            self.link.unlink(missing_ok=True)
            for end in (self._kept_open, self._master):
                if end >= 0:
                    os.close(end)
            self._master = self._kept_open = -1

    def says(self, line: str) -> None:
        """A line from the printer that nobody asked for, such as "Error:Heaters switched off. MINTEMP triggered!"."""
        with self._lock:
            if self._master >= 0:
                os.write(self._master, f"{line}\n".encode())

    def calm(self) -> None:
        """Plugged in, answering, wanting nobody and quick, as at first."""
        self.silent = self.wants_a_person = False
        self.seconds_a_move = self._first_seconds_a_move
        if self._master < 0:
            self.plug()

    def reset(self) -> None:
        """What opening the line does to a real MK3 (it raises DTR): whatever was under way is forgotten, but for the EEPROM."""
        with self._lock:
            self._telemetry_every, self._line_number, self._rest = 0.0, 0, b""
            self._progress = dict.fromkeys("PRQS", -1)
            if self._kept_open >= 0:
                termios.tcflush(self._kept_open, termios.TCIOFLUSH)

    def close(self) -> None:
        """Switch it off for good."""
        self._ending.set()
        self._thread.join(timeout=10)
        self.unplug()

    def _live(self) -> None:
        while not self._ending.is_set():
            for line in self._lines():
                if not self.silent:
                    self._obey(line)
            if not self.silent:
                self._report()

    def _lines(self) -> list[str]:
        with self._lock:
            waiting = self._master >= 0 and select.select([self._master], [], [], 0)[0]
            got = os.read(self._master, 4096) if waiting else b""
        if not got:
            self._ending.wait(LOOK_SECONDS if self._master < 0 else 0.002)
        *whole, self._rest = (self._rest + got).split(b"\n")
        return [line.decode("latin-1").strip() for line in whole]

    def _report(self) -> None:
        if self._telemetry_every and time.monotonic() >= self._telemetry_at:
            self._telemetry_at = time.monotonic() + self._telemetry_every
            for line in (TEMPERATURES, POSITION, FANS):
                self.says(line)

    def _obey(self, line: str) -> None:
        command = self._checked(line)
        if command is None:
            return
        if command:
            self.heard.append(command)
        if re.match(r"G[01]\b", command):
            self._move()
        self._ending.wait(ANSWERS_AFTER_SECONDS)
        for answer in self._answers(command):
            self.says(answer)
        self.says("ok")

    def _move(self) -> None:
        asks_at = 0.0
        while self.wants_a_person and not self._ending.is_set():
            if time.monotonic() >= asks_at:
                asks_at = time.monotonic() + 1
                self.says("echo:busy: paused for user")
            self._ending.wait(LOOK_SECONDS)
        self._ending.wait(self.seconds_a_move)

    def _checked(self, line: str) -> str | None:
        """The command in a line, or none if the line must come again: Marlin's `N<number> <command>*<xor of all before>`."""
        numbered = re.match(r"N(\d+)\s*(.*?)\s*\*(\d+)$", line)
        if numbered is None:
            if line.startswith("M110"):
                self._line_number = int((re.search(r"N(\d+)", line) or [0, 0])[1])
            return line
        checksum = 0
        for byte in line.rpartition("*")[0].encode("latin-1"):
            checksum ^= byte
        number = int(numbered[1])
        if checksum == int(numbered[3]) and number == self._line_number + 1:
            self._line_number = number
            return numbered[2]
        self.wrong_lines += 1
        self.says(f"Resend: {self._line_number + 1}")
        self.says("ok")
        return None

    def _answers(self, command: str) -> tuple[str, ...]:
        if command.startswith("D3 "):
            return self._memory(command)
        if command.startswith("M155"):
            self._telemetry_every = float((re.search(r"S(\d+)", command) or [0, 0])[1])
            return ()
        if command.startswith("M73"):
            self._progress.update({letter: int(number) for letter, number in re.findall(r"([PRQS])(-?\d+)", command)})
            return tuple(f"{mode} {PRINT_INFO.format(self._progress[done], self._progress[left])}" for mode, done, left in MODES)
        return _ANSWERS.get(command, ())

    def _memory(self, command: str) -> tuple[str, ...]:
        """`D3 Ax0D05 C4` reads four bytes of EEPROM, `D3 Ax0D05 X0000002a` writes them."""
        address = int((re.search(r"Ax([0-9A-Fa-f]+)", command) or [0, "0"])[1], 16)
        written = re.search(r"X([0-9A-Fa-f]+)", command.partition("Ax")[2])
        if written:
            for place, byte in enumerate(bytes.fromhex(written[1])):
                self._eeprom[address + place] = byte
        count = len(written[1]) // 2 if written else int((re.search(r"C(\d+)", command) or [0, 4])[1])
        return (f"{address:04x}  " + " ".join(f"{self._eeprom.get(address + place, 0):02x}" for place in range(count)),)
