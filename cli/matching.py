# SPDX-License-Identifier: AGPL-3.0-or-later
"""From files and a fleet to verdicts, one a part."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from cli.folder import parts_of
from cli.verdict import PartVerdict, decide
from commonfab import v1
from commonfab.file_endings import file_stem
from commonfab.settings import NodeSettings
from registry.demands import declared_beside, told_beside
from registry.examining import examine, opened_sandbox
from registry.geometry.sandbox import Sandbox


def judged(files: Sequence[Path], demands: v1.Demands, shops: Sequence[v1.Shop], one_design: bool) -> list[PartVerdict]:
    """Measure, judge and match every part that `files` show. Errors: `OSError`; `SandboxBroken`."""
    with opened_sandbox(NodeSettings()) as sandbox:
        return judged_in(sandbox, files, demands, shops, one_design)


def judged_in(
    sandbox: Sandbox, files: Sequence[Path], demands: v1.Demands, shops: Sequence[v1.Shop], one_design: bool
) -> list[PartVerdict]:
    """As `judged`, in a sandbox that is open already: who judges many files loads the libraries once."""
    home = Path(os.path.commonpath([file.resolve().parent for file in files]))
    verdicts = []
    for part in _parts([file.resolve().relative_to(home).as_posix() for file in files], home, demands, one_design):
        inspected = examine(part, home, sandbox)
        inspected.found_in_text.extend(told_beside((home / part.paths[0]).parent))
        verdicts.append(decide(inspected, shops))
    return verdicts


def _parts(paths: Sequence[str], home: Path, demands: v1.Demands, one_design: bool) -> list[v1.Part]:
    if one_design:
        parts = parts_of(paths, demands, {})
        parts += [_alone(path, demands) for path in paths if not _belongs(path, parts)]
    else:
        parts = [_alone(path, demands) for path in paths]
    for part in parts:
        _add(part.demands, declared_beside((home / part.paths[0]).parent, part.name))
    return parts


def _belongs(path: str, parts: Sequence[v1.Part]) -> bool:
    """Whether a file is one of a part's, or its source or toolpath: it has the name of one of them, up to the ending."""
    stem = file_stem(path)
    of = next((part for part in parts if any(file_stem(shown) == stem for shown in part.paths)), None)
    if of is not None and path not in of.paths:
        of.paths.append(path)
    return of is not None


def _alone(path: str, demands: v1.Demands) -> v1.Part:
    return v1.Part(name=Path(path).stem, paths=[path], quantity_per_product=1, demands=demands)


def _add(said: v1.Demands, declared: v1.Demands) -> None:
    """What a manifest beside the file declares holds where the command line said nothing."""
    said.material = said.material or declared.material
    said.thickness_mm = said.thickness_mm or declared.thickness_mm
    keys = {setting.key for setting in said.settings}
    said.settings.extend(setting for setting in declared.settings if setting.key not in keys)
