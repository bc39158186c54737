# SPDX-License-Identifier: AGPL-3.0-or-later
"""Pictures of what is offered: fetched once from the node by the desk, kept beside the journal, and shown without the node."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commonfab.client import Node

SHA256 = re.compile(r"[0-9a-f]{64}")

LARGEST_BYTES = 8 * 1024 * 1024
"""A preview is some 20 kB; what is far larger is none, and is not shown."""

PNG = b"\x89PNG\r\n\x1a\n"


def pictures_folder(data_dir: Path) -> Path:
    """Where they are kept."""
    return data_dir / "pictures"


def picture_of(data_dir: Path, sha256: str) -> Path | None:
    """The picture of that SHA-256; None where it is not here."""
    if not SHA256.fullmatch(sha256):
        return None  # it came from outside, and names a file
    file = pictures_folder(data_dir) / f"{sha256}.png"
    return file if file.is_file() else None


async def fetch_picture(node: Node, data_dir: Path, sha256: str) -> Path | None:
    """Fetch a picture from a node; None where what arrived is no PNG.

    Errors: `grpc.aio.AioRpcError`; `OSError`; `ValueError` where other bytes arrived.
    """
    if not SHA256.fullmatch(sha256):
        return None
    folder = pictures_folder(data_dir)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    fresh = folder / f"{sha256}.fetched"

    def stop_at_the_limit(done: int, total: int) -> None:
        if max(done, total) > LARGEST_BYTES:
            raise ValueError(f"{sha256} is too large for a picture")

    await node.fetch(sha256, fresh, stop_at_the_limit)
    return await asyncio.to_thread(_kept, fresh, folder / f"{sha256}.png")


def _kept(fresh: Path, target: Path) -> Path | None:
    with fresh.open("rb") as file:
        is_png = file.read(len(PNG)) == PNG
    if not is_png:
        fresh.unlink()
        return None
    return fresh.rename(target)
