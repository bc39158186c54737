# SPDX-License-Identifier: AGPL-3.0-or-later
"""The process vocabulary: spellings of people, directories and standards; narrower and broader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonfab.process_names import ALIASES
from commonfab.processes import BROADER, broader_terms, canonical, satisfies

FAMILIES_OF_ISO_ASTM_52900 = (
    "material_extrusion",
    "vat_photopolymerization",
    "powder_bed_fusion",
    "material_jetting",
    "binder_jetting",
    "directed_energy_deposition",
    "sheet_lamination",
)


@pytest.mark.parametrize(
    ("written", "term"),
    [
        ("FDM", "fdm"),
        ("  Laser Cutting ", "laser_cutting"),
        ("cnc-routing", "cnc_routing"),
        ("FFF", "fdm"),
        ("FDM (Fused Deposition Modeling)", "fdm"),
        ("SLA (Stereolithography)", "sla"),
        ("PolyJet and PolyJetMatrix", "polyjet"),
        ("DUP (LCD-based Direct UV Printing)", "msla"),
        ("3DP (3D Printing, Powder Bed and Inkjet Head 3D Printing, Plaster-based 3D Printing)", "binder_jetting"),
        ("https://en.wikipedia.org/wiki/3D_printing", "additive"),
        ("https://en.wikipedia.org/wiki/Milling_(machining)", "milling"),
        ("https://en.wikipedia.org/wiki/Milling_%28machining%29", "milling"),
        ("https://en.m.wikipedia.org/wiki/Laser_cutting#Types", "laser_cutting"),
        ("https://en.wikipedia.org/wiki/Vinyl_cutter", "vinyl_cutting"),
        ("https://en.wikipedia.org/wiki/3D_scanning", "scanning_3d"),
        ("https://en.wikipedia.org/wiki/Printed_circuit_board", "electronics"),
        ("https://en.wikipedia.org/wiki/Brazing", "brazing"),
        ("Computer_numerical_control", "machining"),
        ("Gas metal arc welding", "mig_welding"),
        ("three_d_printing", "additive"),
        ("cnc_milling", "milling"),
        ("precision_milling", "milling"),
        ("circuit_production", "electronics"),
        ("laser", "laser_cutting"),
        ("vinyl_cutting", "vinyl_cutting"),
        ("3DP", "additive"),
        ("tsdc:3DP", "additive"),
        ("CNC", "machining"),
        ("PCB", "electronics"),
        ("ASM", "assembly"),
        ("WEL", "welding"),
        ("COT", "coating"),
        ("LAS", "laser_cutting"),
        ("Drehen", "turning"),
        ("Lasercutter", "laser_cutting"),
    ],
)
def test_a_process_is_known_by_the_names_that_people_and_directories_use(written: str, term: str) -> None:
    assert canonical(written) == term


@pytest.mark.parametrize(
    "written", ["basket_weaving", "Basket Weaving", "MEC", "https://en.wikipedia.org/wiki/Mill_(grinding)", "", "tsdc:"]
)
def test_an_unknown_term_is_kept_as_it_is_written_and_satisfies_only_itself(written: str) -> None:
    assert canonical(written) == written
    assert not any(satisfies(written, term) or satisfies(term, written) for term in BROADER)
    assert satisfies(written, written) == bool(written)


def test_an_unknown_term_is_the_same_in_capitals_and_with_spaces() -> None:
    assert satisfies("Basket Weaving", "basket_weaving") and satisfies("basket-weaving ", "BASKET WEAVING")
    assert not satisfies("basket_weaving", "weaving") and not satisfies("weaving", "basket_weaving")


@given(st.text())
def test_any_text_may_be_asked_about_and_asking_twice_changes_nothing(written: str) -> None:
    assert canonical(canonical(written)) == canonical(written)
    assert satisfies(written, written) == bool(written.strip())


def test_every_other_name_leads_to_a_term_and_hides_none() -> None:
    assert set(ALIASES.values()) <= set(BROADER)
    assert not set(ALIASES) & set(BROADER)
    assert "" not in ALIASES


def test_the_seven_families_of_additive_manufacturing_are_siblings() -> None:
    assert {term for term, broad in BROADER.items() if broad == "additive"} == set(FAMILIES_OF_ISO_ASTM_52900)
    for one in FAMILIES_OF_ISO_ASTM_52900:
        assert [other for other in FAMILIES_OF_ISO_ASTM_52900 if satisfies(other, one)] == [one]


@pytest.mark.parametrize(
    ("has", "needs", "does"),
    [
        ("fdm", "additive", True),
        ("FFF", "https://en.wikipedia.org/wiki/3D_printing", True),
        ("additive", "fdm", False),
        ("fdm", "sla", False),
        ("msla", "sla", True),
        ("sla", "msla", False),
        ("vinyl_cutting", "knife_cutting", True),
        ("vinyl_cutting", "laser_cutting", False),
        ("vinyl_cutting", "plasma_cutting", False),
        ("milling", "turning", False),
        ("mig_welding", "tig_welding", False),
        ("MIG", "welding", True),
        ("pcb_assembly", "pcb_fabrication", False),
        ("pcb_milling", "pcb_fabrication", True),
        ("pcb_milling", "milling", False),
        ("milling", "pcb_milling", False),
        ("cnc_routing", "milling", False),
        ("co2_laser_cutting", "laser cutter", True),
        ("fdm", "", False),
        ("", "fdm", False),
    ],
)
def test_narrower_satisfies_broader_and_a_sibling_never_does_in_any_spelling(has: str, needs: str, does: bool) -> None:
    assert satisfies(has, needs) == does


def test_no_term_satisfies_one_that_does_not_lie_above_it() -> None:
    above = {term: {term} for term in BROADER}
    for term in BROADER:
        broad = BROADER[term]
        while broad:
            above[term].add(broad)
            broad = BROADER[broad]
    assert all(satisfies(has, needs) == (needs in above[has]) for has in BROADER for needs in BROADER)


def test_broader_terms_come_the_narrowest_first_in_any_spelling() -> None:
    assert list(broader_terms("MAG welding")) == ["mig_welding", "welding", "joining"]
    assert list(broader_terms("Basket Weaving")) == ["Basket Weaving"]
