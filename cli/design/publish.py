# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab design publish`: files become a revision, signed by its author."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CaOption, JsonOption, NodeOption, TokenOption

if TYPE_CHECKING:
    from cli import folder
    from cli.design.proposal import Said
    from commonfab import v1
    from commonfab.client import Node
    from commonfab.rpc_client import Endpoint

UnitOption = Annotated[str, typer.Option("--unit", help="The unit of files that do not say: mm, cm, m or inch. It is never guessed.")]
MaterialOption = Annotated[
    str, typer.Option("--material", help="What it must be made of, such as pla or petg; else anything the process allows.")
]
ThicknessOption = Annotated[
    float,
    typer.Option("--thickness", min=0, help="The thickness of the sheet that drawings are cut from, mm; okh.toml says it for one part."),
]
_ABOUT = "What it is"
_FROM = "What it comes from"
_THING = "MAKER;MODEL;PART NUMBER"


def publish(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", exists=True, readable=True, help="Files, or folders with files.")],
    licence: Annotated[
        str,
        typer.Option("--licence", "--license", help="SPDX licence expression of the hardware, such as CERN-OHL-S-2.0; required."),
    ] = "",
    title: Annotated[str, typer.Option(help="What the design is called; required for a new one.")] = "",
    summary: Annotated[str, typer.Option(help="What it is for, one paragraph.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="A word to find it by; may be repeated.")] = None,
    unit: UnitOption = "",
    material: MaterialOption = "",
    thickness: ThicknessOption = 0.0,
    part_quantity: Annotated[
        list[str] | None, typer.Option(metavar="NAME=N", help="Pieces of a part in one product; may be repeated.")
    ] = None,
    documentation_licence: Annotated[
        str,
        typer.Option(
            "--documentation-licence", help="SPDX licence expression of the documents, where it is another.", rich_help_panel=_ABOUT
        ),
    ] = "",
    software_licence: Annotated[
        str, typer.Option("--software-licence", help="SPDX licence expression of software and firmware.", rich_help_panel=_ABOUT)
    ] = "",
    kind: Annotated[str, typer.Option(help="replacement-part, accessory, module, product, tool or machine.", rich_help_panel=_ABOUT)] = "",
    fits: Annotated[
        list[str] | None, typer.Option(metavar=_THING, help="What it can be put on or into; may be repeated.", rich_help_panel=_ABOUT)
    ] = None,
    replaces: Annotated[
        list[str] | None, typer.Option(metavar=_THING, help="What it takes the place of; may be repeated.", rich_help_panel=_ABOUT)
    ] = None,
    bill: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="A bill of materials, TOML or CSV: what one product takes besides.", rich_help_panel=_ABOUT
        ),
    ] = None,
    design: Annotated[
        str, typer.Option(help="The design this is a new revision of; else a new design is made.", rich_help_panel=_FROM)
    ] = "",
    parent: Annotated[
        str, typer.Option(help="The digest of the revision it derives from; with --design the newest of it.", rich_help_panel=_FROM)
    ] = "",
    derived_from: Annotated[
        list[str] | None,
        typer.Option(metavar="REVISION", help="A further revision that it derives from; may be repeated.", rich_help_panel=_FROM),
    ] = None,
    variant_of: Annotated[str, typer.Option(metavar="REVISION", help="The revision that it is a variant of.", rich_help_panel=_FROM)] = "",
    variant_reason: Annotated[str, typer.Option(help="Why there is a variant: 'for 608 bearings'.", rich_help_panel=_FROM)] = "",
    made_with: Annotated[
        list[str] | None,
        typer.Option(metavar="REVISION", help="A jig, mould or machine that it is made with; may be repeated.", rich_help_panel=_FROM),
    ] = None,
    note: Annotated[str, typer.Option(help="What changed, in your words.")] = "",
    fixes: Annotated[
        list[str] | None, typer.Option(metavar="DEFECT", help="A defect that this revision mends; may be repeated.", rich_help_panel=_FROM)
    ] = None,
    accept: Annotated[
        bool, typer.Option("--yes", "--accept-proposals", help="Take what was inferred from the files without asking.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until every part has been inspected.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be published and send nothing.")] = False,
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Publish files as a revision, signed with your key, and see at once how they can be made.

    Each file of a shape (STEP, STL, 3MF, DXF, …) is a part; files with the same name in one folder show the same part. What an okh.toml
    beside them says is taken. What a README or a licence file says is proposed, and asked about at a terminal.

    Example: commonfab design publish gear/ --title "Mincer gear" --licence CERN-OHL-S-2.0
    """
    from cli import folder
    from cli.calls import call, endpoint
    from cli.design import proposal
    from commonfab import v1

    files = folder.gather(paths)
    said = proposal.Said(
        title=title,
        summary=summary,
        licence=licence,
        documentation_licence=documentation_licence,
        software_licence=software_licence,
        kind=proposal.kind_of(kind),
        tags=tuple(tag or ()),
        fits=tuple(map(proposal.item_of, fits or ())),
        replaces=tuple(map(proposal.item_of, replaces or ())),
        bill=proposal.bill_of(bill),
    )
    asking = proposal.Asking(
        on_a_terminal=proposal.on_a_terminal() and not as_json, accept=accept, command=("commonfab", *sys.argv[1:]), ask=_ask
    )
    needed = accept or bool(said.missing(not design))
    said = proposal.completed(said, proposal.proposals_of(files, paths, needed), not design, asking)
    quantities = folder.quantities_of(part_quantity or ())
    manifest = folder.manifest(files, said.licence, v1.Demands(material=material, unit=unit, thickness_mm=thickness), quantities)
    folder.demand(manifest.parts, said.parts, quantities)
    first, *others = [*([parent] if parent else []), *(derived_from or ())] or [""]
    manifest.MergeFrom(v1.Manifest(parent=first, also_derives_from=others, note=note, made_with=made_with or ()))
    if variant_of:
        manifest.variant_of.CopyFrom(v1.VariantOf(revision=variant_of, reason=variant_reason))
    _describe(manifest, said)
    about = v1.Design(id=design, title=said.title, summary=said.summary, tags=said.tags)
    where = endpoint(node, token, ca)
    if dry_run:
        _dry_run(where, about, manifest, as_json)
        return
    answer = call(where, lambda of: _published(of, files, about, manifest, fixes or (), wait))
    _show(answer, as_json)
    _refuse_unusable(answer)


def _describe(manifest: v1.Manifest, said: Said) -> None:
    """Put into the manifest what is said; title, summary and tags go with the design, and the node puts them into the description."""
    manifest.documentation_licence, manifest.software_licence = said.documentation_licence, said.software_licence
    manifest.bill.extend(sorted(said.bill, key=lambda line: line.name))
    description = said.description()
    for name in ("title", "summary", "tags"):
        description.ClearField(name)
    if description.ListFields():
        manifest.description.CopyFrom(description)


async def _published(
    of: Node, files: list[folder.LocalFile], about: v1.Design, manifest: v1.Manifest, fixes: Iterable[str], wait: bool
) -> v1.GetRevisionResponse:
    from cli import output, publishing
    from commonfab import v1
    from commonfab.settings import CallerSettings

    path = CallerSettings().author_key
    new = not path.exists()
    key = publishing.author_key(path)
    await publishing.follow_newest(of, about, manifest, key.public_key().public_bytes_raw())
    published = await publishing.publish(of, files, about, manifest, key, _tell)
    if new:
        output.notes().print(f"Your key was made: {output.plain(str(path))}. Keep a copy: it is who you are.", soft_wrap=True)
    digest = published.revision.digest
    for defect in fixes:
        await of.evidence.CloseDefect(v1.CloseDefectRequest(id=defect, fixed_by=digest))
    if wait:
        return await publishing.inspected(of, digest)
    return await of.registry.GetRevision(v1.GetRevisionRequest(digest=digest))


def _dry_run(where: Endpoint, about: v1.Design, manifest: v1.Manifest, as_json: bool) -> None:
    """What would be published; with what the node says of it, where one is reachable."""
    from cli import publishing
    from cli.calls import call
    from commonfab.errors import Refused
    from commonfab.settings import CallerSettings

    path = CallerSettings().author_key
    public_key = publishing.author_key(path).public_key().public_bytes_raw() if path.exists() else b""
    checked, why = None, ""

    async def work(of: Node) -> v1.CheckManifestResponse:
        await publishing.follow_newest(of, about, manifest, public_key)
        return await publishing.check(of, about, manifest, public_key)

    try:
        checked = call(where, work)
    except Refused as refused:
        if refused.code not in ("node.unreachable", "node.insecure", "node.tls"):
            raise
        why = refused.reason.message
    _show_plan(about, manifest, as_json, checked, why)


def _ask(words: str, proposal: str) -> str:
    """Asked on stderr, so that stdout stays the result's."""
    return str(typer.prompt(words, default=proposal or "-", err=True))


def _tell(notes: Iterable[v1.Reason]) -> None:
    from cli import output

    for note in notes:
        output.notes().print(f"[yellow]Note:[/yellow] {output.plain(note.message)} [dim]({output.plain(note.code)})[/dim]", soft_wrap=True)


def _show_plan(
    about: v1.Design, manifest: v1.Manifest, as_json: bool, checked: v1.CheckManifestResponse | None = None, why: str = ""
) -> None:
    from cli import output, publishing

    notes = publishing.offline_notes(manifest) if checked is None else list(checked.notes)
    planned = manifest if checked is None else checked.manifest
    if as_json:
        told = {"design": output.as_json(about), "manifest": output.as_json(planned), "notes": [output.as_json(note) for note in notes]}
        output.print_json(told if checked is None else {**told, "digest": checked.digest, "missing_files": list(checked.missing_files)})
        return
    console = output.say()
    missing = None if checked is None else set(checked.missing_files)
    here = ["?" if missing is None else "to be sent" if f.sha256 in missing else "there already" for f in planned.files]
    rows = [(f.path, str(f.size_bytes), f.sha256, there) for f, there in zip(planned.files, here, strict=True)]
    output.show_table("file", "bytes", "SHA-256", "on the node", rows=rows)
    output.show_table(
        "part", "pieces", "files, measured first", rows=[(p.name, str(p.quantity_per_product), ", ".join(p.paths)) for p in planned.parts]
    )
    if planned.bill:
        output.show_table(
            "besides",
            "how many",
            "how",
            rows=[(b.name, f"{b.quantity:g} {b.unit}".strip(), b.WhichOneof("way") or "") for b in planned.bill],
        )
    for name, text in (("title", about.title), ("licence", planned.licence), ("documentation", planned.documentation_licence)):
        if text:
            console.print(f"{name}: {output.plain(text)}", soft_wrap=True)
    _tell(notes)
    if why:
        output.notes().print(f"No node was asked: {output.plain(why)}.", soft_wrap=True)
    if checked is not None and checked.published:
        console.print(f"This very revision is there already: {output.plain(checked.digest)}", soft_wrap=True)
    console.print("Nothing was sent.")


def _show(answer: v1.GetRevisionResponse, as_json: bool) -> None:
    from cli import output
    from cli.design.telling_revisions import show_revision

    if as_json:
        output.print_json(output.as_json(answer))
    else:
        show_revision(answer)


def _refuse_unusable(answer: v1.GetRevisionResponse) -> None:
    from cli import describe
    from commonfab import v1
    from commonfab.errors import Refused

    broken = [part.part.name for part in answer.parts if part.state == v1.INSPECTION_STATE_DONE and not describe.usable(part)]
    if broken:
        raise Refused("publish.unusable", ", ".join(broken))
