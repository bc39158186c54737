# SPDX-License-Identifier: AGPL-3.0-or-later
"""The micro-controller of a printer, played on a pseudo-terminal for a real Klipper: it keeps time, counts steps, warms and measures.

Run as a program: `controller.py LINK COUNT`. LINK becomes the name of its serial port. COUNT is a file that always holds how many steps
its motors have made: what the machine itself knows of having moved. Signal SIGUSR1 is a fault: a thermistor out of range, which stops
everything.

The protocol is that of https://www.klipper3d.org/Protocol.html and the commands those of https://www.klipper3d.org/MCU_Commands.html;
frames are answered in the order of a real board: what was asked for first, the acknowledgement after it.
"""

from __future__ import annotations

import json
import math
import os
import select
import signal
import sys
import time
import tty
import zlib
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

TICKS_PER_SECOND = 1_000_000
ADC_MAX = 4095
ROOM_C = 25.0
WARMS_C_PER_S = 40.0  # at full power; fast, so that nobody waits
COOLS_PER_S = 0.05
SYNC, FIRST_SEQUENCE = 0x7E, 0x10
SHORTEST_FRAME, LONGEST_FRAME = 5, 64
ADC_OUT_OF_RANGE, HOST_ASKED = 1, 2
FAULTS = {"ADC out of range": ADC_OUT_OF_RANGE, "Command request": HOST_ASKED}
COMMANDS = (
    "allocate_oids count=%c",
    "get_config",
    "config_reset",
    "finalize_config crc=%u",
    "get_uptime",
    "get_clock",
    "emergency_stop",
    "clear_shutdown",
    "config_stepper oid=%c step_pin=%c dir_pin=%c invert_step=%c step_pulse_ticks=%u",
    "queue_step oid=%c interval=%u count=%hu add=%hi",
    "set_next_step_dir oid=%c dir=%c",
    "reset_step_clock oid=%c clock=%u",
    "stepper_get_position oid=%c",
    "stepper_stop_on_trigger oid=%c trsync_oid=%c",
    "config_endstop oid=%c pin=%c pull_up=%c",
    "endstop_home oid=%c clock=%u sample_ticks=%u sample_count=%c rest_ticks=%u pin_value=%c trsync_oid=%c trigger_reason=%c",
    "endstop_query_state oid=%c",
    "config_trsync oid=%c",
    "trsync_start oid=%c report_clock=%u report_ticks=%u expire_reason=%c",
    "trsync_set_timeout oid=%c clock=%u",
    "trsync_trigger oid=%c reason=%c",
    "config_digital_out oid=%c pin=%u value=%c default_value=%c max_duration=%u",
    "set_digital_out_pwm_cycle oid=%c cycle_ticks=%u",
    "queue_digital_out oid=%c clock=%u on_ticks=%u",
    "update_digital_out oid=%c value=%c",
    "config_analog_in oid=%c pin=%u",
    "query_analog_in oid=%c clock=%u sample_ticks=%u sample_count=%c rest_ticks=%u min_value=%hu max_value=%hu range_check_count=%c",
)
ANSWERS = (
    "config is_config=%c crc=%u is_shutdown=%c move_count=%hu",
    "uptime high=%u clock=%u",
    "clock clock=%u",
    "shutdown clock=%u static_string_id=%hu",
    "is_shutdown static_string_id=%hu",
    "stepper_position oid=%c pos=%i",
    "endstop_state oid=%c homing=%c next_clock=%u pin_value=%c",
    "trsync_state oid=%c can_trigger=%c trigger_reason=%c clock=%u",
    "analog_in_state oid=%c next_clock=%u value=%hu",
    "starting",
    "stats count=%u sum=%u sumsq=%u",
)
COMMAND_IDS = {"identify offset=%u count=%c": 1} | {text: 2 + i for i, text in enumerate(COMMANDS)}
ANSWER_IDS = {"identify_response offset=%u data=%.*s": 0} | {text: 2 + len(COMMANDS) + i for i, text in enumerate(ANSWERS)}
BY_ID = {number: (text.split()[0], text.count("=")) for text, number in COMMAND_IDS.items()}
ID_OF = {text.split()[0]: number for text, number in ANSWER_IDS.items()}
PINS = [f"P{number}" for number in range(32)]
NOZZLE_HEATER, NOZZLE_SENSOR, BED_HEATER, BED_SENSOR = 20, 21, 22, 23
HEATS = {NOZZLE_SENSOR: NOZZLE_HEATER, BED_SENSOR: BED_HEATER}
DICTIONARY = zlib.compress(
    json.dumps(
        {
            "version": "played-1",
            "build_versions": "none",
            "commands": COMMAND_IDS,
            "responses": ANSWER_IDS,
            "config": {"CLOCK_FREQ": TICKS_PER_SECOND, "MCU": "played", "STATS_SUMSQ_BASE": 256, "ADC_MAX": ADC_MAX},
            "enumerations": {"static_string_id": FAULTS, "pin": {name: number for number, name in enumerate(PINS)}},
        }
    ).encode()
)


