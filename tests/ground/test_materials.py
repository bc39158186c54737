# SPDX-License-Identifier: AGPL-3.0-or-later
"""The material vocabulary: spellings, families, densities."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonfab import materials
from commonfab.material_names import ALIASES
from commonfab.materials import BROADER, canonical, density_of, satisfies


@pytest.mark.parametrize(
    ("written", "term"),
    [
        ("MDF", "mdf"),
        ("Plexiglas®", "acrylic"),
        ("PMMA", "acrylic"),
        ("alu", "aluminium"),
        ("Aluminum", "aluminium"),
        ("Edelstahl", "stainless_steel"),
        ("acier inoxydable", "stainless_steel"),
        ("S235", "mild_steel"),
        ("S235JR", "mild_steel"),
        ("1.4301", "aisi_304"),
        ("V4A", "aisi_316"),
        ("EN AW-5754", "aluminium_5754"),
        ("6061-T6", "aluminium_6061"),
        ("contreplaqué", "plywood"),
        ("Birch Plywood", "plywood"),
        ("PETG sheet", "petg"),
        ("ABS filament", "abs"),
        ("PC", "polycarbonate"),
        ("PA12", "nylon"),
        ("FR-4", "fr4"),
        ("Dibond", "aluminium_composite"),
        ("galvanized steel", "galvanised_steel"),
        ("latón", "brass"),
        ("  pla  ", "pla"),
        ("Kunstleder", "pvc"),
        ("foam board", "polystyrene_foam"),
        ("Durable (PP-like) Resin", "tough_resin"),
        ("FLEX (Elastic TPE)", "tpu"),
        ("Chameleon PLA (Thermochromic)", "pla"),
        ("Ultem (PEI) 1010", "pei"),
        ("Stainless Steel 17-4 PH", "aisi_630"),
        ("EN AW-2017A", "aluminium_2017"),
        ("TPU powder", "tpu"),
        ("https://en.wikipedia.org/wiki/Aluminium", "aluminium"),
        ("https://en.wikipedia.org/wiki/Poly(methyl_methacrylate)", "acrylic"),
    ],
)
def test_a_material_is_known_by_the_names_that_people_use(written: str, term: str) -> None:
    assert canonical(written) == term


@pytest.mark.parametrize("written", ["nylon-x", "Unobtainium 3000", "", "steel-ish", "_sheet"])
def test_an_unknown_term_is_kept_as_it_is_written_and_satisfies_only_itself(written: str) -> None:
    assert canonical(written) == written
    assert not any(satisfies(written, term) for term in BROADER)
    assert not written or satisfies(written, written)


@given(st.text())
def test_any_text_may_be_asked_about_and_asking_twice_changes_nothing(written: str) -> None:
    assert canonical(canonical(written)) == canonical(written)


def test_every_other_name_leads_to_a_term_and_hides_none() -> None:
    assert set(ALIASES.values()) <= set(BROADER)
    assert not set(ALIASES) & set(BROADER)


@pytest.mark.parametrize(
    ("has", "needs", "does"),
    [
        ("aisi_304", "steel", True),
        ("steel", "aisi_304", False),
        ("V2A", "Stahl", True),
        ("galvanised_steel", "mild_steel", False),
        ("aluminium_composite", "aluminium", False),
        ("pvc", "acrylic", False),
        ("Perspex", "PMMA", True),
        ("plywood", "mdf", False),
        ("vegetable_tanned_leather", "leather", True),
        ("pla", "", True),
    ],
)
def test_narrower_satisfies_broader_in_any_spelling(has: str, needs: str, does: bool) -> None:
    assert satisfies(has, needs) == does


def test_one_polymer_is_one_term_whether_it_is_filament_or_sheet() -> None:
    assert canonical("ABS sheet") == canonical("ABS filament") == "abs"
    assert all(satisfies(polymer, "thermoplastic") for polymer in materials.FILAMENTS)
    assert "acrylic" not in materials.FILAMENTS and satisfies("acrylic", "thermoplastic")


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("PLA filament", "filament"),
        ("PETG Sheet", "sheet"),
        ("foam board", "sheet"),
        ("Stahlblech", ""),
        ("Edelstahl Blech", "sheet"),
        ("aluminium rod", "bar"),
        ("oak block", "block"),
        ("TPU powder", "powder"),
        ("Tough Resin", "resin"),
        ("cardboard", ""),
        ("pla", ""),
        ("", ""),
    ],
)
def test_a_spelling_may_name_the_form_of_the_stock_besides_the_substance(written: str, form: str) -> None:
    assert materials.form_of(written) == form


def test_a_grade_has_the_density_of_its_family_unless_it_has_its_own() -> None:
    assert density_of("mild_steel") == density_of("S235") == 7.85
    assert density_of("aisi_304") == 7.93 and density_of("aisi_316") == 7.98
    assert density_of("oak") > density_of("spruce")
    assert density_of("nobody knows") == 0


def test_every_density_is_that_of_a_term_and_of_something_real() -> None:
    for term, density in materials.DENSITY_G_PER_CM3.items():
        assert term in BROADER and 0.01 <= density < 23, term


def test_every_material_that_is_cut_or_printed_can_be_weighed() -> None:
    families = {"plastic", "thermoplastic", "metal", "composite"}
    assert [term for term in BROADER if term not in families and not density_of(term)] == ["fluoropolymer"]


def test_the_vocabulary_is_light() -> None:
    heavy = "import sys, commonfab.materials; print([m for m in ('numpy', 'google.protobuf', 'grpc') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True).stdout.strip() == "[]"
