# SPDX-License-Identifier: AGPL-3.0-or-later
"""Looks at the desk as `[desk]` in shop.toml says it: who can reach it, its PIN, and whether what it needs is installed."""

from __future__ import annotations

import stat
from collections.abc import Callable
from importlib.util import find_spec

from commonfab.errors import Refused
from commonfab.reasons import refusal
from shop_agent.config import ShopConfig
from shop_agent.desk.listening import address_in, is_loopback
from shop_agent.starting.finding import CheckFinding

ABOUT = "desk"

PACKAGES = (("nicegui", "the page"), ("textual", "the terminal screen"))
"""What the light install leaves out, and what of the desk needs it."""

INSTALL = "In the folder of Commonfab's files: pip install '.[desk]'"


def check_desk(config: ShopConfig, installed: Callable[[str], bool] = lambda name: find_spec(name) is not None) -> list[CheckFinding]:
    """Every finding about the desk. `installed`: whether a package is here."""
    found = [*_packages(config, installed)]
    if found and found[0].ok and not any(installed(package) for package, _ in PACKAGES):
        return found  # where nobody listens is nobody's affair
    try:
        host, _ = address_in(config.desk.listen)
    except Refused as refused:
        return [*found, CheckFinding(ABOUT, False, refused.reason.message, refused.remedy)]
    if is_loopback(host):
        return [*found, CheckFinding(ABOUT, True, f"only this computer can reach it, at {config.desk.listen}")]
    if not config.desk.pin:
        told = refusal("desk.pin", config.desk.listen)
        return [*found, CheckFinding(ABOUT, False, told.reason.message, told.remedy)]
    return [*found, CheckFinding(ABOUT, True, f"it listens on {config.desk.listen} and asks for the PIN"), *_readable(config)]


def _packages(config: ShopConfig, installed: Callable[[str], bool]) -> list[CheckFinding]:
    """Who wrote [desk] wants it; to others it is only said."""
    missing = [(package, what) for package, what in PACKAGES if not installed(package)]
    if not missing:
        return []
    wanted = bool(config.desk.model_fields_set - {"pin"} or config.desk.pin)
    told = f"not installed here: {', '.join(f'{package} (for {what})' for package, what in missing)}"
    return [CheckFinding(ABOUT, not wanted, told if wanted else f"{told}; pip install '.[desk]' brings it", INSTALL if wanted else "")]


def _readable(config: ShopConfig) -> list[CheckFinding]:
    """A PIN that every account of this computer can read keeps nobody out who has one."""
    file = config.path.resolve().parent / config.desk.pin_file.expanduser() if config.desk.pin_file else config.path
    if not file.stat().st_mode & stat.S_IROTH:
        return []
    return [CheckFinding(ABOUT, True, f"everybody with an account on this computer can read the PIN in {file}: chmod o-r {file}")]
