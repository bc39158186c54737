# SPDX-License-Identifier: AGPL-3.0-or-later
"""The notice names who made it, under which licence, and everything that it derives from."""

from __future__ import annotations

from registry.licences import NoticeEntry, notice_of

GRANDPARENT = NoticeEntry("Oldest gear", ("Cy",), "LicenseRef-mine", known=False, source="c" * 64)
PARENT = NoticeEntry("Old gear", ("Bea",), "CC-BY-SA-3.0", source="b" * 64, parents=(GRANDPARENT,))
GEAR = NoticeEntry(
    "Gear", ("Ada", "Al"), "CC-BY-SA-4.0", software_licence="MIT", source="a" * 64, changes="thicker teeth", parents=(PARENT,)
)


def test_a_notice_names_title_authors_licence_source_and_changes() -> None:
    told = notice_of([GEAR])
    for said in ('"Gear" by Ada, Al', "CC-BY-SA-4.0 (https://spdx.org/licenses/CC-BY-SA-4.0.html)", "a" * 64, "thicker teeth"):
        assert said in told
    assert "software: MIT (https://spdx.org/licenses/MIT.html)" in told


def test_a_fork_inherits_the_notices_of_all_it_derives_from() -> None:
    told = notice_of([GEAR]).splitlines()
    begun = [line for line in told if "by " in line and '"' in line]
    assert begun == ['"Gear" by Ada, Al', '  derived from "Old gear" by Bea', '    derived from "Oldest gear" by Cy']
    assert "    licence: LicenseRef-mine (in its author's words; not a licence that SPDX lists)" in told


def test_a_work_that_two_parts_derive_from_is_told_once() -> None:
    told = notice_of([GEAR, NoticeEntry("Knob", ("Di",), "MIT", source="d" * 64, part_of="knob, 2 of them", parents=(PARENT,))])
    assert told.count("Old gear") == 1 and '"Knob" by Di (knob, 2 of them)' in told


def test_what_people_wrote_cannot_pretend_to_be_another_line_of_the_notice() -> None:
    told = notice_of([NoticeEntry("Gear\nlicence: CC0-1.0", ("Eve\r\x1b[2J",), "MIT", changes="a\u2028licence: CC0-1.0")])
    assert not [line for line in told.splitlines() if line.strip().startswith("licence: CC0")]
    assert "\x1b" not in told


def test_nothing_has_no_notice_and_an_endless_line_of_parents_ends() -> None:
    assert notice_of([]) == ""
    entry = NoticeEntry("0", source="0")
    for number in range(1, 300):
        entry = NoticeEntry(str(number), source=str(number), parents=(entry,))
    assert "derived from older works" in notice_of([entry])
