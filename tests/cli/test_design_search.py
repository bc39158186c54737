# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab design search`, against a real node."""

from __future__ import annotations

import json

import pytest
from cli_nodes import UpNode, cube

from cli.design.search import size_of
from commonfab import v1
from commonfab.errors import Refused


@pytest.fixture(scope="module")
def published(shared_node: UpNode, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The id of a design: a cube of 20 mm, inspected."""
    folder = tmp_path_factory.mktemp("searched")
    (folder / "dado.stl").write_bytes(cube())
    arguments = ("--title", "Würfel für Gesellschaftsspiele", "--licence", "CC0-1.0", "--unit", "mm", "--tag", "dice", "--json")
    done = shared_node.run("design", "publish", str(folder), *arguments)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["design"]["id"])


def test_a_published_design_is_found_by_its_words_and_by_what_it_takes(shared_node: UpNode, published: str) -> None:
    asked = ("wurfel", "GESELL", "--process", "additive", "--fits-machine", "220x220x250", "--licence", "CC0-1.0", "--facets")
    told = shared_node.run("design", "search", *asked)
    assert told.returncode == 0, told.stderr
    assert published in told.stdout and "1 of 1 designs" in told.stdout and "CC0-1.0 1" in told.stdout
    found = json.loads(shared_node.run("design", "search", *asked, "--json").stdout)
    assert [design["id"] for design in found["designs"]] == [published]
    assert {facet["name"]: facet["counts"] for facet in found["facets"]}["licence"] == [{"value": "CC0-1.0", "count": "1"}]
    too_small = shared_node.run("design", "search", "dado", "--fits-machine", "220x220x19", "--json")
    assert json.loads(too_small.stdout)["total"] == "0"


def test_all_pages_are_fetched_when_asked_for(shared_node: UpNode, published: str) -> None:
    assert published in shared_node.run("design", "search", "dice", "--all").stdout
    refused = shared_node.run("design", "search", "dice", "--page-token", "nonsense")
    assert refused.returncode != 0 and "page token" in refused.stderr


def test_a_size_is_read_as_people_write_it_and_nothing_else_is() -> None:
    assert size_of("220x220X250") == size_of(" 220 × 220 × 250.0 ") == v1.Size(x=220, y=220, z=250)
    for wrong in ("220", "220x220", "axbxc", "-1x2x3", "1x2x3x4", "1e9x2x3"):
        with pytest.raises(Refused):
            size_of(wrong)
