# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a requester can do: ask, look, withdraw, confirm, approve, have the rest made elsewhere, and be told why."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from commonfab import v1
from commonfab.errors import Refused
from commonfab.ids import Ids
from commonfab.permissions import caller
from commonfab.place import is_coarse
from router import explain
from router.bell import Bell, rings_within
from router.board import Board, NewJob
from router.board_reading import JobOnBoard, list_jobs, read_job, read_jobs, read_order
from router.dispatch import free_to_take, wanted, wish_of
from router.matching import Match, Wanted
from router.overview import Overview
from router.planning import plan
from router.ranking import RankingPolicy
from router.registry_door import RegistryDoor
from router.specification import Needed, jobs_for
from router.unmet import unmet

MOST_PIECES = 100_000
LONGEST_KEY = 64
LOOK_AGAIN_SECONDS = 5.0
NOT_COARSE = "the place must be an H3 cell of resolution 7 or coarser"


@dataclass(frozen=True)
class Jobs:
    """The jobs of one board."""

    board: Board
    bell: Bell
    overview: Overview
    registry: RegistryDoor
    policy: RankingPolicy
    ids: Ids

    async def request(self, request: v1.JobRequest, once: str) -> v1.Job:
        """Put a job on the board; with the same `once` of the same requester, the job that it made before.

        Errors: `Refused` (`request.missing`, `request.malformed`, `job.quantity`, `job.part`, `job.which_part`, `job.material`,
        `job.not_inspected`, `job.not_makeable`, `job.bill`, or what the registry says).
        """
        _check(request, once)
        found = await self.registry.revision(request.revision, request.material)
        jobs = jobs_for(request, found, self.ids, await self._from_bill(request, found))
        posted = await self.board.post(caller().subject, once, jobs)
        return await self.show(posted)

    async def _from_bill(self, request: v1.JobRequest, found: v1.GetRevisionResponse) -> list[Needed]:
        """What the bill of a whole product makes from other revisions; what it buys or salvages is for the requester to get.

        Errors: `Refused` (`job.bill`, or what the registry says).
        """
        if not request.whole_product or not any(line.HasField("make") for line in found.revision.manifest.bill):
            return []
        whole = await self.registry.closure(found.revision.digest, request.quantity)
        if whole.missing:
            raise Refused("job.bill", "; ".join(f"{one.line.name}: {one.reason.message}" for one in whole.missing))
        pieces = {(one.revision, one.part.part.name): one.quantity for one in whole.make if one.revision != found.revision.digest}
        needed = []
        for (digest, name), count in pieces.items():
            described = await self.registry.revision(digest, request.material)
            needed.append(Needed(described, next(of for of in described.parts if of.part.name == name), count))
        return needed

    async def show(self, job_id: str) -> v1.Job:
        """A job of the caller, with what it waits for. Errors: `Refused` (`job.unknown`, `token.subject`)."""
        return await self._with_waiting(await self._owned(job_id))

    async def page(self, before: str, count: int) -> tuple[list[v1.Job], str]:
        """A page of the caller's jobs, newest first, and the token of the next page. Errors: `Refused` (`page.token`)."""
        requester = "" if caller().scope == v1.SCOPE_STEWARD else caller().subject
        ids = await list_jobs(self.board, requester, before, count + 1)
        known = await read_jobs(self.board, ids[:count])  # One that ended long ago is forgotten and left out.
        return [known[job_id].job for job_id in ids[:count] if job_id in known], ids[count - 1] if len(ids) > count else ""

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
        """Withdraw a job. Errors: `Refused` (`job.unknown`, `token.subject`, `job.ended`, `job.of_product`)."""
        await self._owned(job_id)
        await self.board.cancel_job(job_id)
        return await self.show(job_id)

    async def confirm(self, job_id: str, codes: Sequence[str]) -> v1.Job:
        """Let a held job go on. Errors: `Refused` (`job.unknown`, `token.subject`, `job.not_held`, `job.recalled`, `job.confirm`)."""
        known = await self._owned(job_id)
        if known.job.HasField("recall"):
            raise Refused("job.recalled", job_id)
        if open_questions := sorted({question.code for question in known.questions} - set(codes)):
            raise Refused("job.confirm", ", ".join(open_questions))
        await self.board.confirm_job(job_id)
        return await self.show(job_id)

    async def approve_first_article(self, job_id: str) -> v1.Job:
        """Let the rest of a job be made. Errors: `Refused` (`job.unknown`, `token.subject`, `job.first_not_made`)."""
        await self._owned(job_id)
        await self.board.approve_first(job_id)
        return await self.show(job_id)

    async def withdraw_order(self, order_id: str) -> v1.Job:
        """Take one lot back from a shop. Errors: `Refused` (`order.unknown`, `token.subject`, `order.ended`)."""
        job_id = await self._owned_order(order_id)
        await self.board.withdraw_order(order_id)
        return await self.show(job_id)

    async def make_rest_elsewhere(self, order_id: str) -> v1.Job:
        """Take the rest of an uncertain work order elsewhere.

        Errors: `Refused` (`order.unknown`, `token.subject`, `order.not_uncertain`, `order.recalled`).
        """
        job_id = await self._owned_order(order_id)
        await self.board.make_rest_elsewhere(order_id)
        return await self.show(job_id)

    async def explain_job(self, job_id: str) -> v1.ExplainJobResponse:
        """Who can make a job and who cannot, and why; of a product that no shop works on, for the part that fewest can make.

        Errors: as `show`.
        """
        known = await self._owned(job_id)
        await self.overview.catch_up()
        if not known.job.specification.ways:
            return await self._explain_parts(known)
        return self._explained(wanted(known, self.overview), lambda found: explain.waiting_for(known, found), known)

    async def _explain_parts(self, product: JobOnBoard) -> v1.ExplainJobResponse:
        parts = (await read_jobs(self.board, product.parts)).values()
        waiting = explain.waiting_for(product, Match((), ()))
        answers = [self._explained(wanted(part, self.overview), lambda _: waiting, part) for part in parts if not part.ended]
        return min(answers, key=lambda answer: len(answer.able), default=v1.ExplainJobResponse(waiting_for=waiting))

    async def explain_request(self, request: v1.JobRequest) -> v1.ExplainJobResponse:
        """The same for a wish, committing nothing; of a whole product for the part that fewest can make.

        Of a revision of which no job is made it says why, and no machine is tried. Errors: as `request`.
        """
        _check(request, "")
        found = await self.registry.revision(request.revision, request.material)
        if found.hindrances:
            return v1.ExplainJobResponse(waiting_for=found.hindrances)
        await self.overview.catch_up()
        jobs = jobs_for(request, found, self.ids, await self._from_bill(request, found))
        answers = [self._explained_wish(job) for job in jobs if job.specification.ways]
        return min(answers, key=lambda answer: len(answer.able))

    async def shops(self) -> list[v1.KnownShop]:
        """The shops that were ever heard, in the order of their ids. Whose work one takes is for itself and the steward to know."""
        await self.overview.catch_up()
        answer, asks = [], caller()
        for known in self.overview.index.shops(self.overview.now_ms):
            shop = v1.KnownShop(shop=known.shop, present=known.heard_ago <= self.overview.present_seconds)
            shop.last_heard.FromMilliseconds(int(known.heard_ago * 1000))
            if asks.scope != v1.SCOPE_STEWARD and (asks.scope, asks.subject) != (v1.SCOPE_SHOP, known.shop.id):
                shop.shop.policy.ClearField("requesters")
            answer.append(shop)
        return answer

    async def needs(self, place: v1.Place, within_km: float) -> v1.ListNeedsResponse:
        """What the neighbourhood cannot make. Errors: `Refused` (`request.malformed`)."""
        if not is_coarse(place):
            raise Refused("request.malformed", NOT_COARSE)
        return await unmet(self.board, self.overview, place, within_km)

    def _match(self, wish: Wanted) -> Match:
        return self.overview.index.match(wish, self.overview.now_ms, self.overview.present_seconds)

    def _explained_wish(self, job: NewJob) -> v1.ExplainJobResponse:
        return self._explained(wish_of(job.request, job.specification, caller().subject, self.overview), lambda _: job.questions, None)

    def _explained(
        self, wish: Wanted, waiting_for: Callable[[Match], Sequence[v1.Reason]], known: JobOnBoard | None
    ) -> v1.ExplainJobResponse:
        """Who can and who cannot, and what each would be offered if the rest were planned now, with what that plan cannot keep."""
        found = self._match(wish)
        able = free_to_take(found.able, known) if known else found.able
        planned = plan(wish, able, self.policy, pieces=known.plannable if known else wish.quantity)
        lots = {(lot.able.shop.id, lot.able.machine.id): lot.quantity for lot in planned.lots}
        return explain.explain(found, wish, self.policy, [*waiting_for(found), *planned.reasons], lots)

    async def _owned(self, job_id: str) -> JobOnBoard:
        known = await read_job(self.board, job_id)
        if caller().scope != v1.SCOPE_STEWARD and known.job.requester != caller().subject:
            raise Refused("token.subject", f"job {job_id}")
        return known

    async def _owned_order(self, order_id: str) -> str:
        _, job_id = await read_order(self.board, order_id)
        await self._owned(job_id)
        return job_id

    async def _with_waiting(self, known: JobOnBoard) -> v1.Job:
        if known.job.HasField("recall") or (not known.ended and not explain.settled(known)):
            known.job.waiting_for.extend(explain.waiting_for(known, await self._looked_at(known)))
        return known.job

    async def _looked_at(self, known: JobOnBoard) -> Match:
        """The street as it is for a job: in full only where nobody is able, because then every machine must be told of."""
        if not known.plannable or known.job.state == v1.JOB_STATE_HELD:
            return Match((), ())
        await self.overview.catch_up()
        wish = wanted(known, self.overview)
        able = self.overview.index.find(wish, self.overview.now_ms, self.overview.present_seconds, enough=1)
        return Match(tuple(able), (), machines=len(self.overview.index)) if able else self._match(wish)


def _check(request: v1.JobRequest, once: str) -> None:
    if not request.revision:
        raise Refused("request.missing", "a revision or a design")
    if not 1 <= request.quantity <= MOST_PIECES:
        raise Refused("job.quantity", least=1, most=MOST_PIECES, given=request.quantity)
    if not is_coarse(request.place):
        raise Refused("request.malformed", NOT_COARSE)
    if request.within_km < 0:
        raise Refused("request.malformed", "the distance allowed cannot be negative")
    if request.HasField("needed_in") and request.needed_in.ToTimedelta().total_seconds() <= 0:
        raise Refused("request.malformed", "the time until it is needed must be longer than nothing")
    if request.whole_product and request.part_name:
        raise Refused("request.malformed", "a whole product has all its parts: leave the part out, or ask for that part alone")
    if request.assembled and not request.whole_product:
        raise Refused("request.malformed", "only a whole product is put together: set whole_product too")
    if len(once) > LONGEST_KEY:
        raise Refused("request.malformed", f"an idempotency key has at most {LONGEST_KEY} characters")
