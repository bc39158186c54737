# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab design publish` against a real node: what is sent, what is signed, what is told."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cli_nodes import PROGRAM, UpNode, clean_environment, cube, run

README = "# Mincer gear\n\nA replacement gear for the Kenwood Chef A901.\n\n## Licence\n\nCC BY-SA 4.0\n"


@pytest.fixture
def gear(tmp_path: Path) -> Path:
    """A folder as people have them, with nothing but a README."""
    folder = tmp_path / "gear"
    folder.mkdir()
    (folder / "gear.stl").write_bytes(cube())
    (folder / "README.md").write_text(README + tmp_path.name, encoding="utf-8")
    return folder


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    parsed = json.loads(done.stdout)
    assert isinstance(parsed, dict)
    return parsed


def test_what_is_said_is_in_the_manifest_and_signed_and_a_misspelt_licence_is_corrected_before(shared_node: UpNode, gear: Path) -> None:
    bill = gear.parent / "bill.csv"
    bill.write_text("name,quantity\nISO 4762 M3x10,4\n", encoding="utf-8")
    options: tuple[str, ...] = (
        "--title",
        "Gear",
        "--licence",
        "CERN OHL v1.2",
        "--documentation-licence",
        "CC BY-SA 4.0",
        "--software-licence",
        "MIT",
    )
    options += ("--kind", "replacement-part", "--fits", "Kenwood;Chef A901", "--replaces", "Kenwood;;KW715564", "--bill", str(bill))
    done = shared_node.run("design", "publish", str(gear), *options, "--tag", "mincer", "--no-wait", "--json")
    revision = told(done)["revision"]
    manifest = revision["manifest"]
    assert revision["signature"]["signature"], "signed by its author"
    assert "CERN OHL v1.2 → CERN-OHL-1.2" in done.stderr and "(licence.corrected)" in done.stderr
    assert [manifest[f"{which}licence"] for which in ("", "documentation_", "software_")] == ["CERN-OHL-1.2", "CC-BY-SA-4.0", "MIT"]
    description = manifest["description"]
    assert (description["title"], description["kind"], description["tags"]) == ("Gear", "DESIGN_KIND_REPLACEMENT_PART", ["mincer"])
    assert description["fits"][0]["model"] == "Chef A901" and description["replaces"][0]["part_number"] == "KW715564"
    assert (manifest["bill"][0]["name"], manifest["bill"][0]["buy"]["standard"]) == ("ISO 4762 M3x10", "ISO 4762 M3x10")


@pytest.mark.slow
def test_what_it_comes_from_is_in_the_manifest(shared_node: UpNode, gear: Path) -> None:
    publish = ("design", "publish", str(gear / "gear.stl"), "--licence", "CC0-1.0", "--no-wait", "--json", "--title")
    one, two = (told(shared_node.run(*publish, title))["revision"]["digest"] for title in ("One", "Two"))
    options = ("--parent", one, "--derived-from", two, "--variant-of", one, "--variant-reason", "thicker", "--made-with", two)
    manifest = told(shared_node.run(*publish, "Derived", *options))["revision"]["manifest"]
    assert (manifest["parent"], manifest["also_derives_from"], manifest["made_with"]) == (one, [two], [two])
    assert manifest["variant_of"] == {"revision": one, "reason": "thicker"}


@pytest.mark.slow
def test_a_further_revision_derives_from_the_newest_and_closes_the_defects_that_it_fixes(shared_node: UpNode, gear: Path) -> None:
    publish = ("design", "publish", str(gear / "gear.stl"), "--licence", "CC0-1.0", "--no-wait", "--json")
    first = told(shared_node.run(*publish, "--title", "Snapping gear"))
    digest, design = first["revision"]["digest"], first["design"]["id"]
    defect = told(shared_node.run("design", "defect", digest, "--title", "the teeth snap", "--json"))["id"]
    onward = (*publish, "--design", design, "--note", "thicker roots", "--fixes", defect)
    second = told(shared_node.run(*onward))["revision"]
    assert (second["number"], second["manifest"]["parent"]) == (2, digest)
    defects = json.loads(shared_node.run("design", "defects", design, "--all", "--json").stdout)
    assert [(one["id"], one["fixed_by"]) for one in defects] == [(defect, second["digest"])]
    assert told(shared_node.run(*onward))["revision"]["digest"] == second["digest"], "publishing the same again is the same revision"


