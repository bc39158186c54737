# SPDX-License-Identifier: AGPL-3.0-or-later
"""Grbl 1.1 as seen from its serial line: buffers, states, realtime commands, errors and alarms; and a log of what was really moved.

It knows no wall clock and no port: `tick` is told the machine's time. Facts: https://github.com/gnea/grbl/wiki and the sources of 1.1h.
There is no acceleration: a block takes its length over its feed rate, and a hold stands after a short while.
"""

from __future__ import annotations

import math
import re
from collections import deque
from dataclasses import dataclass, field

RX_BUFFER = 128
PLANNER_BLOCKS = 15
LINE_BUFFER = 80
HOLD_SECONDS = 0.05
HOMING_SECONDS = 1.0
RAPID = 5000.0
BANNER = "Grbl 1.1h ['$' for help]"
SUPPORTED_G = {0, 1, 2, 3, 4, 10, 17, 20, 21, 28, 30, 40, 49, 53, 54, 55, 56, 57, 58, 59, 80, 90, 91, 92, 94}
SUPPORTED_M = {0, 1, 2, 3, 4, 5, 7, 8, 9, 30}
MOTION_MODES = (0, 1, 2, 3)
WORD = re.compile(r"([A-Z])([-+]?(?:\d+\.?\d*|\.\d+))")


@dataclass(frozen=True)
class Motion:
    """One move that was carried out: from, to (mm, of the machine), when it began and ended (machine seconds), and by which line. `whole`
    is false where it was cut off."""

    line: str
    begin: tuple[float, ...]
    end: tuple[float, ...]
    began_at: float
    ended_at: float
    whole: bool


@dataclass
class Block:
    """A move that waits in the planner."""

    line: str
    begin: tuple[float, ...]
    end: tuple[float, ...]
    seconds: float
    state: str = "Run"
    done: float = 0.0
    began_at: float = -1.0


class Fault(Exception):
    """`error:N`."""

    def __init__(self, code: int) -> None:
        self.code = code


