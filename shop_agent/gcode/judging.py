# SPDX-License-Identifier: AGPL-3.0-or-later
"""One pass over a file: hashed, followed, judged. Memory does not grow with its length."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import MappingProxyType

from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import Quantity, told_apart
from shop_agent.gcode.dialects import PLAIN_PRINTER, Dialect, Rules, rules_for
from shop_agent.gcode.fast import Fast
from shop_agent.gcode.findings import MOST_REASONS, Corner, Origin, Reached, Toolpath, Verdict
from shop_agent.gcode.following import AXES, TOLERANCE_MM, Follower
from shop_agent.gcode.lines import Odd, code_of
from shop_agent.gcode.machining import CutterFollower
from shop_agent.gcode.printing import PrinterFollower
from shop_agent.shop_toml.machine_section import MachineSection

CHUNK_BYTES = 256 * 1024
LONGEST_LINE = 256 * 1024
PLAIN = bytes((9, 10, 13, *range(32, 127), *range(128, 256)))
REALTIME = re.compile("[?!~\x80-\xff]")
"""What Grbl acts on the moment it arrives, in comments as well (https://github.com/gnea/grbl/wiki/Grbl-v1.1-Commands, Realtime
commands)."""


class Reading:
    """Follows a file given in pieces. `fast`: whether plain lines may be followed in bulk; the result is the same."""

    def __init__(self, rules: Rules, fast: bool = True) -> None:
        self.rules = rules
        self.follower: Follower = CutterFollower(rules) if rules.rs274 else PrinterFollower(rules)
        self.fast = Fast(self.follower) if fast else None
        self.lines = 0
        self.hopeless = False
        self.rest = b""

    def take(self, piece: bytes) -> None:
        """The next bytes of the file."""
        if self.hopeless:
            return
        content = self.rest + piece
        cut = content.rfind(b"\n") + 1
        self.rest = content[cut:]
        self._lines(content[:cut])
        if len(self.rest) > LONGEST_LINE:
            self._give_up(f"a line of more than {LONGEST_LINE // 1024} KiB")

    def end(self) -> Toolpath:
        """The file ends here; its last line may lack its end."""
        if self.rest and not self.hopeless:
            self._lines(self.rest + b"\n")
        return self.follower.close(self.lines)

    def _give_up(self, why: str) -> None:
        """What follows cannot be read as lines at all."""
        self.follower.path.say("toolpath.ambiguous", self.lines + 1, why)
        self.hopeless = True

    def _give_up_at(self, content: bytes, place: int, why: str) -> None:
        """What stands before the line is followed all the same."""
        before = content[: content.rfind(b"\n", 0, place) + 1]
        if before:
            self._lines(before)
        if not self.hopeless:
            self._give_up(why)

    def _lines(self, content: bytes) -> None:
        if strange := content.translate(None, PLAIN):
            self._give_up_at(content, content.index(strange[:1]), "a control character: the file is compressed, binary or not in UTF-8")
        elif content.count(b"\r") != content.count(b"\r\n"):
            self._give_up_at(content, content.replace(b"\r\n", b" \n").index(b"\r"), "a carriage return without a line feed")
        elif self.fast is not None:
            self.lines = self.fast.follow(content, self.lines, self.exactly)
        else:
            self.lines = self.exactly(content.decode("latin-1"), self.lines)

    def exactly(self, text: str, lines: int) -> int:
        """Follow whole lines one by one, after so many `lines`. Answers how many there are then."""
        for number, line in enumerate(text.split("\n")[:-1], start=lines + 1):
            self._line(number, line)
        return lines + text.count("\n")

    def _line(self, number: int, line: str) -> None:
        follower = self.follower
        follower.number = number
        if self.rules.dialect is Dialect.GRBL and REALTIME.search(line):
            follower.say("toolpath.realtime")
        try:
            code = code_of(line.removesuffix("\r"), self.rules)
            if code:
                follower.code(code)  # type: ignore[attr-defined]
        except Odd as odd:
            follower.say(odd.code, odd.subject)


def follow(pieces: Iterable[bytes], rules: Rules, fast: bool = True) -> Toolpath:
    """Follow a toolpath that comes in pieces."""
    reading = Reading(rules, fast)
    for piece in pieces:
        reading.take(piece)
    return reading.end()


def read_toolpath_file(file: Path, machine: MachineSection | None = None) -> Toolpath:
    """Follow the toolpath in a file as `machine` would, or a printer that speaks Marlin. Errors: `OSError`."""
    return follow(_pieces(file), rules_for(machine) if machine else PLAIN_PRINTER)


def judge(file: Path, machine: MachineSection, origin: Origin = Origin.OWN) -> Verdict:
    """Whether `machine` may run the toolpath in `file`. What was checked is what is hashed: the file is read once. Errors: `OSError`."""
    digest, size = hashlib.sha256(), 0
    reading = Reading(rules_for(machine))
    for piece in _pieces(file):
        digest.update(piece)
        size += len(piece)
        reading.take(piece)
    path = reading.end()
    reasons = [reason("toolpath.from_outside", machine.id)] if origin is Origin.OUTSIDE and not machine.outside_toolpaths else []
    return Verdict(
        reasons=tuple((reasons + check(path, machine))[:MOST_REASONS]),
        sha256=digest.hexdigest(),
        size_bytes=size,
        seconds=path.seconds,
        lines=path.lines,
        counts=MappingProxyType(path.commands),
        lowest_mm=_corner(path.lowest),
        highest_mm=_corner(path.highest),
        path=path,
    )


def check(path: Toolpath, machine: MachineSection) -> list[v1.Reason]:
    """Why the machine must not run this toolpath, at most 20 reasons by their lines; empty where it may."""
    rules = rules_for(machine)
    reasons = [(one.line, one.reason) for one in path.faults.values()]
    reasons += list(_outside(path, machine) if rules.prints else _too_large(path, machine))
    limits = {"the nozzle": machine.max_nozzle_c, "the bed": machine.max_bed_c, "the chamber": machine.max_chamber_c}
    for part, hot in path.hottest.items():
        if hot.value > limits[part]:
            has = Quantity(limits[part], "°C")
            reasons.append((hot.line, reason("toolpath.too_hot", part, line=hot.line, needs=Quantity(hot.value, "°C"), has=has)))
    most, figure = max(limits.values()), path.unexplained
    if figure is not None and figure.value > most:
        told = Quantity(figure.value, "", 7)
        reasons.append((figure.line, reason(figure.code, figure.subject, line=figure.line, needs=told, has=Quantity(most, "°C"))))
    reasons += list(_too_much(path, machine, rules))
    if not (path.lays_material if rules.prints else path.fed_moves) and not path.faults:
        reasons.append((path.lines, reason("toolpath.empty")))
    return [one for _, one in sorted(reasons, key=lambda pair: pair[0])][:MOST_REASONS]


def _outside(path: Toolpath, machine: MachineSection) -> Iterator[tuple[int, v1.Reason]]:
    lower, upper = machine.reach_min_mm, machine.reach_max_mm or machine.envelope_mm
    for axis, name in enumerate(AXES):
        for (value, line), limit, way in ((path.lowest[axis], lower[axis], -1), (path.highest[axis], upper[axis], 1)):
            if math.isfinite(value) and (value - limit) * way > TOLERANCE_MM:
                needs, has = told_apart(value, limit)
                yield line, reason("toolpath.outside", name.lower(), line=line, needs=needs, has=has)


def _too_large(path: Toolpath, machine: MachineSection) -> Iterator[tuple[int, v1.Reason]]:
    lower, upper = machine.reach_min_mm, machine.reach_max_mm or machine.envelope_mm
    for axis, name in enumerate(AXES):
        extent, line = path.widest[axis]
        travel = upper[axis] - lower[axis]
        if extent > travel + TOLERANCE_MM:
            needs, has = told_apart(extent, travel)
            yield line, reason("toolpath.too_large", name.lower(), line=line, needs=needs, has=has)


def _too_much(path: Toolpath, machine: MachineSection, rules: Rules) -> Iterator[tuple[int, v1.Reason]]:
    feed, line = path.fastest
    if 0 < machine.max_feed_mm_min < feed - 0.5:
        needs, has = Quantity(feed, "mm/min", 7), Quantity(machine.max_feed_mm_min, "mm/min", 7)
        yield line, reason("toolpath.too_fast", line=line, needs=needs, has=has)
    power, line = path.strongest
    if 0 < machine.max_s < power:
        subject = "the laser's power" if rules.laser else "the spindle's speed"
        yield line, reason("toolpath.too_strong", subject, line=line, needs=Quantity(power, "", 7), has=Quantity(machine.max_s, "", 7))


def _corner(reached: list[Reached]) -> Corner | None:
    values = [value if math.isfinite(value) else 0.0 for value, _ in reached]
    return (values[0], values[1], values[2]) if any(math.isfinite(value) for value, _ in reached) else None


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as content:
        while piece := content.read(CHUNK_BYTES):
            yield piece
