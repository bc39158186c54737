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
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from authorities import authority, signed_by
from cli_nodes import PROGRAM, Starter, UpNode, clean_environment, run, until
from peers.octoprint.peer import OctoPrintPeer
from small_disks import disk_of, fill
from test_up_tls import FAR

from cli.shop.answers import Answers
from cli.shop.beginning import Given, begun
from cli.shop.machine_options import machine_given, size_given
from cli.shop.questions import ask_all
from commonfab.errors import Refused
from shop_agent.config import load_config
from shop_agent.machines import Description
from shop_agent.starting.discovery import FoundPort, FoundServer
from shop_agent.starting.drafts import MachineDraft
from shop_agent.starting.init import ShopDraft, keep_unfinished, write_shop


@dataclass
class Person:
    """Answers in order; what the world is, is as the test says. Implements `cli.shop.answers.Surroundings`."""

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
    person.answers += ["1 2", "", "pla+petg", "", "cnc_routing", "300x200x60", "plywood"]
    person.answers += ["by hand", "Drill press", "nonsense", "drilling", "200 200", "200,200,200", "steel", ""]
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


@pytest.mark.slow
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


def break_off(process: subprocess.Popen[bytes], by: signal.Signals) -> None:
    """Send that signal, again where it fell between Python's look for signals and its wait for a key, as a person would."""
    for _ in range(6):
        process.send_signal(by)
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
            return


class Talk:
    """`commonfab` at a real terminal: the program's own, driven through a pty."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.outer, inner = pty.openpty()
        self.shown = self.all = ""
        self.process = subprocess.Popen(
            [PROGRAM, *arguments], cwd=folder, env=clean_environment(), stdin=inner, stdout=inner, stderr=inner, start_new_session=True
        )
        os.close(inner)

    def once_asked(self, question: str) -> None:
        """Return once it asks that, after whatever was asked before."""
        until(lambda: question in self.shown or not self._hears())
        before, found, self.shown = self.shown.partition(question)
        assert found, before

    def answer(self, question: str, text: str) -> None:
        """Wait for a question and answer it."""
        self.once_asked(question)
        os.write(self.outer, f"{text}\n".encode())

    def rest(self) -> str:
        """What else it says until it ends."""
        while self._hears() or self.process.poll() is None:
            pass
        os.close(self.outer)
        return self.shown.replace("\r\n", "\n")

    def _hears(self) -> bool:
        if not select.select([self.outer], [], [], 0.2)[0]:
            return self.process.poll() is None
        try:
            heard = os.read(self.outer, 65_536)
        except OSError:  # the other end is closed
            return False
        self.shown += heard.decode(errors="replace")
        self.all += heard.decode(errors="replace")
        return True


def test_a_person_at_a_terminal_is_asked_and_ctrl_c_loses_no_answer(tmp_path: Path) -> None:
    """A real terminal: the program's own, driven through a pty."""
    outer, inner = pty.openpty()
    process = subprocess.Popen([PROGRAM, "shop", "init"], cwd=tmp_path, env=clean_environment(), stdin=inner, stdout=inner, stderr=inner)
    os.close(inner)

    def once_asked(question: str) -> None:
        shown, deadline = "", time.monotonic() + 120
        while question not in shown:
            assert time.monotonic() < deadline, shown
            if select.select([outer], [], [], 0.2)[0]:
                shown += os.read(outer, 4096).decode(errors="replace")

    for question, text in (("What is your shop called?", "Lena's Garage"), ("Its id", "lena")):
        once_asked(question)
        os.write(outer, f"{text}\n".encode())
    once_asked("Roughly where")
    break_off(process, signal.SIGINT)  # what the terminal does of Ctrl-C
    assert process.wait(120) == 130
    os.close(outer)
    kept = (tmp_path / "shop.toml.unfinished").read_text(encoding="utf-8")
    assert 'name = "Lena\'s Garage"' in kept and 'id = "lena"' in kept and not (tmp_path / "shop.toml").exists()


def test_what_is_not_understood_is_asked_again_in_words_of_people(tmp_path: Path) -> None:
    person = Person(["here, there", "nan, 1", "48.14, 11.58", "first", "1", "pla"], [FoundServer("virtual", "Toy", "")])
    person.answers[5:5] = ["200x200x200"]
    person.answers += ["moonrake", "moonraker", "Klip", "http://", "192.0.2.7", "", "", "200x200x200", "pla", ""]
    answers = Answers(ShopDraft())
    ask_all(answers, person, named=True)
    assert [machine.url for machine in answers.shop.machines] == ["", "http://192.0.2.7"]
    not_understood = [told for told in person.told if "not understood" in told]
    assert len(not_understood) == 5 and any("did you mean moonraker?" in told for told in not_understood)
    assert not any("float" in told or "int()" in told for told in not_understood)


