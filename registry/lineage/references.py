# SPDX-License-Identifier: AGPL-3.0-or-later
"""How revisions refer to each other: what derives from what, what is built into what, and what follows from it for a new one.

A fork inherits what its parent asks: it names the parent for ever, and its licence must be able to carry the parent's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from commonfab import v1
from commonfab.errors import Refused
from commonfab.reasons import reason
from registry.licences.compatibility import Outcome, Verdict, bill_verdict, fork_verdict
from registry.licences.notice import notice_of
from registry.licences.understanding import Licences
from registry.lineage.inheritance import ancestors, bill_lines, manifests_of, notice_entries
from registry.lineage.relations import parents_of, references
from registry.rows import batches, design_row, newest_row, revision_row
from registry.tables import DESIGNS, LINEAGE, REVISION_FILES, REVISIONS


@dataclass(frozen=True)
class Publisher:
    """Who publishes: the subject of the token, and the key that signs; empty where it is not known or nothing is signed."""

    subject: str = ""
    public_key: bytes = b""


NOBODY = Publisher()


def check(connection: sa.Connection, manifest: v1.Manifest, publisher: Publisher = NOBODY) -> None:
    """Whether a manifest may hang together with others as it says.

    Parameters: `publisher`: whoever publishes may put what is derived from their own work under any licence.
    Errors: `Refused` (`revision.unknown` where what it derives from is not here, `revision.parent_dropped`, and the rule of a licence
    (`licence.*`) that cannot carry what is inherited).
    """
    parents = parents_of(manifest)
    for named in parents:
        if revision_row(connection, named) is None:
            raise Refused("revision.unknown", named)
    inherited = ancestors(connection, parents)
    _check_kept(connection, manifest, inherited)
    for verdict in _verdicts(connection, manifest, inherited, publisher):
        if verdict.outcome is Outcome.REFUSED:
            raise Refused(verdict.rule.code, verdict.rule.subject)


def note(connection: sa.Connection, digest: str, manifest: v1.Manifest) -> None:
    """Within a transaction: keep what the revision refers to."""
    quantities: dict[tuple[int, str], float] = {}
    for relation, named, quantity in references(manifest):
        quantities[relation, named] = quantities.get((relation, named), 0.0) + quantity
    rows = [{"digest": digest, "relation": r, "of_digest": named, "quantity": quantity} for (r, named), quantity in quantities.items()]
    if rows:
        connection.execute(LINEAGE.insert(), rows)


def notes(engine: sa.Engine, manifest: v1.Manifest, publisher: Publisher = NOBODY) -> list[v1.Reason]:
    """What is worth knowing about how a manifest hangs together with others: questions of licences, what is not here, equal files.

    Parameters: `publisher`, as for `check`.
    """
    with engine.connect() as connection:
        inherited = ancestors(connection, parents_of(manifest))
        verdicts = _verdicts(connection, manifest, inherited, publisher)
        asked = [verdict.rule for verdict in verdicts if verdict.outcome is Outcome.ASK]
        made = list(dict.fromkeys(line.make.revision for line in manifest.bill if line.HasField("make")))
        missing = sorted(set(made) - manifests_of(connection, made).keys())
        same = _same_files(connection, manifest, inherited, publisher)
    found = [*asked, *(reason("bill.not_here", named) for named in missing), *([same] if same else [])]
    return list({(one.code, one.subject): one for one in found}.values())


def notice(engine: sa.Engine, digest: str, licences: Licences | None = None) -> str:
    """The notice that the licences of a revision, of what it derives from, and of what it is built of, ask to be kept with it.

    Parameters: `licences`, by which licences that SPDX does not list are told apart; without it only what is no expression is.
    """
    with engine.connect() as connection:
        return notice_of(notice_entries(connection, digest, licences))


def _check_kept(connection: sa.Connection, manifest: v1.Manifest, inherited: Mapping[str, v1.Manifest]) -> None:
    """Errors: `Refused` (`revision.parent_dropped`) where the newest revision derives from another design and this one does not."""
    before = newest_row(connection, manifest.design_id) if manifest.design_id else None
    if before is None:
        return
    newest = v1.Manifest.FromString(bytes(before["manifest"]))
    owed = ancestors(connection, parents_of(newest))
    dropped = [named for named in _first_foreign(manifest.design_id, newest, owed) if named not in inherited]
    if dropped:
        raise Refused("revision.parent_dropped", _told(dropped[0], owed[dropped[0]]))


def _first_foreign(design_id: str, manifest: v1.Manifest, known: Mapping[str, v1.Manifest]) -> list[str]:
    """The revisions of other designs that a revision derives from, by itself or by way of earlier ones of its own design, in order."""
    waiting, seen, found = parents_of(manifest), set[str](), list[str]()
    while waiting:
        named = waiting.pop(0)
        if named in seen or named not in known:
            continue
        seen.add(named)
        if known[named].design_id == design_id:
            waiting += parents_of(known[named])
        else:
            found.append(named)
    return found


def _verdicts(
    connection: sa.Connection, manifest: v1.Manifest, inherited: Mapping[str, v1.Manifest], publisher: Publisher
) -> Iterator[Verdict]:
    """Of the licence, for each revision of another design that it derives from; and of the bill, for what is made from revisions here."""
    foreign = _first_foreign(manifest.design_id, manifest, inherited)
    own = _by(connection, foreign, publisher)
    for named in foreign:
        if named not in own:
            yield fork_verdict(inherited[named].licence, manifest.licence)
    if manifest.bill:
        here = manifests_of(connection, [line.make.revision for line in manifest.bill if line.HasField("make")])
        yield bill_verdict(manifest.licence, bill_lines(manifest, here))


def _by(connection: sa.Connection, digests: Iterable[str], publisher: Publisher) -> set[str]:
    """Those of `digests` that are `publisher`'s own work: signed with the same key, or, where neither is signed, by the same subject."""
    found = set[str]()
    for some in batches(digests):
        columns = (REVISIONS.c.digest, REVISIONS.c.author, REVISIONS.c.public_key)
        for digest, author, key in connection.execute(sa.select(*columns).where(REVISIONS.c.digest.in_(some))):
            signed_alike = bool(key) and bytes(key) == publisher.public_key
            unsigned_alike = not key and not publisher.public_key and bool(author) and author == publisher.subject
            if signed_alike or unsigned_alike:
                found.add(digest)
    return found


