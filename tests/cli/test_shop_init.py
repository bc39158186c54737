# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab shop init`: answers of a person, options of a script, a directory's description; and a newcomer's whole way."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from authorities import authority, signed_by
from cli_nodes import PROGRAM, Starter, clean_environment, run, until
from peers.octoprint.peer import OctoPrintPeer
from test_up_tls import FAR

from cli.shop.machine_options import machine_given
from cli.shop.questions import Answers, ask_all
from commonfab.errors import Refused
from shop_agent.config import load_config
from shop_agent.machines import Description
from shop_agent.starting.discovery import FoundPort, FoundServer
from shop_agent.starting.drafts import MachineDraft
from shop_agent.starting.init import ShopDraft, write_shop


@dataclass
class Person:
    """Answers in order; what the world is, is as the test says. Implements `cli.shop.questions.Surroundings`."""

    answers: list[str]
    found: list[FoundServer] = field(default_factory=list)
    plugged: list[FoundPort] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def ask(self, question: str, default: str = "") -> str:
        self.told.append(question)
        return self.answers.pop(0) or default

    def tell(self, text: str) -> None:
        self.told.append(text)

    def servers(self) -> list[FoundServer]:
        return self.found

    def ports(self) -> list[FoundPort]:
        return self.plugged

    def octoprint_key(self, url: str) -> str:
        return "GRANTED"

    def describe(self, draft: MachineDraft) -> Description:
        if draft.control == "octoprint":
            return Description("OctoPrint 1.11.8", (250, 210, 220), 0.4)
        raise Refused("machine.away", draft.id)


def test_what_a_person_answers_becomes_a_shop(tmp_path: Path) -> None:
    found = [FoundServer("octoprint", "OctoPrint on octopi", "http://192.0.2.7")]
    person = Person(["Lena's Garage", "", "48.14, 11.58"], found, [FoundPort("/dev/serial/by-id/usb-grbl", "CH340")])
    person.answers += ["1 2", "pla+petg", "cnc_routing", "300x200x60", "plywood"]
    person.answers += ["by_hand", "Drill press", "nonsense", "drilling", "200 200 200", "200,200,200", "steel", ""]
    answers = Answers(ShopDraft())
    ask_all(answers, person, named=False)
    config = write_shop(tmp_path / "shop.toml", answers.shop)
    assert (config.shop.id, config.shop.latitude, config.shop.longitude) == ("lena-s-garage", 48.14, 11.58)
    printer, router, drill = config.machine
    assert (printer.envelope_mm, printer.nozzle_mm, printer.materials, printer.api_key) == (
        (250, 210, 220),
        0.4,
        ("pla", "petg"),
        "GRANTED",
    )
    assert (router.control, router.port, router.process) == ("grbl", "/dev/serial/by-id/usb-grbl", "cnc_routing")
    assert (drill.control, drill.name, drill.process, drill.envelope_mm) == ("by_hand", "Drill press", "drilling", (200, 200, 200))
    assert sum("is not understood" in line for line in person.told) == 2 and person.answers == []


MK3 = MachineDraft("mk3", "octoprint", materials=("pla", "petg"), url="http://octopi.local", api_key="ABC", envelope_mm=(250, 210, 210))
MILL = MachineDraft("grbl", "grbl", process="cnc_routing", port="/dev/ttyUSB0", max_s=1000)


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("virtual", MachineDraft("virtual", "virtual")),
        ("octoprint=http://octopi.local,key=ABC,materials=pla+petg,id=mk3,envelope=250x210x210", MK3),
        ("grbl=/dev/ttyUSB0,process=cnc_routing,max_s=1000", MILL),
    ],
)
def test_a_machine_can_be_given_on_the_command_line(option: str, expected: MachineDraft) -> None:
    assert machine_given(option) == expected


@pytest.mark.parametrize("option", ["", "octoprint", "plotter=x", "virtual,envelope=20x30", "virtual,speed=3", "hot_folder"])
def test_a_machine_that_was_given_wrongly_is_not_guessed(option: str) -> None:
    with pytest.raises(Refused) as refused:
        machine_given(option)
    assert refused.value.code == "shop.machine_option"


