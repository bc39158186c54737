# SPDX-License-Identifier: AGPL-3.0-or-later
"""What each command of Marlin and Klipper does to what the gate knows of the machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from shop_agent.gcode.following import AXES, LONGEST_BURN_S
from shop_agent.gcode.lines import Odd, shown
from shop_agent.gcode.printer import Printer

Words = dict[str, float]
Handler = Callable[[Printer, Words], None]

FLAGS = re.compile(r"[GM]\d+((?: ?[A-Z]-?[\d.]*)*)")
TWO_LETTERS = re.compile(r"[A-Z]{2}")
HEATED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("M104", "M109"), "the nozzle"),
        **dict.fromkeys(("M140", "M190"), "the bed"),
        **dict.fromkeys(("M141", "M191"), "the chamber"),
    }
)
WAITS = frozenset(("M109", "M190", "M191"))


def _only(words: Words, letters: str, what: str) -> None:
    if not words.keys() <= set(letters):
        raise Odd("toolpath.unreadable", f"{what} with other words than {', '.join(letters)}")


# Moves.


def _move(follower: Printer, words: Words, rapid: bool) -> None:
    _only(words, "XYZEF" if follower.rules.prints else "XYZEFS", "a move")
    if "S" in words:
        follower.set_power(words["S"])
    follower.straight(words, rapid)


def _arc(follower: Printer, words: Words, clockwise: bool) -> None:
    _only(words, "XYZEFIJR" if follower.rules.prints else "XYZEFIJRS", "an arc")
    if follower.klipper and ("R" in words or follower.absolute is False):
        raise Odd("toolpath.bad_arc", "")  # gcode_arcs.py knows neither
    if "S" in words:
        follower.set_power(words["S"])
    follower.arc(words, clockwise)


def _renumber(follower: Printer, words: Words) -> None:
    if not words.keys() & set("XYZE"):
        raise Odd("toolpath.ambiguous", "G92 without an axis")  # Klipper makes all of them 0, Marlin none
    _only(words, "XYZE", "G92")
    follower.renumber(words)


def _dwell(follower: Printer, words: Words) -> None:
    seconds = words.get("S", words.get("P", 0.0) / 1000)
    if seconds < 0:
        raise Odd("toolpath.bad_value", "G4")
    if follower.burns and seconds > LONGEST_BURN_S:
        follower.say("toolpath.laser_stands", "G4")
    follower.path.seconds += seconds


def _relative(follower: Printer, absolute: bool) -> None:
    follower.absolute = absolute
    if not follower.klipper:
        follower.e_absolute = absolute  # in Marlin G90 and G91 concern E too, until M82 or M83 (gcode.h, set_relative_mode)


def _e_mode(follower: Printer, absolute: bool) -> None:
    follower.e_absolute = absolute


def _millimetres(follower: Printer, words: Words) -> None:
    follower.unit = 1.0


def _feed_factor(follower: Printer, words: Words) -> None:
    if words.keys() != {"S"} or words["S"] <= 0:
        raise Odd("toolpath.bad_value", "M220")
    follower.feed_factor = words["S"] / 100
    follower.note_feed()


def _flow_factor(follower: Printer, words: Words) -> None:
    """S in percent. Without it Marlin only shows how it stands, and Klipper goes back to 100 (gcode_move.py)."""
    if not words.keys() <= {"S", "T"} or words.get("T", 0.0) or words.get("S", 100.0) <= 0 or ("S" not in words and words):
        raise Odd("toolpath.bad_value", "M221")
    if "S" in words or follower.klipper:
        follower.flow = words.get("S", 100.0) / 100


def _retraction(follower: Printer, words: Words) -> None:
    """M207: S length, F feed, Z how far G10 lifts the head, W for tool changes."""
    _only(words, "SFWZ", "M207")
    if words.get("Z", 0.0) < 0:
        raise Odd("toolpath.bad_value", "M207 Z")
    follower.lift = words.get("Z", follower.lift)


def _retract(follower: Printer, words: Words) -> None:
    """G10 takes filament back, and lifts the head if M207 said so. With other words it is a different command (offsets, temperatures)."""
    _only(words, "S", "G10")
    if follower.lift:
        follower.reach(2, follower.at[2] + follower.lift)


# Heat.


def _temperature(follower: Printer, words: Words, command: str) -> None:
    """S is the target; R, in Marlin and only where it waits, the target that is also waited for while cooling."""
    if "S" in words and "R" in words:
        raise Odd("toolpath.ambiguous", f"{command} with S and R")
    if "R" in words and (follower.klipper or command not in WAITS):
        raise Odd("toolpath.ambiguous", f"{command} with R")  # passed over by some: Klipper takes M109 R for M109 S0
    if "S" not in words and "R" not in words:
        if command in WAITS and words.keys() <= {"T"} and not follower.klipper:
            follower.hot = follower.hot or (command == "M109" and "the nozzle" in follower.targets)
            return
        raise Odd("toolpath.unreadable", f"{command} without S")
    _only(words, "SRTP", command)
    if words.get("T", 0.0) or words.get("P", 0.0):
        raise Odd("toolpath.unreadable", f"{command} of another tool than T0")
    if follower.burns and command in WAITS:
        follower.say("toolpath.laser_stands", command)
    follower.heat(HEATED[command], command, words.get("S", words.get("R", 0.0)), command in WAITS)


# Spindles and lasers.


def _spindle(follower: Printer, words: Words, command: str) -> None:
    _only(words, "S", command)  # O and P of Marlin set the power as well, on scales of their own
    if "S" in words:
        follower.set_power(words["S"])
    if command != "M5" and follower.rules.laser and "S" not in words:  # Marlin's own power then, whatever S was before
        follower.say("toolpath.mode_unsaid", "the laser's power (S)")
    follower.spindle = "" if command == "M5" else command
    follower.closed_by_macro = False


def _fan_output(follower: Printer, words: Words, command: str) -> None:
    """On many lasers with Marlin the beam hangs on the fan's output."""
    if not follower.rules.laser:
        return
    _only(words, "SP", command)
    power, fan = words.get("S", 255.0) if command == "M106" else 0.0, words.get("P", 0.0)
    if power < 0:
        raise Odd("toolpath.bad_value", f"{command} S{power:g}")
    follower.note_power(power)
    follower.blown = follower.blown | {fan} if power else follower.blown - {fan}
    follower.closed_by_macro = False


