# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Lua scripts of the board: each is one change, or one look, at one moment."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

SCRIPTS = (
    *("post", "confirm_job", "approve_first", "cancel_job", "offer", "accept", "decline", "start", "release", "finish", "hear", "walk_in"),
    *("withdraw_order", "make_rest_elsewhere", "pass_deadlines", "open_jobs", "read_jobs", "read_changes", "read_offers", "carried"),
    *("recall", "seen_recalls"),
)


@dataclass(frozen=True)
class Script:
    """A script as Redis is given it, and the SHA-1 by which Redis remembers it."""

    text: str
    sha: str


def load_scripts() -> Mapping[str, Script]:
    """Every script by its name, with `common.lua` before it."""
    folder = files("router") / "scripts"
    common = (folder / "common.lua").read_text(encoding="utf-8")
    return MappingProxyType({name: _script(common + (folder / f"{name}.lua").read_text(encoding="utf-8")) for name in SCRIPTS})


def _script(text: str) -> Script:
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
