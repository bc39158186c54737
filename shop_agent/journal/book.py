# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the agent knows: offers and the owner's answers, attempts and their pieces, and who said when that a machine is ready.

The command line opens the same journal while the agent runs; the agent notices within a second. What moves an attempt on is in
`attempt_steps`, what the router's answers change is in `desk_link`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from commonfab import v1
from commonfab.clock import Clock, SystemClock
from commonfab.errors import Refused
from commonfab.ids import Ids, make_ids
from shop_agent.config import ShopConfig
from shop_agent.journal import outbox
from shop_agent.journal.freshness import is_young, moment_of, this_moment
from shop_agent.journal.records import AttemptRecord, OfferRecord, PieceRecord, PieceState, ReadyRecord, RecallRecord, Toolpath
from shop_agent.journal.store import open_store, transaction
from shop_agent.shop_toml.machine_section import GO

EVERYTHING = ("bed", "stock", "tool")
"""What people mean who say that a machine is ready."""

FILE_NAME = "agent.db"

GUESSED, MEASURED = 1, 2
"""Of an offer: what it takes is an estimate that holds until something better is known; or it was measured, or cannot be."""


def _nobody_listens() -> None:
    pass


def _nobody_objects() -> None:
    pass


class Journal:
    """The journal file. `on_change` is called after every change made through this object."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock, ids: Ids) -> None:
        self.connection = connection
        self.clock = clock
        self.ids = ids
        self.on_change: Callable[[], None] = _nobody_listens

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing."""
        with transaction(self.connection):
            yield self.connection
        self.on_change()

    def stamp(self) -> int:
        """A number that differs after another process has changed the journal."""
        return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

    # What the owner sees and says.

    def offers(self) -> list[OfferRecord]:
        """The offers that stand or were answered, oldest first."""
        rows = self.connection.execute(
            "SELECT *, EXISTS (SELECT 1 FROM attempts a WHERE a.work_order_id = o.work_order_id) AS tried FROM offers o"
            " WHERE stands = 1 OR answer != '' ORDER BY first_seen, work_order_id"
        )
        return [_offer(row) for row in rows]

    def standing(self) -> list[OfferRecord]:
        """The offers that stand, oldest first."""
        rows = self.connection.execute(
            "SELECT *, EXISTS (SELECT 1 FROM attempts a WHERE a.work_order_id = o.work_order_id) AS tried FROM offers o"
            " WHERE stands = 1 ORDER BY first_seen, work_order_id"
        )
        return [_offer(row) for row in rows]

    def offer(self, work_order_id: str) -> OfferRecord | None:
        """One offer, whether or not it stands; None where it was never heard of."""
        row = self.connection.execute(
            "SELECT *, EXISTS (SELECT 1 FROM attempts a WHERE a.work_order_id = o.work_order_id) AS tried FROM offers o"
            " WHERE work_order_id = ?",
            (work_order_id,),
        ).fetchone()
        return _offer(row) if row else None

    def decide(self, work_order_id: str, accept: bool, note: str = "", judge: Callable[[], None] = _nobody_objects) -> None:
        """Answer an offer; the answer reaches the router with the next call.

        Parameters: `judge` raises `Refused` where the answer must not be given as things stand; it looks at the journal when nobody else
        can change it any more. Errors: `Refused` (`shop.unanswered`, and what `judge` raises).
        """
        answer = v1.ShopEvent(id=self.ids("event"))
        if accept:
            answer.accept.work_order_id = work_order_id
        else:
            answer.decline.MergeFrom(v1.Decline(work_order_id=work_order_id, note=note))
        with self.change() as connection:
            judge()
            changed = connection.execute(
                "UPDATE offers SET answer = ?, note = ? WHERE work_order_id = ? AND stands = 1 AND answer = ''",
                ("accept" if accept else "decline", note, work_order_id),
            )
            if changed.rowcount == 0:
                raise Refused("shop.unanswered", work_order_id)
            outbox.put(connection, answer)

    def note_reasons(self, work_order_id: str, reasons: tuple[v1.Reason, ...]) -> None:
        """Keep why policy left an offer to its owner."""
        with self.change() as connection:
            kept = v1.Release(reasons=reasons).SerializeToString()
            connection.execute("UPDATE offers SET reasons = ?, considered = 1 WHERE work_order_id = ?", (kept, work_order_id))

    def unconsidered(self) -> list[OfferRecord]:
        """Offers that policy has not looked at."""
        rows = self.connection.execute(
            "SELECT *, EXISTS (SELECT 1 FROM attempts a WHERE a.work_order_id = o.work_order_id) AS tried FROM offers o"
            " WHERE stands = 1 AND answer = '' AND considered = 0 ORDER BY first_seen, work_order_id"
        )
        return [_offer(row) for row in rows]

    def unmeasured(self) -> list[OfferRecord]:
        """Offers that nobody answered and of which it is not yet known what they would be made with."""
        rows = self.connection.execute(
            "SELECT *, EXISTS (SELECT 1 FROM attempts a WHERE a.work_order_id = o.work_order_id) AS tried FROM offers o"
            " WHERE stands = 1 AND answer = '' AND measured < ? ORDER BY first_seen, work_order_id",
            (MEASURED,),
        )
        return [_offer(row) for row in rows]

    def note_quote(self, work_order_id: str, toolpath: Toolpath | None, refused: Sequence[v1.Reason] = (), final: bool = True) -> None:
        """What an offer would be made with, or why it cannot be; not `final` where that is an estimate for now. Policy looks at it anew."""
        told = (toolpath.file, toolpath.sha256, toolpath.seconds, toolpath.grams, toolpath.note) if toolpath else (None,) * 5
        against = v1.Release(reasons=refused).SerializeToString()
        with self.change() as connection:
            connection.execute(
                "UPDATE offers SET toolpath_file = ?, toolpath_sha256 = ?, toolpath_seconds = ?, toolpath_grams = ?, toolpath_note = ?,"
                " refused = ?, measured = ?, considered = 0 WHERE work_order_id = ? AND stands = 1 AND answer = ''",
                (*told, against, MEASURED if final else GUESSED, work_order_id),
            )

    def quoted(self, work_order_id: str) -> Toolpath | None:
        """The toolpath that was measured for a work order while it was an offer; None where none was."""
        row = self.connection.execute("SELECT * FROM offers WHERE work_order_id = ?", (work_order_id,)).fetchone()
        return _toolpath(row) if row else None

    def mark_ready(self, machine_id: str, who: str, confirms: Iterable[str] = EVERYTHING, by_sensor: bool = False) -> None:
        """Somebody, or a declared sensor, says what is so at a machine: "bed" is clear, "stock" is loaded, "tool" is set; a person also
        "go".

        Errors: `Refused` (`machine.busy`) where the machine was last seen at work: its bed is not clear yet.
        """
        with self.change() as connection:
            seen = connection.execute("SELECT busy_with FROM seen WHERE machine_id = ?", (machine_id,)).fetchone()
            if seen is not None and seen["busy_with"]:
                raise Refused("machine.busy", machine_id)
            said = this_moment(self.clock)
            connection.execute(
                "INSERT INTO readiness (machine_id, who, at, ticks, boot, confirms, by_sensor) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (machine_id, who, said.at, said.ticks, said.boot, ",".join(sorted(confirms)), by_sensor),
            )

    def unsay(self, machine_id: str, confirms: str) -> None:
        """A sensor sees no longer what it saw: its word for it no longer holds. What people said stands."""
        with self.change() as connection:
            connection.execute(
                "UPDATE readiness SET used = 1 WHERE machine_id = ? AND by_sensor = 1 AND confirms = ?", (machine_id, confirms)
            )

    def note_busy(self, machine_id: str, busy_with: str) -> None:
        """What a machine was last seen at work on. Once it works, with ours or its owner's, what was said of its bed no longer holds."""
        with self.change() as connection:
            connection.execute("INSERT OR IGNORE INTO seen (machine_id, busy_with) VALUES (?, '')", (machine_id,))
            connection.execute("UPDATE seen SET busy_with = ? WHERE machine_id = ?", (busy_with, machine_id))
            if busy_with:
                owners = not self._is_ours(machine_id, busy_with)
                connection.execute("UPDATE seen SET owners_work = ? WHERE machine_id = ?", (owners, machine_id))
                connection.execute("UPDATE readiness SET used = 1 WHERE machine_id = ? AND used = 0", (machine_id,))

    def withdraw(self, work_order_id: str, note: str = "") -> None:
        """Take work off the bench: given back where nothing moved, else stopped and reported. Errors: `Refused` (`shop.no_attempt`)."""
        with self.change() as connection:
            said = note or "no reason given"
            changed = connection.execute("UPDATE attempts SET withdrawn = ? WHERE work_order_id = ? AND ended = ''", (said, work_order_id))
            if changed.rowcount == 0:
                raise Refused("shop.no_attempt", work_order_id)

    # What is.

    def ready(self, machine_id: str) -> ReadyRecord | None:
        """What was said of a machine and not used up by a start; None where nothing was.

        "go" is good for a minute: whoever said it must still be there when it moves.
        """
        rows = self.connection.execute(
            "SELECT * FROM readiness WHERE machine_id = ? AND used = 0 ORDER BY sequence", (machine_id,)
        ).fetchall()
        if not rows:
            return None
        said = {word for row in rows for word in row["confirms"].split(",") if word != GO or is_young(moment_of(row), self.clock)}
        person = max((row["sequence"] for row in rows if not row["by_sensor"]), default=0)
        newest = next((row for row in rows if row["sequence"] == person), rows[-1])
        return ReadyRecord(person, machine_id, newest["who"], newest["at"], frozenset(said))

    def bed_in_doubt(self, machine_id: str) -> bool:
        """Whether the last piece on a machine was spoiled, or its owner has worked on it since: then its bed is not cleared by itself
        either."""
        seen = self.connection.execute("SELECT owners_work FROM seen WHERE machine_id = ?", (machine_id,)).fetchone()
        if seen is not None and seen["owners_work"]:
            return True
        # The last by the order in which they were written: a clock that was set back would call another one the last.
        row = self.connection.execute(
            "SELECT p.state FROM pieces p WHERE EXISTS (SELECT 1 FROM attempts a WHERE a.row = p.attempt AND a.machine_id = ?)"
            " ORDER BY p.rowid DESC LIMIT 1",
            (machine_id,),
        ).fetchone()
        return row is not None and row["state"] == PieceState.SCRAP

    def _is_ours(self, machine_id: str, busy_with: str) -> bool:
        """Whether what a machine is at work on has the name of a piece of any attempt there."""
        found = self.connection.execute(
            "SELECT 1 FROM attempts"
            " WHERE machine_id = ? AND instr(?, 'cf-' || work_order_id || '-a' || number || '-e' || epoch || '-p') = 1",
            (machine_id, busy_with),
        )
        return found.fetchone() is not None

    def left_behind(self, machine_id: str) -> list[AttemptRecord]:
        """Attempts that were dropped while a piece of theirs was, or may have been, on the machine: it still is."""
        rows = self.connection.execute(
            "SELECT * FROM attempts WHERE row IN (SELECT attempt FROM pieces WHERE state = ?)"
            " AND +machine_id = ? AND ended != '' ORDER BY row",
            (PieceState.BEGUN, machine_id),
        ).fetchall()
        return [self._attempt(row) for row in rows]

    def attempts(self) -> list[AttemptRecord]:
        """Every attempt that the router has not heard the end of, in the order of acceptance."""
        rows = self.connection.execute("SELECT * FROM attempts WHERE settled = 0 ORDER BY row").fetchall()
        return [self._attempt(row) for row in rows]

    def attempt(self, row: int) -> AttemptRecord:
        """One attempt as it is now."""
        return self._attempt(self.connection.execute("SELECT * FROM attempts WHERE row = ?", (row,)).fetchone())

    def history(self) -> list[AttemptRecord]:
        """Every attempt there ever was, oldest first."""
        return [self._attempt(row) for row in self.connection.execute("SELECT * FROM attempts ORDER BY row").fetchall()]

    def unsettled(self) -> list[v1.ShopEvent]:
        """Events without a receipt, oldest first."""
        return outbox.unsettled(self.connection)

    def recalls(self) -> list[RecallRecord]:
        """Every recall that concerns this shop, the newest first."""
        rows = self.connection.execute("SELECT * FROM recalls ORDER BY heard_at DESC, revision").fetchall()
        return [RecallRecord(v1.RecallNotice.FromString(row["body"]), row["heard_at"]) for row in rows]

    def recall_of(self, revision: str) -> v1.Recall | None:
        """The recall of a revision, where it was recalled: nothing of it may be started."""
        row = self.connection.execute("SELECT body FROM recalls WHERE revision = ?", (revision,)).fetchone()
        return v1.RecallNotice.FromString(row["body"]).recall if row else None

    def unacknowledged_recalls(self) -> list[str]:
        """Revisions whose recall the router has not heard that we know of."""
        return [row["revision"] for row in self.connection.execute("SELECT revision FROM recalls WHERE acknowledged = 0 ORDER BY revision")]

    def _attempt(self, row: sqlite3.Row) -> AttemptRecord:
        pieces = self.connection.execute("SELECT * FROM pieces WHERE attempt = ? ORDER BY number", (row["row"],))
        return AttemptRecord(
            row=row["row"],
            ref=v1.AttemptRef(work_order_id=row["work_order_id"], number=row["number"], epoch=row["epoch"]),
            offer=v1.Offer.FromString(row["offer"]),
            machine_id=row["machine_id"],
            toolpath=_toolpath(row),
            go_after=row["go_after"],
            go_by=row["go_by"],
            start_asked=bool(row["start_asked"]),
            leave=bool(row["leave"]),
            wish=row["wish"],
            wish_reason=v1.Reason.FromString(row["wish_reason"]),
            withdrawn=row["withdrawn"],
            ended=row["ended"],
            settled=bool(row["settled"]),
            pieces=tuple(PieceRecord(p["number"], PieceState(p["state"]), p["seconds"], p["grams"], p["judged_by"]) for p in pieces),
            walk_in=bool(row["walk_in"]),
            source=row["source"],
        )


