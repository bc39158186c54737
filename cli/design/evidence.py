# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is known of designs from making and using them: the commands of `commonfab design` for build reports, defects and recalls."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CaOption, JsonOption, NodeOption, TokenOption

if TYPE_CHECKING:
    from commonfab import v1
    from commonfab.client import Node

RevisionArgument = Annotated[str, typer.Argument(metavar="REVISION", help="The revision's digest, or a design's id for its newest.")]
OfArgument = Annotated[str, typer.Argument(metavar="DESIGN", help="A design's id, or a revision's digest.")]
PartOption = Annotated[str, typer.Option("--part", help="The part; leave it out for the whole.")]
PhotoOption = Annotated[
    list[Path] | None, typer.Option("--photo", exists=True, dir_okay=False, readable=True, help="A photograph; may be repeated.")
]


class SeverityName(StrEnum):
    """How bad a defect is, as it is written on the command line."""

    cosmetic = "cosmetic"
    functional = "functional"
    dangerous = "dangerous"


def reports(name: OfArgument, as_json: JsonOption = False, node: NodeOption = None, token: TokenOption = None, ca: CaOption = None) -> None:
    """List the build reports of a design or a revision, newest first: who made it, how, and what went wrong."""
    from cli import output
    from cli.calls import LARGEST_PAGE, all_of, call, endpoint
    from cli.design import telling_evidence
    from commonfab import v1

    async def work(of: Node) -> list[v1.KeptBuildReport]:
        return await all_of(of.evidence.ListBuildReports, v1.ListBuildReportsRequest(of=name, page_size=LARGEST_PAGE), "reports")

    found = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json([output.as_json(one) for one in found])
    else:
        columns = ("made", "part", "good", "shop", "machine", "of", "measured", "counts", "what went wrong")
        output.show_table(*columns, rows=map(telling_evidence.report_row, found))


