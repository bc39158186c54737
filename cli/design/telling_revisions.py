# SPDX-License-Identifier: AGPL-3.0-or-later
"""A revision in words: what it is, how it stands, what it takes, and how its parts can be made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cli import describe, output
from cli.design.telling_evidence import standing
from cli.output import plain
from commonfab import v1
from commonfab.identity import manifest_signature_holds


def show_revision(answer: v1.GetRevisionResponse) -> None:
    """Write a revision and what is known of it to stdout."""
    console = output.say()
    for line in (*_heading(answer), *standing(answer.revision), *_relations(answer.revision.manifest), *_hindrances(answer)):
        console.print(line, soft_wrap=True)
    for part in answer.parts:
        for line in describe.part(part):
            console.print(line, soft_wrap=True)
    for line in _bill(answer.revision.manifest):
        console.print(line, soft_wrap=True)


def _heading(answer: v1.GetRevisionResponse) -> Iterator[str]:
    about, revision = answer.design, answer.revision
    kind = v1.DesignKind.Name(about.description.kind) if about.description.kind in v1.DesignKind.values() else ""
    called = f" · {describe.word(kind, 'DESIGN_KIND_')}" if about.description.kind and kind else ""
    yield f"[bold]{plain(about.title)}[/bold]{called}  design {plain(about.id)}"
    yield f"revision {revision.number}  {plain(revision.digest)}  {_licences(revision.manifest)}, by {_author(revision)}"


def _licences(of: v1.Manifest) -> str:
    others = (("documents", of.documentation_licence), ("software", of.software_licence))
    return plain(", ".join([of.licence, *(f"{what} {licence}" for what, licence in others if licence)]))


def _author(of: v1.Revision) -> str:
    if not of.HasField("signature"):
        return f"{plain(of.author)} (not signed)"
    if of.digest and manifest_signature_holds(of.manifest, of.signature):
        return f"{plain(of.author)}, signed with key {of.signature.public_key.hex()[:16]}"
    return f"{plain(of.author)} [bold red](the signature does not hold)[/bold red]"


def _relations(of: v1.Manifest) -> Iterator[str]:
    said = of.description
    for words, items in (("fits", said.fits), ("replaces", said.replaces)):
        if items:
            yield f"  {words} {plain('; '.join(map(_item, items)))}"
    if said.HasField("yields"):
        yield f"  can do {plain(', '.join(said.yields.processes))} once it is built"
    for words, digests in (("derives from", _listed(of.parent, of.also_derives_from)), ("made with", of.made_with)):
        for digest in digests:
            yield f"  {words} {plain(digest)}"
    if of.variant_of.revision:
        yield f"  variant of {plain(of.variant_of.revision)}: {plain(of.variant_of.reason)}"


def _listed(first: str, others: Iterable[str]) -> list[str]:
    return [digest for digest in (first, *others) if digest]


def _item(of: v1.Item) -> str:
    return " ".join(filter(None, (of.maker, of.model, of.part_number)))


def _hindrances(answer: v1.GetRevisionResponse) -> Iterator[str]:
    told = [reason for reason in answer.hindrances if reason.code != "revision.recalled"]  # `standing` has told that
    if told:
        yield "  [yellow]no job can be made of it[/yellow]"
    yield from describe.reasons(told)


def _bill(of: v1.Manifest) -> Iterator[str]:
    if of.bill:
        yield "[bold]besides[/bold], for one product"
    for line in of.bill:
        yield f"  {line.quantity:g}{f' {plain(line.unit)}' if line.unit else ' ×'} {plain(line.name)}: {plain(_way(line))}"


def _way(of: v1.BillLine) -> str:
    if of.HasField("make"):
        return f"make {of.make.part or 'the whole'} of {of.make.revision}"
    if of.HasField("salvage"):
        return f"salvage from {of.salvage.source}"
    return " ".join(filter(None, ("buy", of.buy.standard, _item(of.buy.item))))
