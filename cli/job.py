# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab job`: ask for something to be made, and see how it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import job_decisions
from cli.job_options import (
    AssembledOption,
    FirstArticleOption,
    JobArgument,
    MaterialOption,
    NeededInOption,
    PartOption,
    ProductOption,
    QuantityOption,
    Urgency,
    UrgencyOption,
    WithinOption,
    urgency_of,
)
from cli.options import CaOption, CellOption, JsonOption, LatitudeOption, LongitudeOption, NodeOption, TokenOption

if TYPE_CHECKING:
    from commonfab import v1
    from commonfab.client import Node

app = typer.Typer(no_args_is_help=True, help="Jobs: ask for something to be made, and see how it goes on.")


@app.command("request")
def request(
    design: Annotated[str, typer.Argument(metavar="DESIGN", help="A design's id for its newest revision, or a revision's digest.")],
    part: PartOption = "",
    quantity: QuantityOption = 1,
    material: MaterialOption = "",
    lat: LatitudeOption = None,
    lon: LongitudeOption = None,
    cell: CellOption = "",
    within_km: WithinOption = 0,
    purpose: Annotated[str, typer.Option(help="What it is for, in your words; the shops see it.")] = "",
    needed_in: NeededInOption = "",
    urgency: UrgencyOption = Urgency.USUAL,
    first_article: FirstArticleOption = False,
    product: ProductOption = False,
    assembled: AssembledOption = False,
    watch_it: Annotated[bool, typer.Option("--watch", help="Follow the job until it is done.")] = False,
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Ask for pieces of a design. Example: commonfab job request design-0k3x… --quantity 5 --material pla --watch"""
    import secrets

    from cli.calls import call, endpoint
    from cli.lengths_of_time import duration_of
    from cli.place import place_of
    from commonfab import v1

    asked = v1.JobRequest(
        revision=design,
        part_name=part,
        quantity=quantity,
        material=material,
        place=place_of(lat, lon, cell),
        within_km=within_km,
        purpose=purpose,
        needed_in=duration_of(needed_in) if needed_in else None,
        urgency=urgency_of(urgency),
        first_article=first_article,
        whole_product=product or assembled,
        assembled=assembled,
    )
    where = endpoint(node, token, ca)
    # The key makes it safe for the library to send the request again where the connection breaks under it.
    wish = v1.RequestJobRequest(request=asked, idempotency_key=secrets.token_hex(16))

    async def work(of: Node) -> v1.Job:
        return (await of.router.RequestJob(wish)).job

    job = call(where, work)
    if watch_it:
        watch(job.id, as_json, node, token, ca)
    else:
        job_decisions.answer(job, as_json)


@app.command("watch")
def watch(
    job_id: JobArgument, as_json: JsonOption = False, node: NodeOption = None, token: TokenOption = None, ca: CaOption = None
) -> None:
    """Follow a job until it is done or cancelled; with --json, one line for every change."""
    from cli.calls import call, endpoint
    from cli.watching import watch_job

    async def work(of: Node) -> None:
        await watch_job(of, job_id, as_json)

    call(endpoint(node, token, ca), work)


@app.command("show")
def show(job_id: JobArgument, as_json: JsonOption = False, node: NodeOption = None, token: TokenOption = None, ca: CaOption = None) -> None:
    """Show one job: where it stands, and who makes what of it."""
    from cli.calls import call, endpoint
    from commonfab import v1

    async def work(of: Node) -> v1.Job:
        return (await of.router.GetJob(v1.GetJobRequest(id=job_id))).job

    job_decisions.answer(call(endpoint(node, token, ca), work), as_json)


@app.command("list")
def list_jobs(as_json: JsonOption = False, node: NodeOption = None, token: TokenOption = None, ca: CaOption = None) -> None:
    """List your jobs, newest first; a steward sees all."""
    from cli import describe, output
    from cli.calls import LARGEST_PAGE, all_of, call, endpoint
    from commonfab import v1

    async def work(of: Node) -> list[v1.Job]:
        return await all_of(of.router.ListJobs, v1.ListJobsRequest(page_size=LARGEST_PAGE), "jobs")

    jobs = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json([output.as_json(job) for job in jobs])
        return
    rows = [
        (
            job.id,
            describe.word(v1.JobState.Name(job.state), "JOB_STATE_"),
            f"{job.pieces_good}/{job.request.quantity}",
            f"{job.specification.part_name} of {job.specification.title}",
            job.requester,
            describe.moment(job.requested_at),
        )
        for job in jobs
    ]
    output.show_table("job", "state", "made", "what", "for", "asked", rows=rows)


@app.command("explain")
def explain(
    job_id: Annotated[str, typer.Argument(metavar="[JOB]", help="A job; or leave it out and ask about a design.")] = "",
    design: Annotated[
        str, typer.Option(help="A design's id or a revision's digest: who could make it? Nothing is committed by asking.")
    ] = "",
    part: PartOption = "",
    quantity: QuantityOption = 1,
    material: MaterialOption = "",
    lat: LatitudeOption = None,
    lon: LongitudeOption = None,
    cell: CellOption = "",
    within_km: WithinOption = 0,
    needed_in: NeededInOption = "",
    product: ProductOption = False,
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Say who could make something and who could not, and why; the nearest miss leads."""
    from cli import output
    from cli.calls import call, endpoint
    from cli.lengths_of_time import duration_of
    from cli.place import place_of
    from cli.telling_explanations import show_explanation
    from commonfab import v1
    from commonfab.errors import Refused

    if bool(job_id) == bool(design):
        raise Refused("command.subject")
    wish = v1.JobRequest(
        revision=design,
        part_name=part,
        quantity=quantity,
        material=material,
        place=place_of(lat, lon, cell),
        within_km=within_km,
        needed_in=duration_of(needed_in) if needed_in else None,
        whole_product=product,
    )
    question = v1.ExplainJobRequest(job_id=job_id) if job_id else v1.ExplainJobRequest(request=wish)

    async def work(of: Node) -> v1.ExplainJobResponse:
        return await of.router.ExplainJob(question)

    answer = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json(output.as_json(answer))
    else:
        show_explanation(answer)


@app.command("sheet")
def sheet(job_id: JobArgument, node: NodeOption = None, token: TokenOption = None, ca: CaOption = None) -> None:
    """Write a job's sheet for the bench, as Markdown: files, demands, licence and notice. Example: commonfab job sheet JOB > sheet.md"""
    import sys

    from cli.calls import call, endpoint
    from commonfab import v1
    from commonfab.job_sheet import sheet_of_job, written

    async def work(of: Node) -> v1.Job:
        return (await of.router.GetJob(v1.GetJobRequest(id=job_id))).job

    sys.stdout.write(written(sheet_of_job(call(endpoint(node, token, ca), work))))


app.command("cancel")(job_decisions.cancel)
app.command("confirm")(job_decisions.confirm)
app.command("approve")(job_decisions.approve)
app.command("withdraw")(job_decisions.withdraw)
app.command("elsewhere")(job_decisions.elsewhere)
