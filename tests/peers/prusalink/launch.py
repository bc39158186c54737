# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs the real PrusaLink. Run by PrusaLink's own Python.

One thing is left out: it does not announce itself by mDNS, so that no computer of the neighbourhood offers a printer that is only a test.
"""

from __future__ import annotations

import sys

from prusa.link import service_discovery


class Unannounced:
    """Stands where PrusaLink's `ServiceDiscovery` stands, and says nothing to the network."""

    def __init__(self, port: int) -> None:
        self.port = port

    def unregister(self) -> None:
        """There is nothing to take back."""


service_discovery.ServiceDiscovery = Unannounced

from prusa.link.__main__ import main  # noqa: E402  the name above must be set before PrusaLink takes it

sys.exit(main())