@dataclass
class Controller:
    """`receive` takes what comes over the line, `tick` moves on, `said` is what it answers. `overflows`: characters that found no room: a
    sender that counts never causes one. `mute`: it answers nothing, and works on. `homing_fails`: the alarm with which homing ends."""

    settings: dict[int, float]
    homing_locks: bool = False
    work_zero: tuple[float, ...] = (-300.0, -200.0, -50.0)
    state: str = "Idle"
    motions: list[Motion] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    realtime: list[str] = field(default_factory=list)
    overflows: int = 0
    resets: int = 0
    mute: bool = False
    homing_fails: int = 0
    said: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.now = 0.0
        self.at: tuple[float, ...] = self.work_zero
        self._hard_start()

    # what comes in

    def receive(self, data: bytes) -> None:
        """Characters from the line. Realtime commands are picked out at once, wherever they stand."""
        for code in data:
            if code == 0x18:
                self.realtime.append("reset")
                self.reset()
            elif code in b"?!~":
                self._realtime(chr(code))
            elif code == 0x84:
                self._door()
            elif code == 0x85:
                self._jog_cancel()
            elif code >= 0x80:
                continue
            elif len(self._rx) >= RX_BUFFER:
                self.overflows += 1
            else:
                self._rx.append(code)

    def _realtime(self, what: str) -> None:
        if what == "?":
            self._looked_for = self.state == "Home"  # while it homes it answers nothing, and afterwards once
            if not self._blocked and not self._looked_for:
                self.say(self.report())
            return
        self.realtime.append(what)
        if what == "!" and self.state in ("Idle", "Run"):
            self._hold_until = self.now + (HOLD_SECONDS if self.state == "Run" else 0.0)
            self.state = "Hold"
        elif what == "!" and self.state == "Jog":
            self._jog_cancel()
        elif what == "~" and (self.state == "Hold" or (self.state == "Door" and not self.door_open)):
            self.state = "Run" if self._planner else "Idle"

    def _jog_cancel(self) -> None:
        if self.state == "Jog":
            self._cut_off()
            self._planner.clear()
            self.state = "Idle"

    def _door(self) -> None:
        if self.state not in ("Alarm", "Sleep"):
            self.state, self.door_open = "Door", True

    # what people and faults do

    def close_door(self) -> None:
        """The door is shut; it goes on only when it is told to."""
        self.door_open = False

    def reset(self) -> None:
        """0x18: everything that waited is gone. In motion the position is lost, which is an alarm."""
        homing = self.state == "Home"
        moving = self.state in ("Run", "Jog", "Home") or (self.state == "Hold" and self.now < self._hold_until and bool(self._planner))
        self._cut_off()
        locked = self.state in ("Alarm", "Sleep")
        self._forget_work()
        self.state = "Alarm" if moving or locked else "Idle"
        if moving:
            self.say("ALARM:6" if homing else "ALARM:3")
        self._greet()

    def power_cycle(self) -> None:
        """The reset button, the opened port of an Arduino, or the mains: it knows nothing any more, and counts from nought where it stands
        (main.c of 1.1h clears sys_position)."""
        self._cut_off()
        self.at = (0.0, 0.0, 0.0)
        self._hard_start()
        self._greet()

    def alarm(self, code: int) -> None:
        """A limit switch or the like: it stands at once. After 1 and 2 it answers nothing until it is reset."""
        self._cut_off()
        self._planner.clear()
        self.spindle = 0.0
        self.state, self._blocked = "Alarm", code in (1, 2)
        self.say(f"ALARM:{code}")
        if self._blocked:
            self.say("[MSG:Reset to continue]")

    def jog(self, x: float, feed: float) -> None:
        """A pendant moves it, in X to that place of the work."""
        end = (self.work_zero[0] + x, *self.at[1:])
        self._plan("pendant", end, feed, "Jog")
        self.state = "Jog"

    @property
    def moved_whole(self) -> int:
        """How many moves it has carried out from beginning to end."""
        return sum(motion.whole for motion in self.motions)

    # what it does

    def tick(self, now: float) -> None:
        """Go on until this moment of the machine's time."""
        while True:
            step = min(now - self.now, 0.02)
            if step <= 0:
                break
            self.now += step
            self._move(step)
            self._read()

    def _move(self, seconds: float) -> None:
        if self.state == "Home" and self.now >= self._home_until:
            self._homed()
        if self.state == "Hold" and self.now < self._hold_until:
            pass  # it slows down, still moving
        elif self.state not in ("Run", "Jog"):
            return
        while seconds > 0 and self._planner:
            block = self._planner[0]
            if block.began_at < 0:
                block.began_at = self.now - seconds
            part = min(seconds, block.seconds - block.done)
            block.done += part
            seconds -= part
            if block.done < block.seconds - 1e-9:
                break
            self._planner.popleft()
            self.at = block.end
            self.motions.append(Motion(block.line, block.begin, block.end, block.began_at, self.now - seconds, True))
        if not self._planner and self.state in ("Run", "Jog"):
            self.state = "Idle"

    def _read(self) -> None:
        """The main loop: one line after the other, as long as nothing makes it wait."""
        while not self._blocked and self.state not in ("Hold", "Door", "Sleep", "Home") and self.now >= self._dwell_until:
            if self._held_back:
                if len(self._planner) >= PLANNER_BLOCKS or (self._syncs and self._planner):
                    return
                line, self._held_back = self._held_back, ""
                self._carry_out(line)
                continue
            if self._after_dwell:
                self._after_dwell = False
                self.say("ok")
            if 10 not in self._rx and 13 not in self._rx:
                self._line += bytes(self._rx)
                self._rx.clear()
                return
            while (code := self._rx.popleft()) not in b"\r\n":
                self._line.append(code)
            line, self._line = self._line.decode("ascii", "replace"), bytearray()
            self._take(line)

    def _take(self, line: str) -> None:
        line = re.sub(r"\s+|\([^)]*\)|;.*", "", line).upper()
        self.received.append(line)
        if len(line) >= LINE_BUFFER:
            self.say("error:11")
        elif not line:
            self.say("ok")
        elif line.startswith("$"):
            self._system(line)
        elif self.state in ("Alarm", "Jog"):
            self.say("error:9")
        else:
            self._syncs = bool(re.search(r"G4(?!\d)|M\d|G10|G28|G30", line))
            if len(self._planner) >= PLANNER_BLOCKS or (self._syncs and self._planner):
                self._held_back = line
            else:
                self._carry_out(line)

    def _carry_out(self, line: str) -> None:
        try:
            answers = self._obey(line)
        except Fault as fault:
            self.say(f"error:{fault.code}")
            return
        if answers:
            self.say("ok")

    def _system(self, line: str) -> None:
        asks = {"$G": self._tell_modes, "$$": self._tell_settings, "$I": self._tell_version, "$#": self._tell_offsets}
        does = {"$C": self._check_mode, "$SLP": self._sleep, "$H": self._home}
        if line == "$X":
            if self.state == "Alarm":
                self.state = "Idle"
                self.say("[MSG:Caution: Unlocked]")
        elif line != "$G" and self.state not in ("Idle", "Alarm", "Check"):
            return self.say("error:8")
        elif line in asks:
            asks[line]()
        elif line in does:
            return does[line]()
        elif line.startswith("$J="):
            return self._jog_line(line)
        elif not re.match(r"^\$(N\d?|\d+=[\d.]+)?$", line):
            return self.say("error:3")
        return self.say("ok")

    def _tell_modes(self) -> None:
        unit, distance = ("G20" if self.inches else "G21"), ("G90" if self.absolute else "G91")
        turns = "M3" if self.spindle else "M5"
        self.say(f"[GC:G{self.mode} G54 G17 {unit} {distance} G94 {turns} M9 T0 F{self.feed:g} S{self.spindle:g}]")

    def _tell_settings(self) -> None:
        for number, value in sorted(self.settings.items()):
            self.say(f"${number}={value:.3f}" if number >= 100 else f"${number}={value:g}")

    def _tell_version(self) -> None:
        self.say("[VER:1.1h.20190830:]")
        self.say("[OPT:V,15,128]")

    def _tell_offsets(self) -> None:
        self.say("[G54:" + ",".join(f"{value:.3f}" for value in self.work_zero) + "]")

    def _check_mode(self) -> None:
        if self.state == "Check":
            self.reset()
        else:
            self.state = "Check"
            self.say("ok")

    def _sleep(self) -> None:
        self.state = "Sleep"
        self.say("ok")

    def _home(self) -> None:
        if self.settings.get(22):
            self.state, self._home_until, self.at = "Home", self.now + HOMING_SECONDS, (0.0, 0.0, 0.0)  # its ok comes at the end
        else:
            self.say("error:5")

    def _homed(self) -> None:
        if self.homing_fails:
            self._forget_work()
            self.state = "Alarm"
            self.say(f"ALARM:{self.homing_fails}")
            self._greet()
            return
        self.state = "Idle"
        self.say("ok")
        if self._looked_for:
            self._looked_for = False
            self.say(self.report())

    def _jog_line(self, line: str) -> None:
        words = dict(WORD.findall(line[3:]))
        if "F" not in words or not {"X", "Y", "Z"} & set(words):
            self.say("error:16")
            return
        end = tuple(float(words.get(axis, 0)) + here for axis, here in zip("XYZ", self.at, strict=True))
        self._plan(line, end, float(words["F"]), "Jog")
        self.state = "Jog"
        self.say("ok")

    # G-code

    def _obey(self, line: str) -> bool:
        """Carry out a line whole or not at all. Answers whether its ok is due now. Errors: `Fault`."""
        if not re.fullmatch(r"(?:[A-Z][-+]?(?:\d+\.?\d*|\.\d+))+", line):
            raise Fault(1 if not line[0].isalpha() or re.search(r"[^A-Z0-9.+\-]", line) else 2)
        found = [(letter, float(value)) for letter, value in WORD.findall(line)]
        gs = [value for letter, value in found if letter == "G"]
        ms = [value for letter, value in found if letter == "M"]
        words = {letter: value for letter, value in found if letter not in "GMNT"}
        if any(code not in SUPPORTED_G for code in gs) or any(code not in SUPPORTED_M for code in ms):
            raise Fault(20)
        if len(words) != sum(letter not in "GMNT" for letter, _ in found):
            raise Fault(25)
        return self._obey_words(line, {int(code) for code in gs}, {int(code) for code in ms}, words)

    def _obey_words(self, line: str, gs: set[int], ms: set[int], words: dict[str, float]) -> bool:
        modes = gs & set(MOTION_MODES)
        mode = modes.pop() if modes else self.mode
        feed = words.get("F", 0.0) * (25.4 if 20 in gs or (self.inches and 21 not in gs) else 1.0) or self.feed
        axes = {axis: words[axis] for axis in "XYZ" if axis in words}
        moves = bool(axes) and not gs & {4, 10, 28, 30, 92}
        if moves and mode and not feed:
            raise Fault(22)
        if gs & {2, 3} and not axes:
            raise Fault(26)
        if 4 in gs and "P" not in words:
            raise Fault(28)
        self.mode, self.feed = mode, feed
        self.inches = 20 in gs or (self.inches and 21 not in gs)
        self.absolute = 90 in gs or (self.absolute and 91 not in gs)
        self._spindle(ms, words)
        if self.state == "Check":
            return True
        if 4 in gs:
            self._dwell_until, self._after_dwell = self.now + words["P"], True
            return False
        if moves:
            self._plan(line, self._target(axes), RAPID if mode == 0 else feed, "Run", self._arc(mode, words))
        if ms & {0, 1}:
            self.state, self._hold_until = "Hold", self.now
        return not self._blocked

    def _spindle(self, ms: set[int], words: dict[str, float]) -> None:
        self._s = words.get("S", self._s)
        if ms & {5, 2, 30}:
            self.spindle = 0.0
        elif ms & {3, 4} or (self.spindle and "S" in words):
            self.spindle = self._s

    def _target(self, axes: dict[str, float]) -> tuple[float, ...]:
        unit = 25.4 if self.inches else 1.0
        ends = []
        for index, axis in enumerate("XYZ"):
            base = self.work_zero[index] if self.absolute else self._planned[index]
            ends.append(base + axes[axis] * unit if axis in axes else self._planned[index])
        return tuple(ends)

    def _arc(self, mode: int, words: dict[str, float]) -> float:
        """How much longer than its chord an arc is taken to be: half its circle."""
        return math.pi / 2 if mode in (2, 3) and ("I" in words or "J" in words or "R" in words) else 1.0

    def _plan(self, line: str, end: tuple[float, ...], feed: float, state: str, factor: float = 1.0) -> None:
        travel = [self.settings[number] for number in (130, 131, 132)]
        if self.settings.get(20) and any(not -far - 1e-6 <= value <= 1e-6 for value, far in zip(end, travel, strict=True)):
            self.alarm(2)
            return
        length = math.dist(self._planned, end) * factor
        if length:
            self._planner.append(Block(line, self._planned, end, length / feed * 60, state))
            if self.state == "Idle":
                self.state = state

    # inside

    @property
    def _planned(self) -> tuple[float, ...]:
        return self._planner[-1].end if self._planner else self.at

    def _cut_off(self) -> None:
        """The move under way ends where it is."""
        if self._planner and self._planner[0].began_at >= 0:
            block = self._planner.popleft()
            part = block.done / block.seconds if block.seconds else 1.0
            self.at = tuple(a + (b - a) * part for a, b in zip(block.begin, block.end, strict=True))
            self.motions.append(Motion(block.line, block.begin, self.at, block.began_at, self.now, False))

    def _forget_work(self) -> None:
        self._rx: deque[int] = deque()
        self._line = bytearray()
        self._held_back, self._syncs = "", False
        self._planner: deque[Block] = deque()
        self._dwell_until = self._hold_until = self._home_until = 0.0
        self._after_dwell = False
        self._blocked = self._looked_for = False
        self.mode, self.feed, self.inches, self.absolute = 0, 0.0, False, True
        self.spindle = self._s = 0.0
        self.door_open = False
        self.resets += 1

    def _hard_start(self) -> None:
        self._forget_work()
        self.state = "Alarm" if self.homing_locks else "Idle"

    def _greet(self) -> None:
        self.say("")
        self.say(BANNER)
        if self.state == "Alarm":
            self.say("[MSG:'$H'|'$X' to unlock]")

    def say(self, line: str) -> None:
        """A line to whoever listens."""
        if not self.mute:
            self.said += line.encode() + b"\r\n"

    def report(self) -> str:
        """The status report. What it shows follows $10: 1 the place of the machine, 2 the buffers."""
        state = self.state
        if state == "Hold":
            state += ":1" if self.now < self._hold_until and self._planner else ":0"
        elif state == "Door":
            state += ":1" if self.door_open else ":0"
        here = self._here()
        place = ",".join(f"{value:.3f}" for value in here)
        mask = int(self.settings.get(10, 1))
        buffers = f"|Bf:{PLANNER_BLOCKS - len(self._planner)},{RX_BUFFER - len(self._rx)}" if mask & 2 else ""
        offset = ",".join(f"{value:.3f}" for value in self.work_zero)
        return f"<{state}|MPos:{place}{buffers}|FS:{self.feed if self._planner else 0:g},{self.spindle:g}|WCO:{offset}>"

    def _here(self) -> tuple[float, ...]:
        if not self._planner or not self._planner[0].seconds:
            return self.at
        block = self._planner[0]
        part = block.done / block.seconds
        return tuple(a + (b - a) * part for a, b in zip(block.begin, block.end, strict=True))
