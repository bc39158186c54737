# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab admin`: looking after a node's files, backing it up and restoring it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CaOption, JsonOption, NodeOption, TokenOption

if TYPE_CHECKING:
    from commonfab import v1
    from commonfab.client import Node
    from commonfab.settings import NodeSettings

app = typer.Typer(no_args_is_help=True, help="For whoever runs a node: garbage, verifying, quotas, backups.")

SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT]?)i?B", re.IGNORECASE)
POWERS = ("", "K", "M", "G", "T")
DataDirOption = Annotated[Path | None, typer.Option(help="The node's data folder; else COMMONFAB_DATA_DIR.")]


@app.command("gc")
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be marked and removed.")] = False,
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Collect files that nothing names: mark them now, remove those that were marked a day ago or earlier. A node does so every day."""
    from cli import output
    from cli.calls import call, endpoint
    from commonfab import v1

    async def work(of: Node) -> v1.CollectGarbageResponse:
        return await of.housekeeping.CollectGarbage(v1.CollectGarbageRequest(dry_run=dry_run))

    told = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json(output.as_json(told))
        return
    would = "would be " if dry_run else ""
    output.say().print(
        f"{told.files} files: {told.removed} {would}removed ({size_text(told.removed_bytes)}), "
        f"{told.marked} {would}marked, {told.spared} needed again."
    )


@app.command("verify")
def verify(as_json: JsonOption = False, node: NodeOption = None, token: TokenOption = None, ca: CaOption = None) -> None:
    """Hash every file again and check every revision. Exit code 1 where anything is not as it should be."""
    from cli import output
    from cli.calls import call, endpoint
    from commonfab import v1
    from commonfab.errors import Refused

    faults: list[v1.VerifyFilesResponse] = []
    last = v1.VerifyFilesResponse()

    async def work(of: Node) -> None:
        with output.bars() as progress:
            bar = progress.add_task("hashing", total=None)
            async for told in of.housekeeping.VerifyFiles(v1.VerifyFilesRequest()):
                last.CopyFrom(told)
                progress.update(bar, completed=told.done, total=told.total)
                if told.fault:
                    faults.append(told)

    call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json({"files": last.total, "faults": [output.as_json(fault) for fault in faults]})
    else:
        _tell_faults(faults, last.total)
    if faults:
        raise Refused("admin.faults", faults=len(faults))


def _tell_faults(faults: list[v1.VerifyFilesResponse], files: int) -> None:
    from cli import output

    if not faults:
        output.say().print(f"[green]{files} files and every revision are as they should be.[/green]")
        return
    rows = [(fault.sha256 or "–", fault.fault, " ".join(fault.revisions) or "–") for fault in faults]
    output.show_table("file", "fault", "revisions", rows=rows)


@app.command("usage")
def usage(
    subject: Annotated[str, typer.Argument(help="Only this one.")] = "",
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Say who has how much of the node's files."""
    from cli import output
    from cli.calls import call, endpoint
    from commonfab import v1

    async def work(of: Node) -> v1.ListUsageResponse:
        return await of.housekeeping.ListUsage(v1.ListUsageRequest(subject=subject))

    answer = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json([output.as_json(one) for one in answer.usage])
        return
    output.show_table("subject", "files", "used", "quota", rows=[_usage_row(one) for one in answer.usage])


