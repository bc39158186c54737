# SPDX-License-Identifier: AGPL-3.0-or-later
"""From the folders of cases to what is asked and what is expected, as README.md describes them. A misspelt key is an error."""

from __future__ import annotations

import importlib.util
import shutil
import tomllib
from pathlib import Path
from types import ModuleType

from pydantic import BaseModel, ConfigDict

HERE = Path(__file__).parent


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Options(_Section):
    """What the command line would say."""

    files: tuple[str, ...]
    fleet: str = "street"
    material: str = ""
    quantity: int = 1
    unit: str = ""
    thickness: float = 0.0
    process: tuple[str, ...] = ()
    tolerance: float = 0.0
    operation: tuple[str, ...] = ()
    part_of_one_design: bool = False


class Ask(Options):
    """One run of a case: its options, and the answer that is right. What is left out is not looked at."""

    name: str
    verdict: str
    processes: tuple[str, ...] = ()
    not_processes: tuple[str, ...] = ()
    able: tuple[str, ...] = ()
    unable: tuple[str, ...] = ()
    questions: tuple[str, ...] | None = None
    reasons: tuple[str, ...] = ()
    not_reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    not_warnings: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    against: dict[str, tuple[str, ...]] = {}
    shops: dict[str, tuple[str, ...]] = {}
    measures: dict[str, float] = {}


class Case(_Section):
    """A folder: its story, and the runs of it."""

    folder: Path
    story: str
    ask: tuple[Ask, ...]


def read_cases() -> list[Case]:
    """Every folder with a `case.toml`, in the order of their names."""
    return [_case(file) for file in sorted(HERE.glob("*/case.toml"))]


def _case(file: Path) -> Case:
    told = tomllib.loads(file.read_text(encoding="utf-8"))
    shared = {key: told.pop(key) for key in tuple(told) if key not in ("story", "ask")}
    return Case(folder=file.parent, ask=tuple(Ask.model_validate({**shared, **one}) for one in told.pop("ask")), **told)


def lay_out(case: Case, folder: Path) -> None:
    """Draw and copy the files of a case into an empty folder."""
    for file in case.folder.iterdir():
        if file.is_file() and file.name not in ("case.toml", "draw.py"):
            shutil.copy(file, folder)
    script = case.folder / "draw.py"
    if script.exists():
        _loaded(script).draw(folder)


def _loaded(script: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"draw_{script.parent.name.replace('-', '_')}", script)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
