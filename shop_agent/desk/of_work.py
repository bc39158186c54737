# SPDX-License-Identifier: AGPL-3.0-or-later
"""The cards of offers, of work on the benches, of what waits to be sent, and of recalls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from commonfab import v1
from commonfab.reasons import remedy_of
from commonfab.recalled import recall_text
from commonfab.units import size_text
from shop_agent.answering import against
from shop_agent.config import ShopConfig
from shop_agent.desk.cards import PEOPLE_TELL, BenchCard, GivenBackCard, OfferCard, OutboxCard, RecallCard
from shop_agent.desk.of_machines import what_of
from shop_agent.desk.pictures import SHA256, picture_of
from shop_agent.desk.plain import sentence
from shop_agent.desk.work_files import files_of
from shop_agent.journal.book import Journal
from shop_agent.journal.given_back import GivenBack
from shop_agent.journal.records import AttemptRecord, Ending, OfferRecord, PieceState, RecallRecord
from shop_agent.live import Live, LiveMachine
from shop_agent.people.accounts import account_of
from shop_agent.shop_toml.machine_section import MachineSection

ENDED: Mapping[str, str] = MappingProxyType({"complete": "done", "fail": "ended early", "release": "given back", "drop": "no longer ours"})

PIECES: Mapping[PieceState, str] = MappingProxyType(
    {
        PieceState.BEGUN: "on the machine",
        PieceState.MADE: "to be judged",
        PieceState.GOOD: "good",
        PieceState.SCRAP: "scrap",
        PieceState.VOID: "not there",
    }
)


def offer_card(config: ShopConfig, journal: Journal, record: OfferRecord) -> OfferCard:
    """One offer."""
    offer, machine = record.offer, config.machine_of(record.offer.machine_id)
    seconds, grams = offer.estimate.machine_time.ToTimedelta().total_seconds(), offer.estimate.grams
    if record.toolpath is not None:
        seconds, grams = record.toolpath.seconds, record.toolpath.grams
    size = offer.requirement.size_mm
    return OfferCard(
        order=offer.work_order_id,
        title=offer.title,
        part=offer.part_name,
        quantity=offer.quantity,
        machine_id=offer.machine_id,
        machine=machine.name if machine else offer.machine_id,
        size=size_text(size.x, size.y, size.z) if size.x or size.y or size.z else "",
        material=offer.requirement.material,
        minutes=seconds / 60,
        grams=grams,
        measured=record.toolpath is not None and bool(record.toolpath.sha256),
        km=offer.distance_km if offer.HasField("distance_km") else None,
        picture=picture_of(config.data_dir, offer.picture_sha256),
        licence=offer.licence,
        notice=offer.notice,
        purpose=offer.purpose,
        first_article=offer.first_article,
        why=_messages(offer.why),
        asks=_messages(one for one in record.reasons if one.code != "policy.ask"),  # the card itself asks
        cannot=_messages(record.refused),
        against=_messages(against(record, config, journal)) if record.stands and not record.answer else (),
        answered=_messages(offer.answered),
        answer=record.answer,
        stands=record.stands,
    )


def bench_card(config: ShopConfig, journal: Journal, attempt: AttemptRecord, live: LiveMachine | None) -> BenchCard:
    """One order on the benches. `live`: its machine, None where the agent does not run."""
    offer, account = attempt.offer, account_of(journal, attempt.row)
    machine = config.machine_of(attempt.machine_id)
    return BenchCard(
        order=attempt.ref.work_order_id,
        what=what_of(attempt),
        machine_id=attempt.machine_id,
        machine=machine.name if machine else attempt.machine_id,
        quantity=offer.quantity,
        good=attempt.good,
        scrap=attempt.scrap,
        unjudged=attempt.unjudged,
        pieces=tuple((piece.number, PIECES[piece.state]) for piece in attempt.pieces),
        cut_off=tuple(_cut_off(attempt, machine)),
        stands=_stands(attempt, journal, live),
        ended=bool(attempt.ended),
        by_hand=machine is not None and machine.control in PEOPLE_TELL,
        picture=picture_of(config.data_dir, offer.picture_sha256),
        licence=offer.licence,
        notice=offer.notice,
        minutes=tuple((task, seconds / 60) for task, seconds in account.person_seconds),
        sizes=tuple((size.name, size.nominal_mm, size.measured_mm) for size in account.sizes),
        photographs=len(account.photographs),
        walk_in=attempt.walk_in,
        begun=attempt.piece_begun is not None,
        brings=_may_bring(attempt, machine),
        needs_toolpath=_needs_toolpath(attempt, live),
        toolpath=_toolpath(attempt),
        files=tuple(files_of(config.data_dir, attempt)),
    )


def given_back_card(config: ShopConfig, one: GivenBack) -> GivenBackCard:
    """What came to nothing, and what to do about it."""
    attempt, machine = one.attempt, config.machine_of(one.attempt.machine_id)
    how = "could not be made" if attempt.ended == Ending.RELEASE and attempt.walk_in else ENDED[attempt.ended]
    made = f", {attempt.good} of {attempt.offer.quantity} good" if attempt.ended == Ending.FAIL else ""
    if one.refusal is not None:
        how, made = "the router did not take its report", f": {attempt.good} of {attempt.offer.quantity} good"
    return GivenBackCard(
        order=attempt.ref.work_order_id,
        what=what_of(attempt),
        machine=machine.name if machine else attempt.machine_id,
        ended=how + made,
        why=tuple((sentence(told.message), remedy_of(told) or (one.refusal.remedy if one.refusal else "")) for told in one.reasons),
        walk_in=attempt.walk_in,
        resends=one.refusal is not None,
    )


def _cut_off(attempt: AttemptRecord, machine: MachineSection | None) -> Iterator[int]:
    """Pieces that are scrap because their machine says that they did not end well, and about which a person may say otherwise."""
    if machine is not None and machine.control not in PEOPLE_TELL and not attempt.ended:
        yield from (piece.number for piece in attempt.pieces if piece.state is PieceState.SCRAP and not piece.judged_by)


def _may_bring(attempt: AttemptRecord, machine: MachineSection | None) -> bool:
    """Whether `shop_agent.bringing` would take one."""
    open_yet = not (attempt.ended or attempt.start_asked or attempt.withdrawn)
    return machine is not None and machine.control != "by_hand" and machine.outside_toolpaths and open_yet


def _needs_toolpath(attempt: AttemptRecord, live: LiveMachine | None) -> bool:
    return live is not None and attempt.toolpath is None and "commonfab shop toolpath" in live.waits.get(attempt.key, "")


def _toolpath(attempt: AttemptRecord) -> str:
    if attempt.toolpath is None or not attempt.toolpath.sha256:
        return ""
    return "brought by somebody, and checked" if attempt.toolpath.brought else "made here, and checked"


def outbox_card(journal: Journal, live: Live | None, now: float) -> OutboxCard:
    """What waits to be sent."""
    heard = live.router_heard if live else 0.0
    return OutboxCard(
        unsent=tuple(_told(event) for event in journal.unsettled()),
        silent_seconds=max(now - heard, 0.0) if heard else None,
        trouble=live.router_trouble if live else "",
    )


def recall_card(record: RecallRecord, journal: Journal) -> RecallCard:
    """A recall with what this shop made of it, by the ledger and by its own journal, each work order once."""
    recall = record.notice.recall
    made = [(work.work_order_id, work.job_id, work.part_name, work.pieces_good) for work in record.notice.made]
    known = {order for order, *_ in made}
    mine = [one for one in journal.history() if one.offer.revision_digest == recall.revision_digest]
    made += [(one.ref.work_order_id, one.offer.job_id, one.offer.part_name, one.good) for one in mine if one.ref.work_order_id not in known]
    return RecallCard(
        revision=recall.revision_digest,
        title=record.notice.title,
        why=recall_text(recall),  # in their words, as they wrote it
        made=tuple(f"{good} × {part} in {order}, for job {job}" for order, job, part, good in made if good),
    )


def pictures_wanted(journal: Journal, data_dir: Path) -> Iterator[str]:
    """Pictures of offers and of work on the benches that are not here yet, each once."""
    shown = [record.offer for record in journal.standing()] + [attempt.offer for attempt in journal.attempts()]
    for sha256 in dict.fromkeys(offer.picture_sha256 for offer in shown):
        if SHA256.fullmatch(sha256) and picture_of(data_dir, sha256) is None:
            yield sha256


def _stands(attempt: AttemptRecord, journal: Journal, live: LiveMachine | None) -> str:
    if journal.recall_of(attempt.offer.revision_digest):
        return "recalled"
    if attempt.ended:
        return f"{ENDED[attempt.ended]}, not yet heard by the router"
    if attempt.withdrawn:
        return "taken off the bench"
    if attempt.piece_begun:
        paused = live is not None and live.paused
        # A piece that is made again has a new number, by which it is judged: it may be larger than the number of pieces.
        spoiled = f", because {attempt.scrap} {'was' if attempt.scrap == 1 else 'were'} scrap" if attempt.scrap else ""
        return f"piece {attempt.piece_begun.number} is on the machine{spoiled}{', paused' if paused else ''}"
    if live is not None and attempt.key in live.waits_for_person:
        return "waits for a toolpath" if _needs_toolpath(attempt, live) else "waits for somebody"
    if attempt.leave:
        return "between two pieces" if attempt.pieces else "about to start"
    return "prepared" if attempt.toolpath else "preparing"


def _told(event: v1.ShopEvent) -> str:
    kind = event.WhichOneof("event") or ""
    if kind in ("accept", "decline"):
        return f"our {'yes' if kind == 'accept' else 'no'} to {getattr(event, kind).work_order_id}"
    if kind in ("start", "release"):
        words = "leave to start" if kind == "start" else "it is given back:"
        return f"{words} {getattr(event, kind).attempt.work_order_id}"
    if kind in ("complete", "fail", "walk_in"):
        return f"the report of {v1.CompletedWork.FromString(getattr(event, kind).signed.work).attempt.work_order_id}"
    return "something that this version does not know"


def _messages(reasons: Iterable[v1.Reason]) -> tuple[str, ...]:
    return tuple(sentence(one.message) for one in reasons if one.message)
