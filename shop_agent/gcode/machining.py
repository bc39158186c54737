# SPDX-License-Identifier: AGPL-3.0-or-later
"""G-code as Grbl and LinuxCNC read it (RS274NGC): several commands a line, in an order of their own, and modes that go on.

Where the work's zero lies is set at the machine, so only extents are judged against the travel. Lengths and positions need G20 or G21
and G90 or G91
before the first move, the first cut a feed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from shop_agent.gcode.dialects import LINUXCNC_LISTED, RS274_COMMON, Dialect, Rules
from shop_agent.gcode.findings import Toolpath
from shop_agent.gcode.following import AXES, INCH_MM, LONGEST_BURN_S, PLANES, Follower
from shop_agent.gcode.lines import Odd, Words, named, shown, words_of

LINE_NUMBER = re.compile(r"[Nn]\d{1,7} *(?=[A-Za-z]|$)")
"""At the beginning of a line; it means nothing. Grbl takes them up to 10 000 000 (gcode.c, MAX_LINE_NUMBER)."""
MOTION = frozenset(("G0", "G1", "G2", "G3", "G80"))
AXIS_COMMANDS = frozenset(("G28", "G30", "G92"))
OF_MOVES = frozenset("XYZIJKRP")
ENDS = frozenset(("M2", "M30"))
GROUPS: tuple[frozenset[str], ...] = (
    MOTION | AXIS_COMMANDS | frozenset(("G4",)),
    frozenset(("G17", "G18", "G19")),
    frozenset(("G20", "G21")),
    frozenset(("G90", "G91")),
    frozenset(("G54", "G55", "G56", "G57", "G58", "G59", "G59.1", "G59.2", "G59.3")),
    frozenset(("M3", "M4", "M5")),
    frozenset(("M0", "M1", "M2", "M30")),
)
"""Of each only one may stand on a line (RS274NGC 3.4). G4 on the line of a move is refused as well: controllers differ."""


class CutterFollower(Follower):
    """Follows Grbl or LinuxCNC."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.motion = ""
        self.listed = LINUXCNC_LISTED if rules.dialect is Dialect.LINUXCNC else RS274_COMMON
        self.percents = 0
        self.begun = False

    def code(self, code: str) -> None:
        """One line without its comments. Errors: `Odd`."""
        if code == "%":
            self._percent()
            return
        if self.percents == 2 or (
            self.ended and LINE_NUMBER.sub("", code, count=1).upper() not in ("M2", "M02", "M30", "M5", "M05", "M9", "M09")
        ):
            raise Odd("toolpath.ambiguous", "a line after the program's end")
        self._watch_form(code)
        self.begun = True
        code = LINE_NUMBER.sub("", code, count=1)
        self._block(code, words_of(code, self.rules))

    def _percent(self) -> None:
        self.percents += 1
        if self.percents > 2 or (self.percents == 1 and self.begun and not self.ended):
            raise Odd("toolpath.ambiguous", "a percent sign in the middle")

    def _watch_form(self, code: str) -> None:
        if code.startswith("$"):
            self.say("toolpath.forbidden_command", shown(code))
            raise Odd("toolpath.forbidden_command", shown(code))
        if "#" in code or "[" in code or "<" in code or code[:1] in "Oo":
            raise Odd("toolpath.forbidden_command", "a variable, an expression or a subprogram (#, [ ], O)")
        if len(code.replace(" ", "")) > self.rules.longest_code or len(code) > 120 + self.rules.longest_code:
            raise Odd("toolpath.ambiguous", "a line longer than the controller holds")

    def _block(self, code: str, words: Words) -> None:
        commands = [named(letter, number) for letter, number in words if letter in "GM"]
        told: dict[str, float] = {}
        for letter, number in words:
            if letter in told or letter == "N":
                raise Odd("toolpath.ambiguous", f"{letter} twice on a line")
            if letter not in "GM":
                told[letter] = number
        for command in commands:
            self.path.count(command)
        if any(len(group.intersection(commands)) > 1 for group in GROUPS) or len(set(commands)) < len(commands):
            raise Odd("toolpath.ambiguous", "two commands of one kind on a line")
        if self._refused(code, commands):
            return
        self._carry_out(commands, told)

    def _refused(self, code: str, commands: list[str]) -> bool:
        """Say what may not be there. A line that the owner allows is not followed: after it positions are unknown."""
        for command in commands:
            if command in self.rules.never:
                self.say("toolpath.forbidden_command", command)
                return True
        if "M6" in commands and self.in_stock:
            self.say("toolpath.tool_in_stock")
        unlisted = [command for command in commands if command not in self.listed]
        if not unlisted:
            return False
        if self.rules.allows(code) or all(self.rules.allows(command) for command in unlisted):
            for axis in range(3):
                self.new_frame(axis)
            self.motion = ""
        else:
            self.say("toolpath.unknown_command", unlisted[0])
        return True

    def _carry_out(self, commands: list[str], told: dict[str, float]) -> None:
        """In RS274NGC's order of execution (3.8): modes that a word's meaning hangs on first, then the move, then the end."""
        if "G20" in commands or "G21" in commands:
            self.unit = INCH_MM if "G20" in commands else 1.0
        if "F" in told:
            if self.unit is None:
                self.say("toolpath.mode_unsaid", "G20 or G21")
            self.set_feed(told.pop("F"))
        if "S" in told:
            self.set_power(told.pop("S"))
        told.pop("T", None)
        for command in commands:
            self._watch_standing(command, told)
            if command in MODES:
                MODES[command](self)
        self._move(commands, told)
        for command in commands:
            if command in ENDS:
                self._end()

    def _move(self, commands: list[str], told: dict[str, float]) -> None:
        special = next((one for one in commands if one in AXIS_COMMANDS or one == "G4"), "")
        if special:
            self._special(special, told)
            return
        if any(one in ("G43", "G64", "G61.1") for one in commands):
            for letter in "HPQ":
                told.pop(letter, None)
        self.motion = next((one for one in commands if one in MOTION), self.motion)
        if not told:
            return
        if not told.keys() <= OF_MOVES:
            raise Odd("toolpath.unreadable", f"the word {min(told.keys() - OF_MOVES)}")
        if "G53" in commands:
            self._in_machine_coordinates(told)
        elif self._may_move(told):
            self._follow(told)

    def _may_move(self, told: dict[str, float]) -> bool:
        unsaid = ""
        if self.motion in ("", "G80"):
            unsaid = "G0 or G1"
        elif self.unit is None:
            unsaid = "G20 or G21"
        elif self.absolute is None:
            unsaid = "G90 or G91"
        if unsaid:
            self.say("toolpath.mode_unsaid", unsaid)
        elif self.motion != "G0" and self.feed is None:
            self.say("toolpath.no_feed")
        elif self.motion in ("G0", "G1") and not told.keys() <= set(AXES):
            raise Odd("toolpath.unreadable", "a straight move with words of an arc")
        else:
            return True
        return False

    def _follow(self, told: dict[str, float]) -> None:
        first, second, _ = PLANES[self.plane]
        if self.motion in ("G0", "G1"):
            self.straight(told, rapid=self.motion == "G0")
        elif self.rules.dialect is Dialect.GRBL and AXES[first] not in told and AXES[second] not in told:
            self.say("toolpath.bad_arc")  # Grbl's error 32
        else:
            self.arc(told, clockwise=self.motion == "G2")

    def _special(self, command: str, told: dict[str, float]) -> None:
        if command == "G4":
            if told.keys() != {"P"} or told["P"] < 0:
                raise Odd("toolpath.unreadable", "G4 without P")
            self.path.seconds += told["P"]  # seconds, in Grbl and in LinuxCNC
            return
        if not told.keys() <= set(AXES) or (told and (self.unit is None or (self.absolute is None and command != "G92"))):
            raise Odd("toolpath.unreadable", f"{command} with these words, or before G21 and G90")
        if command == "G92":
            if not told:
                raise Odd("toolpath.ambiguous", "G92 without an axis")
            self.renumber(told)
            return
        self.watch_rapid_home(told)
        for axis, letter in enumerate(AXES):
            if letter in told or not told:
                self.new_frame(axis)

    def watch_rapid_home(self, told: dict[str, float]) -> None:
        """G28 and G30: by way of the words, if there are any, then to a stored place, as a rapid move."""
        if told:
            self.straight(told, rapid=True)
        self.watch_way_home(sideways=not told or "X" in told or "Y" in told)

    def _watch_standing(self, command: str, told: dict[str, float]) -> None:
        """No dwell and no pause with the beam on one spot."""
        if self.burns and (command in ("M0", "M1", "M6", "M60") or (command == "G4" and told.get("P", 0.0) > LONGEST_BURN_S)):
            self.say("toolpath.laser_stands", command)

    def _in_machine_coordinates(self, told: dict[str, float]) -> None:
        """G53: how far it goes from the machine's zero, at either end of the travel, is an extent."""
        if self.motion not in ("G0", "G1") or self.unit is None or (self.motion == "G1" and self.feed is None):
            raise Odd("toolpath.unreadable", "G53 without G0 or G1, unit or feed")
        if not told.keys() <= set(AXES):
            raise Odd("toolpath.unreadable", "G53 with other words than X, Y and Z")
        if self.motion == "G0":
            self.watch_way_home(sideways="X" in told or "Y" in told)
        for axis, letter in enumerate(AXES):
            if letter in told:
                away = abs(told[letter] * self.unit)
                if away > self.path.widest[axis][0]:
                    self.path.widest[axis] = (away, self.number)
                self.new_frame(axis)

    def _end(self) -> None:
        """M2 and M30 switch off spindle and coolant and set the modes back (Grbl 1.1 and LinuxCNC alike)."""
        self.ended = True
        self.spindle, self.motion, self.plane = "", "", 17
        self.absolute = self.unit = None

    def turn(self, command: str) -> None:
        """M3 or M4: on; M5: off."""
        self.spindle = "" if command == "M5" else command
        if self.spindle and self.rules.laser and self.power is None:
            self.say("toolpath.mode_unsaid", "the laser's power (S)")

    def close(self, lines: int) -> Toolpath:
        """The end: nothing turning or burning, absolute, in the plane of X and Y."""
        path = super().close(lines)
        if self.spindle:
            self.say("toolpath.end_unsafe", f"{self.tool_name()} is still on")
        if self.absolute is False and not self.ended:
            self.say("toolpath.end_unsafe", "the machine is still relative (G91)")
        if self.plane != 17:
            self.say("toolpath.end_unsafe", f"the plane is still G{self.plane}")
        return path


