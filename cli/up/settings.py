# SPDX-License-Identifier: AGPL-3.0-or-later
"""The settings of a node: from the command line, the environment and the data folder, and on to its children."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping

from commonfab.errors import Refused
from commonfab.settings import NodeSettings


def node_settings(given: Mapping[str, object]) -> NodeSettings:
    """The settings in force, with the data folder as an absolute path.

    Errors: `Refused` (`node.settings`, `node.listen`); `pydantic.ValidationError`.
    """
    try:
        settings = NodeSettings(**given)  # type: ignore[arg-type]
    except tomllib.TOMLDecodeError as error:
        raise Refused("node.settings", f"commonfab.toml: {error}") from None
    settings = settings.model_copy(update={"data_dir": settings.data_dir.expanduser().absolute()})
    settings.check_listen()
    return settings


def child_environment(settings: NodeSettings, redis_url: str) -> dict[str, str]:
    """The environment in which a child process reads the same settings, whatever this process was given on its command line."""
    settled = settings.model_copy(update={"redis_url": redis_url, "database_url": settings.database()})
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COMMONFAB_")}
    told = {f"COMMONFAB_{name.upper()}": str(value) for name, value in settled.model_dump().items() if value is not None}
    return {**inherited, **told}
