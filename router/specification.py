# SPDX-License-Identifier: AGPL-3.0-or-later
"""From a request and what the registry knows of its revision to jobs for the board: what is made, in which ways, and what must be asked
first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grpc import StatusCode

from commonfab import materials, v1
from commonfab.errors import Refused
from commonfab.ids import Ids
from commonfab.reasons import REASONS
from router.board import NewJob
from router.products import assembly_minutes, product_pieces

ASSEMBLY = "assembly"
PICTURE = "image/png"
"""The kind of preview that every desk and terminal can show."""


@dataclass(frozen=True)
class Needed:
    """Pieces of a part.

    Parameters: `found`, the revision that describes it, as the registry answered; `named`, whether a bill named that revision.
    """

    found: v1.GetRevisionResponse
    part: v1.InspectedPart
    pieces: int
    named: bool = True

    @property
    def minutes(self) -> float:
        """Machine time for all of them, by the way that takes least."""
        possible = (way for way in self.part.makeability if _possible(way))
        return self.pieces * min((way.estimate.machine_time.ToTimedelta().total_seconds() / 60 for way in possible), default=0.0)


def jobs_for(request: v1.JobRequest, found: v1.GetRevisionResponse, ids: Ids, from_bill: Sequence[Needed] = ()) -> list[NewJob]:
    """The jobs that a request makes: one, or for a whole product one that holds the jobs of its parts together, that one first.

    Parameters: `from_bill`, for a whole product what its bill makes from other revisions, for all products.
    Errors: `Refused` (`job.part`, `job.which_part`, `job.material`, `job.not_inspected`, `job.not_makeable`, or the registry's
    reason why no job is made of this revision).
    """
    _refuse_hindered(found.hindrances)
    if not request.whole_product:
        return [_one_part(ids("job"), request, found, _choose_part(found, request.part_name))]
    for one in from_bill:
        _refuse_hindered(one.found.hindrances)
    # The whole waits for the last of its parts, so the one with the most work is asked for first.
    wanted = sorted((*_own(found, request.quantity), *from_bill), key=lambda one: -one.minutes)
    product = ids("job")
    parts = [_of_product(ids("job"), product, request, one) for one in wanted]
    specification = _specification(found, "", v1.GeometryReport(), [_assembly(found)] if request.assembled else [])
    holds = tuple(part.id for part in parts)
    whole = NewJob(product, request, specification, request.quantity, parts=holds, needs_work=request.assembled)
    return [whole, *parts]


def _own(found: v1.GetRevisionResponse, products: int) -> list[Needed]:
    """The parts that the product's own files describe."""
    pieces = product_pieces([(of.part.name, of.part.quantity_per_product) for of in found.parts], products)
    by_name = {of.part.name: of for of in found.parts}
    return [Needed(found, by_name[name], count, named=False) for name, count in pieces.items()]


def _refuse_hindered(hindrances: Sequence[v1.Reason]) -> None:
    """Errors: `Refused`, by the code of the first hindrance, with the sentences of all and what can be done about each."""
    if not hindrances:
        return
    all_told = v1.Reason()
    all_told.CopyFrom(hindrances[0])
    all_told.message = "; ".join(one.message for one in hindrances)
    known = [(one, REASONS[one.code]) for one in hindrances if one.code in REASONS]
    remedies = dict.fromkeys(term.remedy.replace("{subject}", one.subject) for one, term in known)
    raise Refused.relayed(v1.Refusal(reason=all_told, remedy=" ".join(remedies)), StatusCode.FAILED_PRECONDITION)


def _possible(way: v1.Makeability) -> bool:
    return way.verdict in (v1.VERDICT_FEASIBLE, v1.VERDICT_ASK)


def _assembly(found: v1.GetRevisionResponse) -> v1.Makeability:
    """Putting one product together: a shop must do so, whatever its bench."""
    counted = [(line.name, round(line.quantity)) for line in found.revision.manifest.bill if not line.unit]
    parts = [*((of.part.name, of.part.quantity_per_product) for of in found.parts), *counted]
    minutes = assembly_minutes(parts)
    estimate = v1.Estimate(method=f"{minutes:g} min by hand for {sum(each for _, each in parts)} parts; making them is not counted")
    estimate.machine_time.FromSeconds(round(minutes * 60))
    need = v1.Requirement(process=ASSEMBLY)
    return v1.Makeability(process=ASSEMBLY, verdict=v1.VERDICT_FEASIBLE, requirement=need, estimate=estimate)