def _set(name: str, value: object) -> Callable[[CutterFollower], None]:
    return lambda follower: setattr(follower, name, value)


def _turns(command: str) -> Callable[[CutterFollower], None]:
    return lambda follower: follower.turn(command)


def _lose_all(follower: CutterFollower) -> None:
    for axis in range(3):
        follower.lose(axis)


def _lose_z(follower: CutterFollower) -> None:
    follower.lose(2)


def _change_tool(follower: CutterFollower) -> None:
    follower.new_frame(2)


MODES: Mapping[str, Callable[[CutterFollower], None]] = MappingProxyType(
    {
        "G17": _set("plane", 17),
        "G18": _set("plane", 18),
        "G19": _set("plane", 19),
        "G90": _set("absolute", True),
        "G91": _set("absolute", False),
        "M3": _turns("M3"),
        "M4": _turns("M4"),
        "M5": _turns("M5"),
        **dict.fromkeys(("G54", "G55", "G56", "G57", "G58", "G59", "G59.1", "G59.2", "G59.3", "G92.1"), _lose_all),
        **dict.fromkeys(("G43", "G49"), _lose_z),
        "M6": _change_tool,
    }
)
"""Words that set a mode. What the controller has stored (work offsets, tool lengths) makes the program's own position
unknown; the machine itself stays where it is, so that relative moves go on adding up."""
