# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reading labs after Open Know-Where: what is said is understood, what is not said stays unsaid."""

from __future__ import annotations

import json
from typing import Any

import pytest

from commonfab import v1
from commonfab.errors import Refused
from commonfab.place import is_coarse
from router.okw import Labs, read_labs

PRINTER = {
    "equipment_type": "https://en.wikipedia.org/wiki/3D_printing",
    "manufacturing_process": "https://en.wikipedia.org/wiki/3D_printing",
    "make": "ultimaker",
    "model": "2+",
    "source_class": "three_d_printer",
}


def labs(*equipment: dict[str, Any], **facility: Any) -> Labs:
    return read_labs(json.dumps({"facilities": [{"id": "lab", "name": "A lab", "equipment": equipment, **facility}]}))


def machine(**fields: Any) -> v1.Machine:
    return labs({**PRINTER, **fields}).shops[0].machines[0]


@pytest.mark.parametrize(
    ("written", "millimetres"),
    [(220.0, 220), (220, 220), ("220mm", 220), ("9.8in", 248.92), ("22,5 cm", 225), ('12"', 304.8), ("1.2 m", 1200), (" 220 ", 220)],
)
def test_a_travel_is_understood_with_and_without_its_unit(written: object, millimetres: float) -> None:
    assert machine(x_travel=written, y_travel=100, z_travel=100).envelope_mm.x == millimetres


@pytest.mark.parametrize("written", ["None", None, "", "n/a", "large", "200 x 200", "12 furlongs", "-5", 0, -3.0, True, [200], "nan"])
def test_a_travel_that_nobody_understands_is_not_known_and_the_others_are(written: object) -> None:
    read = labs({**PRINTER, "x_travel": written, "y_travel": 100, "z_travel": "110 mm"})
    assert read.shops[0].machines[0].envelope_mm == v1.Size(y=100, z=110)
    assert "A lab: ultimaker 2+: no x_travel, so only its owner can say whether a part fits" in read.notes


@pytest.mark.parametrize(
    ("written", "note"),
    [
        ("220mm", "A lab: ultimaker 2+: x_travel '220mm' is read as 220 mm"),
        ("9.8in", "A lab: ultimaker 2+: x_travel '9.8in' is read as 248.92 mm"),
        ("None", "A lab: ultimaker 2+: x_travel is 'None', so it is not known"),
        (None, "A lab: ultimaker 2+: x_travel is None, so it is not known"),
        (220.0, ""),
    ],
)
def test_a_travel_that_was_converted_or_is_not_known_is_noted_and_a_plain_number_is_not(written: object, note: str) -> None:
    read = labs({**PRINTER, "x_travel": written, "y_travel": 100, "z_travel": 100}, location={"gps_coordinates": "48.1, 11.5"})
    assert [told for told in read.notes if "x_travel" in told][:1] == ([note] if note else [])


def test_a_machine_without_travels_has_no_room_and_that_is_nothing_to_note() -> None:
    read = labs(PRINTER, location={"gps_coordinates": "48.1, 11.5"})
    assert not read.shops[0].machines[0].HasField("envelope_mm") and not read.notes


@pytest.mark.parametrize(
    ("fields", "process"),
    [
        ({}, "additive"),
        ({"technology": "FDM (Fused Deposition Modeling)"}, "fdm"),
        ({"technology": "SLA (Stereolithography)"}, "sla"),
        ({"technology": "CO2"}, "additive"),
        ({"technology": "some other"}, "additive"),
        ({"manufacturing_process": None}, "additive"),
        ({"manufacturing_process": None, "equipment_type": None}, "additive"),
        ({"manufacturing_process": "https://en.wikipedia.org/wiki/Laser_cutting", "technology": "CO2"}, "co2_laser_cutting"),
        ({"manufacturing_process": "https://en.wikipedia.org/wiki/Laser_cutting", "technology": "FDM"}, "laser_cutting"),
        ({"manufacturing_process": "https://en.wikipedia.org/wiki/Laser_cutting", "model": "laser scan arm"}, "scanning_3d"),
        ({"manufacturing_process": "https://en.wikipedia.org/wiki/Milling_(machining)"}, "milling"),
        ({"manufacturing_process": "https://en.wikipedia.org/wiki/Milling_(machining)", "make": "shopbot tools"}, "cnc_routing"),
        ({"manufacturing_process": "https://en.wikipedia.org/wiki/Milling_(machining)", "model": "wood lathe cnc"}, "turning"),
        ({"manufacturing_process": "Basket weaving"}, "Basket weaving"),
    ],
)
def test_the_process_is_the_narrowest_that_the_record_names(fields: dict[str, Any], process: str) -> None:
    assert machine(**fields).process == process


def test_equipment_without_a_process_is_left_out_and_named() -> None:
    read = labs({"make": "weller", "model": "wd1", "source_class": "other"}, PRINTER, "nonsense")  # type: ignore[arg-type]
    assert [one.name for one in read.shops[0].machines] == ["ultimaker 2+"]
    assert [note for note in read.notes if "left out" in note] == [
        "A lab: weller wd1 has no manufacturing_process, left out",
        "A lab: equipment 3 has no manufacturing_process, left out",
    ]


def test_materials_are_terms_of_the_vocabulary_each_once_without_the_count_of_the_rest() -> None:
    worked = ["PLA", "Wood PLA", "Nylon and +23 materials", "Laminates", "None", 7]
    assert list(machine(materials_worked=worked).materials) == ["pla", "nylon", "Laminates"]


@pytest.mark.parametrize(
    ("status", "closed"), [("Active", ""), ("active", ""), (None, ""), ("Temporary Closure", "Temporary Closure"), ("Closed", "Closed")]
)
def test_only_an_active_facility_takes_work(status: str | None, closed: str) -> None:
    assert labs(PRINTER, facility_status=status).shops[0].closed == closed


def test_the_place_of_a_lab_is_coarse() -> None:
    place = labs(location={"gps_coordinates": "41.2567952, 1.85712100000001"}).shops[0].place
    assert place.cell and is_coarse(place)


@pytest.mark.parametrize("written", [None, "", "Munich", "91, 0", "0, 181", "1, 2, 3", "nan, 0", 4])
def test_a_lab_without_coordinates_that_can_be_has_no_place(written: object) -> None:
    read = labs(location={"gps_coordinates": written})
    assert not read.shops[0].HasField("place") and "place is not known" in read.notes[0]


def test_equal_names_and_ids_are_told_apart_and_reading_again_gives_the_same() -> None:
    facility = {"id": "Lab 1", "name": "Lab", "equipment": [PRINTER, PRINTER, {**PRINTER, "make": "", "model": ""}]}
    text = json.dumps({"facilities": [facility, facility, {"name": "Lab"}, {}, 5]})
    read = read_labs(text)
    assert [shop.id for shop in read.shops] == ["lab-1", "lab-1-2", "lab", "lab-4"]
    assert [one.id for one in read.shops[0].machines] == ["ultimaker-2", "ultimaker-2-2", "equipment-3"]
    assert "facility 5: is no record, left out" in read.notes
    assert read_labs(text) == read


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"facilities": 3}', "[" * 100_000])
def test_what_is_no_list_of_labs_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        read_labs(text)
    assert refused.value.code == "okw.unreadable"
