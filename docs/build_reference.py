# SPDX-License-Identifier: AGPL-3.0-or-later
"""Writes the tables of the documentation from the code: reason codes, settings, who may call what, commands.

`python docs/build_reference.py` (or `make docs`) brings every table up to date; with `--check` it only says which one is not. A table
stands between `<!-- table: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import typer.main
from pydantic_settings import BaseSettings

from cli.main import app
from commonfab.permissions import allowed_scopes, open_methods, scope_name
from commonfab.reasons import REASONS
from commonfab.settings import CallerSettings, NodeSettings

DOCS = Path(__file__).parent
TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def reason_codes() -> Iterator[str]:
    """One row a reason code: what it says and what the reader can do."""
    yield "| code | what it says | what to do |"
    yield "|---|---|---|"
    for code, term in sorted(REASONS.items()):
        yield f"| `{code}` | {_cell(term.sentence)} | {_cell(term.remedy)} |"


def node_settings() -> Iterator[str]:
    """One row a setting of a node."""
    yield from _settings(NodeSettings)


def caller_settings() -> Iterator[str]:
    """One row a setting of a caller."""
    yield from _settings(CallerSettings)


def permissions() -> Iterator[str]:
    """One row an RPC: which scopes may call it."""
    yield "| call | maker | shop | requester | steward |"
    yield "|---|---|---|---|---|"
    for method, scopes in sorted(allowed_scopes().items()):
        names = {scope_name(scope) for scope in scopes}
        anybody = "anybody" if method in open_methods() else ""
        marks = " | ".join(anybody or ("yes" if name in names else "–") for name in ("maker", "shop", "requester", "steward"))
        yield f"| `{method.removeprefix('/commonfab.v1.').replace('/', '.')}` | {marks} |"


def commands() -> Iterator[str]:
    """One row a command."""
    yield "| command | what it does |"
    yield "|---|---|"
    yield from _commands(typer.main.get_command(app), "commonfab")


def _commands(command: object, path: str) -> Iterator[str]:
    children = getattr(command, "commands", None)
    if children is None:
        summary = (getattr(command, "help", "") or "").strip().split("\n\n")[0].replace("\n", " ")
        yield f"| `{path}` | {_cell(summary)} |"
        return
    for name, child in sorted(children.items()):
        yield from _commands(child, f"{path} {name}")


def _settings(kind: type[BaseSettings]) -> Iterator[str]:
    yield "| setting | default | meaning |"
    yield "|---|---|---|"
    for name, field in kind.model_fields.items():
        default = "" if field.default_factory or field.default is None else f"`{field.default}`" if field.default != "" else ""
        if name == "data_dir":
            default = "`~/.local/share/commonfab`"
        yield f"| `COMMONFAB_{name.upper()}` | {default} | {_cell(field.description or '')} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "reason_codes": reason_codes,
    "node_settings": node_settings,
    "caller_settings": caller_settings,
    "permissions": permissions,
    "commands": commands,
}


def rebuilt(text: str) -> str:
    """`text` with every table that it holds built anew. Errors: `KeyError` for a table that nobody can build."""
    return TABLE.sub(lambda found: found[1] + "\n".join(TABLES[found[2]]()) + "\n" + found[3], text)


def main(check: bool) -> int:
    """Build the tables, or only check them; answers how many files were not up to date."""
    stale = [path for path in sorted(DOCS.glob("*.md")) if rebuilt(path.read_text(encoding="utf-8")) != path.read_text(encoding="utf-8")]
    for path in stale:
        print(f"{path.name} is not up to date" if check else f"{path.name} rebuilt")
        if not check:
            path.write_text(rebuilt(path.read_text(encoding="utf-8")), encoding="utf-8")
    return len(stale) if check else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