def _of_product(job_id: str, product: str, request: v1.JobRequest, needed: Needed) -> NewJob:
    asked = v1.JobRequest()
    asked.CopyFrom(request)
    if needed.named:
        asked.revision = needed.found.revision.digest
    asked.part_name, asked.quantity = needed.part.part.name, needed.pieces
    asked.whole_product = asked.assembled = False
    return _one_part(job_id, asked, needed.found, _inspected(needed.part), product)


def _one_part(job_id: str, request: v1.JobRequest, found: v1.GetRevisionResponse, part: v1.InspectedPart, product: str = "") -> NewJob:
    ways, questions = _ways(part, request.material)
    specification = _specification(found, part.part.name, part.report, ways, part.part.paths)
    return NewJob(job_id, request, specification, request.quantity, tuple(questions), product)


def _specification(
    found: v1.GetRevisionResponse, part_name: str, report: v1.GeometryReport, ways: Sequence[v1.Makeability], paths: Sequence[str] = ()
) -> v1.JobSpecification:
    """What was looked up for a job. Parameters: `report`, what is known of the part's shape; empty for a whole product."""
    files = {file.path: file for file in found.revision.manifest.files}
    return v1.JobSpecification(
        revision_digest=found.revision.digest,
        title=found.design.title,
        licence=found.revision.manifest.licence,
        part_name=part_name,
        mesh_sha256=report.mesh_sha256,
        ways=ways,
        notice=found.notice,
        files=[files[path] for path in paths if path in files],
        picture_sha256=next((picture.sha256 for picture in report.previews if picture.media_type == PICTURE), ""),
    )


def _choose_part(found: v1.GetRevisionResponse, name: str) -> v1.InspectedPart:
    names = [inspected.part.name for inspected in found.parts]
    if not name and len(names) > 1:
        raise Refused("job.which_part", ", ".join(names))
    chosen = next((inspected for inspected in found.parts if name in ("", inspected.part.name)), None)
    if chosen is None:
        raise Refused("job.part", name)
    return _inspected(chosen)


def _inspected(part: v1.InspectedPart) -> v1.InspectedPart:
    if part.state != v1.INSPECTION_STATE_DONE:
        raise Refused("job.not_inspected", part.part.name)
    return part


def _ways(inspected: v1.InspectedPart, material: str) -> tuple[list[v1.Makeability], list[v1.Reason]]:
    """The judgements under which the part may be made of `material`, and the questions, if only a person can say that it may."""
    judged = [made for way in inspected.makeability if (made := _made_of(way, material)) is not None]
    by_verdict = {verdict: [way for way in judged if way.verdict == verdict] for verdict in v1.Verdict.values()}
    if feasible := by_verdict[v1.VERDICT_FEASIBLE]:
        return feasible, []
    if asked := by_verdict[v1.VERDICT_ASK]:
        return _fewest_questions(asked)
    _refuse_material(inspected, material)
    obstacles = dict.fromkeys(reason.message for way in inspected.makeability for reason in way.reasons)
    raise Refused("job.not_makeable", "; ".join(obstacles) or "nothing was found that could be made")


def _fewest_questions(asked: list[v1.Makeability]) -> tuple[list[v1.Makeability], list[v1.Reason]]:
    """The way that needs the fewest answers with its questions, and every other way that the same answers open."""
    easiest = min(asked, key=lambda way: len(way.reasons))
    codes = {reason.code for reason in easiest.reasons}
    return [way for way in asked if {reason.code for reason in way.reasons} <= codes], list(easiest.reasons)


def _made_of(way: v1.Makeability, material: str) -> v1.Makeability | None:
    """The judgement with the requester's material in it; None where the process does not take it or the maker demands another.

    The registry has judged for that material already, where the maker leaves the choice.
    """
    if not material or way.verdict == v1.VERDICT_INFEASIBLE:
        return way
    need = way.requirement
    if not materials.satisfies(material, need.material):
        return None
    if need.materials_allowed and not any(materials.satisfies(material, term) for term in need.materials_allowed):
        return None
    chosen = v1.Makeability()
    chosen.CopyFrom(way)
    chosen.requirement.material = material
    return chosen


def _refuse_material(inspected: v1.InspectedPart, material: str) -> None:
    """Errors: `Refused` (`job.material`) where the part could be made, only not of that."""
    makeable = [way for way in inspected.makeability if _possible(way)]
    if material and makeable:
        wanted = dict.fromkeys(way.requirement.material or ", ".join(way.requirement.materials_allowed) for way in makeable)
        raise Refused("job.material", f"{' or '.join(wanted)}, not {material}")
