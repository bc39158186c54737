# SPDX-License-Identifier: AGPL-3.0-or-later
"""The house stands as docs/architecture.md draws it: rooms meet at the contract, nothing calls the roof, light is light."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("registry", "router", "shop_agent")
MAY_IMPORT = {"commonfab": {"commonfab"}, **{room: {room, "commonfab"} for room in ROOMS}, "cli": {"cli", "commonfab", *ROOMS}}
HEAVY = {"sqlalchemy", "alembic", "trimesh", "cadquery", "numpy", "scipy", "redis", "dramatiq", "lib3mf", "manifold3d"}
NODE_ONLY = {"commonfab/database.py", "commonfab/tokens.py", "commonfab/access.py", "commonfab/rpc_server.py", "commonfab/invitations.py"}
LONGEST_FILE = 500


def sources(package: str) -> list[Path]:
    return [path for path in sorted((ROOT / package).rglob("*.py")) if "v1" not in path.parts and "migrations" not in path.parts]


def imports(path: Path, top_level_only: bool = False) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_rooms_meet_only_at_the_contract_and_nothing_calls_the_roof(package: str) -> None:
    ours = set(MAY_IMPORT)
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(package)
        for name in imports(path)
        if name in ours and name not in MAY_IMPORT[package]
    }
    assert not wrong


def test_the_shop_agent_and_the_light_ground_import_nothing_heavy() -> None:
    light = [*sources("shop_agent"), *(p for p in sources("commonfab") if str(p.relative_to(ROOT)) not in NODE_ONLY)]
    light = [path for path in light if "migration" not in path.parts]
    assert not {f"{path.relative_to(ROOT)} imports {name}" for path in light for name in imports(path) if name in HEAVY}


def test_no_file_grew_too_large() -> None:
    files = [path for package in MAY_IMPORT for path in sources(package)]
    assert not {path.name: n for path in files if (n := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE}


def test_every_file_carries_its_licence() -> None:
    files = [p for package in (*MAY_IMPORT, "tests", "benchmarks", "docs") for p in sources(package)]
    files += [*(ROOT / "proto").rglob("*.proto"), *(ROOT / "router" / "scripts").glob("*.lua")]
    assert not [
        str(p)
        for p in files
        if p.stat().st_size and "SPDX-License-Identifier: AGPL-3.0-or-later" not in p.read_text(encoding="utf-8")[:200]
    ]


def test_text_files_are_read_and_written_as_utf8_whatever_the_locale_says() -> None:
    """lib3mf leaves the locale of its process at C when it writes; from then on a plain `read_text()` stumbles over every "×"."""
    wrong = []
    for path in [p for package in (*MAY_IMPORT, "tests", "benchmarks", "docs") for p in sources(package)]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("read_text", "write_text")
            if named and "encoding" not in {keyword.arg for keyword in node.keywords}:  # type: ignore[attr-defined]
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")  # type: ignore[attr-defined]
    assert not wrong
