# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab design`: the design commons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.design import evidence
from cli.design import relations as design_relations
from cli.design import search as design_search
from cli.design.publish import MaterialOption, UnitOption, publish
from cli.options import CaOption, JsonOption, NodeOption, TokenOption
from cli.package import command as package

if TYPE_CHECKING:
    from commonfab import v1
    from commonfab.client import Node

app = typer.Typer(no_args_is_help=True, help="Designs: publish, look at, and fetch things to be made.")

app.command("publish")(publish)


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
    from cli.design.telling_revisions import show_revision
    from commonfab import v1

    async def work(of: Node) -> tuple[v1.GetRevisionResponse, v1.GetDesignResponse]:
        revision = await of.registry.GetRevision(v1.GetRevisionRequest(digest=name))
        return revision, await of.registry.GetDesign(v1.GetDesignRequest(id=revision.design.id))

    revision, history = call(endpoint(node, token, ca), work)
    if as_json:
        listed = [output.as_json(one) for one in history.revisions]
        output.print_json({**output.as_json(revision), "revisions": listed})
        return
    show_revision(revision)
    if revision.design.summary:
        output.say().print(output.plain(revision.design.summary))
    rows = [(str(one.number), one.digest, describe.moment(one.published_at), one.manifest.note) for one in history.revisions]
    output.show_table("revision", "digest", "published", "note", rows=rows)


@app.command("list")
def list_designs(as_json: JsonOption = False, node: NodeOption = None, token: TokenOption = None, ca: CaOption = None) -> None:
    """List the designs of the node, newest first."""
    from cli import describe, output
    from cli.calls import LARGEST_PAGE, all_of, call, endpoint
    from commonfab import v1

    async def work(of: Node) -> list[v1.Design]:
        return await all_of(of.registry.ListDesigns, v1.ListDesignsRequest(page_size=LARGEST_PAGE), "designs")

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


app.command("search")(design_search.search)
app.command("where-used")(design_relations.where_used)
app.command("closure")(design_relations.closure)
app.command("export")(package.export)
app.command("import")(package.import_)
app.command("reports")(evidence.reports)
app.command("report")(evidence.report)
app.command("defect")(evidence.defect)
app.command("defects")(evidence.defects)
app.command("close-defect")(evidence.close_defect)
app.command("recall")(evidence.recall)