@pytest.mark.parametrize("said", ["48,14; 11,58", "48,14 11,58", "48,14, 11,58", "48,14,11,58", "48.14;11.58", "48.14 11.58"])
def test_a_place_may_be_written_with_decimal_commas(said: str) -> None:
    answers = Answers(ShopDraft())
    ask_all(answers, Person([said, ""]), named=True)
    assert (answers.shop.latitude, answers.shop.longitude) == (48.14, 11.58)


@pytest.mark.parametrize("said", ["250,5 x 210 x 210", "250,5 210 210", "250.5x210x210mm", "250,5; 210; 210", "250.5, 210, 210"])
def test_a_size_may_be_written_with_decimal_commas(said: str) -> None:
    assert size_given(said) == (250.5, 210, 210)


def test_two_lengths_with_a_decimal_comma_are_not_taken_for_three() -> None:
    with pytest.raises(ValueError, match="25,5x30"):
        size_given("25,5x30")


@pytest.mark.parametrize(
    ("copied", "address"),
    [
        ("octopi.local", "http://octopi.local"),
        ("localhost:5000", "http://localhost:5000"),
        ("http://mainsail.local/#/settings", "http://mainsail.local"),
        ("https://lab.example/octoprint/?#temp", "https://lab.example/octoprint"),
    ],
)
def test_an_address_may_be_given_as_it_stands_in_a_browser(copied: str, address: str) -> None:
    assert machine_given(f"octoprint={copied}").url == address


def test_machines_of_one_name_get_ids_of_their_own_and_one_id_is_not_given_twice() -> None:
    answers = Answers(ShopDraft())
    ask_all(answers, Person(["", *["by_hand", "Fräse", "milling", "", "steel"] * 2, ""]), named=True)
    assert answers.ids == ["fraese", "fraese-2"]
    for option, told in (("by_hand,id=fraese", "two machines are called 'fraese'"), ("by_hand,id=Große Fräse", "grosse-fraese")):
        with pytest.raises(Refused, match=told):
            machine_given(option, ["fraese"])


@dataclass
class Corrected(Person):
    """A person who mistypes an address and a key; only `RIGHT` at `http://192.0.2.8` answers."""

    def octoprint_key(self, url: str) -> str:
        return ""

    def describe(self, draft: MachineDraft) -> Description:
        if draft.url != "http://192.0.2.8":
            raise Refused("machine.away", draft.id)
        if draft.api_key != "RIGHT":
            raise Refused("machine.key", draft.id)
        return Description("OctoPrint 1.11.8", (250, 210, 220), 0.4)


def test_a_wrong_address_and_a_wrong_key_can_be_corrected_on_the_spot() -> None:
    person = Corrected(["", "octoprint", "Mk3", "192.0.2.7", "WRONG", "again", "192.0.2.8", "WRONG TOO", "RIGHT", "pla", ""])
    answers = Answers(ShopDraft())
    ask_all(answers, person, named=True)
    (printer,) = answers.shop.machines
    assert (printer.url, printer.api_key, printer.envelope_mm) == ("http://192.0.2.8", "RIGHT", (250, 210, 220))
    assert person.answers == [] and not any("Allow" in told and "asked for a key now" in told for told in person.told)


@dataclass
class Leaves(Person):
    """A person who presses Ctrl-C where no answer is left."""

    def ask(self, question: str, default: str = "") -> str:
        if not self.answers:
            raise KeyboardInterrupt
        return super().ask(question, default)


@pytest.mark.parametrize("answered", range(2, 10))
def test_ctrl_c_in_the_middle_of_a_machine_keeps_that_machine(tmp_path: Path, answered: int) -> None:
    said = ["48.14 11.58", "grbl", "Fräse", "/dev/ttyUSB7", "", "milling", "300x200x60", "steel", "by_hand"]
    answers = Answers(ShopDraft("lena"))
    with pytest.raises(KeyboardInterrupt):
        ask_all(answers, Leaves(said[:answered]), named=True)
    kept = keep_unfinished(tmp_path / "shop.toml", answers.so_far)
    if answered < 3:
        assert answers.so_far.machines == ()
        return
    machine = load_config(kept).machine[0]
    assert (machine.id, machine.name) == ("fraese", "Fräse")
    assert machine.port == ("/dev/ttyUSB7" if answered >= 4 else "/dev/not-said-yet")
    assert machine.process == ("milling" if answered >= 6 else "fdm")
    assert ("NOT FINISHED" in kept.read_text(encoding="utf-8")) == (answered < 8)


@pytest.mark.slow
def test_broken_off_twice_in_the_middle_of_a_machine_each_time_is_kept(tmp_path: Path) -> None:
    """Ctrl-C, and a line to the Pi that breaks; through a real terminal."""
    for name, ended_by in (("Säge", signal.SIGINT), ("Bohrer", signal.SIGHUP)):
        talk = Talk(tmp_path, "shop", "init", "--id", "lena")
        for question, text in (("Roughly where", ""), ("Another machine?", "by_hand"), ("call it", name)):
            talk.answer(question, text)
        talk.once_asked("What does it do?")
        break_off(talk.process, ended_by)
        told = talk.rest()
        assert talk.process.wait(120) == 130 and "mv shop.toml.unfinished" in told and "commonfab shop join" in told
    first, second = (tmp_path / name for name in ("shop.toml.unfinished", "shop.toml.unfinished-2"))
    assert 'name = "Säge"' in first.read_text(encoding="utf-8") and 'name = "Bohrer"' in second.read_text(encoding="utf-8")
    assert "holds what was answered earlier" in talk.all and load_config(first).machine[0].id == "saege"


