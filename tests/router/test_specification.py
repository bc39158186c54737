# SPDX-License-Identifier: AGPL-3.0-or-later
"""From a revision to a job: what is refused, and what travels with the job to the bench."""

from __future__ import annotations

from itertools import count

import pytest
from router_street import way

from commonfab import v1
from commonfab.errors import Refused
from commonfab.reasons import reason
from router.specification import Needed, jobs_for

NUMBERS = count(1)
FILES = [v1.FileEntry(path="gear.step", sha256="a" * 64, size_bytes=9), v1.FileEntry(path="README.md", sha256="b" * 64)]


def found(*hindrances: v1.Reason) -> v1.GetRevisionResponse:
    part = v1.Part(name="gear", paths=["gear.step"], quantity_per_product=1)
    report = v1.GeometryReport(mesh_sha256="c" * 64)
    inspected = v1.InspectedPart(part=part, state=v1.INSPECTION_STATE_DONE, makeability=[way()], report=report)
    revision = v1.Revision(digest="d" * 64, manifest=v1.Manifest(licence="CC-BY-4.0", files=FILES, parts=[part]))
    return v1.GetRevisionResponse(revision=revision, parts=[inspected], hindrances=hindrances, notice="by Ada, CC-BY-4.0")


def test_of_what_nobody_may_make_there_is_no_job_and_every_reason_is_told() -> None:
    recalled, unknown = reason("revision.recalled", "the hook breaks"), reason("licence.not_routable", "ask-me")
    with pytest.raises(Refused) as refused:
        jobs_for(v1.JobRequest(quantity=1), found(recalled, unknown), lambda name: name)
    assert refused.value.code == "revision.recalled"
    told = refused.value.message()
    assert "the hook breaks" in told.reason.message and "ask-me" in told.reason.message
    assert "Publish a revision under a licence" in told.remedy
    with pytest.raises(Refused) as refused:
        jobs_for(v1.JobRequest(quantity=1, whole_product=True), found(unknown), lambda name: name)
    assert refused.value.message().reason == unknown


def test_the_notice_and_the_parts_files_travel_with_every_job() -> None:
    (job,) = jobs_for(v1.JobRequest(quantity=1), found(), lambda name: name)
    assert job.specification.notice == "by Ada, CC-BY-4.0"
    assert list(job.specification.files) == FILES[:1]
    product = jobs_for(v1.JobRequest(quantity=1, whole_product=True), found(), lambda name: f"{name}-{next(NUMBERS)}")
    assert {one.specification.notice for one in product} == {"by Ada, CC-BY-4.0"}


def test_a_picture_of_the_part_travels_with_the_job_and_a_model_in_three_dimensions_does_not() -> None:
    inspected = found()
    model = v1.Preview(media_type="model/gltf-binary", sha256="1" * 64)
    (job,) = jobs_for(v1.JobRequest(quantity=1), inspected, lambda name: name)
    assert job.specification.picture_sha256 == ""
    inspected.parts[0].report.previews.extend([model, v1.Preview(media_type="image/png", sha256="2" * 64)])
    whole, part = jobs_for(v1.JobRequest(quantity=1, whole_product=True), inspected, lambda name: f"{name}-{next(NUMBERS)}")
    assert (whole.specification.picture_sha256, part.specification.picture_sha256) == ("", "2" * 64)


def bearing(minutes: int) -> v1.GetRevisionResponse:
    """Another revision, of one part that takes so long."""
    made = found()
    made.revision.digest = "e" * 64
    made.parts[0].part.name = "bearing"
    made.parts[0].makeability[0].estimate.machine_time.FromSeconds(60 * minutes)
    return made


def test_what_a_bill_makes_from_other_revisions_is_a_job_of_the_product_too() -> None:
    other = bearing(minutes=1)
    wish = v1.JobRequest(revision="design-x", quantity=3, whole_product=True)
    product, *parts = jobs_for(wish, found(), lambda name: f"{name}-{next(NUMBERS)}", [Needed(other, other.parts[0], 12)])
    asked = {one.specification.part_name: one for one in parts}
    assert {name: one.quantity for name, one in asked.items()} == {"gear": 3, "bearing": 12}
    assert asked["bearing"].request.revision == asked["bearing"].specification.revision_digest == "e" * 64
    assert set(product.parts) == {one.id for one in parts} and {one.product for one in parts} == {product.id}


def test_the_part_with_the_most_work_comes_first() -> None:
    first = []
    for minutes in (1, 1000):
        other = bearing(minutes)
        wish = v1.JobRequest(quantity=1, whole_product=True)
        jobs = jobs_for(wish, found(), lambda name: f"{name}-{next(NUMBERS)}", [Needed(other, other.parts[0], 1)])
        first.append(jobs[1].specification.part_name)
    assert first == ["gear", "bearing"]


def test_a_product_of_which_one_line_may_not_be_made_is_refused() -> None:
    other = bearing(1)
    other.hindrances.append(reason("revision.recalled", "it bursts"))
    with pytest.raises(Refused) as refused:
        jobs_for(v1.JobRequest(quantity=1, whole_product=True), found(), lambda name: name, [Needed(other, other.parts[0], 1)])
    assert refused.value.code == "revision.recalled"
