# SPDX-License-Identifier: AGPL-3.0-or-later
"""A machine behind a CNCjs server, which feeds its Grbl.

`said.py`: what the server says. `server.py`: the way to it. `driver.py`: the machine.
"""

from __future__ import annotations

from shop_agent.machines.cncjs.driver import Cncjs

__all__ = ["Cncjs"]