def test_a_directorys_description_becomes_machines_worked_by_hand(tmp_path: Path) -> None:
    printer = {"make": "Prusa", "model": "MK3", "manufacturing_process": "FDM", "x_travel": 250, "y_travel": 210, "z_travel": 210}
    saw = {"model": "Band saw", "manufacturing_process": "sawing", "materials_worked": ["oak"]}
    lab = {"name": "Lena's Garage", "location": {"gps_coordinates": "48.14, 11.58"}, "equipment": [printer, printer, saw]}
    (tmp_path / "okw.json").write_text(json.dumps({"facilities": [lab]}), encoding="utf-8")
    done = run("shop", "init", "--yes", "--okw", "okw.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    config = load_config(tmp_path / "shop.toml")
    assert config.shop.id == "lena-s-garage"
    assert [(one.id, one.process, one.control) for one in config.machine] == [
        ("prusa-mk3", "fdm", "by_hand"),
        ("prusa-mk3-2", "fdm", "by_hand"),
        ("band-saw", "sawing", "by_hand"),
    ]
    assert config.machine[0].envelope_mm == (250, 210, 210) and config.machine[2].materials == ("oak",)
    assert "A GUESS" in (tmp_path / "shop.toml").read_text(encoding="utf-8"), "the saw's size was not said"


def test_a_person_at_a_terminal_is_asked_and_ctrl_c_loses_no_answer(tmp_path: Path) -> None:
    """A real terminal: the program's own, driven through a pty."""
    outer, inner = pty.openpty()
    process = subprocess.Popen([PROGRAM, "shop", "init"], cwd=tmp_path, env=clean_environment(), stdin=inner, stdout=inner, stderr=inner)
    os.close(inner)

    def once_asked(question: str) -> None:
        shown, deadline = "", time.monotonic() + 60
        while question not in shown:
            assert time.monotonic() < deadline, shown
            if select.select([outer], [], [], 0.2)[0]:
                shown += os.read(outer, 4096).decode(errors="replace")

    for question, text in (("What is your shop called?", "Lena's Garage"), ("Its id", "lena")):
        once_asked(question)
        os.write(outer, f"{text}\n".encode())
    once_asked("Roughly where")
    process.send_signal(signal.SIGINT)  # what the terminal does of Ctrl-C
    assert process.wait(30) == 130
    os.close(outer)
    kept = (tmp_path / "shop.toml.unfinished").read_text(encoding="utf-8")
    assert 'name = "Lena\'s Garage"' in kept and 'id = "lena"' in kept and not (tmp_path / "shop.toml").exists()


def test_what_is_not_understood_is_asked_again_in_words_of_people(tmp_path: Path) -> None:
    person = Person(["here, there", "nan, 1", "48.14, 11.58", "first", "1", "pla"], [FoundServer("virtual", "Toy", "")])
    person.answers[5:5] = ["200x200x200"]
    person.answers += ["moonraker", "Klip", "192.0.2.7", "http://192.0.2.7", "", "200x200x200", "pla", ""]
    answers = Answers(ShopDraft())
    ask_all(answers, person, named=True)
    assert [machine.url for machine in answers.shop.machines] == ["", "http://192.0.2.7"]
    not_understood = [told for told in person.told if "not understood" in told]
    assert len(not_understood) == 4 and not any("float" in told or "int()" in told for told in not_understood)


@pytest.mark.slow
def test_a_newcomers_way_from_an_invitation_to_a_registered_shop(start_node: Starter, octoprint: OctoPrintPeer, tmp_path: Path) -> None:
    """A node with TLS and an authority of its own, a real OctoPrint, and one command that was pasted."""
    tls = signed_by(authority(tmp_path / "authority"), tmp_path / "tls", FAR)
    node = start_node(tmp_path / "node", "--tls-certificate", str(tls.chain), "--tls-key", str(tls.key), listen=f"{FAR}:0")
    steward = ("--node", node.address, "--ca", str(tmp_path / "authority" / "ca.pem"), "--token", node.steward_token)
    pasted = run("token", "invite", "shop", "lenas-garage", *steward).stdout.split()
    assert pasted[:3] == ["commonfab", "shop", "init"]
    garage, started = tmp_path / "garage", time.monotonic()
    garage.mkdir()
    machine = f"octoprint={octoprint.url},key={octoprint.api_key},id=mk3,materials=pla"
    done = run(*pasted[1:], "--yes", "--machine", machine, cwd=garage)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not yet" not in done.stdout and "speaks for shop lenas-garage" in done.stdout
    config = load_config(garage / "shop.toml")
    assert config.machine[0].envelope_mm == (200, 200, 200), "as OctoPrint says itself"
    prepared = time.monotonic()
    with (garage / "agent.log").open("wb") as log:
        agent = subprocess.Popen(
            [sys.executable, "-m", "shop_agent", "shop.toml"], cwd=garage, env=clean_environment(), stdout=log, stderr=log
        )
    try:
        until(lambda: "lenas-garage" in run("shop", "list", *steward).stdout)
        ended = time.monotonic()
    finally:
        agent.terminate()
        agent.wait()
    print(f"\ninvited to checked: {prepared - started:.1f} s; registered {ended - prepared:.1f} s later, the asking included")
    assert ended - started < 120, "without the reading and typing of a person, 15 minutes are far away"
