# SPDX-License-Identifier: AGPL-3.0-or-later
"""From a revision to a job: what is refused, and what travels with the job to the bench."""

from __future__ import annotations

from itertools import count

import pytest
from router_street import way

from commonfab import v1
from commonfab.errors import Refused
from commonfab.reasons import reason
from router.specification import jobs_for

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
