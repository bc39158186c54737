# SPDX-License-Identifier: AGPL-3.0-or-later
"""Says where everything of a node is: to the person who started it, and in `node.json` to programs on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from cli.output import plain, say
from commonfab.identity import write_private
from commonfab.settings import DEFAULT_ADDRESS, default_data_dir

FILE_NAME = "node.json"


@dataclass(frozen=True)
class Announcement:
    """A running node. Holds no secret."""

    pid: int
    address: str
    local_address: str
    metrics: str
    data_dir: str
    database: str
    board: str
    steward_token_file: str
    tls: bool


@contextmanager
def published(told: Announcement, folder: Path) -> Iterator[None]:
    """Keep `node.json` in `folder` while the node answers."""
    file = folder / FILE_NAME
    write_private(file, (json.dumps(asdict(told), indent=2) + "\n").encode())
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def read_announcement(folder: Path) -> Announcement | None:
    """The node that says it runs on `folder`; None where none does. A killed node's word may still be there: look at its `pid`."""
    try:
        return Announcement(**json.loads((folder / FILE_NAME).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def announce(told: Announcement) -> None:
    """Write to stdout where everything is and what to try next."""
    console = say()
    console.print(f"[bold green]The node is up.[/bold green] Ctrl-C stops it (process {told.pid}).")
    places = {
        "gRPC": f"{told.address}{' (TLS)' if told.tls else ''}",
        "metrics": told.metrics,
        "data": told.data_dir,
        "database": told.database,
        "board": told.board,
        "token": f"{told.steward_token_file} (steward)",
    }
    for name, where in places.items():
        console.print(f"  {name:9} {plain(where)}", soft_wrap=True)
    prefix = _prefix(told)
    console.print("Next, in another terminal:")
    for command in ("token issue maker ada", "design list", "shop init", "ledger show"):
        console.print(f"  {plain(prefix)}commonfab {command}", soft_wrap=True)


def _prefix(told: Announcement) -> str:
    """What must stand before a command so that it finds this node and the steward's token."""
    settings = []
    if told.address != DEFAULT_ADDRESS:
        settings.append(f"COMMONFAB_NODE={told.local_address}")
    if Path(told.data_dir) != default_data_dir():
        settings.append(f"COMMONFAB_DATA_DIR={told.data_dir}")
    return "".join(f"{setting} " for setting in settings)
