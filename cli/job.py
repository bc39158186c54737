# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab job`: ask for something to be made, and see how it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CaOption, CellOption, JsonOption, LatitudeOption, LongitudeOption, NodeOption, TokenOption

if TYPE_CHECKING:
    from commonfab import v1
    from commonfab.client import Node

app = typer.Typer(no_args_is_help=True, help="Jobs: ask for something to be made, and see how it goes on.")

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="The job's id, as `commonfab job list` shows it.")]
PartOption = Annotated[str, typer.Option("--part", help="The part; may be left out where there is only one.")]
QuantityOption = Annotated[int, typer.Option("--quantity", "-n", min=1, help="Good pieces wanted.")]
MaterialOption = Annotated[
    str, typer.Option("--material", help="What it must be made of, such as pla or petg; else what the maker demands.")
]
WithinOption = Annotated[float, typer.Option("--within-km", min=0, help="How far away it may be made, km; 0 for any distance.")]


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
    watch_it: Annotated[bool, typer.Option("--watch", help="Follow the job until it is done.")] = False,
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Ask for pieces of a design. Example: commonfab job request design-0k3x… --quantity 5 --material pla --watch"""
    import secrets

    from cli import output
    from cli.calls import call, endpoint
    from cli.place import place_of
    from commonfab import v1

    asked = v1.JobRequest(revision=design, part_name=part, quantity=quantity, material=material, within_km=within_km, purpose=purpose)
    asked.place.CopyFrom(place_of(lat, lon, cell))
    where = endpoint(node, token, ca)
    # The key makes it safe for the library to send the request again where the connection breaks under it.
    wish = v1.RequestJobRequest(request=asked, idempotency_key=secrets.token_hex(16))

    async def work(of: Node) -> v1.Job:
        return (await of.router.RequestJob(wish)).job

    job = call(where, work)
    if watch_it:
        watch(job.id, as_json, node, token, ca)
    elif as_json:
        output.print_json(output.as_json(job))
    else:
        _show(job)


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

    _answer(call(endpoint(node, token, ca), work), as_json)


@app.command("list")
def list_jobs(as_json: JsonOption = False, node: NodeOption = None, token: TokenOption = None, ca: CaOption = None) -> None:
    """List your jobs, newest first; a steward sees all."""
    from cli import describe, output
    from cli.calls import call, endpoint, pages
    from commonfab import v1

    async def work(of: Node) -> list[v1.Job]:
        async def page(mark: str) -> tuple[list[v1.Job], str]:
            answer = await of.router.ListJobs(v1.ListJobsRequest(page_size=500, page_token=mark))
            return list(answer.jobs), answer.next_page_token

        return await pages(page, "")

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


@app.command("cancel")
def cancel(
    job_id: JobArgument, as_json: JsonOption = False, node: NodeOption = None, token: TokenOption = None, ca: CaOption = None
) -> None:
    """Withdraw a job; what has not started ends, and shops are told to stop what runs."""
    from cli.calls import call, endpoint
    from commonfab import v1

    async def work(of: Node) -> v1.Job:
        return (await of.router.CancelJob(v1.CancelJobRequest(id=job_id))).job

    _answer(call(endpoint(node, token, ca), work), as_json)


@app.command("confirm")
def confirm(
    job_id: JobArgument,
    codes: Annotated[list[str], typer.Argument(metavar="CODE...", help="The codes of the questions that hold it: what is shown is right.")],
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Answer the questions that hold a job: the figures shown are right, go on."""
    from cli.calls import call, endpoint
    from commonfab import v1

    async def work(of: Node) -> v1.Job:
        return (await of.router.ConfirmJob(v1.ConfirmJobRequest(id=job_id, codes=codes))).job

    _answer(call(endpoint(node, token, ca), work), as_json)


@app.command("elsewhere")
def elsewhere(
    work_order: Annotated[str, typer.Argument(metavar="WORK_ORDER", help="An uncertain work order, as `commonfab job show` names it.")],
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Have the rest of an uncertain work order made elsewhere; what that shop still reports of it is refused."""
    from cli.calls import call, endpoint
    from commonfab import v1

    async def work(of: Node) -> v1.Job:
        return (await of.router.MakeRestElsewhere(v1.MakeRestElsewhereRequest(work_order_id=work_order))).job

    _answer(call(endpoint(node, token, ca), work), as_json)


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
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Say who could make something and who could not, and why; the nearest miss leads."""
    from cli import output
    from cli.calls import call, endpoint
    from cli.place import place_of
    from cli.watching import show_explanation
    from commonfab import v1
    from commonfab.errors import Refused

    if bool(job_id) == bool(design):
        raise Refused("command.subject")
    place = place_of(lat, lon, cell)
    wish = v1.JobRequest(revision=design, part_name=part, quantity=quantity, material=material, place=place, within_km=within_km)
    question = v1.ExplainJobRequest(job_id=job_id) if job_id else v1.ExplainJobRequest(request=wish)

    async def work(of: Node) -> v1.ExplainJobResponse:
        return await of.router.ExplainJob(question)

    answer = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json(output.as_json(answer))
    else:
        show_explanation(answer)


def _answer(job: v1.Job, as_json: bool) -> None:
    from cli import output

    if as_json:
        output.print_json(output.as_json(job))
    else:
        _show(job)


def _show(job: v1.Job) -> None:
    from cli import describe, output

    for line in describe.job(job):
        output.say().print(line, soft_wrap=True)
