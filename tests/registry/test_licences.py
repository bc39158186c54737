# SPDX-License-Identifier: AGPL-3.0-or-later
"""A licence is understood as its author wrote it: corrected where it is misspelt, and kept, but not guessed, where it is none."""

from __future__ import annotations

import csv
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from license_expression import get_spdx_licensing

from commonfab import v1
from commonfab.errors import Refused
from registry.licences import Licences, correct_licences, licence_notes
from registry.licences.spellings import MAY_MEAN, NAMES, recognised

HONESTLY_UNKNOWN = {
    "LicenseRef-CERN",  # which of five?
    "LicenseRef-CERN OHL",
    "LicenseRef-CC-BY-SA-4.0, CC-BY-NC-SA-4.0",  # either, or both?
    "BSD-3-Clause (models/); models-nonbsd/ left out",
}
"""All the values among 1,088 Open Know-How manifests and 747 files of a corpus that leave something to choose."""


@pytest.fixture(scope="module")
def licences() -> Licences:
    return Licences()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("mit or cc0-1.0", "MIT OR CC0-1.0"),
        ("CC BY-SA 4.0", "CC-BY-SA-4.0"),
        ("LicenseRef-CC BY-SA-4.0", "CC-BY-SA-4.0"),
        ("LicenseRef-CC-by-sa 3.0", "CC-BY-SA-3.0"),
        ("CC BY SA 4.0 International", "CC-BY-SA-4.0"),
        ("ccbysa4.0", "CC-BY-SA-4.0"),
        ("Creative Commons Attribution-ShareAlike 4.0 International License", "CC-BY-SA-4.0"),
        ("Creative Commons - Attribution - Non-Commercial - Share Alike 3.0", "CC-BY-NC-SA-3.0"),
        ("CC BY-SA-NC 4.0", "CC-BY-NC-SA-4.0"),
        ("Attribution-NoDerivatives 4.0", "CC-BY-ND-4.0"),
        ("CC-BY-SA 3.0 DE", "CC-BY-SA-3.0-DE"),
        ("https://creativecommons.org/licenses/by-sa/4.0/", "CC-BY-SA-4.0"),
        ("CC0", "CC0-1.0"),
        ("CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "CC0-1.0"),
        ("CERN OHL v1.2", "CERN-OHL-1.2"),
        ("CERN-OHL-1.2", "CERN-OHL-1.2"),
        ("CERN OHL v2", "CERN-OHL-S-2.0"),  # its section 8.3: without a variant it is S
        ("CERN-OHL-S", "CERN-OHL-S-2.0"),
        ("CERN Open Hardware Licence Version 2 - Weakly Reciprocal", "CERN-OHL-W-2.0"),
        ("CERN-OHL-P v2", "CERN-OHL-P-2.0"),
        ("GPLv3", "GPL-3.0-only"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("GNU GPL v3 or later", "GPL-3.0-or-later"),
        ("GNU General Public License v2.0", "GPL-2.0-only"),
        ("GNU Lesser General Public License v2.1 or any later version", "LGPL-2.1-or-later"),
        ("AGPL 3", "AGPL-3.0-only"),
        ("GFDL 1.3", "GFDL-1.3-only"),
        ("TAPR Open Hardware License", "TAPR-OHL-1.0"),
        ("Solderpad Hardware License v2.1", "Apache-2.0 WITH SHL-2.1"),
        ("SHL-2.1", "Apache-2.0 WITH SHL-2.1"),
        ("The MIT License (MIT)", "MIT"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("BSD 3-Clause", "BSD-3-Clause"),
        ("MIT or Apache 2", "MIT OR Apache-2.0"),
        ("GPL v2 or later and CC BY 4.0", "GPL-2.0-or-later AND CC-BY-4.0"),
        ("gpl v2 with classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
    ],
)
def test_a_licence_is_understood_however_it_is_spelt(licences: Licences, written: str, meant: str) -> None:
    understood = licences.understood(written)
    assert (understood.expression, understood.known, understood.corrected) == (meant, True, meant != written)
    assert licences.routable(written) is None
    if meant != written:
        assert [note.code for note in understood.notes] == ["licence.corrected"]
        assert f"{written} → {meant}" in understood.notes[0].message


@pytest.mark.parametrize(
    ("written", "close"),
    [
        ("CC BY-SA", "CC-BY-SA-4.0"),
        ("BSD", "BSD-2-Clause"),
        ("CERN OHL", "CERN-OHL-S-2.0"),
        ("GNU GPL", "GPL-3.0-or-later"),
        ("public domain", "CC0-1.0"),
        ("CC-BY-SA-4.0-DE", "CC-BY-SA-4.0"),
        ("CC BY-ND-SA 4.0", ""),
        ("TAPR Noncommercial Hardware License", ""),
        ("GPL v2 or v3", ""),
        ("LicenseRef-scancode-proprietary-license", ""),
        ("LicenseRef-the-village", ""),
        ("MIT OR all rights reserved", ""),
        ("MIT AND", "MIT"),
        ("MIT WITH MIT", ""),
        ("NOASSERTION", ""),
        ("ask me", ""),
    ],
)
def test_what_is_no_licence_is_kept_as_it_is_and_gets_suggestions(licences: Licences, written: str, close: str) -> None:
    understood = licences.understood(f"  {written} ")
    assert (understood.expression, understood.known) == (written, False)
    assert [note.code for note in understood.notes] == ["licence.unknown"]
    assert close in understood.notes[0].message


@pytest.mark.parametrize(
    ("written", "now"), [("GPL-3.0", "GPL-3.0-only"), ("GPL", "GPL-1.0-or-later"), ("LGPL-2.1+ AND MIT", "LGPL-2.1-or-later")]
)
def test_an_identifier_that_spdx_has_given_up_is_told(licences: Licences, written: str, now: str) -> None:
    understood = licences.understood(written)
    assert understood.known and now in understood.expression
    assert [note.code for note in understood.notes] == ["licence.deprecated"]
    assert now in understood.notes[0].subject


@pytest.mark.parametrize("written", ["", " ", "\n"])
def test_no_licence_at_all_is_refused(licences: Licences, written: str) -> None:
    with pytest.raises(Refused) as refused:
        licences.understood(written)
    assert refused.value.code == "licence.missing"


def test_no_job_is_made_under_a_licence_that_nobody_knows(licences: Licences) -> None:
    told = licences.routable("LicenseRef-the-village")
    assert told is not None and told.code == "licence.not_routable" and "LicenseRef-the-village" in told.message
    assert licences.routable("") is not None
    assert licences.routable("MIT AND LicenseRef-the-village") is not None
    assert licences.routable("MIT OR LicenseRef-the-village") is None, "whoever has the choice takes MIT"


def test_every_spelling_and_every_suggestion_is_a_licence_of_spdx(licences: Licences) -> None:
    for identifier in [*NAMES.values(), *(one for many in MAY_MEAN.values() for one in many)]:
        understood = licences.understood(identifier)
        assert understood.known and not understood.corrected, identifier


def test_every_identifier_of_spdx_stays_what_it_is(licences: Licences) -> None:
    """The spellings must never turn one licence into another."""
    symbols = get_spdx_licensing().known_symbols
    identifiers = [name for name, symbol in symbols.items() if not symbol.is_exception and not name.startswith("LicenseRef-")]
    assert len(identifiers) > 500
    changed = {name: recognised(name) for name in identifiers if (recognised(name) or name) != name}
    assert all(licences.understood(name).expression == name for name in identifiers)
    assert not {name: meant for name, meant in changed.items() if licences.understood(meant or "").expression != name}


PIECES = ("(", ")", "AND", "OR", "WITH", "+", "MIT", "CC", "BY", "SA", "4.0", "GPL", "v3", "LicenseRef-", ",", "/", "CERN-OHL")


@settings(max_examples=120, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join),
    )
)
def test_whatever_is_written_is_understood_once_and_for_all(licences: Licences, written: str) -> None:
    if not written.strip():
        return
    once = licences.understood(written)
    again = licences.understood(once.expression)
    assert (again.expression, again.known) == (once.expression, once.known)
    assert once.known or licences.routable(written) is not None or " or " in written.lower()


