# SPDX-License-Identifier: AGPL-3.0-or-later
"""What somebody says, what the files say for certain, and what is only inferred: nothing inferred is published unseen."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from cli.design.proposal import Asking, Said, command_line, completed, item_of, kind_of
from commonfab import v1
from commonfab.errors import Refused
from registry.proposing.folder import Proposal

COMMAND = ("commonfab", "design", "publish", "gear/")
SILENT = Asking(on_a_terminal=False, accept=False, command=COMMAND)
MIXER = v1.Item(maker="Kenwood", model="Chef A901", part_number="KW715564")
INFERRED = (
    Proposal("title", "Mincer gear", "README.md:1"),
    Proposal("licence", "CERN-OHL-S-2.0", "LICENSE"),
    Proposal("replaces", MIXER, "README.md:3"),
    Proposal("summary", "It's a gear", "README.md:3"),
)
CERTAIN = (Proposal("title", "Gear", "okh.toml", certain=True), Proposal("licence", "MIT", "okh.toml", certain=True))


def test_an_explicit_call_takes_nothing_that_is_only_inferred_and_asks_nothing() -> None:
    def ask(words: str, proposal: str) -> str:
        raise AssertionError(f"asked: {words}")

    said = Said(title="My gear", licence="CC0-1.0")
    assert completed(said, INFERRED, True, Asking(on_a_terminal=True, accept=False, command=COMMAND, ask=ask)) == said


def test_what_an_okh_manifest_says_is_taken_where_nobody_says_otherwise() -> None:
    assert completed(Said(title="My gear"), CERTAIN, True, SILENT) == Said(title="My gear", licence="MIT")


def test_without_a_terminal_what_is_inferred_is_refused_with_the_command_that_takes_it() -> None:
    with pytest.raises(Refused) as refused:
        completed(Said(), INFERRED, True, SILENT)
    assert refused.value.code == "publish.proposed"
    written = shlex.split(refused.value.reason.subject)
    assert written[:4] == list(COMMAND)
    options = dict(zip(written[4::2], written[5::2], strict=True))
    assert options == {
        "--title": "Mincer gear",
        "--licence": "CERN-OHL-S-2.0",
        "--replaces": "Kenwood;Chef A901;KW715564",
        "--summary": "It's a gear",
    }
    taken = Said(
        title=options["--title"], licence=options["--licence"], summary=options["--summary"], replaces=(item_of(options["--replaces"]),)
    )
    assert taken == completed(Said(), INFERRED, True, Asking(on_a_terminal=False, accept=True))


def test_with_yes_everything_that_is_inferred_is_taken() -> None:
    said = completed(Said(title="My gear"), INFERRED, True, Asking(on_a_terminal=False, accept=True))
    assert (said.title, said.licence, said.replaces) == ("My gear", "CERN-OHL-S-2.0", (MIXER,))


def test_at_a_terminal_each_missing_field_is_asked_with_its_proposal_and_where_it_stands() -> None:
    asked: dict[str, str] = {}

    def ask(words: str, proposal: str) -> str:
        asked[words] = proposal
        return {"title": "Another gear", "summary": "-"}.get(words.split(" (")[0], proposal)

    said = completed(Said(), INFERRED, True, Asking(on_a_terminal=True, accept=False, ask=ask))
    assert (said.title, said.licence, said.summary, said.replaces) == ("Another gear", "CERN-OHL-S-2.0", "", (MIXER,))
    assert asked["licence (from LICENSE)"] == "CERN-OHL-S-2.0"
    assert list(asked)[:2] == ["title (from README.md:1)", "licence (from LICENSE)"], "what is required comes first"


def test_a_licence_is_missed_where_neither_a_person_nor_the_files_name_one() -> None:
    for asking in (SILENT, Asking(on_a_terminal=True, accept=False, ask=lambda words, proposal: "-"), Asking(False, accept=True)):
        with pytest.raises(Refused) as refused:
            completed(Said(title="Gear"), [], True, asking)
        assert refused.value.code == "licence.missing"
    with pytest.raises(Refused) as refused:
        completed(Said(licence="MIT"), [], True, SILENT)
    assert refused.value.code == "request.missing"
    assert completed(Said(licence="MIT"), [], False, SILENT).title == "", "a new revision keeps the design's title"


def test_a_proposed_bill_is_written_as_its_file(tmp_path: Path) -> None:
    (tmp_path / "BOM.csv").touch()
    bill = Proposal("bill", (v1.BillLine(name="screw"),), "BOM.csv")
    written = shlex.split(command_line(["commonfab", str(tmp_path)], Said(bill=(v1.BillLine(name="screw"),)), [bill]))
    assert written == ["commonfab", str(tmp_path), "--bill", str(tmp_path / "BOM.csv")]


@pytest.mark.parametrize("wrong", ["", ";;", "a;b;c;d"])
def test_a_thing_without_a_name_is_refused(wrong: str) -> None:
    with pytest.raises(Refused) as refused:
        item_of(wrong)
    assert refused.value.code == "publish.item"


def test_a_kind_that_there_is_not_is_refused() -> None:
    assert kind_of("tool") == "tool"
    with pytest.raises(Refused) as refused:
        kind_of("gadget")
    assert refused.value.code == "publish.kind"
