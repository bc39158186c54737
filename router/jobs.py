# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a requester can do: ask, look, withdraw, confirm, have the rest made elsewhere, and be told why."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from commonfab import materials, v1
from commonfab.errors import Refused
from commonfab.ids import Ids
from commonfab.permissions import caller
from commonfab.place import is_coarse
from router import explain
from router.bell import Bell, rings_within
from router.board import Board, pack_reasons
from router.board_reading import JobOnBoard, list_jobs, read_job, read_order, read_shops
from router.dispatch import Terms, match_now, wanted
from router.matching import Wanted
from router.ranking import RankingPolicy
from router.registry_door import RegistryDoor

MOST_PIECES = 100_000
LONGEST_KEY = 64
LOOK_AGAIN_SECONDS = 5.0


@dataclass(frozen=True)
class Jobs:
    """The jobs of one board."""

    board: Board
    bell: Bell
    registry: RegistryDoor
    policy: RankingPolicy
    terms: Terms
    ids: Ids

    async def request(self, request: v1.JobRequest, once: str) -> v1.Job:
        """Put a job on the board; with the same `once` of the same requester, the job that it made before.

        Errors: `Refused` (`request.missing`, `request.malformed`, `job.quantity`, `job.part`, `job.which_part`, `job.material`,
        `job.not_inspected`, `job.not_makeable`, or what the registry says).
        """
        _check(request, once)
        specification, questions = await self._look_up(request)
        held = pack_reasons(questions) if questions else b""
        job_id = await self.board.post_job(self.ids("job"), caller().subject, request, specification, held, once)
        return await self.show(job_id)

    async def show(self, job_id: str) -> v1.Job:
        """A job of the caller, with what it waits for. Errors: `Refused` (`job.unknown`, `token.subject`)."""
        return await self._with_waiting(await self._owned(job_id))

    async def page(self, before: str, count: int) -> tuple[list[v1.Job], str]:
        """A page of the caller's jobs, newest first, and the token of the next page. Errors: `Refused` (`page.token`)."""
        requester = "" if caller().scope == v1.SCOPE_STEWARD else caller().subject
        ids = await list_jobs(self.board, requester, before, count + 1)
        jobs = []
        for job_id in ids[:count]:
            try:
                jobs.append((await read_job(self.board, job_id)).job)
            except Refused:  # ended long ago and forgotten
                continue
        return jobs, ids[count - 1] if len(ids) > count else ""

    async def watch(self, job_id: str) -> AsyncIterator[v1.Job]:
        """The job now, at every change, and when it has ended. Errors: as `show`."""
        with self.bell.listening(job_id) as rung:
            told = -1
            while True:
                known = await self._owned(job_id)
                if known.version != told:
                    told = known.version
                    yield await self._with_waiting(known)
                if known.ended and explain.settled(known):
                    return
                await rings_within(rung, LOOK_AGAIN_SECONDS)

    async def cancel(self, job_id: str) -> v1.Job:
        """Withdraw a job. Errors: `Refused` (`job.unknown`, `token.subject`, `job.ended`)."""
        await self._owned(job_id)
        await self.board.cancel_job(job_id)
        return await self.show(job_id)

    async def confirm(self, job_id: str, codes: Sequence[str]) -> v1.Job:
        """Let a held job go on. Errors: `Refused` (`job.unknown`, `token.subject`, `job.not_held`, `job.confirm`)."""
        known = await self._owned(job_id)
        if open_questions := sorted({question.code for question in known.questions} - set(codes)):
            raise Refused("job.confirm", ", ".join(open_questions))
        await self.board.confirm_job(job_id)
        return await self.show(job_id)

    async def make_rest_elsewhere(self, order_id: str) -> v1.Job:
        """Take the rest of an uncertain work order elsewhere.

        Errors: `Refused` (`order.unknown`, `token.subject`, `order.not_uncertain`).
        """
        _, job_id = await read_order(self.board, order_id)
        await self._owned(job_id)
        await self.board.make_rest_elsewhere(order_id)
        return await self.show(job_id)

    async def explain_job(self, job_id: str) -> v1.ExplainJobResponse:
        """Who can make a job and who cannot, and why. Errors: as `show`."""
        known = await self._owned(job_id)
        found = await match_now(self.board, wanted(known), self.terms)
        return explain.explain(found, self.policy, explain.waiting_for(known, found))

    async def explain_request(self, request: v1.JobRequest) -> v1.ExplainJobResponse:
        """The same for a wish, committing nothing. Errors: as `request`."""
        _check(request, "")
        specification, questions = await self._look_up(request)
        wish = Wanted(specification.ways, request.place, request.within_km, {})
        return explain.explain(await match_now(self.board, wish, self.terms), self.policy, questions)

    async def shops(self) -> list[v1.KnownShop]:
        """The shops that were ever heard, in the order of their ids."""
        answer = []
        for known in await read_shops(self.board):
            shop = v1.KnownShop(shop=known.shop, present=known.heard_ago <= self.terms.present_seconds)
            shop.last_heard.FromMilliseconds(int(known.heard_ago * 1000))
            answer.append(shop)
        return answer

    async def _owned(self, job_id: str) -> JobOnBoard:
        known = await read_job(self.board, job_id)
        if caller().scope != v1.SCOPE_STEWARD and known.job.requester != caller().subject:
            raise Refused("token.subject", f"job {job_id}")
        return known

    async def _with_waiting(self, known: JobOnBoard) -> v1.Job:
        if not known.ended and not explain.settled(known):
            found = await match_now(self.board, wanted(known), self.terms)
            known.job.waiting_for.extend(explain.waiting_for(known, found))
        return known.job

    async def _look_up(self, request: v1.JobRequest) -> tuple[v1.JobSpecification, list[v1.Reason]]:
        """What matching needs of the revision, and the questions that must be answered first."""
        found = await self.registry.revision(request.revision, request.material)
        inspected = _choose_part(found, request.part_name)
        ways, questions = _ways(inspected, request.material)
        specification = v1.JobSpecification(
            revision_digest=found.revision.digest,
            title=found.design.title,
            licence=found.revision.manifest.licence,
            part_name=inspected.part.name,
            mesh_sha256=inspected.report.mesh_sha256,
            ways=ways,
        )
        return specification, questions


