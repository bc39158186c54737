# SPDX-License-Identifier: AGPL-3.0-or-later
"""G-code as Marlin and Klipper read it: one command a line, then its parameters. What each command does stands in `printer_commands.py`,
Klipper's named commands and macros in `macros.py`, and what a machine does then in `printer.py`."""

from __future__ import annotations

import re

from shop_agent.gcode.dialects import FREE_TEXT
from shop_agent.gcode.lines import Odd, named, words_of
from shop_agent.gcode.macros import extended
from shop_agent.gcode.printer import Printer
from shop_agent.gcode.printer_commands import CUTTING, HANDLERS, SPECIAL

HEAD = re.compile(r"([A-Za-z])([0-9]+(?:\.[0-9]+)?)(?=[^0-9.]|$)(.*)", re.DOTALL)
ENDSTOPS_ON = re.compile(r"M211(?: S1)?")


class PrinterFollower(Printer):
    """Follows Marlin or Klipper, line by line."""

    def code(self, code: str) -> None:
        """One line without its comment. Errors: `Odd`."""
        if len(code) > self.rules.longest_code:
            raise Odd("toolpath.ambiguous", "a line longer than the controller holds")
        head = HEAD.fullmatch(code)
        if head is None:
            extended(self, code)
            return
        if head[1] in "Nn":
            raise Odd("toolpath.ambiguous", "a line number, which the sender gives")
        command = named(head[1].upper(), float(head[2]))
        if self.klipper and command != head[1].upper() + head[2]:
            raise Odd("toolpath.ambiguous", f"{head[1]}{head[2]}, which Klipper does not take for {command}")
        self.path.count(command)
        self._carry_out(code, command)

    def _carry_out(self, code: str, command: str) -> None:
        if command in self.rules.never and not (command == "M211" and ENDSTOPS_ON.fullmatch(code)):
            self.say("toolpath.forbidden_command", command)
        elif (command in FREE_TEXT and command in self.harmless) or command == "M211":
            return
        elif command in SPECIAL:
            SPECIAL[command](self, code.upper() if self.rules.lower_case else code)
        elif (handler := HANDLERS.get(command) or (None if self.rules.prints else CUTTING.get(command))) is not None:
            handler(self, self._parameters(code, command))
        elif command in self.harmless or command == "T0":
            self._parameters(code, command)
        elif not self.rules.allows(code):
            self.say("toolpath.unknown_command", command)

    def _parameters(self, code: str, command: str) -> dict[str, float]:
        told: dict[str, float] = {}
        for letter, number in words_of(code, self.rules)[1:]:
            if letter in told or letter in "GMN":
                raise Odd("toolpath.ambiguous", f"{letter} twice on a line" if letter in told else f"{letter} after {command}")
            told[letter] = number
        return told
