# SPDX-License-Identifier: AGPL-3.0-or-later
"""What lies in the work folders, for whoever looks at a desk: by its path there, and nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from shop_agent.config import ShopConfig
from shop_agent.journal.book import open_journal
from shop_agent.journal.records import AttemptRecord
from shop_agent.preparing.storeroom import WORK
from shop_agent.preparing.work_folder import SHEET

MOST_FILES = 60


def files_of(data_dir: Path, attempt: AttemptRecord) -> Iterator[str]:
    """What lies in the work folder of an attempt, by its path there, the sheet first; at most `MOST_FILES`."""
    folder = data_dir / WORK / attempt.key
    found = (one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file() and not one.is_symlink())
    yield from sorted(islice(found, MOST_FILES), key=lambda name: (name != SHEET, name))


def file_of(config: ShopConfig, order: str, path: str) -> Path | None:
    """A file of an order on the benches by its path in its work folder; None where there is no such file. It reads the journal by itself,
    so that it may be called in any thread."""
    with closing(open_journal(config)) as journal:
        attempt = next((one for one in reversed(journal.attempts()) if one.ref.work_order_id == order), None)
    if attempt is None or path not in files_of(config.data_dir, attempt):
        return None
    return config.data_dir / WORK / attempt.key / path
