# SPDX-License-Identifier: AGPL-3.0-or-later
"""What only a desk needs and the light install leaves out."""

from __future__ import annotations

from importlib.util import find_spec

from commonfab.errors import Refused


def need(package: str) -> None:
    """Look that a package is here before anything is shown. Errors: `Refused` (`desk.needs`)."""
    if find_spec(package) is None:
        raise Refused("desk.needs", package)
