# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which files are published, and which of them show the same part."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.fetching import inside
from cli.folder import demand, gather, manifest, parts_of, quantities_of
from commonfab import v1
from commonfab.errors import Refused

ANY = v1.Demands()


def write(folder: Path, *paths: str) -> None:
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"content of {path}", encoding="utf-8")


def test_the_files_of_a_folder_keep_their_paths_inside_it(tmp_path: Path) -> None:
    write(tmp_path, "gear.stl", "cad/gear.FCStd", "README.md")
    assert [file.path for file in gather([tmp_path])] == ["README.md", "cad/gear.FCStd", "gear.stl"]


def test_hidden_files_and_links_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "gear.stl", ".git/config", "cad/.cache/gear.stl", ".DS_Store")
    (tmp_path / "link.stl").symlink_to(tmp_path / "gear.stl")
    assert [file.path for file in gather([tmp_path])] == ["gear.stl"]


def test_a_hidden_folder_can_be_published_when_it_is_named_itself(tmp_path: Path) -> None:
    write(tmp_path, ".designs/gear.stl")
    assert [file.path for file in gather([tmp_path / ".designs"])] == ["gear.stl"]


def test_an_empty_file_is_refused_by_its_name_before_anything_is_sent(tmp_path: Path) -> None:
    write(tmp_path, "gear.stl")
    (tmp_path / "lid.stl").touch()
    with pytest.raises(Refused) as refused:
        gather([tmp_path])
    assert (refused.value.code, refused.value.reason.subject) == ("file.empty", "lid.stl")


def test_two_files_that_would_have_the_same_path_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "old/gear.stl", "new/gear.stl")
    with pytest.raises(Refused) as refused:
        gather([tmp_path / "old", tmp_path / "new"])
    assert refused.value.code == "revision.path"


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        gather([tmp_path])
    assert refused.value.code == "revision.no_files"


def test_files_of_one_name_show_one_part_and_the_richest_stands_first() -> None:
    parts = parts_of(["gear.step", "gear.3mf", "gear.STL", "lid.stp", "notes.txt"], ANY, {})
    assert [(part.name, list(part.paths)) for part in parts] == [("gear", ["gear.step", "gear.3mf", "gear.STL"]), ("lid", ["lid.stp"])]


def test_parts_of_the_same_name_in_two_folders_are_told_apart_by_the_folder() -> None:
    parts = parts_of(["left/arm.stl", "right/arm.stl", "right/arm.step", "foot.stl"], ANY, {})
    assert [part.name for part in parts] == ["foot", "left/arm", "right/arm"]


def test_pieces_of_a_part_in_one_product_are_one_unless_told() -> None:
    parts = parts_of(["arm.stl", "foot.stl"], ANY, quantities_of(["foot=4"]))
    assert {part.name: part.quantity_per_product for part in parts} == {"arm": 1, "foot": 4}


def test_a_quantity_of_a_part_that_is_not_there_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "arm.stl")
    with pytest.raises(Refused) as refused:
        manifest(gather([tmp_path]), "CC0-1.0", ANY, {"leg": 4})
    assert (refused.value.code, refused.value.reason.subject) == ("revision.part", "leg")


@pytest.mark.parametrize("written", ["4", "foot=", "foot=0", "foot=-1", "foot=many", "=4"])
def test_a_quantity_that_is_none_is_refused(written: str) -> None:
    with pytest.raises(Refused) as refused:
        quantities_of([written])
    assert refused.value.code == "command.quantity"


@pytest.mark.parametrize("path", ["../evil", "/etc/passwd", "a/../../b", "c:\\windows", "a\\b", ""])
def test_a_node_cannot_have_files_written_outside_the_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(Refused) as refused:
        inside(tmp_path, path)
    assert refused.value.code == "revision.path"


def test_a_node_cannot_have_files_written_through_a_link_either(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("/tmp")
    with pytest.raises(Refused) as refused:
        inside(tmp_path, "out/evil")
    assert refused.value.code == "revision.path"


def test_what_an_open_know_how_manifest_says_of_a_part_is_demanded_where_nobody_said_otherwise() -> None:
    parts = parts_of(["a.stl", "b.stl"], v1.Demands(unit="mm"), {})
    parts[1].demands.material = "petg"
    told = [v1.Part(name=name, paths=[f"{name}.stl"], quantity_per_product=4, demands=v1.Demands(material="pla")) for name in "ab"]
    demand(parts, told, {"b": 1})
    assert [(part.quantity_per_product, part.demands.unit, part.demands.material) for part in parts] == [
        (4, "mm", "pla"),
        (1, "mm", "petg"),
    ]
