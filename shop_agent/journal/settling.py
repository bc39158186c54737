# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the router's answers change in the journal. Every function writes inside the transaction that its caller has open."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from commonfab import v1
from commonfab.recalled import recall_text
from shop_agent.journal import given_back, outbox, reports
from shop_agent.journal.records import key_of
from shop_agent.journal.sums import sum_up

Connection = sqlite3.Connection

REPORTS = frozenset(("complete", "fail", "walk_in"))
"""Events that carry a signed report."""

ALARM = "RECALL"
"""How a line for the log begins that nobody must overlook."""


def settle(connection: Connection, receipt: v1.Receipt, now: float = 0.0) -> list[str]:
    """An event is settled: it leaves the outbox, and what it asked for is so or is not. Answers lines for the log.

    `now`: seconds since 1970.
    """
    event = outbox.take(connection, receipt.event_id)
    if event is None:
        return []  # a receipt that came twice
    kind = event.WhichOneof("event") or ""
    refused = receipt.refusal.reason.message if receipt.HasField("refusal") else ""
    if kind in REPORTS:
        if receipt.refusal.reason.code == reports.HEARD_BEFORE:
            receipt, refused = v1.Receipt(event_id=receipt.event_id), ""
        reports.keep(connection, event, receipt.refusal, now)
    if kind == "start" and refused:
        given_back.keep(connection, event.start.attempt, now, [receipt.refusal.reason])
    return [_SETTLE[kind](connection, event, receipt, refused)] if kind in _SETTLE else []


def note_offers(connection: Connection, offers: Iterable[v1.Offer], now: float) -> list[str]:
    """These offers stand and no others."""
    said = []
    connection.execute("UPDATE offers SET stands = 0 WHERE stands = 1")
    for offer in offers:
        known = connection.execute("SELECT answer FROM offers WHERE work_order_id = ?", (offer.work_order_id,)).fetchone()
        taken = known is not None and known["answer"] == "accept" and not _under_way(connection, offer.work_order_id)
        again = taken and not _reported(connection, offer.work_order_id)
        if taken and not again and reports.again(connection, "a.work_order_id = ? AND r.refusal = x''", (offer.work_order_id,)):
            said.append(f"{offer.work_order_id} is offered again, though the router has had its report: it was set back; reporting again")
        if known is None or again:
            connection.execute(
                "INSERT OR REPLACE INTO offers (work_order_id, body, stands, first_seen) VALUES (?, ?, 1, ?)",
                (offer.work_order_id, offer.SerializeToString(), now),
            )
            said.append(f"offer {offer.work_order_id}: {offer.quantity} × {offer.part_name} of {offer.title} on {offer.machine_id}")
        else:
            connection.execute(
                "UPDATE offers SET stands = 1, body = ? WHERE work_order_id = ?", (offer.SerializeToString(), offer.work_order_id)
            )
    return said


def note_wish(connection: Connection, wished: v1.WishedAttempt) -> list[str]:
    """What the router wants of an attempt that is on the bench."""
    ref = wished.attempt
    changed = connection.execute(
        "UPDATE attempts SET wish = ?, wish_reason = ? WHERE work_order_id = ? AND number = ? AND epoch = ? AND ended = '' AND wish != ?",
        (wished.wish, wished.reason.SerializeToString(), ref.work_order_id, ref.number, ref.epoch, wished.wish),
    )
    if not changed.rowcount or wished.wish == v1.WISH_GO_ON:
        return []
    return [f"{key_of(ref)}: the router wants it to {'stop' if wished.wish == v1.WISH_STOP else 'go'}: {wished.reason.message}"]


def note_recalls(connection: Connection, notices: Iterable[v1.RecallNotice], now: float) -> list[str]:
    """Recalls that concern this shop. One that the router still tells has not been acknowledged; the others have been."""
    said = []
    connection.execute("UPDATE recalls SET acknowledged = 1 WHERE acknowledged = 0")  # what is written wears a card out
    for notice in notices:
        recall, body = notice.recall, notice.SerializeToString()
        known = connection.execute("SELECT 1 FROM recalls WHERE revision = ?", (recall.revision_digest,)).fetchone()
        if known is None:
            what = f"{notice.title}, revision {recall.revision_digest[:12]}"
            said.append(f"{ALARM} of {what}: {recall_text(recall)}. Nothing of it starts here any more")
        connection.execute(
            "INSERT INTO recalls (revision, body, heard_at) VALUES (?, ?, ?)"
            " ON CONFLICT (revision) DO UPDATE SET body = excluded.body, acknowledged = 0",
            (recall.revision_digest, body, now),
        )
    return said