def _pause(follower: Printer, words: Words) -> None:
    if follower.burns:
        follower.say("toolpath.laser_stands", "a pause")


# Homing, levelling and motors: their words may stand without a number.


def _flags(code: str) -> str:
    found = FLAGS.fullmatch(code)
    if found is None:
        raise Odd("toolpath.unreadable", shown(code))
    return "".join(re.findall("[A-Z]", found[1]))


def _home(follower: Printer, code: str) -> None:
    letters = _flags(code)
    follower.watch_way_home(sideways="X" in letters or "Y" in letters or "Z" not in letters)
    if follower.klipper and TWO_LETTERS.search(code):
        raise Odd("toolpath.ambiguous", "letters without a space between them")  # G28 XY homes all axes there
    if not set(letters) <= set("XYZEWOL"):
        raise Odd("toolpath.unreadable", f"{shown(code)}: a word that is not X, Y, Z, W, O or L")
    axes = [axis for axis, letter in enumerate(AXES) if letter in letters] or [0, 1, 2]
    for axis in axes:
        if not follower.rules.prints:
            follower.new_frame(axis, known=True)
        follower.homed[axis], follower.known[axis] = True, "O" not in letters  # with O it stays where it is if it was homed
        follower.at[axis], follower.offset[axis] = follower.rules.home_mm[axis], 0.0
    follower.closed_by_macro = False


def _motors_off(follower: Printer, code: str) -> None:
    letters = _flags(code)
    if letters == "S" and not follower.klipper:
        return  # only when to switch off
    if not set(letters) <= set("XYZES" if follower.klipper else "XYZE"):
        raise Odd("toolpath.unreadable", shown(code))
    for axis, letter in enumerate(AXES):
        if follower.rules.prints and (letter in letters or not letters or follower.klipper):
            follower.homed[axis] = False


def _level(follower: Printer, code: str) -> None:
    """Probing leaves the head somewhere over the bed. G29 S may write to the memory for settings."""
    if "S" in _flags(code) and not follower.rules.allows(code):
        follower.say("toolpath.unknown_command", "G29 S")
        return
    if not all(follower.homed):
        follower.say("toolpath.not_homed", "levelling")
    follower.watch_way_home(sideways=True)
    follower.known = [False] * 3


def _heats(command: str) -> Handler:
    return lambda follower, words: _temperature(follower, words, command)


def _turns(command: str) -> Handler:
    return lambda follower, words: _spindle(follower, words, command)


def _blows(command: str) -> Handler:
    return lambda follower, words: _fan_output(follower, words, command)


SPECIAL: Mapping[str, Callable[[Printer, str], None]] = MappingProxyType(
    {"G28": _home, "M84": _motors_off, "M18": _motors_off, "G29": _level, "G80": _level}
)
HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "G0": lambda follower, words: _move(follower, words, rapid=True),
        "G1": lambda follower, words: _move(follower, words, rapid=False),
        "G2": lambda follower, words: _arc(follower, words, clockwise=True),
        "G3": lambda follower, words: _arc(follower, words, clockwise=False),
        "G4": _dwell,
        "G10": _retract,
        "G21": _millimetres,
        "G90": lambda follower, words: _relative(follower, absolute=True),
        "G91": lambda follower, words: _relative(follower, absolute=False),
        "G92": _renumber,
        "M82": lambda follower, words: _e_mode(follower, absolute=True),
        "M83": lambda follower, words: _e_mode(follower, absolute=False),
        "M106": _blows("M106"),
        "M107": _blows("M107"),
        "M207": _retraction,
        "M220": _feed_factor,
        "M221": _flow_factor,
        **{command: _heats(command) for command in HEATED},
    }
)
CUTTING: Mapping[str, Handler] = MappingProxyType(
    {
        **{command: _turns(command) for command in ("M3", "M4", "M5")},
        **dict.fromkeys(("M0", "M1"), _pause),
        **dict.fromkeys(("M7", "M8", "M9"), lambda follower, words: None),
    }
)
"""What only machines with a spindle or a laser understand, beside a person who is there."""
