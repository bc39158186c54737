# SPDX-License-Identifier: AGPL-3.0-or-later
"""Shops written after Open Know-Where are read as the same shops; nothing goes out that is not public."""

from __future__ import annotations

import json
from pathlib import Path

import h3
import pytest

from commonfab import processes, v1
from commonfab.place import coarse_place
from router.okw import read_labs
from router.okw_writing import ARTICLES, WIKIPEDIA, write_labs

SHOP = v1.Shop(
    id="lenas-garage",
    name="Lena's garage",
    place=coarse_place(48.1, 11.5),
    operations=["tap", "saw"],
    machines=[
        v1.Machine(id="mk3", name="Prusa", process="fdm", envelope_mm=v1.Size(x=250, y=210, z=210.5), materials=["pla", "petg"]),
        v1.Machine(id="K40", name="Laser", process="co2_laser_cutting", envelope_mm=v1.Size(x=300, y=200), power_w=40, operations=["mark"]),
        v1.Machine(id="mill", name="CNC router mill", process="milling", axes=5, power_w=800),
        v1.Machine(id="loom", name="Loom", process="Basket weaving"),
    ],
)


def back(*shops: v1.Shop) -> list[v1.Shop]:
    return list(read_labs(write_labs(shops)).shops)


def test_a_shop_comes_back_the_same() -> None:
    assert back(SHOP) == [SHOP]


def test_all_425_real_labs_come_back_the_same_with_their_licence(shared: Path) -> None:
    labs = read_labs((shared / "okw" / "okw_labs_joined.json").read_text(encoding="utf-8"))
    assert labs.licence == "CC-BY-SA-4.0" and labs.attribution.startswith("Internet of Production Alliance")
    written = write_labs(labs.shops, labs.licence, labs.attribution)
    again = read_labs(written)
    assert len(again.shops) == 425 and again.shops == labs.shops and again.licence == labs.licence
    assert write_labs(again.shops, again.licence, again.attribution) == written


@pytest.mark.parametrize("term", sorted(processes.BROADER))
def test_every_process_of_the_vocabulary_comes_back_the_same(term: str) -> None:
    shop = v1.Shop(id="a", name="A", machines=[v1.Machine(id="m", name="a lathe, a router, a scanner", process=term)])
    assert back(shop)[0].machines[0].process == term


@pytest.mark.parametrize(("term", "article"), ARTICLES.items())
def test_a_process_is_named_by_its_article_which_means_that_process(term: str, article: str) -> None:
    assert processes.canonical(WIKIPEDIA + article) == term


@pytest.mark.parametrize("closed", ["", "Closed", "Planned", "Active", "on holiday until May"])
def test_a_shop_that_is_closed_says_why(closed: str) -> None:
    assert back(v1.Shop(id="a", name="A", closed=closed))[0].closed == closed
    status = json.loads(write_labs([v1.Shop(id="a", name="A", closed=closed)]))["facilities"][0]["facility_status"]
    assert status in ("Active", "Planned", "Temporary Closure", "Closed") and (status == "Active") == (not closed)


def test_a_place_goes_out_as_coarsely_as_it_came() -> None:
    for resolution in (7, 5):
        place = v1.Place(cell=h3.latlng_to_cell(48.137, 11.575, resolution))
        written = json.loads(write_labs([v1.Shop(id="a", name="A", place=place)]))["facilities"][0]["location"]
        latitude, longitude = (float(number) for number in written["gps_coordinates"].split(", "))
        assert h3.latlng_to_cell(latitude, longitude, resolution) == place.cell
        assert back(v1.Shop(id="a", name="A", place=place))[0].place == place


def test_a_cell_that_is_finer_than_the_public_may_know_is_not_taken() -> None:
    fine = h3.latlng_to_cell(48.137, 11.575, 12)
    labs = {"facilities": [{"name": "A", "location": {"h3_cell": fine, "gps_coordinates": "48.137, 11.575"}}]}
    assert read_labs(json.dumps(labs)).shops[0].place == coarse_place(48.137, 11.575)


def test_keys_stock_and_policy_stay_here() -> None:
    private = v1.Shop(
        id="a",
        name="A",
        public_key=b"k" * 32,
        policy=v1.ShopPolicy(requesters=["ann"]),
        machines=[v1.Machine(id="m", name="M", process="fdm")],
    )
    private.machines[0].stock.add(material="pla", grams=750)
    written = write_labs([private])
    assert "ann" not in written and "stock" not in written and "750" not in written and "key" not in written


def test_machines_of_one_kind_are_as_many_as_the_record_says() -> None:
    printer = {"manufacturing_process": "fdm", "make": "prusa", "model": "mk3"}
    for quantity, machines in ((3, 3), ("2", 2), (0, 1), (-1, 1), ("many", 1), (1e6, 100), (True, 1)):
        read = read_labs(json.dumps({"facilities": [{"name": "A", "equipment": [{**printer, "quantity": quantity}]}]}))
        assert len({one.id for one in read.shops[0].machines}) == machines, quantity


def test_power_axes_and_nozzle_are_taken_and_what_a_laser_draws_is_not_what_it_cuts_with() -> None:
    records = [
        {"manufacturing_process": "milling", "axes": 5, "power_rating": "800", "model": "a"},
        {"manufacturing_process": "laser cutting", "power_rating": 900, "model": "b"},
        {"manufacturing_process": "laser cutting", "laser_power": 60, "model": "c"},
        {"manufacturing_process": "fdm", "nozzle_size": 0.4, "axes": 2, "power_rating": "n/a", "model": "d"},
    ]
    machines = read_labs(json.dumps({"facilities": [{"name": "A", "equipment": records}]})).shops[0].machines
    assert [(one.axes, one.power_w, one.smallest_feature_mm) for one in machines] == [(5, 800, 0), (0, 0, 0), (0, 60, 0), (0, 0, 0.4)]
