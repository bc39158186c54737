# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a job demands of a print: told to the real PrusaSlicer, and looked for in what it wrote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from small_shop import shop
from stl_boxes import stl_box

from commonfab import v1
from commonfab.errors import Refused
from shop_agent.slicing import SliceRequest, find_slicer, profile_for, slice_mesh
from shop_agent.slicing.result import insist_on, read_result
from shop_agent.slicing.settings import asked_of

needs_slicer = pytest.mark.usefixtures("prusa_slicer")


def need(**settings: str) -> v1.Requirement:
    size = v1.Size(x=20, y=20, z=6)
    return v1.Requirement(size_mm=size, settings=[v1.Setting(key=key, value=value) for key, value in settings.items()])


def request_for(folder: Path, wanted: v1.Requirement, mesh: bytes = b"", **machine: object) -> SliceRequest:
    facts = shop(folder, **machine).machine[0]
    (folder / "mesh").write_bytes(mesh or stl_box(20, 20, 6))
    return SliceRequest(folder / "mesh", folder / "out.gcode", facts, facts.materials[0], wanted)


def bridge() -> bytes:
    """A plate on one foot at its edge: most of it hangs over nothing."""
    foot, plate = stl_box(4, 20, 10), bytearray(stl_box(20, 20, 2))
    import struct

    for at in range(84, len(plate), 50):
        corners = list(struct.unpack_from("<12f", plate, at))
        corners[5::3] = [z + 10 for z in corners[5::3]]
        struct.pack_into("<12f", plate, at, *corners)
    count = struct.pack("<I", (len(foot) - 84) // 50 + (len(plate) - 84) // 50)
    return foot[:80] + count + foot[84:] + bytes(plate[84:])


@pytest.mark.parametrize(
    ("key", "value", "options"),
    [
        ("infill_percent", "40", {"fill_density": "40%"}),
        ("infill_percent", "12,5 %", {"fill_density": "12.5%"}),
        ("infill_percent", "100", {"fill_density": "100%", "fill_pattern": "rectilinear"}),
        ("layer_height_mm", "0,15 mm", {"layer_height": "0.15"}),
        ("supports", "no", {"support_material": "0"}),
        ("supports", "Auto", {"support_material": "1", "support_material_auto": "1"}),
        ("wall_loops", "4", {"perimeters": "4"}),
        ("top_shell_layers", "5", {"top_solid_layers": "5"}),
        ("infill_pattern", "gyroid", {"fill_pattern": "gyroid"}),
        ("brim_width", "3", {"brim_width": "3"}),
        ("nozzle_mm", "0.4", {}),
        ("material", "PLA", {}),
    ],
)
def test_a_demand_in_the_words_of_any_slicer_is_an_option_of_prusaslicer(key: str, value: str, options: dict[str, str]) -> None:
    asked = asked_of(need(**{key: value}), 0.4)
    assert dict(asked.options) == options and asked.unknown == ()


@pytest.mark.parametrize(
    ("key", "value"), [("supports", "tree"), ("infill_percent", "a lot"), ("filament_colour", "red"), ("wall_loops", "2.5")]
)
def test_what_is_not_understood_is_never_guessed(key: str, value: str) -> None:
    asked = asked_of(need(**{key: value}), 0.4)
    assert not asked.options and [one.subject for one in asked.unknown] == [f"{key} = {value}"]


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"layer_height_mm": "0.35"}, "slicer.layer_height", "a nozzle of 0.4 mm lays 0.05 mm to 0.32 mm"),
        ({"layer_height_mm": "0.03"}, "slicer.layer_height", "0.03 mm are demanded"),
        ({"nozzle_mm": "0.6"}, "slicer.nozzle", "0.6 mm is demanded, the machine has one of 0.4 mm"),
        ({"infill_percent": "140"}, "slicer.setting_range", "an infill of 140 %"),
    ],
)
def test_what_no_printer_with_this_nozzle_could_keep_is_refused_with_figures(settings: dict[str, str], code: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        asked_of(need(**settings), 0.4)
    assert refused.value.code == code


@needs_slicer
async def test_infill_layers_and_walls_are_in_the_toolpath_and_weigh(tmp_path: Path) -> None:
    plain = await slice_mesh(find_slicer(), request_for(tmp_path / "plain", need(infill_percent="5")))
    wanted = request_for(tmp_path, need(infill_percent="80", layer_height_mm="0.1", wall_loops="4"))
    dense = await slice_mesh(find_slicer(), wanted)
    found = read_result(wanted.output)
    assert (found.told["fill_density"], found.told["layer_height"], found.told["perimeters"]) == ("80%", "0.1", "4")
    assert max(found.layers, key=found.layers.__getitem__) == 0.1
    assert dense.grams > 1.5 * plain.grams and dense.seconds > plain.seconds


@needs_slicer
async def test_a_solid_part_is_sliced_though_the_profiles_pattern_may_not_be_solid(tmp_path: Path) -> None:
    toolpath = await slice_mesh(find_slicer(), request_for(tmp_path, need(infill_percent="100")))
    assert toolpath.grams == pytest.approx(20 * 20 * 6 / 1000 * 1.24, rel=0.08)


@needs_slicer
async def test_what_overhangs_is_held_up_unless_the_maker_wants_no_supports(tmp_path: Path) -> None:
    """PrusaSlicer by itself prints the plate on air."""
    usual = request_for(tmp_path / "usual", need(), bridge())
    await slice_mesh(find_slicer(), usual)
    assert "Support material" in read_result(usual.output).kinds
    without = request_for(tmp_path / "without", need(supports="no"), bridge())
    await slice_mesh(find_slicer(), without)
    assert not [kind for kind in read_result(without.output).kinds if kind.startswith("Support")]


@needs_slicer
async def test_the_profile_of_the_material_is_laid_over_the_plain_one_and_the_demand_over_both(tmp_path: Path) -> None:
    (tmp_path / "pla.ini").write_text("perimeters = 5\nfill_density = 33%\ntemperature = 199\nfilament_density = 2.48\n", encoding="utf-8")
    wanted = request_for(tmp_path, need(infill_percent="20"))
    machine = wanted.machine.model_copy(update={"slicer_profiles": {"pla": tmp_path / "pla.ini"}})
    toolpath = await slice_mesh(find_slicer(), replace(wanted, machine=machine))
    told = read_result(wanted.output).told
    assert (told["perimeters"], told["temperature"], told["fill_density"]) == ("5", "199", "20%")
    (tmp_path / "pla.ini").write_text("perimeters = 5\n", encoding="utf-8")
    lighter = await slice_mesh(find_slicer(), replace(wanted, machine=machine))
    assert lighter.grams == pytest.approx(toolpath.grams / 2, rel=0.02)  # the profile's own density counts where it knows one


@needs_slicer
async def test_a_profile_whose_script_undoes_the_demand_is_found_out(tmp_path: Path) -> None:
    script = tmp_path / "undo.sh"
    script.write_text('#!/bin/sh\nsed -i "s/^; fill_density = .*/; fill_density = 7%/" "$1"\n', encoding="utf-8")
    script.chmod(0o755)
    (tmp_path / "own.ini").write_text(f"post_process = {script}\n", encoding="utf-8")
    wanted = request_for(tmp_path, need(infill_percent="60"), slicer_profile="own.ini")
    with pytest.raises(Refused, match="fill_density = 60% \\(it has 7%\\)") as refused:
        await slice_mesh(find_slicer(), wanted)
    assert refused.value.code == "slicer.setting_not_kept" and not wanted.output.exists()


def toolpath_that_says(folder: Path, settings: str, kinds: str = "", layer: str = "0.2") -> Path:
    layers = "".join(f";LAYER_CHANGE\n;Z:{number}\n;HEIGHT:{layer}\nG1 X1 E1\n" for number in range(1, 5))
    file = folder / "told.gcode"
    file.write_text(f"{kinds}{layers}; prusaslicer_config = begin\n{settings}; prusaslicer_config = end\n", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("options", "settings", "kinds", "layer", "told"),
    [
        ({"fill_density": "40%"}, "", "", "0.2", "nothing in it says so"),
        ({"support_material": "0"}, "; support_material = 0\n", ";TYPE:Support material interface\n", "0.2", "some were laid"),
        ({"fill_density": "0%"}, "; fill_density = 0%\n", ";TYPE:Internal infill\n", "0.2", "some was laid"),
        ({"layer_height": "0.1"}, "; layer_height = 0.1\n", "", "0.2", "most are 0.2 mm"),
    ],
)
def test_what_was_laid_counts_and_not_only_what_was_said(
    tmp_path: Path, options: dict[str, str], settings: str, kinds: str, layer: str, told: str
) -> None:
    with pytest.raises(Refused, match=told):
        insist_on(options, read_result(toolpath_that_says(tmp_path, settings, kinds, layer)))


def test_marks_are_found_wherever_the_file_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = toolpath_that_says(tmp_path, "; fill_density = 40%\n", ";TYPE:Support material\n")
    whole = read_result(file)
    monkeypatch.setattr("shop_agent.slicing.result.CHUNK_BYTES", 7)
    assert read_result(file) == whole and whole.layers == {0.2: 4} and "Support material" in whole.kinds


def test_the_profile_of_the_narrowest_material_wins(tmp_path: Path) -> None:
    for name in ("any", "plastic", "pla"):
        (tmp_path / f"{name}.ini").write_text("", encoding="utf-8")
    machine = shop(tmp_path, slicer_profile="any.ini").machine[0]
    machine = machine.model_copy(update={"slicer_profiles": {"thermoplastic": tmp_path / "plastic.ini", "PLA": tmp_path / "pla.ini"}})
    names = [found.name for material in ("pla", "petg", "plywood") if (found := profile_for(machine, material))]
    assert names == ["pla.ini", "plastic.ini", "any.ini"]