def report(
    revision: RevisionArgument,
    good: Annotated[int, typer.Option("--good", min=0, help="Good pieces.")],
    scrap: Annotated[int, typer.Option("--scrap", min=0, help="Scrapped pieces.")] = 0,
    part: PartOption = "",
    machine: Annotated[str, typer.Option("--machine", help="The machine's id in shop.toml; needed where there are several.")] = "",
    material: Annotated[str, typer.Option("--material", help="What it was made of, such as petg.")] = "",
    size: Annotated[
        list[str] | None, typer.Option("--size", metavar="NAME=DRAWN/MADE", help="A measured size in mm: bore=8.0/8.03; may be repeated.")
    ] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="What was set; may be repeated.")] = None,
    photo: PhotoOption = None,
    went_wrong: Annotated[str, typer.Option("--went-wrong", help="What went wrong, and how it was helped.")] = "",
    note: Annotated[str, typer.Option("--note", help="Anything else.")] = "",
    work_order: Annotated[str, typer.Option("--work-order", help="The work order it was made for; it is not counted twice then.")] = "",
    made_on: Annotated[
        datetime | None, typer.Option("--made-on", formats=["%Y-%m-%d"], help="When; today if left out. The same of one day is one report.")
    ] = None,
    config: Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The shop's shop.toml: its key signs.")] = Path(
        "shop.toml"
    ),
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Report what your shop made from a revision, signed with the shop's key. Node and token are those of shop.toml.

    Example: commonfab design report REVISION --part gear --good 3 --size bore=8.0/8.03 --photo gear.jpg
    """
    from cli import describe, output
    from cli.calls import call, endpoint
    from cli.design import reporting
    from commonfab import v1
    from commonfab.identity import load_or_make_key, sign_build_report
    from shop_agent.config import load_config, place_of

    shop = load_config(config)
    said = reporting.of_machine(shop, machine)
    said.MergeFrom(v1.BuildReport(part_name=part, shop_id=shop.shop.id, pieces_good=good, pieces_scrap=scrap, went_wrong=went_wrong))
    said.MergeFrom(v1.BuildReport(note=note, work_order_id=work_order, material=material))
    said.sizes.extend(map(reporting.measured, size or ()))
    said.settings.extend(map(reporting.declared, setting or ()))
    day = made_on or datetime.now(UTC)
    said.made_at.FromDatetime(datetime(day.year, day.month, day.day))
    key = load_or_make_key(shop.key_file)

    async def work(of: Node) -> v1.ReportBuildResponse:
        found = await of.registry.GetRevision(v1.GetRevisionRequest(digest=revision))
        said.revision_digest = found.revision.digest
        said.photographs.extend(await reporting.uploaded(of, photo or ()))
        place = place_of(shop)
        request = v1.ReportBuildRequest(report=sign_build_report(said, key), place=place if place.cell else None)
        return await of.evidence.ReportBuild(request)

    where = endpoint(node or shop.router.node, token or shop.router.token or None, ca or shop.router.ca)
    answer = call(where, work)
    if as_json:
        output.print_json(output.as_json(answer))
        return
    how_far = describe.word(v1.Maturity.Name(answer.maturity), "MATURITY_")
    output.say().print(f"The report is kept as {output.plain(answer.kept.id[:12])}; the revision is: {how_far}.", soft_wrap=True)


def defect(
    revision: RevisionArgument,
    title: Annotated[str, typer.Option("--title", help="What is wrong, in one line; required.")],
    details: Annotated[str, typer.Option("--details", help="How it shows, and what may help.")] = "",
    severity: Annotated[SeverityName | None, typer.Option("--severity", help="How bad it is; dangerous: somebody could be hurt.")] = None,
    part: PartOption = "",
    photo: PhotoOption = None,
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """File a defect. Example: commonfab design defect REVISION --title "the teeth snap" --severity functional"""
    from cli import output
    from cli.calls import call, endpoint
    from cli.design import reporting
    from commonfab import v1

    bad = v1.Severity.Value(f"SEVERITY_{severity.value.upper()}") if severity else v1.SEVERITY_UNSPECIFIED

    async def work(of: Node) -> v1.FileDefectResponse:
        found = await of.registry.GetRevision(v1.GetRevisionRequest(digest=revision))
        said = v1.Defect(revision_digest=found.revision.digest, part_name=part, title=title, details=details, severity=bad)
        said.photographs.extend(await reporting.uploaded(of, photo or ()))
        return await of.evidence.FileDefect(v1.FileDefectRequest(defect=said))

    answer = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json(output.as_json(answer)["defect"])
        return
    output.say().print(f"Defect {output.plain(answer.defect.id)} is filed; whoever follows the design hears of it.", soft_wrap=True)


def defects(
    name: OfArgument,
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """List the open defects of a design or a revision, newest first."""
    from cli import output
    from cli.calls import LARGEST_PAGE, all_of, call, endpoint
    from cli.design import telling_evidence
    from commonfab import v1

    async def work(of: Node) -> list[v1.Defect]:
        request = v1.ListDefectsRequest(of=name, closed_too=everything, page_size=LARGEST_PAGE)
        return await all_of(of.evidence.ListDefects, request, "defects")

    found = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json([output.as_json(one) for one in found])
    else:
        columns = ("defect", "revision", "part", "severity", "what", "filed by", "since", "closed")
        output.show_table(*columns, rows=map(telling_evidence.defect_row, found))


def close_defect(
    defect_id: Annotated[str, typer.Argument(metavar="DEFECT", help="As commonfab design defects names it.")],
    fixed_by: Annotated[str, typer.Option("--fixed-by", metavar="REVISION", help="The later revision that mends it.")] = "",
    note: Annotated[str, typer.Option("--note", help="Why; required where no revision mends it.")] = "",
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Close a defect: by a revision that mends it, or with a word on why it is none."""
    from cli import output
    from cli.calls import call, endpoint
    from commonfab import v1

    async def work(of: Node) -> v1.CloseDefectResponse:
        return await of.evidence.CloseDefect(v1.CloseDefectRequest(id=defect_id, fixed_by=fixed_by, note=note))

    answer = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json(output.as_json(answer)["defect"])
        return
    how = f"mended by {answer.defect.fixed_by}" if answer.defect.fixed_by else answer.defect.closing_note
    output.say().print(f"Defect {output.plain(answer.defect.id)} is closed: {output.plain(how)}", soft_wrap=True)


def recall(
    revision: Annotated[str, typer.Argument(metavar="REVISION", help="The revision's digest, whole.")],
    reason: Annotated[str, typer.Option("--reason", help="What is dangerous, and what to do with what was made; required.")],
    instead: Annotated[str, typer.Option("--instead", metavar="REVISION", help="The revision to make instead.")] = "",
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Recall a revision that must not be made or used any more. This cannot be taken back."""
    from cli import output
    from cli.calls import call, endpoint
    from commonfab import v1

    said = v1.Recall(revision_digest=revision, reason=reason, instead=instead)

    async def work(of: Node) -> v1.RecallRevisionResponse:
        return await of.evidence.RecallRevision(v1.RecallRevisionRequest(recall=said))

    answer = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json(output.as_json(answer)["recall"])
        return
    output.say().print(f"Revision {output.plain(revision)} is recalled: {output.plain(answer.recall.reason)}", soft_wrap=True)
