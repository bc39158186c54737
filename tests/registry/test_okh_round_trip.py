# SPDX-License-Identifier: AGPL-3.0-or-later
"""What was read and written is read the same, with nothing left to repair: generated manifests, broken ones, and 1,088 real ones."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from effort import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from okh_texts import YAML_PIECES, first_manifests, later_manifests

from commonfab.errors import Refused
from registry.okh.checking import Checked, check
from registry.okh.files import found_under
from registry.okh.reading import read
from registry.okh.record import Record
from registry.okh.writing import write

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
LONG = settings(QUICK, max_examples=examples(200))


def comes_back(text: str, name: str = "okh.toml") -> Record:
    first = read(text, name).record
    again = read(write(first), "okh.toml")
    assert again.record == first and not again.repairs and again.version == "2.4"
    assert write(again.record) == write(first)
    return first


def readable_or_refused(text: str, name: str) -> None:
    """Nothing else may happen to a text from outside."""
    try:
        comes_back(text, name)
    except Refused as refused:
        assert refused.code.startswith("okh.")


@QUICK
@given(later_manifests())
def test_any_manifest_of_a_later_version_comes_back_the_same(text: str) -> None:
    comes_back(text)


@QUICK
@given(first_manifests())
def test_any_manifest_of_1_0_comes_back_the_same(text: str) -> None:
    readable_or_refused(text, "okh.toml")


@QUICK
@given(st.one_of(YAML_PIECES, st.text()), st.sampled_from(("okh.yml", "okh.toml", "")))
def test_any_text_is_read_or_refused(text: str, name: str) -> None:
    readable_or_refused(text, name)


@pytest.mark.slow
@LONG
@given(later_manifests() | first_manifests())
def test_any_manifest_comes_back_the_same_tried_for_long(text: str) -> None:
    readable_or_refused(text, "okh.toml")


def test_unknown_keys_survive_also_inside_parts_and_people() -> None:
    text = 'name = "a"\nrim = {red = [1, 2]}\n[[part]]\nname = "b"\nhub = 1.5\n[[licensor]]\nname = "Jo"\norcid = "0-1"\n'
    record = comes_back(text)
    assert record.unknown == {"rim": {"red": [1, 2]}}
    assert record.part[0].unknown == {"hub": 1.5} and record.licensor[0].unknown == {"orcid": "0-1"}


def test_the_keys_are_written_in_the_order_of_the_specification_whatever_their_order_was() -> None:
    lines = ['zeta = "z"', 'version = "1"', 'alpha = "a"', 'name = "n"', 'repo = "https://a.org"']
    texts = {write(read("\n".join(order), "okh.toml").record) for order in (lines, lines[::-1])}
    assert texts == {'okhv = "2.4"\nname = "n"\nrepo = "https://a.org"\nversion = "1"\nalpha = "a"\nzeta = "z"\n'}


@pytest.fixture(scope="module")
def real(shared: Path) -> list[Path]:
    return found_under([shared / "okh"])


@pytest.fixture(scope="module")
def checked(real: list[Path]) -> list[Checked]:
    return [check(file) for file in real]


def test_all_1_088_real_manifests_import_and_come_back_the_same(checked: list[Checked]) -> None:
    assert len(checked) == 1088
    assert [one.file.name for one in checked if not one.same] == []


def test_the_repairs_of_the_real_manifests_are_those_that_they_need(checked: list[Checked]) -> None:
    by_file = {one.file.name: {repair.code for repair in one.repairs} for one in checked}
    assert by_file["okh-OHLOOM.toml"] == {"okh.absolute_path", "okh.brackets", "okh.dimensions", "okh.mass"}
    assert by_file["okh-Koruza.toml"] == {"okh.key"}
    assert sum("okh.language" in codes for codes in by_file.values()) == 52


REPLACED = {"okhv", "openSCAD", "unit", "value", "documentationLanguage", "documentationReadinessLevel", "technologyReadinessLevel"}
"""Keys of which the value is written in another way; that it is the right one is tested for each repair."""


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from () if key in REPLACED else leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    else:
        yield str(value).strip().lstrip("/")


def test_no_value_of_a_real_manifest_is_lost(real: list[Path]) -> None:
    for file in real:
        text = file.read_text(encoding="utf-8")
        lost = set(leaves(tomllib.loads(text))) - set(leaves(tomllib.loads(write(read(text, file.name).record))))
        assert not lost, file


def test_real_manifests_with_changes_at_random_are_read_or_refused(real: list[Path]) -> None:
    chance = random.Random(20)
    for file in chance.sample(real, 80):
        text = file.read_text(encoding="utf-8")
        at, length = chance.randrange(len(text)), chance.randrange(12)
        noise = chance.choice(('"', "[", "\n", "\\", "=", "'''", " = {", "\x00", text[:20]))
        readable_or_refused(text[:at] + noise + text[at + length :], chance.choice((file.name, "okh.yml", "")))


@pytest.mark.slow
def test_real_manifests_with_many_changes_at_random_are_read_or_refused(real: list[Path]) -> None:
    chance = random.Random(21)
    for file in real * 3:
        text = list(file.read_text(encoding="utf-8"))
        for _ in range(chance.randrange(1, 6)):
            text[chance.randrange(len(text))] = chance.choice('"[]{}=\n\\:&*|>-# \t\x00é')
        readable_or_refused("".join(text), chance.choice((file.name, "okh.yml", "")))
