# SPDX-License-Identifier: AGPL-3.0-or-later
"""`python -m shop_agent shop.toml`: the agent alone, for a computer that carries nothing else."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

# pydantic looks for plugins in every package that is installed, and what looks for packages brings email and zip files along: 1.5 MB, and a
# card reads slowly. Nobody here has any, so it is given this in place of its own search.
_no_plugins = ModuleType("pydantic.plugin._loader")
_no_plugins.get_plugins = tuple  # type: ignore[attr-defined]
sys.modules.setdefault(_no_plugins.__name__, _no_plugins)

# httpx has a command line of its own, and with it come rich and pygments: 4 MB that nobody here ever calls.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

REPLACED_STATUS = 3
"""The exit status where a newer agent speaks for the shop. systemd must not start this one again: two would take turns for ever."""


def main() -> int:
    """Run the agent of the `shop.toml` that is named, else of the one in this folder."""
    # Before pydantic is loaded: it would look for plugins in every package that is installed, and a card reads slowly.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from commonfab.errors import Refused
    from shop_agent.agent import run_until_stopped
    from shop_agent.config import load_config

    try:
        run_until_stopped(load_config(Path(sys.argv[1] if len(sys.argv) > 1 else "shop.toml")))
    except Refused as refused:
        print(f"{refused}", file=sys.stderr)
        return REPLACED_STATUS if refused.code == "shop.replaced" else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