def open_journal(config: ShopConfig, clock: Clock | None = None, ids: Ids | None = None) -> Journal:
    """The journal of a shop. Errors: `Refused` (`shop.data`)."""
    clock = clock or SystemClock()
    return Journal(open_store(journal_file(config)), clock, ids or make_ids(clock))


def journal_in(data_dir: Path, clock: Clock | None = None) -> Journal:
    """The journal in a data folder, for who cannot read the shop's `shop.toml`. Errors: `Refused` (`shop.data`)."""
    clock = clock or SystemClock()
    return Journal(open_store(data_dir / FILE_NAME), clock, make_ids(clock))


def journal_file(config: ShopConfig) -> Path:
    """Where a shop's journal and outbox are."""
    return config.data_dir / FILE_NAME


def _offer(row: sqlite3.Row) -> OfferRecord:
    return OfferRecord(
        offer=v1.Offer.FromString(row["body"]),
        stands=bool(row["stands"]),
        answer=row["answer"],
        note=row["note"],
        reasons=tuple(v1.Release.FromString(row["reasons"]).reasons),
        tried_before=bool(row["tried"]),
        first_seen=row["first_seen"],
        measured=bool(row["measured"]),
        toolpath=_toolpath(row),
        refused=tuple(v1.Release.FromString(row["refused"]).reasons),
    )


def _toolpath(row: sqlite3.Row) -> Toolpath | None:
    if row["toolpath_sha256"] is None:
        return None
    return Toolpath(row["toolpath_file"], row["toolpath_sha256"], row["toolpath_seconds"], row["toolpath_grams"], row["toolpath_note"])
