# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab design`: the design commons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CaOption, JsonOption, NodeOption, TokenOption

if TYPE_CHECKING:
    from commonfab import v1
    from commonfab.client import Node

app = typer.Typer(no_args_is_help=True, help="Designs: publish, look at, and fetch things to be made.")

UnitOption = Annotated[str, typer.Option("--unit", help="The unit of files that do not say: mm, cm, m or inch. It is never guessed.")]
MaterialOption = Annotated[
    str, typer.Option("--material", help="What it must be made of, such as pla or petg; else anything the process allows.")
]


@app.command("publish")
def publish(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", exists=True, readable=True, help="Files, or folders with files.")],
    licence: Annotated[str, typer.Option("--licence", "--license", help="SPDX licence expression, such as CERN-OHL-S-2.0; required.")] = "",
    title: Annotated[str, typer.Option(help="What the design is called; required for a new one.")] = "",
    summary: Annotated[str, typer.Option(help="What it is for, one paragraph.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="A word to find it by; may be repeated.")] = None,
    unit: UnitOption = "",
    material: MaterialOption = "",
    part_quantity: Annotated[
        list[str] | None, typer.Option(metavar="NAME=N", help="Pieces of a part in one product; may be repeated.")
    ] = None,
    design: Annotated[str, typer.Option(help="The design this is a new revision of; else a new design is made.")] = "",
    parent: Annotated[str, typer.Option(help="The digest of the revision it derives from.")] = "",
    note: Annotated[str, typer.Option(help="What changed, in your words.")] = "",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until every part has been inspected.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be published and send nothing.")] = False,
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Publish files as a revision, and see at once how they can be made.

    Each file of a shape (STEP, STL, 3MF, DXF, …) is a part; files with the same name in one folder show the same part.

    Example: commonfab design publish gear/ --title "Mincer gear" --licence CERN-OHL-S-2.0
    """
    from cli import folder, output, publishing
    from cli.calls import call, endpoint
    from commonfab import v1
    from commonfab.errors import Refused

    if not licence.strip():
        raise Refused("licence.missing")
    if not (title or design):
        raise Refused("request.missing", "--title")
    files = folder.gather(paths)
    manifest = folder.manifest(files, licence, v1.Demands(material=material, unit=unit), folder.quantities_of(part_quantity or ()))
    manifest.MergeFrom(v1.Manifest(parent=parent, note=note))
    about = v1.Design(id=design, title=title, summary=summary, tags=tag or ())
    if dry_run:
        _show_plan(about, manifest, as_json)
        return

    async def work(of: Node) -> v1.GetRevisionResponse:
        published = await publishing.publish(of, files, about, manifest)
        digest = published.revision.digest
        if wait:
            return await publishing.inspected(of, digest)
        return await of.registry.GetRevision(v1.GetRevisionRequest(digest=digest))

    answer = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json(output.as_json(answer))
    else:
        _show_revision(answer)
    _refuse_unusable(answer)


def _show_plan(about: v1.Design, manifest: v1.Manifest, as_json: bool) -> None:
    from cli import output

    if as_json:
        output.print_json({"design": output.as_json(about), "manifest": output.as_json(manifest)})
        return
    console = output.say()
    output.show_table("file", "bytes", "SHA-256", rows=[(f.path, str(f.size_bytes), f.sha256) for f in manifest.files])
    rows = [(part.name, str(part.quantity_per_product), ", ".join(part.paths)) for part in manifest.parts]
    output.show_table("part", "pieces", "files, measured first", rows=rows)
    console.print("Nothing was sent.")


def _show_revision(answer: v1.GetRevisionResponse) -> None:
    from cli import describe, output

    console = output.say()
    about, revision = answer.design, answer.revision
    console.print(f"[bold]{output.plain(about.title)}[/bold]  design {output.plain(about.id)}", soft_wrap=True)
    origin = f"{output.plain(revision.manifest.licence)}, by {output.plain(revision.author)}"
    console.print(f"revision {revision.number}  {output.plain(revision.digest)}  {origin}", soft_wrap=True)
    for part in answer.parts:
        for line in describe.part(part):
            console.print(line, soft_wrap=True)


def _refuse_unusable(answer: v1.GetRevisionResponse) -> None:
    from cli import describe
    from commonfab import v1
    from commonfab.errors import Refused

    broken = [part.part.name for part in answer.parts if part.state == v1.INSPECTION_STATE_DONE and not describe.usable(part)]
    if broken:
        raise Refused("publish.unusable", ", ".join(broken))


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="DESIGN", help="A design's id, or a revision's digest.")],
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Show a design or a revision: its parts, their sizes, and how they can be made."""
    from cli import describe, output
    from cli.calls import call, endpoint
    from commonfab import v1

    async def work(of: Node) -> tuple[v1.GetRevisionResponse, v1.GetDesignResponse]:
        revision = await of.registry.GetRevision(v1.GetRevisionRequest(digest=name))
        return revision, await of.registry.GetDesign(v1.GetDesignRequest(id=revision.design.id))

    revision, history = call(endpoint(node, token, ca), work)
    if as_json:
        listed = [output.as_json(one) for one in history.revisions]
        output.print_json({**output.as_json(revision), "revisions": listed})
        return
    _show_revision(revision)
    if revision.design.summary:
        output.say().print(output.plain(revision.design.summary))
    rows = [(str(one.number), one.digest, describe.moment(one.published_at), one.manifest.note) for one in history.revisions]
    output.show_table("revision", "digest", "published", "note", rows=rows)


@app.command("list")
def list_designs(as_json: JsonOption = False, node: NodeOption = None, token: TokenOption = None, ca: CaOption = None) -> None:
    """List the designs of the node, newest first."""
    from cli import describe, output
    from cli.calls import call, endpoint, pages
    from commonfab import v1

    async def work(of: Node) -> list[v1.Design]:
        async def page(mark: str) -> tuple[list[v1.Design], str]:
            answer = await of.registry.ListDesigns(v1.ListDesignsRequest(page_size=500, page_token=mark))
            return list(answer.designs), answer.next_page_token

        return await pages(page, "")

    designs = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json([output.as_json(one) for one in designs])
        return
    rows = [(one.id, one.title, one.licence, one.keeper, describe.moment(one.created_at)) for one in designs]
    output.show_table("design", "title", "licence", "kept by", "since", rows=rows)


@app.command("get")
def get(
    name: Annotated[str, typer.Argument(metavar="DESIGN", help="A design's id, or a revision's digest.")],
    target: Annotated[Path, typer.Argument(metavar="FOLDER", file_okay=False, help="Where the files go; made where it is missing.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that have other content.")] = False,
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Fetch the files of a revision."""
    from cli import fetching, output
    from cli.calls import call, endpoint
    from commonfab import v1

    async def work(of: Node) -> v1.Revision:
        answer = await of.registry.GetRevision(v1.GetRevisionRequest(digest=name))
        await fetching.fetch_revision(of, answer.revision, target, overwrite)
        return answer.revision

    revision = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json({"revision": revision.digest, "files": [str(target / file.path) for file in revision.manifest.files]})
        return
    count = len(revision.manifest.files)
    output.say().print(f"{count} files of revision {revision.number} are in {output.plain(str(target))}", soft_wrap=True)


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A file of a part: STEP, STL, 3MF, DXF, SVG, …")],
    unit: UnitOption = "",
    material: MaterialOption = "",
    as_json: JsonOption = False,
) -> None:
    """Measure and judge one file on this machine; no node is needed and nothing is sent."""
    from cli import describe, output
    from commonfab import v1
    from commonfab.errors import Refused
    from commonfab.settings import NodeSettings
    from registry.examining import examine_file

    if file.stat().st_size == 0:
        raise Refused("file.empty")
    found = examine_file(file, v1.Demands(unit=unit, material=material), NodeSettings())
    if as_json:
        output.print_json(output.as_json(found))
    else:
        _show_report(found)
    if not describe.usable(found):
        raise Refused("check.unusable", file.name)


def _show_report(found: v1.InspectedPart) -> None:
    """Figures, then what is the matter, then every process."""
    from cli import describe, output, report_table

    output.show_table(found.part.name, "", rows=report_table.rows(found.report))
    for about, reasons in (("cannot be used", found.report.faults), ("worth knowing", found.report.warnings)):
        if reasons:
            output.say().print(f"[yellow]{about}[/yellow]")
        for line in describe.reasons(reasons, indent="  "):
            output.say().print(line, soft_wrap=True)
    output.show_table("process", "verdict", "a piece takes", "because", rows=report_table.judgements(found.makeability))
