# SPDX-License-Identifier: AGPL-3.0-or-later
"""What nobody said: of a machine with an agent it is not there, of one that stands in a directory its owner is asked."""

from __future__ import annotations

from datetime import date

import pytest

from commonfab import v1
from router.fitness import Fit, judge

ROOM = v1.Size(x=300, y=200, z=100)
TODAY = date(2026, 6, 1)


def listed(process: str = "milling", **more: object) -> v1.Machine:
    """A machine as a directory has it, with no agent."""
    told: dict[str, object] = {"materials": ["aluminium"], "envelope_mm": ROOM, **more}
    return v1.Machine(id="listed", process=process, **told)  # type: ignore[arg-type]


def kept(**more: object) -> v1.Machine:
    """The same with an agent."""
    return listed(control="by_hand", **more)


def block(**more: object) -> v1.Requirement:
    return v1.Requirement(process="milling", size_mm=v1.Size(x=80, y=40, z=20), material="aluminium", **more)  # type: ignore[arg-type]


def asked(fit: Fit) -> list[tuple[str, str]]:
    assert fit.verdict == ("ask" if fit.questions else "yes")
    return [(one.code, one.subject) for one in fit.questions]


def test_a_machine_of_unknown_size_is_asked_about_and_never_taken_to_be_large_enough() -> None:
    machine = listed()
    machine.ClearField("envelope_mm")
    assert asked(judge(block(), machine)) == [("size.unknown", "")]
    machine.control = "by_hand"
    assert asked(judge(block(), machine)) == [("size.unknown", "")]


def test_of_a_bed_whose_height_nobody_said_the_width_still_counts() -> None:
    machine = listed(envelope_mm=v1.Size(x=300, y=200))
    assert asked(judge(block(), machine)) == [("size.unknown", "")]
    need = block()
    need.size_mm.x = 301
    fit = judge(need, machine)
    assert fit.verdict == "no" and [one.code for one in fit.misfits] == ["size.x"]


def test_materials_that_nobody_listed_are_asked_about_and_those_that_were_listed_are_all_there_is() -> None:
    assert asked(judge(block(), listed(materials=[]))) == [("material.unsaid", "")]
    assert [one.code for one in judge(block(), listed(materials=["steel"])).misfits] == ["material.missing"]
    assert [one.code for one in judge(block(), kept(materials=[])).misfits] == ["material.missing"]


@pytest.mark.parametrize(
    ("demand", "about", "agent_says"),
    [
        ({"smallest_tool_mm": 3.0}, "tools", "yes"),
        ({"smallest_drill_mm": 3.0}, "tools", "yes"),
        ({"tolerance_mm": 0.05}, "tolerance_mm", "no"),
        ({"axes": 5}, "axes", "no"),
        ({"enclosed": True}, "enclosed", "no"),
        ({"operations": ["tap"]}, "tap", "no"),
        ({"skills": ["forklift"]}, "forklift", "no"),
        ({"smallest_feature_mm": 0.2}, "smallest_feature_mm", "yes"),
        ({"thickness_mm": 6.0}, "thickness", "yes"),
    ],
)
def test_what_is_demanded_and_was_not_said_is_asked_of_a_directory_alone(demand: dict[str, object], about: str, agent_says: str) -> None:
    assert asked(judge(block(**demand), listed())) == [("machine.unsaid", about)]
    assert judge(block(**demand), kept()).verdict == agent_says


def test_what_is_demanded_and_was_said_needs_no_question() -> None:
    machine = listed(tolerance_mm=0.04, axes=5, tools=[v1.Tool(kind="end_mill", diameter_mm=3)], operations=["tap"])
    need = block(tolerance_mm=0.05, axes=5, smallest_tool_mm=4, operations=["tap"])
    assert judge(need, machine).verdict == "yes"
    machine.operations[:] = ["knurl"]
    assert [one.code for one in judge(need, machine).misfits] == ["op.tapping"]


def test_something_unknown_never_hides_what_is_against_it() -> None:
    fit = judge(block(axes=5, enclosed=True), listed(materials=["steel"]))
    assert (fit.verdict, len(fit.questions), [one.code for one in fit.misfits]) == ("no", 2, ["material.missing"])


def test_a_second_step_on_a_machine_of_which_too_little_is_known_is_asked_about() -> None:
    turned = v1.Requirement(process="turning", size_mm=v1.Size(x=80, y=40, z=40))
    lathe = listed("turning")
    lathe.ClearField("envelope_mm")
    need = block(then=[turned])
    assert asked(judge(need, kept(), v1.Shop(machines=[kept(), lathe]))) == [("route.unsure", "turning")]
    assert judge(need, kept(), v1.Shop(machines=[kept()])).verdict == "no"


@pytest.mark.parametrize(
    ("measured", "told"),
    [
        ("2024-06-01", []),
        ("2024-05-31", ["tolerance.old"]),
        ("2024-05", ["tolerance.old"]),
        ("2025", []),
        ("2027-01-01", []),
        ("", []),
        ("last summer", ["tolerance.undated"]),
    ],
)
def test_a_measurement_is_believed_for_two_years(measured: str, told: list[str]) -> None:
    machine = kept(tolerance_mm=0.04, tolerance_measured_on=measured)
    assert [code for code, _ in asked(judge(block(tolerance_mm=0.05), machine, today=TODAY))] == told
    assert judge(block(tolerance_mm=0.05), machine).verdict == "yes", "without a date of today its age cannot count"
    assert judge(block(tolerance_mm=0.2), machine, today=TODAY).verdict == "yes", "what any sound mill keeps needs no measurement"


def test_an_old_measurement_that_was_not_good_enough_stands_against_the_machine() -> None:
    machine = kept(tolerance_mm=0.06, tolerance_measured_on="2019-01-01")
    assert [one.code for one in judge(block(tolerance_mm=0.05), machine, today=TODAY).misfits] == ["tolerance.machine"]


def test_skills_are_compared_exactly() -> None:
    need = block(skills=["tig_welding"])
    assert judge(need, kept(), v1.Shop(skills=["tig_welding"])).verdict == "yes"
    (missing,) = judge(need, kept(), v1.Shop(skills=["TIG_welding", "welding"])).misfits
    assert (missing.code, missing.subject) == ("skill.missing", "tig_welding")


def test_a_piece_must_be_done_within_one_stretch_of_the_machines_hours() -> None:
    evenings = [v1.WeeklyHours(from_minute=day * 1440 + 1020, until_minute=day * 1440 + 1320) for day in range(5)]
    machine = kept(may_run=evenings)
    assert judge(block(minutes=300), machine).verdict == "yes"
    (against,) = judge(block(minutes=301), machine).misfits
    assert against.message == "one piece takes 301 min, the longest that the machine may run without a break is 300 min"
