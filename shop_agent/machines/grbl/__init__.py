# SPDX-License-Identifier: AGPL-3.0-or-later
"""A Grbl 1.1 controller on a serial port, with nothing in between (https://github.com/gnea/grbl/wiki).

`reports.py`: what Grbl says. `feeding.py`: lines into its small buffer. `serial_line.py`: the port. `link.py`: a conversation over it.
`run.py`: one toolpath from its first line to its end. `driver.py`: the machine. What Grbl cannot keep is in `machines/kept.py`.
"""

from __future__ import annotations

from shop_agent.machines.grbl.driver import Grbl

__all__ = ["Grbl"]
