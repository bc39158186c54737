# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab okh`: Open Know-How manifests, on this machine and without a node."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import JsonOption

if TYPE_CHECKING:
    from collections.abc import Iterable

    from commonfab import v1
    from registry.okh.checking import Checked

app = typer.Typer(no_args_is_help=True, help="Open Know-How manifests: look whether they can be read, and write them as version 2.4.")


@app.command("check")
def check(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", exists=True, readable=True, help="Manifests, or folders with manifests.")
    ],
    summary: Annotated[bool, typer.Option("--summary", help="Count the repairs of each kind instead of naming each.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read manifests of any version, write them as 2.4, read that again, and say what had to be put right.

    Ends with 1 where a manifest cannot be read or does not come back the same.

    Example: commonfab okh check okh.toml
    """
    from cli import output
    from commonfab.errors import Refused
    from registry.okh.checking import check as checked_of
    from registry.okh.files import found_under

    files = found_under(paths)
    if not files:
        raise Refused("okh.none", ", ".join(str(path) for path in paths))
    checked = [checked_of(file) for file in files]
    same = sum(one.same for one in checked)
    if as_json:
        output.print_json({"manifests": [_as_json(one) for one in checked], "same": same, "of": len(checked)})
    else:
        _show(checked, summary)
        output.say().print(f"{same} of {len(checked)} import and come back the same")
    if same < len(checked):
        raise typer.Exit(1)


@app.command("convert")
def convert(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="A manifest of any version.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", metavar="OUT", help="Where to write it; else to stdout.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file where it exists.")] = False,
) -> None:
    """Write a manifest as version 2.4; what was put right is told on stderr.

    Example: commonfab okh convert okh.yml -o okh.toml
    """
    from cli import output
    from commonfab.errors import Refused
    from registry.okh.files import read_text
    from registry.okh.reading import read
    from registry.okh.writing import write

    made = read(read_text(file), file.name)
    if out is None:
        typer.echo(write(made.record), nl=False)
    else:
        if out.exists() and not overwrite:
            raise Refused("command.exists", str(out))
        out.write_text(write(made.record), encoding="utf-8")
    console = output.notes()
    for repair in made.repairs:
        console.print(output.plain(repair.message), soft_wrap=True)


def _show(checked: Iterable[Checked], summary: bool) -> None:
    from cli import output

    console = output.say()
    for one in checked:
        if one.problem:
            console.print(f"[red]{output.plain(str(one.file))}[/red]: {output.plain(one.problem.message)}", soft_wrap=True)
        elif not one.same:
            console.print(f"[red]{output.plain(str(one.file))}[/red]: it does not come back the same", soft_wrap=True)
    found = [(str(one.file), repair) for one in checked for repair in one.repairs]
    if not found:
        return
    if summary:
        output.show_table("repair", "what", "times", "files", rows=_counted(found))
    else:
        output.show_table("file", "repair", "what", rows=[(file, repair.code, repair.message) for file, repair in found])


def _counted(found: list[tuple[str, v1.Reason]]) -> list[tuple[str, str, str, str]]:
    """One row a kind of repair, the commonest first."""
    files: dict[str, list[str]] = {}
    for file, repair in found:
        files.setdefault(repair.code, []).append(file)
    ordered = sorted(files.items(), key=lambda kind: (-len(kind[1]), kind[0]))
    words = {repair.code: repair.message.partition(":")[0] for _, repair in found}
    return [(code, words[code], str(len(where)), str(len(set(where)))) for code, where in ordered]


def _as_json(one: Checked) -> dict[str, Any]:
    from cli import output

    return {
        "file": str(one.file),
        "version": one.version,
        "same": one.same,
        "problem": output.as_json(one.problem) if one.problem else None,
        "repairs": [output.as_json(repair) for repair in one.repairs],
        "unread": list(one.unread),
    }
