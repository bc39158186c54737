# SPDX-License-Identifier: AGPL-3.0-or-later
"""The life of a design over the command line: published, forked, built from, made, found wanting, mended, recalled, and carried elsewhere.

Real processes throughout: two nodes of `commonfab up`, two shops, and whoever follows.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from stl_boxes import stl_box

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))

from cli_nodes import PROGRAM, Starter, UpNode, clean_environment, until

pytestmark = pytest.mark.slow

LICENCE = "CERN-OHL-S-2.0"
OKH = """okhv = "2.4"
name = "Mincer gear"
version = "1.0"
license = "cern ohl s v2"
licensor = "Ada Byron"
function = "Drives the worm of a kitchen mincer."
documentation-language = "en"
readme = "README.md"
a-key-of-tomorrow = "kept"

[[part]]
name = "gear"
export = ["gear.stl"]
material = "PLA"
"""
SHOP = """
[shop]
id = "{id}"
slicer = "none"
[router]
node = "{node}"
token = "{token}"
[policy]
accept = "always"
{policy}
[[machine]]
id = "mk3"
process = "fdm"
envelope_mm = [200, 200, 180]
materials = ["pla"]
control = "virtual"
speed_factor = 5000
starts_itself = {itself}
clears_itself = {itself}
[[machine]]
id = "old-printer"
process = "fdm"
envelope_mm = [200, 200, 180]
materials = ["pla"]
control = "by_hand"
out_of_order = "nobody is there to work it"
"""


@dataclass
class Person:
    """Somebody with a token and a key of their own, at the command line."""

    name: str
    token: str
    node: UpNode
    folder: Path

    def runs(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        settings = {"COMMONFAB_NODE": self.node.address, "COMMONFAB_TOKEN": self.token}
        settings["COMMONFAB_AUTHOR_KEY"] = str(self.folder / f"{self.name}.pem")
        return subprocess.run(
            [PROGRAM, *arguments],
            env=clean_environment(**settings),
            cwd=self.folder,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    def says(self, *arguments: str) -> str:
        """What a command that must succeed tells a person."""
        done = self.runs(*arguments)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    def asks(self, *arguments: str) -> Any:
        """What a command that must succeed tells a program."""
        return json.loads(self.says(*arguments, "--json"))

    def is_refused(self, *arguments: str) -> str:
        """Why a command failed."""
        done = self.runs(*arguments)
        assert done.returncode == 1 and "Traceback" not in done.stderr, (arguments, done.stdout, done.stderr)
        return done.stderr

    def publishes(self, *arguments: str) -> tuple[str, str]:
        """The design's id and the revision's digest."""
        told = self.asks("design", "publish", *arguments, "--unit", "mm")
        return told["design"]["id"], told["revision"]["digest"]


@dataclass
class Town:
    """A node, its people, its shops, and one who follows everything."""

    folder: Path
    node: UpNode
    people: dict[str, Person] = field(default_factory=dict)
    children: list[subprocess.Popen[str]] = field(default_factory=list)

    def person(self, name: str, scope: str = "maker") -> Person:
        self.people[name] = Person(name, self.node.token(scope, name), self.node, self.folder)
        return self.people[name]

    def starts(self, name: str, *arguments: str, **settings: str) -> None:
        """Run a command in the background; what it writes is in files of that name."""
        out, err = (self.folder / f"{name}.out").open("w", encoding="utf-8"), (self.folder / f"{name}.err").open("w", encoding="utf-8")
        with out, err:
            environment = clean_environment(COMMONFAB_NODE=self.node.address, **settings)
            self.children.append(subprocess.Popen([PROGRAM, *arguments], env=environment, cwd=self.folder, stdout=out, stderr=err))  # type: ignore[arg-type]

    def shop(self, name: str, itself: bool = True, policy: str = "") -> Person:
        owner = self.person(name, "shop")
        text = SHOP.format(id=name, node=self.node.address, token=owner.token, itself=str(itself).lower(), policy=policy)
        (self.folder / name).mkdir()
        (self.folder / name / "shop.toml").write_text(text, encoding="utf-8")
        self.starts(name, "shop", "run", "--config", f"{name}/shop.toml")
        return owner

    def heard(self) -> list[dict[str, Any]]:
        """All that the follower was told."""
        lines = (self.folder / "eve.out").read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def heard_of(self, what: str) -> list[dict[str, Any]]:
        return [event[what] for event in self.heard() if what in event]


@pytest.fixture
def start_node() -> Iterator[Starter]:
    starter = Starter()
    yield starter
    starter.end_all()


@pytest.fixture
def town(tmp_path: Path, start_node: Starter) -> Iterator[Town]:
    town = Town(tmp_path, start_node(tmp_path / "node"))
    yield town
    for child in town.children:
        os.kill(child.pid, signal.SIGINT)
    for child in town.children:
        child.wait(60)


def _folder(place: Path, part: str, size: tuple[float, float, float], **texts: str) -> str:
    place.mkdir()
    (place / f"{part}.stl").write_bytes(stl_box(*size))
    for name, text in texts.items():
        (place / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return place.name


@pytest.mark.timeout(1800)
def test_a_design_is_published_forked_made_mended_recalled_and_carried_away(town: Town, start_node: Starter) -> None:
    ada, ben = town.person("ada"), town.person("ben")
    eve = town.person("eve", "requester")
    town.starts("eve", "follow", "--json", "--from-the-first", COMMONFAB_TOKEN=eve.token)
    design, first = _publishing(town, ada)
    fork = _forking(ben, design, first)
    product = _building_from(town, ada, first)
    _being_made(town, ada, design, first, product)
    second = _mending(ada, eve, design, first)
    _recalling(town, ada, eve, design, first, second)
    _looking_after(town, start_node, design)
    _carrying_away(town, ada, start_node, design, second, fork)


def _publishing(town: Town, ada: Person) -> tuple[str, str]:
    """A folder with an okh.toml is published as it says; one with a README and a licence only after a look at what is proposed."""
    gear = _folder(town.folder / "gear", "gear", (30, 30, 8), okh_toml=OKH, README_md="# Mincer gear\n")
    assert "Nothing was sent" in ada.says("design", "publish", gear, "--unit", "mm", "--dry-run")
    assert ada.asks("design", "list") == []
    design, first = ada.publishes(gear)
    assert ada.publishes(gear) == (design, first), "the same again is the same revision"
    shown = ada.asks("design", "show", design)
    assert (shown["design"]["title"], shown["design"]["licence"]) == ("Mincer gear", LICENCE)
    assert shown["revision"]["manifest"]["parts"][0]["demands"]["material"] == "pla", "as its okh.toml says"
    assert shown["revision"]["signature"]["signature"] and shown["design"]["maturity"] == "MATURITY_CHECKED"

    texts = {
        "README_md": "# Shelf bracket\n\nHolds a shelf.\n",
        "LICENSE": (Path(__file__).parents[2] / "LICENSE").read_text(encoding="utf-8"),
    }
    bracket = _folder(town.folder / "bracket", "bracket", (40, 20, 5), **texts)
    assert "publish.proposed" in ada.is_refused("design", "publish", bracket, "--unit", "mm")
    taken, _ = ada.publishes(bracket, "--yes")
    assert ada.asks("design", "show", taken)["design"]["title"] == "Shelf bracket"
    return design, first


def _forking(ben: Person, design: str, first: str) -> str:
    """A fork by somebody else keeps its parent and its parent's licence."""
    ben.says("design", "get", design, "fork")
    (ben.folder / "fork" / "okh.toml").unlink()
    named = ("fork", "--title", "Wider gear", "--parent", first)
    assert "licence.share_alike" in ben.is_refused("design", "publish", *named, "--licence", "MIT", "--unit", "mm")
    fork, digest = ben.publishes(*named, "--licence", LICENCE)
    assert ben.asks("design", "show", fork)["revision"]["manifest"]["parent"] == first
    assert "design.keeper" in ben.is_refused("design", "publish", *named, "--licence", LICENCE, "--design", design, "--unit", "mm")
    return digest