def _told(named: str, manifest: v1.Manifest) -> str:
    return f"revision {named} ({manifest.description.title})" if manifest.description.title else f"revision {named}"


def _same_files(
    connection: sa.Connection, manifest: v1.Manifest, inherited: Mapping[str, v1.Manifest], publisher: Publisher
) -> v1.Reason | None:
    """Told where one revision of somebody else's design has every file of the parts, and the manifest does not derive from that design."""
    digests = {file.path: file.sha256 for file in manifest.files}
    contents = sorted({digests[path] for part in manifest.parts for path in part.paths if path in digests})
    if not contents:
        return None
    own = design_row(connection, manifest.design_id) if manifest.design_id else None
    keepers = {publisher.subject, own["keeper"] if own is not None else ""}
    named = {manifest.design_id, *(parent.design_id for parent in inherited.values())}
    for design_id, keeper, title in _having_all(connection, contents):
        if design_id not in named and keeper not in keepers:
            return reason("revision.same_files", f'design {design_id} "{title}"')
    return None


def _having_all(connection: sa.Connection, contents: Sequence[str]) -> list[tuple[str, str, str]]:
    """Id, keeper and title of every design of which one revision has all these files, the oldest first."""
    holders: set[str] | None = None
    for some in batches(contents):
        files = REVISION_FILES.c
        query = sa.select(files.digest).where(files.sha256.in_(some)).group_by(files.digest).having(sa.func.count() == len(some))
        these = set(connection.execute(query).scalars())
        holders = these if holders is None else holders & these
    found: dict[str, tuple[float, str, str, str]] = {}
    for some in batches(sorted(holders or ())):
        query = sa.select(DESIGNS).join(REVISIONS, REVISIONS.c.design_id == DESIGNS.c.id).where(REVISIONS.c.digest.in_(some)).distinct()
        found |= {row.id: (row.created_at, row.id, row.keeper, row.title) for row in connection.execute(query)}
    return [(design_id, keeper, title) for _, design_id, keeper, title in sorted(found.values())]
