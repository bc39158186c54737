# SPDX-License-Identifier: AGPL-3.0-or-later
"""The jobs on the board that nobody can make now, and what the neighbourhood lacks for them."""

from __future__ import annotations

import asyncio

from commonfab import v1
from commonfab.place import distance_km
from router.board import Board
from router.board_reading import JobOnBoard, open_jobs, read_jobs
from router.dispatch import wanted
from router.needs import WaitingJob, needs, telling
from router.overview import Overview

MOST_JOBS = 5000


async def unmet(board: Board, overview: Overview, place: v1.Place, within_km: float) -> v1.ListNeedsResponse:
    """What is needed around a place, what would unlock most first. Parameters: `within_km`, 0 for any distance; a job that gave no place
    counts only where no place is asked for."""
    opening = await open_jobs(board, MOST_JOBS)
    known = await read_jobs(board, [job.id for job in opening.jobs])
    await overview.catch_up()
    waiting = []
    for job in known.values():
        if job.plannable and _near(job, place, within_km):
            await asyncio.sleep(0)  # Every machine is tried for every job; shops and other requesters are answered in between.
            if (found := _waiting(job, overview)) is not None:
                waiting.append(found)
    return v1.ListNeedsResponse(needs=needs(waiting), waiting_jobs=len(waiting))


def _near(known: JobOnBoard, place: v1.Place, within_km: float) -> bool:
    if not place.cell:
        return True
    away = distance_km(known.job.request.place, place)
    return away is not None and (not within_km or away <= within_km)


def _waiting(known: JobOnBoard, overview: Overview) -> WaitingJob | None:
    """The job with everything that stands in its way; None where somebody is able."""
    wish = wanted(known, overview)
    if overview.index.find(wish, overview.now_ms, overview.present_seconds, enough=1):
        return None
    found = overview.index.match(wish, overview.now_ms, overview.present_seconds)
    return WaitingJob(known.job.id, wish, known.job.pieces_unplaced, telling(found))