def _building_from(town: Town, ada: Person, first: str) -> str:
    """A product is made of the gear, bought and salvaged things; with two shops around, all of it can be made here."""
    make = f'[[line]]\nname = "gear"\nquantity = 2\nmake = {{ revision = "{first}" }}\n'
    buy = '[[line]]\nname = "screw"\nquantity = 4\nbuy = { standard = "ISO 4762 M3x10" }\n'
    salvage = '[[line]]\nname = "motor"\nquantity = 1\nsalvage = { source = "car wiper motor" }\n'
    (town.folder / "bill.toml").write_text(make + buy + salvage, encoding="utf-8")
    mincer = _folder(town.folder / "mincer", "body", (60, 40, 20))
    told = ("--title", "Hand mincer", "--kind", "product", "--bill", "bill.toml", "--licence", LICENCE)
    product, _ = ada.publishes(mincer, *told)
    used = ada.asks("design", "where-used", first)["uses"]
    assert {(use["title"], use["relation"]) for use in used} == {
        ("Hand mincer", "RELATION_USES"),
        ("Wider gear", "RELATION_DERIVES_FROM"),
    }
    town.shop("lena", policy='requesters = ["eve"]')
    town.shop("shed", itself=False, policy='requesters = ["rob"]')
    until(lambda: len(ada.asks("shop", "list")) == 2)
    told = town.people["eve"].says("design", "closure", product, "--quantity", "3")
    assert "2 of 2 parts can be made here" in told, told
    assert "1 to buy, 1 to salvage" in told
    total = ada.asks("design", "closure", product, "--quantity", "3")
    assert sorted((one["part"]["part"]["name"], one["quantity"]) for one in total["make"]) == [("body", 3), ("gear", 6)]
    return product