def _under_way(connection: Connection, work_order_id: str) -> bool:
    """Whether the answer that was given to an offer, or what came of it, is still being settled."""
    if connection.execute("SELECT 1 FROM attempts WHERE work_order_id = ? AND settled = 0", (work_order_id,)).fetchone():
        return True
    return any(event.accept.work_order_id == work_order_id for event in outbox.unsettled(connection))


def _reported(connection: Connection, work_order_id: str) -> bool:
    """Whether a signed report says what was made of it: then it is not made again, whatever a router may have forgotten."""
    found = connection.execute("SELECT 1 FROM reports r JOIN attempts a ON a.row = r.attempt WHERE a.work_order_id = ?", (work_order_id,))
    return found.fetchone() is not None


def _accepted(connection: Connection, event: v1.ShopEvent, receipt: v1.Receipt, refused: str) -> str:
    order = event.accept.work_order_id
    if refused or not receipt.HasField("attempt"):
        connection.execute("UPDATE offers SET stands = 0, note = ? WHERE work_order_id = ?", (refused, order))
        return f"{order}: the router did not take our yes: {refused or 'it named no attempt'}"
    ref = receipt.attempt
    offer = connection.execute("SELECT body FROM offers WHERE work_order_id = ?", (order,)).fetchone()["body"]
    connection.execute(
        "INSERT OR IGNORE INTO attempts (work_order_id, number, epoch, offer, machine_id) VALUES (?, ?, ?, ?, ?)",
        (ref.work_order_id, ref.number, ref.epoch, offer, v1.Offer.FromString(offer).machine_id),
    )
    return f"{key_of(ref)}: accepted; the lease is ours"


def _declined(connection: Connection, event: v1.ShopEvent, receipt: v1.Receipt, refused: str) -> str:
    return f"{event.decline.work_order_id}: declined"


def _started(connection: Connection, event: v1.ShopEvent, receipt: v1.Receipt, refused: str) -> str:
    where, ref = _where(event.start.attempt), event.start.attempt
    if refused:
        # Whatever the reason: without leave nothing moves, and there is nothing left to report.
        written = receipt.refusal.SerializeToString()
        connection.execute(f"UPDATE attempts SET ended = 'drop', settled = 1, end_refusal = ? WHERE {where[0]}", (written, *where[1]))
        return f"{key_of(ref)}: no leave to start, so nothing moves: {refused}"
    connection.execute(f"UPDATE attempts SET leave = 1 WHERE {where[0]}", where[1])
    return f"{key_of(ref)}: leave to start"


def _ended(connection: Connection, event: v1.ShopEvent, receipt: v1.Receipt, refused: str) -> str:
    written = receipt.refusal.SerializeToString() if refused else b""
    row = connection.execute(
        "UPDATE attempts SET settled = 1, end_refusal = ? WHERE end_event = ? RETURNING work_order_id, ended", (written, event.id)
    ).fetchone()
    sum_up(connection)
    what = f"{row['work_order_id']}: {row['ended']}" if row else f"event {event.id}"
    return f"{what}: the router did not take it: {refused}" if refused else f"{what}: heard by the router"


def _where(ref: v1.AttemptRef) -> tuple[str, tuple[str | int, ...]]:
    return "work_order_id = ? AND number = ? AND epoch = ? AND ended = ''", (ref.work_order_id, ref.number, ref.epoch)


_SETTLE: Mapping[str, Callable[[Connection, v1.ShopEvent, v1.Receipt, str], str]] = MappingProxyType(
    {"accept": _accepted, "decline": _declined, "start": _started, "release": _ended, "complete": _ended, "fail": _ended, "walk_in": _ended}
)
