# SPDX-License-Identifier: AGPL-3.0-or-later
"""What commands write: results to stdout, as text or as JSON; everything else to stderr."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from rich.console import Console
    from rich.progress import Progress


def say() -> Console:
    """The console for results."""
    from rich.console import Console

    # Rich takes 80 columns where it cannot ask a terminal; a pipe or a file has no width.
    return Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 240)


def notes() -> Console:
    """The console for everything that is not a result: progress, warnings, errors."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False)


def plain(text: str) -> str:
    """`text` from outside, safe to be printed: no terminal controls, and brackets that mean only themselves."""
    from rich.markup import escape

    return escape("".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cf") and c not in "\n\t" else c for c in text))


def as_json(message: Message) -> dict[str, Any]:
    """A message with the field names of the contract, unset fields too; numbers of 64 bits are texts, bytes are base64."""
    from google.protobuf.json_format import MessageToDict

    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def print_json(value: object) -> None:
    """Write one JSON value to stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def print_json_line(value: object) -> None:
    """Write one JSON value to stdout, on one line, at once."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def show_table(*columns: str, rows: Iterable[Iterable[str]]) -> None:
    """Write a table of texts to stdout, whole: what is too wide is folded, because half an id is of no use."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(*columns, box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in made.columns:
        column.overflow = "fold"
    for row in rows:
        made.add_row(*(plain(cell) for cell in row))
    say().print(made if made.rows else "[dim]none yet[/dim]")


def bars(*, of_bytes: bool = False) -> Progress:
    """Progress bars on stderr, shown on a terminal only."""
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = notes()
    amount = DownloadColumn() if of_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
