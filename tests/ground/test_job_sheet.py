# SPDX-License-Identifier: AGPL-3.0-or-later
"""The sheet on the bench: everything that is needed there, and nothing that its reader may not know."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration

from commonfab import v1
from commonfab.job_sheet import sheet_of_job, sheet_of_offer, written

NEED = v1.Requirement(
    process="fdm",
    size_mm=v1.Size(x=20, y=20, z=10),
    material="petg",
    tolerance_mm=0.2,
    operations=["tap"],
    settings=[v1.Setting(key="infill_percent", value="40")],
)
ANSWERED = v1.Reason(code="units.suspect_inch", message="in inches it would be 508 mm long")


def offered(**more: object) -> v1.Offer:
    told = {
        "work_order_id": "order-1",
        "job_id": "job-1",
        "machine_id": "mk3",
        "title": "Grinder",
        "part_name": "gear",
        "revision_digest": "d" * 64,
        "licence": "CERN-OHL-S-2.0",
        "quantity": 12,
        "requirement": NEED,
        "estimate": v1.Estimate(machine_time=Duration(seconds=1800), grams=4.5),
        "mesh_sha256": "c" * 64,
        "purpose": "the repair café",
        "distance_km": 2.04,
        "notice": "Grinder by Ada\n\nCERN-OHL-S-2.0",
        "answered": [ANSWERED],
        "files": [v1.FileEntry(path="cad/gear.step", sha256="a" * 64, size_bytes=1234)],
    }
    return v1.Offer(**(told | more))  # type: ignore[arg-type]


def test_a_shops_sheet_says_all_that_the_bench_needs() -> None:
    assert (
        written(sheet_of_offer(offered(), "Lena's garage", "order-1-a1-e7", None))
        == f"""# 12 × gear of Grinder

Work order order-1 (attempt order-1-a1-e7)

## Where

- Lena's garage, on mk3

## Files

- cad/gear.step, 1234 bytes, SHA-256 {"a" * 64}
- mesh to be made, in millimetres, SHA-256 {"c" * 64}

## By fdm

- room: 20 × 20 × 10 mm
- material: petg
- tolerance: a band of 0.2 mm
- besides: tap
- keep infill_percent = 40
- expected a piece: 30 min of machine time, 4.5 g

## Asked and answered

- in inches it would be 508 mm long (units.suspect_inch): it is right so

## Where the result goes

- to the requester of job job-1; the node that sent it knows who that is
- about 2 km from here
- for: the repair café

## Licence

- CERN-OHL-S-2.0
- revision {"d" * 64}

This notice goes with what is made:

> Grinder by Ada
>
> CERN-OHL-S-2.0
"""
    )


def test_the_requesters_sheet_names_the_requester_and_the_shops() -> None:
    found = v1.JobSpecification(
        title="Grinder", part_name="gear", licence="CC0-1.0", ways=[v1.Makeability(process="fdm", requirement=NEED)]
    )
    order = v1.WorkOrder(id="order-1", shop_id="lena", machine_id="mk3", quantity=3, state=v1.WORK_ORDER_STATE_RUNNING)
    asked = v1.JobRequest(quantity=3, place=v1.Place(cell="871f1d48bffffff"), first_article=True)
    sheet = written(sheet_of_job(v1.Job(id="job-1", requester="anna", request=asked, specification=found, work_orders=[order])))
    for line in (
        "- lena, on mk3: 3 pieces, running (work order order-1)",
        "- to anna, who asked for it",
        "- needed around cell 871f1d48bffffff",
        "**First article: make one piece and stop. It is looked at before the rest is made.**",
    ):
        assert line in sheet.splitlines()


def test_texts_from_outside_stay_on_their_line_and_bring_no_controls() -> None:
    sheet = written(sheet_of_offer(offered(title="Grinder\n# 99 × bomb\x1b[2J", notice="<script>\x07"), "garage", "", None))
    assert sheet.splitlines()[0] == "# 12 × gear of Grinder # 99 × bomb\ufffd[2J"
    assert "\x1b" not in sheet and "\x07" not in sheet and "> &lt;script>" in sheet
