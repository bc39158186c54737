# SPDX-License-Identifier: AGPL-3.0-or-later
"""The folder of one attempt for the person who makes it, or who makes its toolpath: the maker's files, drawings too, beside a job sheet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path, PurePosixPath

from commonfab import v1
from shop_agent.journal.records import AttemptRecord
from shop_agent.preparing.storeroom import WORK

SHEET = "sheet.md"
LONGEST_NAME = 120

Fetch = Callable[[str, Path], Awaitable[object]]
"""Brings the file of a SHA-256 to a path."""


async def lay_out(data_dir: Path, attempt: AttemptRecord, shop: str, fetch: Fetch) -> Path:
    """Make the folder, or finish one that was begun; answers it. Errors: those of `fetch`; `OSError`."""
    folder = data_dir / WORK / attempt.key
    for name, sha256 in _files(attempt.offer):
        target = folder / name
        if not await asyncio.to_thread(target.exists):
            await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
            await fetch(sha256, target)
    await asyncio.to_thread(_write_sheet, folder, attempt, shop)
    return folder


def _files(offer: v1.Offer) -> Iterator[tuple[PurePosixPath, str]]:
    """Each file with its name in the folder; last the mesh, where it is none of them."""
    for file in offer.files:
        yield _inside(file.path, file.sha256), file.sha256
    if offer.mesh_sha256 and offer.mesh_sha256 not in {file.sha256 for file in offer.files}:
        yield PurePosixPath("mesh-in-millimetres.stl"), offer.mesh_sha256


def _inside(path: str, sha256: str) -> PurePosixPath:
    """The maker's own path, as far as it stays in the folder and hides nothing; else the digest."""
    steps = path.split("/")
    plain = all(
        step == step.strip() and step.isprintable() and not step.startswith(".") and 0 < len(step) <= LONGEST_NAME for step in steps
    )
    odd = any(char in path for char in '\\:*?"<>|')
    return PurePosixPath(path) if plain and not odd and path != SHEET else PurePosixPath(sha256)


def _write_sheet(folder: Path, attempt: AttemptRecord, shop: str) -> None:
    from commonfab.job_sheet import sheet_of_offer, written

    folder.mkdir(parents=True, exist_ok=True)
    (folder / SHEET).write_text(written(sheet_of_offer(attempt.offer, shop, attempt.key, None)), encoding="utf-8")