def _being_made(town: Town, ada: Person, design: str, first: str, product: str) -> None:
    """A job by the design's id is made; the ledger's entry becomes a build report. What a virtual machine made proves nothing."""
    eve = town.people["eve"]
    job = eve.asks("job", "request", design, "--quantity", "2", "--material", "pla")["id"]
    until(lambda: eve.asks("job", "show", job)["state"] == "JOB_STATE_DONE")
    (entry,) = until(lambda: eve.asks("ledger", "show"))
    assert entry["work"]["revision_digest"] == first and entry["work"]["pieces_good"] == 2
    (report,) = until(lambda: ada.asks("design", "reports", design))
    assert (report["report"]["shop_id"], report["report"]["pieces_good"], report["report"]["control"]) == ("lena", 2, "virtual")
    assert ada.asks("design", "show", design)["design"]["maturity"] == "MATURITY_CHECKED"

    (town.folder / "gear.jpg").write_bytes(b"a photograph of a gear")
    made = ("--good", "3", "--machine", "old-printer", "--material", "pla", "--size", "bore=8.0/8.03", "--photo", "gear.jpg")
    reported = town.people["shed"].asks("design", "report", first, "--config", "shed/shop.toml", *made)
    assert reported["maturity"] == "MATURITY_BUILT"
    assert "built" in ada.says("design", "show", design)
    found = eve.asks("design", "search", "mincer", "--process", "fdm", "--fits-machine", "200x200x180", "--at-least", "built", "--facets")
    assert [one["id"] for one in found["designs"]] == [design]
    facets = {facet["name"]: {count["value"]: count["count"] for count in facet["counts"]} for facet in found["facets"]}
    assert facets["licence"] == {LICENCE: "1"} and facets["process"]["fdm"] == "1"
    assert {one["id"] for one in eve.asks("design", "search", "mincer")["designs"]} == {design, product}


def _mending(ada: Person, eve: Person, design: str, first: str) -> str:
    """Anybody files a defect; a further revision mends it."""
    filed = eve.asks("design", "defect", first, "--title", "The bore is too tight", "--severity", "functional")
    assert ada.asks("design", "show", design)["revision"]["open_defects"] == 1
    (ada.folder / "gear" / "gear.stl").write_bytes(stl_box(30, 30, 9))
    _, second = ada.publishes("gear", "--design", design, "--note", "a wider bore")
    ada.says("design", "close-defect", filed["id"], "--fixed-by", second)
    assert ada.asks("design", "defects", design) == []
    shown = ada.asks("design", "show", design)
    assert [one["number"] for one in shown["revisions"]] == [2, 1] and shown["revision"]["manifest"]["parent"] == first
    assert shown["design"]["maturity"] == "MATURITY_CHECKED", "nobody has made the second yet"
    assert design not in {one["id"] for one in eve.asks("design", "search", "mincer", "--at-least", "built")["designs"]}
    return second


