# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab design export` and `commonfab design import`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from cli.options import CaOption, JsonOption, NodeOption, TokenOption

if TYPE_CHECKING:
    from cli.package.gathering import Gathered
    from cli.package.sending import Outcome
    from cli.package.verifying import Verified
    from commonfab import v1
    from commonfab.client import Node


def export(
    design: Annotated[str, typer.Argument(metavar="DESIGN", help="A design's id for its newest revision, or a revision's digest.")],
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", dir_okay=False, help="The zip; else a name is made from the title.")
    ] = None,
    with_bill: Annotated[bool, typer.Option("--with-bill", help="Also the revisions that its bill of materials makes.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file where it exists.")] = False,
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Write a design as one zip that another node can verify and take in, and that a person can unpack and read."""
    import tempfile

    from cli import describe, output
    from cli.calls import call, endpoint
    from cli.package.gathering import gather
    from commonfab.errors import Refused

    if file is not None and file.exists() and not overwrite:
        raise Refused("command.exists", str(file))
    beside = file.absolute().parent if file is not None else Path.cwd()
    with tempfile.TemporaryDirectory(prefix=".commonfab-export-", dir=beside) as scratch:

        async def work(of: Node) -> Gathered:
            return await gather(of, design, with_bill, Path(scratch))

        gathered = call(endpoint(node, token, ca), work)
        target = file if file is not None else Path(_name(gathered))
        if target.exists() and not overwrite:
            raise Refused("command.exists", str(target))
        _write(gathered, Path(scratch), target)
    if as_json:
        told = [output.as_json(one) for one in gathered.notes]
        digests = [packed.digest for packed in gathered.contents.revisions if packed.whole]
        output.print_json({"file": str(target), "revision": digests[-1], "revisions": digests, "notes": told})
        return
    count = sum(packed.whole for packed in gathered.contents.revisions)
    size = target.stat().st_size
    output.say().print(f"{output.plain(str(target))}: {count} {_revisions(count)}, {size} bytes", soft_wrap=True)
    for line in describe.reasons(gathered.notes, indent="  "):
        output.say().print(line, soft_wrap=True)


def _write(gathered: Gathered, folder: Path, target: Path) -> None:
    from cli.package.writing import okh_manifest, write

    def open_file(sha256: str) -> IO[bytes]:
        return (folder / sha256).open("rb")

    papers: Mapping[str, bytes] = {
        "okh.toml": okh_manifest(gathered.answer.design, gathered.answer.revision, open_file),
        "NOTICE": gathered.answer.notice.encode(),
    }
    whole = folder / "package.zip"
    with whole.open("wb") as stream:
        write(stream, gathered.contents, papers, gathered.photographs, open_file)
    whole.replace(target)


def _name(gathered: Gathered) -> str:
    from cli.package.datapackage import slug

    main = gathered.contents.main
    return f"{slug(main.manifest.description.title) or 'design'}-{main.digest[:8]}.zip"


def _revisions(count: int) -> str:
    return "revision" if count == 1 else "revisions"


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="A zip of `design export`.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Verify it, say what would be published, and send nothing.")] = False,
    as_json: JsonOption = False,
    node: NodeOption = None,
    token: TokenOption = None,
    ca: CaOption = None,
) -> None:
    """Take in a design from another node. All of the package is verified before anything is sent; you keep what is new here."""
    from cli.calls import call, endpoint
    from cli.package import reading
    from cli.package.sending import take_in
    from cli.package.verifying import verify

    with reading.opened(file) as archive:
        verified = verify(archive)

        async def work(of: Node) -> Outcome:
            return await take_in(of, archive, verified, dry_run)

        outcome = call(endpoint(node, token, ca), work)
    _show_outcome(verified, outcome, dry_run, as_json)


def _show_outcome(verified: Verified, outcome: Outcome, dry_run: bool, as_json: bool) -> None:
    from cli import describe, output

    main = verified.contents.main
    if as_json:
        told = {"design": main.manifest.design_id, "revision": main.digest, "published": outcome.published, "here": outcome.here}
        notes = [output.as_json(one) for one in outcome.notes]
        output.print_json({**told, "sent_bytes": outcome.sent_bytes, "reports": outcome.reports, "dry_run": dry_run, "notes": notes})
        return
    wanted = "would be published" if dry_run else "published"
    rows = [
        (
            packed.manifest.description.title,
            packed.manifest.licence,
            wanted if packed.digest in outcome.published else "here already",
            packed.digest,
        )
        for packed in verified.contents.revisions
        if packed.whole
    ]
    output.show_table("what", "licence", "", "revision", rows=rows)
    for line in describe.reasons(_each_once(outcome.notes), indent="  "):
        output.say().print(line, soft_wrap=True)
    ending = " Nothing was sent." if dry_run else ""
    output.say().print(f"design {output.plain(main.manifest.design_id)}: all that the package says holds.{ending}", soft_wrap=True)


def _each_once(notes: list[v1.Reason]) -> list[v1.Reason]:
    return list({(one.code, one.subject): one for one in notes}.values())