def crc16(frame: bytes) -> int:
    """CRC-16-CCITT as Klipper has it."""
    crc = 0xFFFF
    for byte in frame:
        byte ^= crc & 0xFF
        byte ^= (byte & 0x0F) << 4
        crc = ((byte << 8) | (crc >> 8)) ^ (byte >> 4) ^ (byte << 3)
    return crc & 0xFFFF


def written(number: int) -> bytes:
    """A number of the protocol: seven bits a byte, the highest first, as few bytes as hold it with its sign."""
    number = number - (1 << 32) if number >= 1 << 31 else number
    more = sum(not -limit <= number < 3 * limit for limit in (1 << 5, 1 << 12, 1 << 19, 1 << 26))
    return bytes([(number >> 7 * place) & 0x7F | 0x80 for place in range(more, 0, -1)]) + bytes([number & 0x7F])


def read(body: bytes, at: int) -> tuple[int, int]:
    """A number, and where the next one begins."""
    byte = body[at]
    number = byte & 0x7F
    if byte & 0x60 == 0x60:
        number |= -0x20
    while byte & 0x80:
        at += 1
        byte = body[at]
        number = number << 7 | byte & 0x7F
    return number, at + 1


@dataclass
class Motor:
    """A stepper: what it is told to do, each with its time, and what of that time has come. `queue`: (begins, interval, count, add).
    `set_to`: 32 bits of the clock that the next interval is counted from; -1 for the end of the last one.
    """

    made: int = 0
    clock: int = 0
    set_to: int = 0
    queue: list[tuple[int, int, int, int]] = field(default_factory=list)

    def push(self, interval: int, count: int, add: int) -> None:
        self.queue.append((self.clock, interval, count, add))
        self.clock += _ticks(count, interval, add)

    def catch_up(self, now: int) -> None:
        """Make every step whose time has come."""
        while self.queue:
            begins, interval, count, add = self.queue[0]
            if begins + _ticks(count, interval, add) > now:
                return
            self.made += count
            self.queue.pop(0)

    def steps(self, now: int) -> int:
        """How many steps it has made."""
        self.catch_up(now)
        if not self.queue:
            return self.made
        begins, interval, count, add = self.queue[0]
        return self.made + bisect_right(range(count), now - begins, key=lambda step: _ticks(step + 1, interval, add))


def _ticks(steps: int, interval: int, add: int) -> int:
    return steps * interval + add * steps * (steps - 1) // 2


@dataclass
class Heater:
    """An output and, by its pin, what it warms."""

    cycle: int = 1
    on: int = 0
    celsius: float = ROOM_C

    def pass_time(self, seconds: float) -> None:
        power = min(self.on / max(self.cycle, 1), 1.0)
        self.celsius += seconds * (power * WARMS_C_PER_S - (self.celsius - ROOM_C) * COOLS_PER_S)


@dataclass
class Sensor:
    """A thermistor that is read again and again."""

    pin: int
    next_at: int = 0
    every: int = 0
    samples: int = 0


