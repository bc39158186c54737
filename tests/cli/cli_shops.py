# SPDX-License-Identifier: AGPL-3.0-or-later
"""A shop beside a node that `commonfab up` runs: one virtual printer that needs nobody."""

from __future__ import annotations

from cli_nodes import UpNode

SHOP = """
[shop]
id = "lena"
name = "Lena"
latitude = 48.145
longitude = 11.585
data_dir = "data"
[router]
node = "{node}"
token = "{token}"
[policy]
accept = "{accept}"
[[machine]]
id = "small"
process = "fdm"
envelope_mm = [220, 220, 250]
materials = ["pla"]
control = "virtual"
starts_itself = true
clears_itself = true
speed_factor = {speed}
"""


def virtual_shop(node: UpNode, accept: str, speed: int) -> str:
    """Its shop.toml, with a token of its own. `accept`: "always" or "ask"; `speed`: so many times faster than the toolpath."""
    return SHOP.format(node=node.address, token=node.token("shop", "lena"), accept=accept, speed=speed)