def _recalling(town: Town, ada: Person, eve: Person, design: str, first: str, second: str) -> None:
    """A recall holds the job that waits for it, reaches who made it and who queued it, and stands in what is built from it."""
    rob = town.person("rob", "requester")
    job = rob.asks("job", "request", first, "--quantity", "1", "--material", "pla")["id"]
    until(lambda: "accepted" in rob.says("job", "show", job).lower())
    why = "it bursts under load"
    assert "recall.keeper" in town.people["ben"].is_refused("design", "recall", first, "--reason", why)
    ada.says("design", "recall", first, "--reason", why, "--instead", second)
    held = until(lambda: (shown := rob.asks("job", "show", job))["state"] == "JOB_STATE_HELD" and shown)
    assert [reason["code"] for reason in held["waiting_for"]] == ["revision.recalled"]
    for shop in ("lena", "shed"):
        status = ("shop", "status", "--config", f"{shop}/shop.toml")
        (notice,) = until(lambda status=status: ada.asks(*status)["recalls"])
        assert notice["recall"]["reason"] == why
        assert why in ada.says(*status)
    assert "revision.recalled" in eve.is_refused("job", "request", first, "--quantity", "1")
    shown = ada.asks("design", "show", first)
    assert shown["revision"]["recall"]["instead"] == second and not shown["design"]["recalled"]
    assert design in {one["id"] for one in eve.asks("design", "search", "mincer")["designs"]}, "its newest revision is not recalled"
    told = ("recalled", "defect_filed", "defect_closed")
    until(lambda: all(town.heard_of(what) for what in told) and len(town.heard_of("build_reported")) == 2)
    numbers = [int(event["number"]) for event in town.heard()]
    assert numbers == list(range(1, len(numbers) + 1)), "all had been told, each once, in order"
    assert len(town.heard_of("revision_published")) == 5
    steps = [change["now"] for change in town.heard_of("maturity_changed") if change["digest"] == first]
    assert steps == ["MATURITY_CHECKED", "MATURITY_BUILT"]


def _looking_after(town: Town, start_node: Starter, design: str) -> None:
    """The steward's work: verify, garbage, usage; and a backup of the running node that another one comes up from."""
    node = town.node
    for command in (("verify",), ("gc", "--dry-run"), ("gc",), ("usage",)):
        done = node.run("admin", *command, "--json")
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    usage = json.loads(node.run("admin", "usage", "--json").stdout)
    assert {"ada", "ben"} <= {one["subject"] for one in usage}
    taken = node.run("admin", "backup", str(town.folder / "backup"))
    assert taken.returncode == 0, taken.stderr
    again = town.folder / "again"
    restored = node.run("admin", "restore", str(town.folder / "backup"), "--data-dir", str(again))
    assert restored.returncode == 0, (restored.stdout, restored.stderr)
    third = start_node(again)
    shown = third.run("design", "show", design, "--json", token=town.people["ada"].token)
    assert shown.returncode == 0, shown.stderr
    assert len(json.loads(shown.stdout)["revisions"]) == 2
    found = third.run("design", "search", "mincer", "--json", token=town.people["ada"].token)
    assert len(json.loads(found.stdout)["designs"]) == 2
    assert third.run("admin", "verify").returncode == 0
    assert third.stop()[0] == 0


def _carrying_away(town: Town, ada: Person, start_node: Starter, design: str, second: str, fork: str) -> None:
    """A package goes to another node: verified, found there, with its history; its okh.toml is one that can be read."""
    ada.says("design", "export", design, "gear.zip")
    subprocess.run([sys.executable, "-m", "zipfile", "-e", "gear.zip", "unpacked"], cwd=town.folder, check=True)
    checked = ada.asks("okh", "check", "unpacked/okh.toml")
    assert checked["same"] == checked["of"] == 1, checked
    assert "a-key-of-tomorrow" in (town.folder / "unpacked" / "okh.toml").read_text(encoding="utf-8")
    away = start_node(town.folder / "away")
    zoe = Person("zoe", away.token("maker", "zoe"), away, town.folder)
    zoe.says("design", "import", "gear.zip")
    shown = zoe.asks("design", "show", design)
    assert shown["revisions"][0]["digest"] == second and shown["revision"]["signature"]["signature"]
    assert [one["id"] for one in zoe.asks("design", "search", "mincer", "gear")["designs"]] == [design]
    assert away.run("admin", "verify").returncode == 0
    zoe.says("design", "import", "gear.zip")
    assert len(zoe.asks("design", "show", design)["revisions"]) == len(shown["revisions"]), "twice is once"