class Controller:
    """The board."""

    def __init__(self, count_file: Path) -> None:
        self.master, line = os.openpty()
        tty.setraw(line)
        tty.setraw(self.master)
        self.line, self.name = line, os.ttyname(line)
        self.count_file = os.open(count_file, os.O_RDWR | os.O_CREAT, 0o600)
        self.began = time.monotonic()
        self.sequence = FIRST_SEQUENCE | 1
        self.gone_by = 0  # steps of motors that a reset has forgotten
        self.fault_asked = False
        self.heaters_by_pin = {NOZZLE_HEATER: Heater(), BED_HEATER: Heater()}
        self.warmed_at = self.began
        self.motors: dict[int, Motor] = {}
        self.outputs: dict[int, Heater] = {}
        self.sensors: dict[int, Sensor] = {}
        self.reset()

    def reset(self) -> None:
        """As after power-on; what is warm stays warm, and what moved has moved."""
        self.gone_by += self._steps()
        self.configured, self.crc, self.fault = False, 0, 0
        self.motors, self.outputs, self.sensors = {}, {}, {}

    @property
    def ticks(self) -> int:
        return int((time.monotonic() - self.began) * TICKS_PER_SECOND)

    def near(self, clock: int) -> int:
        """The moment that 32 bits of the clock mean: the one nearest to now."""
        now = self.ticks
        return now + ((clock - now + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)

    def run(self) -> None:
        waiting = b""
        while True:
            if select.select([self.master], [], [], 0.02)[0]:
                waiting = self._take(waiting + os.read(self.master, 4096))
            if self.fault_asked:
                self.fault_asked = False
                self.shut_down(ADC_OUT_OF_RANGE)
            self._warm()
            self._measure()
            os.pwrite(self.count_file, b"%020d" % (self.gone_by + self._steps()), 0)

    def shut_down(self, why: int) -> None:
        """Everything stops: motors at once, heaters off."""
        if not self.fault:
            self.fault, now = why, self.ticks
            for motor in self.motors.values():
                motor.made, motor.queue = motor.steps(now), []
            for output in self.outputs.values():
                output.on = 0
            self.say("shutdown", now & 0xFFFFFFFF, why)

    def _steps(self) -> int:
        now = self.ticks
        return sum(motor.steps(now) for motor in self.motors.values())

    def _take(self, waiting: bytes) -> bytes:
        """Work off every whole frame; answers what is left."""
        while waiting:
            length = waiting[0]
            if length == SYNC:
                waiting = waiting[1:]
            elif not SHORTEST_FRAME <= length <= LONGEST_FRAME:
                waiting = waiting[waiting.find(SYNC) + 1 :] if SYNC in waiting else b""
                self._send(b"")
            elif len(waiting) < length:
                return waiting
            else:
                self._frame(waiting[:length])
                waiting = waiting[length:]
        return waiting

    def _frame(self, frame: bytes) -> None:
        body, sequence = frame[2:-3], frame[1]
        whole = frame[-1] == SYNC and crc16(frame[:-3]) == frame[-3] << 8 | frame[-2]
        if whole and sequence == FIRST_SEQUENCE and body[:1] == b"\x01":
            self.sequence = FIRST_SEQUENCE  # the host began anew
        if whole and sequence == self.sequence:
            self.sequence = (self.sequence + 1) & 0x0F | FIRST_SEQUENCE
            at = 0
            while at < len(body):
                number, at = read(body, at)
                name, wanted = BY_ID[number]
                arguments = []
                for _ in range(wanted):
                    argument, at = read(body, at)
                    arguments.append(argument)
                self._do(name, arguments)
        self._send(b"")  # the acknowledgement, or of what was not whole the sequence that is expected

    def _send(self, body: bytes) -> None:
        frame = bytes([len(body) + SHORTEST_FRAME, self.sequence]) + body
        crc = crc16(frame)
        os.write(self.master, frame + bytes([crc >> 8, crc & 0xFF, SYNC]))

    def say(self, name: str, *what: int | bytes) -> None:
        """One answer."""
        self._send(bytes([ID_OF[name]]) + b"".join(written(one) if isinstance(one, int) else bytes([len(one)]) + one for one in what))

    def _do(self, name: str, given: list[int]) -> None:
        does: Callable[..., None] | None = getattr(self, f"_{name}", None)
        if does is not None:
            does(*given)
        elif name.startswith("trsync_trigger"):
            self.say("trsync_state", given[0], 0, given[1], 0)

    def _identify(self, offset: int, count: int) -> None:
        self.say("identify_response", offset, DICTIONARY[offset : offset + count])

    def _get_uptime(self) -> None:
        self.say("uptime", self.ticks >> 32, self.ticks & 0xFFFFFFFF)

    def _get_clock(self) -> None:
        self.say("clock", self.ticks & 0xFFFFFFFF)

    def _get_config(self) -> None:
        self.say("config", int(self.configured), self.crc, int(bool(self.fault)), 1024 if self.configured else 0)

    def _finalize_config(self, crc: int) -> None:
        self.configured, self.crc = True, crc & 0xFFFFFFFF

    def _config_reset(self) -> None:
        self.reset()

    def _clear_shutdown(self) -> None:
        self.fault = 0

    def _emergency_stop(self) -> None:
        self.shut_down(HOST_ASKED)

    def _config_stepper(self, oid: int, *_: int) -> None:
        self.motors[oid] = Motor()

    def _reset_step_clock(self, oid: int, clock: int) -> None:
        self.motors[oid].set_to = clock & 0xFFFFFFFF

    def _queue_step(self, oid: int, interval: int, count: int, add: int) -> None:
        motor, interval = self.motors[oid], interval & 0xFFFFFFFF
        if motor.set_to >= 0:  # 0 from a Klipper that has just come up: its first step may be any time away from that
            motor.clock, motor.set_to = self.near((motor.set_to + interval) & 0xFFFFFFFF) - interval, -1
        if not self.fault:
            motor.push(interval, count, add)

    def _stepper_get_position(self, oid: int) -> None:
        self.say("stepper_position", oid, 0)

    def _endstop_query_state(self, oid: int) -> None:
        self.say("endstop_state", oid, 0, 0, 0)

    def _config_digital_out(self, oid: int, pin: int, *_: int) -> None:
        self.outputs[oid] = self.heaters_by_pin.get(pin) or Heater()

    def _set_digital_out_pwm_cycle(self, oid: int, cycle: int) -> None:
        self.outputs[oid].cycle = cycle

    def _queue_digital_out(self, oid: int, _clock: int, on_ticks: int) -> None:
        self.outputs[oid].on = 0 if self.fault else on_ticks

    def _config_analog_in(self, oid: int, pin: int) -> None:
        self.sensors[oid] = Sensor(pin)

    def _query_analog_in(self, oid: int, clock: int, _ticks: int, samples: int, every: int, *_: int) -> None:
        sensor = self.sensors[oid]
        sensor.next_at, sensor.samples, sensor.every = self.near(clock), samples, every

    def _warm(self) -> None:
        now = time.monotonic()
        for heater in self.heaters_by_pin.values():
            heater.pass_time(now - self.warmed_at)
        self.warmed_at = now

    def _measure(self) -> None:
        for oid, sensor in self.sensors.items():
            if sensor.every and not self.fault and self.ticks >= sensor.next_at:
                sensor.next_at = max(sensor.next_at + sensor.every, self.ticks)
                celsius = self.heaters_by_pin[HEATS[sensor.pin]].celsius
                self.say("analog_in_state", oid, sensor.next_at & 0xFFFFFFFF, round(sensor.samples * ADC_MAX * _share(celsius)))


def _share(celsius: float) -> float:
    """What a thermistor of 100 kΩ at 25 °C and beta 3950 K lets through below a resistor of 4.7 kΩ (the beta equation)."""
    ohms = 100_000 * math.exp(3950 * (1 / (celsius + 273.15) - 1 / 298.15))
    return ohms / (ohms + 4700)


def main(link: Path, count_file: Path) -> None:
    controller = Controller(count_file)
    link.unlink(missing_ok=True)
    link.symlink_to(controller.name)

    def fault(*_: object) -> None:
        controller.fault_asked = True

    signal.signal(signal.SIGUSR1, fault)
    controller.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