@pytest.mark.slow
def test_answers_survive_a_file_that_was_in_the_way_and_a_disk_that_is_full(tmp_path: Path) -> None:
    machine = ("Another machine?", "moonraker"), ("call it", "Klip"), ("Where does", "127.0.0.1:9"), ("Its key", "SECRET")
    rest = ("Is it on", ""), ("largest part", ""), ("What lies", "abs"), ("Another machine?", "")
    (tmp_path / "klip.key").write_text("OLD", encoding="utf-8")
    talk = Talk(tmp_path, "shop", "init", "--id", "lena")
    for question, text in (("Roughly where", ""), *machine, *rest):
        talk.answer(question, text)
    assert "klip.key is there already" in talk.rest() and talk.process.wait(120) == 1
    assert load_config(tmp_path / "shop.toml.unfinished").machine[0].api_key == "SECRET"
    assert (tmp_path / "klip.key").read_text(encoding="utf-8") == "OLD"
    with disk_of(262_144, tmp_path / "card") as card:
        talk = Talk(card, "shop", "init", "--id", "lena")
        for question, text in (("Roughly where", ""), *machine, *rest[:-1]):
            talk.answer(question, text)
        talk.once_asked("Another machine?")
        fill(card)
        os.write(talk.outer, b"\n")
        told = talk.rest()
        assert 'api_key = "SECRET"' in told and "could not be kept" in told and talk.process.wait(120) == 1


def test_a_full_disk_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    with disk_of(65_536, tmp_path / "card") as card:
        fill(card)
        done = run("shop", "init", "--yes", "--id", "lena", cwd=card)
        assert done.returncode == 1 and "No space left" in done.stderr
        assert [file.name for file in card.iterdir()] == ["ballast"]


def test_the_line_of_the_steward_pasted_again_names_the_command_that_joins(tmp_path: Path) -> None:
    write_shop(tmp_path / "shop.toml", ShopDraft("lena"))
    done = run("shop", "init", "--id", "lena", "--invitation", "ZYR9D-TMH0K-P2GR8-EY2K4@127.0.0.1:9", cwd=tmp_path)
    assert done.returncode == 1 and "commonfab shop join ZYR9D-TMH0K-P2GR8-EY2K4@127.0.0.1:9" in done.stderr


def test_a_node_that_is_away_is_not_to_be_started_by_the_shop(tmp_path: Path) -> None:
    done = run("shop", "init", "--yes", "--id", "lena", "--invitation", "ZYR9D-TMH0K-P2GR8-EY2K4@127.0.0.1:9", cwd=tmp_path)
    assert done.returncode == 1 and "commonfab up" not in done.stderr and "steward" in done.stderr
    assert "what was written stays" in done.stderr and load_config(tmp_path / "shop.toml").shop.id == "lena"


@pytest.mark.slow
def test_a_code_that_was_used_leaves_the_shop_and_says_how_to_join_it_later(shared_node: UpNode, tmp_path: Path) -> None:
    steward = ("--node", shared_node.address, "--token", shared_node.steward_token)
    invitation = json.loads(run("token", "invite", "shop", "lena", "--json", *steward).stdout)["invitation"]
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        done = run("shop", "init", "--yes", "--id", "lena", "--invitation", invitation, cwd=tmp_path / folder)
    assert "used already" in done.stderr and "what was written stays" in done.stderr
    again = json.loads(run("token", "invite", "shop", "lena", "--json", *steward).stdout)["invitation"]
    assert run("shop", "join", again, cwd=tmp_path / "second").returncode == 0


def test_an_okw_file_that_is_no_text_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "okw.json").write_bytes(b"\xa9\x00\xff")
    done = run("shop", "init", "--yes", "--okw", "okw.json", cwd=tmp_path)
    assert done.returncode == 1 and "okw.unreadable" in done.stderr and not (tmp_path / "shop.toml").exists()


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
    assert ended - started < 280, "without the reading and typing of a person, 15 minutes are far away"


@pytest.mark.parametrize(("said", "would_do"), [("Lena", "lena"), ("Lena's Garage", "lena-s-garage"), ("lenas_garage", "lenas-garage")])
def test_an_id_that_cannot_be_is_refused_with_one_that_can(said: str, would_do: str) -> None:
    with pytest.raises(Refused) as refused:
        begun(Given(said, "", "", "", (), False, None, "", None, None))
    assert refused.value.code == "shop.id" and f"'{would_do}' can" in str(refused.value) and "[" not in str(refused.value)
    assert begun(Given(would_do, "", "", "", (), False, None, "", None, None))[0].shop.id == would_do