@app.command("quota")
def quota(
    subject: Annotated[str, typer.Argument(help="Whose, as the token names it.")],
    size: Annotated[str, typer.Argument(metavar="SIZE", help="500MB, 2GB, …; none for no limit; default for what everybody has.")],
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Say how much of the node's files one author may have. What is over it already stays. Example: commonfab admin quota mia 500MB"""
    from cli import output
    from cli.calls import call, endpoint
    from commonfab import v1

    request = v1.SetQuotaRequest(subject=subject, as_everybody=size == "default")
    if size not in ("none", "default"):
        request.quota_bytes = read_size(size)

    async def work(of: Node) -> v1.SetQuotaResponse:
        return await of.housekeeping.SetQuota(request)

    answer = call(endpoint(node, token, ca), work)
    if as_json:
        output.print_json(output.as_json(answer.usage))
        return
    output.show_table("subject", "files", "used", "quota", rows=[_usage_row(answer.usage)])


def _usage_row(one: v1.Usage) -> tuple[str, str, str, str]:
    return one.subject, str(one.files), size_text(one.used_bytes), size_text(one.quota_bytes) if one.quota_bytes else "none"


@app.command("backup")
def backup(
    target: Annotated[Path, typer.Argument(help="Folder for the backup; a second one to the same folder takes only what is new.")],
    data_dir: DataDirOption = None,
    with_keys: Annotated[bool, typer.Option("--with-keys", help="Take the TLS certificate and key along.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Back up the node of this machine, while it runs or not: designs, files, tokens, the ledger, work in flight.

    The settings are read as `commonfab up` reads them. The backup holds the steward's token: keep it as you keep the node.
    """
    from cli import output
    from cli.backup.taking import shown, take_backup
    from commonfab.errors import Refused

    with output.bars() as progress:
        bar = progress.add_task("copying files", total=None)
        taken = take_backup(_settings(data_dir), target, with_keys, lambda done, total: progress.update(bar, completed=done, total=total))
    told = taken.manifest
    if as_json:
        report = {name: getattr(told, name) for name in ("taken_at", "files", "file_bytes", "rows", "board_keys", "missing")}
        output.print_json({**report, "new_files": taken.new_files, "new_bytes": taken.new_bytes})
    else:
        output.say().print(
            f"Backed up: {told.files} files ({size_text(told.file_bytes)}, of which {taken.new_files} new), "
            f"{sum(told.rows.values())} rows, {told.board_keys} keys of the board."
        )
    if told.missing:
        raise Refused("backup.incomplete", shown(told.missing), missing=len(told.missing))
    if told.board_note:
        raise Refused("backup.board", told.board_note)


@app.command("restore")
def restore(
    source: Annotated[Path, typer.Argument(help="The folder that was given to `commonfab admin backup`.")],
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Restore a backup into an empty data folder, and an empty database and Redis where the settings name some. The node must not run."""
    from cli import output
    from cli.backup.restoring import restore as put_back

    with output.bars() as progress:
        bar = progress.add_task("looking", total=None)
        settings = _settings(data_dir)
        told = put_back(
            settings, source, lambda what, done, total: progress.update(bar, description=f"{what} files", completed=done, total=total)
        )
    if as_json:
        output.print_json({"taken_at": told.taken_at, "files": told.files, "rows": told.rows, "board_keys": told.board_keys})
        return
    rows = sum(told.rows.values())
    output.say().print(
        f"Restored what was backed up {told.taken_at}: {told.files} files, {rows} rows, {told.board_keys} keys of the board."
    )
    output.say().print(f"Start it: commonfab up --data-dir {output.plain(str(settings.data_dir))}", soft_wrap=True)


def _settings(data_dir: Path | None) -> NodeSettings:
    from cli.up.settings import node_settings

    return node_settings({} if data_dir is None else {"data_dir": data_dir})


def read_size(text: str) -> int:
    """Bytes; "500MB" is 500 × 1024², as in the settings. Errors: `Refused` (`admin.size`)."""
    from commonfab.errors import Refused

    found = SIZE.fullmatch(text.strip())
    if not found or float(found[1]) == 0:
        raise Refused("admin.size", text)
    return int(float(found[1]) * 1024 ** POWERS.index(found[2].upper()))


def size_text(number: int) -> str:
    """Bytes for people: "1.5 MB"."""
    power = 0
    scaled = float(number)
    while scaled >= 1024 and power < len(POWERS) - 1:
        scaled, power = scaled / 1024, power + 1
    return f"{scaled:.3g} {POWERS[power]}B" if power else f"{number} bytes"
