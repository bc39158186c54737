# SPDX-License-Identifier: AGPL-3.0-or-later
"""Labelled cases: each file of a story is answered as a careful job-shop estimator would."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from pathlib import Path

import pytest
from reading_cases import HERE, Ask, Case, read_cases

from cli.fleet import load_fleet
from cli.matching import judged_in
from cli.verdict import PartVerdict, Together, together
from commonfab import materials, v1
from commonfab.reasons import REASONS, of_drawings, of_files, of_machines, of_making, of_meshes, of_solids, of_toolpaths, of_units
from registry.geometry.sandbox import Sandbox

CASES = read_cases()
RUNS = [pytest.param(case, ask, id=f"{case.folder.name}: {ask.name}") for case in CASES for ask in case.ask]


@pytest.mark.parametrize(("case", "ask"), RUNS)
def test_it_is_answered_as_an_estimator_would(case: Case, ask: Ask, sandbox: Sandbox, drawn: Callable[[Case], Path]) -> None:
    folder = drawn(case)
    demands = v1.Demands(
        material=materials.canonical(ask.material) if ask.material else "",
        unit=ask.unit,
        thickness_mm=ask.thickness,
        processes=ask.process,
        tolerance_mm=ask.tolerance,
        operations=ask.operation,
    )
    shops = load_fleet(HERE / "fleets" / ask.fleet)
    parts = judged_in(sandbox, [folder / file for file in ask.files], demands, shops, ask.part_of_one_design)
    whole = together(parts)
    wrong = [*_wrong_in_the_verdict(ask, whole), *_wrong_in_the_parts(ask, parts, whole)]
    assert not wrong, "\n".join([case.story, *wrong, "what was answered:", *_told(parts, whole)])


def test_every_story_is_told_and_every_name_is_plain() -> None:
    for case in CASES:
        assert case.story.endswith(".") and len(case.story) > 30, case.folder.name
        assert case.folder.name == case.folder.name.lower().replace("_", "-").replace(" ", "-")
        names = [ask.name for ask in case.ask]
        assert len(names) == len(set(names)), case.folder.name


def test_every_code_that_a_case_names_is_a_reason() -> None:
    for case in CASES:
        for ask in case.ask:
            unknown = sorted(set(_codes_named(ask)) - set(REASONS))
            assert not unknown, (case.folder.name, ask.name, unknown)


AREAS = (
    "units",
    "mesh",
    "brep",
    "dxf",
    "svg",
    "gcode",
    "toolpath",
    "material",
    "shape",
    "tool",
    "op",
    "route",
    "size",
    "stock",
    "axes",
    "machine",
    "tolerance",
    "bend",
    "assembly",
    "support",
    "file",
)
ABOUT_PARTS = (of_files, of_units, of_meshes, of_solids, of_drawings, of_toolpaths, of_making, of_machines)
"""Reasons that are about a part, its files, and the machines for it."""


def test_every_reason_about_a_part_appears_in_a_case_or_in_another_test() -> None:
    texts = [file.read_text(encoding="utf-8") for ending in ("toml", "py") for file in HERE.parent.rglob(f"*.{ending}")]
    everything = "\n".join(texts)
    codes = [code for area in ABOUT_PARTS for code in area.TERMS if code.partition(".")[0] in AREAS]
    untested = [code for code in codes if f'"{code}"' not in everything and f"'{code}'" not in everything]
    assert not untested


def test_the_command_line_gives_the_same_answer(drawn: Callable[[Case], Path]) -> None:
    case = next(case for case in CASES if case.folder.name == "laser-acrylic-thickness")
    ask = case.ask[0]
    files = [str(drawn(case) / file) for file in ask.files]
    told = ["--fleet", str(HERE / "fleets" / ask.fleet), "--material", ask.material, "--thickness", str(ask.thickness), "--json"]
    done = subprocess.run([sys.executable, "-m", "cli.main", "match", *files, *told], capture_output=True, encoding="utf-8", timeout=240)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["verdict"] == ask.verdict
    assert {shop["shop"] for shop in answer["shops"] if shop["able"]} >= set(ask.able)


def _codes_named(ask: Ask) -> Iterable[str]:
    lists = [ask.questions or (), ask.reasons, ask.not_reasons, ask.warnings, ask.not_warnings, *ask.against.values(), *ask.shops.values()]
    return (code for codes in lists for code in codes)


def _wrong_in_the_verdict(ask: Ask, whole: Together) -> Iterable[str]:
    if whole.verdict != ask.verdict:
        yield f"verdict: {whole.verdict}, expected {ask.verdict}"
    yield from _missing("process", ask.processes, whole.processes)
    yield from _present("process", ask.not_processes, whole.processes)
    able = [shop.id for shop, can in whole.shops if can]
    yield from _missing("able shop", ask.able, able)
    yield from _present("able shop", ask.unable, able)
    yield from _missing("shop", ask.unable, [shop.id for shop, _ in whole.shops])
    questions = sorted({one.code for one in whole.questions})
    if ask.questions is not None and questions != sorted(ask.questions):
        yield f"questions: {questions}, expected {sorted(ask.questions)}"
    codes = [one.code for one in (*whole.reasons, *whole.questions)]
    yield from _missing("reason", ask.reasons, codes)
    yield from _present("reason", ask.not_reasons, codes)
    told = [one.message for one in (*whole.questions, *whole.reasons)]
    yield from (f"nothing says '{words}'" for words in ask.says if not any(words in message for message in told))


def _wrong_in_the_parts(ask: Ask, parts: Sequence[PartVerdict], whole: Together) -> Iterable[str]:
    warned = [one.code for part in parts for one in _warnings(part.inspected)]
    yield from _missing("warning", ask.warnings, warned)
    yield from _present("warning", ask.not_warnings, warned)
    for process, codes in ask.against.items():
        found = [one.code for part in parts for way in part.inspected.makeability if way.process == process for one in way.reasons]
        yield from _missing(f"reason of {process}", codes, found)
    for shop, codes in ask.shops.items():
        found = [one.code for part in parts for answer in part.shops if answer.shop.id == shop for one in answer.reasons]
        yield from _missing(f"reason of {shop}", codes, found)
    for path, expected in ask.measures.items():
        figure = float(reduce(_field, path.split("."), parts[0].inspected.report))
        if figure != pytest.approx(expected, rel=1e-3, abs=1e-6):
            yield f"{path}: {figure:g}, expected {expected:g}"


def _field(message: object, name: str) -> object:
    return message[int(name)] if name.isdecimal() else getattr(message, name)  # type: ignore[index]


def _warnings(inspected: v1.InspectedPart) -> list[v1.Reason]:
    files = inspected.files
    reports = [inspected.report, *(one.report for one in files)]
    return [one for told in (*((*r.warnings, *r.faults) for r in reports), *(one.remarks for one in files)) for one in told]


def _missing(what: str, expected: Iterable[str], found: Iterable[str]) -> Iterable[str]:
    present = set(found)
    return (f"missing {what}: {one}" for one in expected if one not in present)


def _present(what: str, forbidden: Iterable[str], found: Iterable[str]) -> Iterable[str]:
    present = set(found)
    return (f"unwanted {what}: {one}" for one in forbidden if one in present)


def _told(parts: Sequence[PartVerdict], whole: Together) -> Iterable[str]:
    """The answer in short, for who has to find out why a case fails."""
    yield f"{whole.verdict} by {', '.join(whole.processes) or 'nothing'}"
    for part in parts:
        yield f"- {part.inspected.part.name}: {part.verdict}; size {part.inspected.report.size_mm}".replace("\n", " ")
        yield from (f"  ? {one.code}: {one.message}" for one in part.questions)
        yield from (f"  reason {one.code}: {one.message}" for one in part.reasons)
        yield from (f"  warning {one.code}: {one.message}" for one in _warnings(part.inspected))
        for way in part.inspected.makeability:
            told = "; ".join(f"{one.code}: {one.message}" for one in way.reasons)
            yield f"  {way.process}: {v1.Verdict.Name(way.verdict)} {told}"
        for answer in part.shops:
            told = "; ".join(f"{one.code}: {one.message}" for one in answer.reasons)
            yield f"  shop {answer.shop.id}: {'able' if answer.able else 'not able'} {told}"
