# SPDX-License-Identifier: AGPL-3.0-or-later
"""From the reports of a part's files to what is known of the part: which file speaks for it, and how it can be made. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from commonfab import v1
from commonfab.file_endings import describes_a_part
from registry.demands import effective
from registry.makeability import judge
from registry.siblings import related


def measured_paths(part: v1.Part) -> list[str]:
    """The files of a part that are measured: those whose names promise a shape, and the first in any case."""
    return [path for index, path in enumerate(part.paths) if index == 0 or describes_a_part(path)]


def inspected_part(part: v1.Part, reports: Mapping[str, v1.GeometryReport | None], material: str = "") -> v1.InspectedPart:
    """A part with its findings; QUEUED while a file of it still waits.

    Parameters: `reports`, by path, for each of `measured_paths(part)`; None where a file is not measured yet; `material`, what it shall be
    made of where that is no other than the maker demands.
    """
    found = [(path, reports[path]) for path in measured_paths(part)]
    done = [(path, report) for path, report in found if report is not None]
    if len(done) < len(found):
        return v1.InspectedPart(part=part, state=v1.INSPECTION_STATE_QUEUED)
    findings = related(done)
    report = _of_the_part(findings)
    makeability = judge(report, effective(part.demands, report, material))
    return v1.InspectedPart(part=part, state=v1.INSPECTION_STATE_DONE, report=report, makeability=makeability, files=findings)


def _of_the_part(findings: list[v1.FileFinding]) -> v1.GeometryReport:
    """The master's report, taken out of its finding, with what its siblings put in doubt."""
    report = v1.GeometryReport()
    report.CopyFrom(next(finding.report for finding in findings if finding.master))
    told = [remark for finding in findings for remark in finding.remarks if remark.code in ("file.sibling_differs", "units.sibling_scale")]
    report.warnings.extend(told)
    for finding in findings:
        if finding.master:
            finding.ClearField("report")  # it would be sent twice
    return report