def _check(request: v1.JobRequest, once: str) -> None:
    if not request.revision:
        raise Refused("request.missing", "a revision or a design")
    if not 1 <= request.quantity <= MOST_PIECES:
        raise Refused("job.quantity", least=1, most=MOST_PIECES, given=request.quantity)
    if not is_coarse(request.place):
        raise Refused("request.malformed", "the place must be an H3 cell of resolution 7 or coarser")
    if request.within_km < 0:
        raise Refused("request.malformed", "the distance allowed cannot be negative")
    if len(once) > LONGEST_KEY:
        raise Refused("request.malformed", f"an idempotency key has at most {LONGEST_KEY} characters")


def _choose_part(found: v1.GetRevisionResponse, name: str) -> v1.InspectedPart:
    names = [inspected.part.name for inspected in found.parts]
    if not name and len(names) > 1:
        raise Refused("job.which_part", ", ".join(names))
    chosen = next((inspected for inspected in found.parts if name in ("", inspected.part.name)), None)
    if chosen is None:
        raise Refused("job.part", name)
    if chosen.state != v1.INSPECTION_STATE_DONE:
        raise Refused("job.not_inspected", chosen.part.name)
    return chosen


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
    makeable = [way for way in inspected.makeability if way.verdict in (v1.VERDICT_FEASIBLE, v1.VERDICT_ASK)]
    if material and makeable:
        wanted = dict.fromkeys(way.requirement.material or ", ".join(way.requirement.materials_allowed) for way in makeable)
        raise Refused("job.material", f"{' or '.join(wanted)}, not {material}")