def test_every_licence_of_the_okh_manifests_and_the_corpus_is_recognised_or_honestly_unknown(licences: Licences, shared: Path) -> None:
    manifests = sorted((shared / "okh").rglob("*.toml"))
    found = Counter(str(tomllib.loads(path.read_text(encoding="utf-8"))["license"]) for path in manifests)
    assert sum(found.values()) == 1088
    with (shared / "corpus" / "measured.csv").open(encoding="utf-8") as table:
        found.update(row["licence"] for row in csv.DictReader(table))
    assert {text for text in found if not licences.understood(text).known} == HONESTLY_UNKNOWN


def test_the_three_licences_of_a_manifest_are_corrected_and_told_together(licences: Licences) -> None:
    manifest = v1.Manifest(licence="CERN OHL v1.2", documentation_licence="CC BY-SA 4.0", software_licence="my own")
    codes = [(note.code, note.subject.split(" →")[0]) for note in licence_notes(manifest, licences)]
    assert codes == [("licence.corrected", "CERN OHL v1.2"), ("licence.corrected", "CC BY-SA 4.0"), ("licence.unknown", "'my own'")]
    correct_licences(manifest, licences)
    assert (manifest.licence, manifest.documentation_licence, manifest.software_licence) == ("CERN-OHL-1.2", "CC-BY-SA-4.0", "my own")
    assert [note.code for note in licence_notes(manifest, licences)] == ["licence.unknown"]


def test_a_licence_for_software_on_a_piece_of_hardware_is_told(licences: Licences) -> None:
    told = licence_notes(v1.Manifest(licence="MIT", software_licence="MIT"), licences)
    assert [(note.code, note.subject) for note in told] == [("licence.drafted_for", "MIT, for hardware")]
    assert not licence_notes(v1.Manifest(licence="CC0-1.0"), licences)