@pytest.mark.slow
def test_a_dry_run_says_what_is_there_already_and_sends_nothing(shared_node: UpNode, gear: Path) -> None:
    publish = ("design", "publish", str(gear / "gear.stl"), "--title", "There", "--licence", "CC0-1.0", "--no-wait")
    digest = told(shared_node.run(*publish, "--json"))["revision"]["digest"]
    again = shared_node.run(*publish, "--dry-run").stdout
    assert f"This very revision is there already: {digest}" in again and "to be sent" not in again
    assert told(shared_node.run(*publish, "--json"))["revision"]["digest"] == digest
    arguments = ("design", "publish", str(gear), "--title", "Dry", "--licence", "CC BY-SA 4.0", "--dry-run")
    done = shared_node.run(*arguments)
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert "there already" in lines["gear.stl"] and "to be sent" in lines["README.md"]
    assert "CC BY-SA 4.0 → CC-BY-SA-4.0" in done.stderr and "Nothing was sent." in done.stdout
    plan = told(shared_node.run(*arguments, "--json"))
    assert len(plan["missing_files"]) == 1 and plan["digest"] and plan["manifest"]["licence"] == "CC-BY-SA-4.0"
    assert "Dry" not in shared_node.run("design", "list").stdout


def test_a_dry_run_without_a_node_tells_what_it_can_and_makes_no_key(gear: Path, tmp_path: Path) -> None:
    arguments = ("design", "publish", str(gear), "--title", "Dry", "--licence", "CC BY-SA 4.0", "--dry-run", "--node", "127.0.0.1:1")
    done = run(*arguments, COMMONFAB_AUTHOR_KEY=str(tmp_path / "author.pem"), COMMONFAB_DATA_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "gear.stl" in done.stdout and "CC BY-SA 4.0 → CC-BY-SA-4.0" in done.stderr and "No node was asked" in done.stderr
    assert not (tmp_path / "author.pem").exists()


@pytest.mark.slow
def test_what_a_readme_says_is_not_published_unseen(shared_node: UpNode, gear: Path) -> None:
    done = shared_node.run("design", "publish", str(gear), "--no-wait")
    assert done.returncode == 1 and "(publish.proposed)" in done.stderr
    assert "title: Mincer gear  (from README.md:1)" in done.stderr
    assert "--licence CC-BY-SA-4.0" in done.stderr and "--replaces 'Kenwood;Chef A901'" in done.stderr
    assert "Mincer gear" not in shared_node.run("design", "list").stdout
    manifest = told(shared_node.run("design", "publish", str(gear), "--no-wait", "--json", "--yes"))["revision"]["manifest"]
    assert (manifest["description"]["title"], manifest["licence"]) == ("Mincer gear", "CC-BY-SA-4.0")


@pytest.mark.slow
def test_at_a_terminal_the_proposals_are_asked_about(shared_node: UpNode, gear: Path) -> None:
    mine, theirs = pty.openpty()
    settings = {"COMMONFAB_NODE": shared_node.address, "COMMONFAB_DATA_DIR": str(shared_node.data_dir)}
    environment = clean_environment(**settings, COMMONFAB_AUTHOR_KEY=str(shared_node.data_dir / "author.pem"))
    command = [PROGRAM, "design", "publish", str(gear), "--no-wait"]
    process = subprocess.Popen(command, env=environment, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, encoding="utf-8")
    os.close(theirs)
    os.write(mine, b"Asked gear\n\n-\n\n\n")  # a title of one's own, the licence as proposed, no summary, the rest as proposed
    out, _ = process.communicate(timeout=240)
    shown = ""
    with suppress(OSError):  # the other end is closed
        while True:
            shown += os.read(mine, 65536).decode("utf-8", errors="replace")
    os.close(mine)
    assert process.returncode == 0, shown
    assert "title (from README.md:1) [Mincer gear]" in shown and "licence (from README.md:7) [CC-BY-SA-4.0]" in shown
    assert "Asked gear" in out and "CC-BY-SA-4.0" in out


@pytest.mark.slow
def test_a_key_that_is_none_is_told(shared_node: UpNode, gear: Path, tmp_path: Path) -> None:
    (tmp_path / "author.pem").write_text("no key", encoding="utf-8")
    arguments = ("design", "publish", str(gear), "--title", "K", "--licence", "MIT", "--node", shared_node.address)
    done = run(*arguments, COMMONFAB_AUTHOR_KEY=str(tmp_path / "author.pem"))
    assert done.returncode == 1 and "(author.key)" in done.stderr and "Traceback" not in done.stderr


def test_a_drawing_is_published_with_the_thickness_of_its_sheet(tmp_path: Path) -> None:
    (tmp_path / "plate.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="10mm" height="10mm"/>', encoding="utf-8")
    arguments = ("--title", "Plate", "--licence", "CC0-1.0", "--material", "plywood", "--thickness", "4", "--dry-run", "--json")
    where = ("--node", "127.0.0.1:1")
    done = run("design", "publish", str(tmp_path / "plate.svg"), *arguments, *where, COMMONFAB_AUTHOR_KEY=str(tmp_path / "author.pem"))
    (part,) = told(done)["manifest"]["parts"]
    assert (part["demands"]["material"], part["demands"]["thickness_mm"]) == ("plywood", 4.0)
