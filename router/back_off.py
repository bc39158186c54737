# SPDX-License-Identifier: AGPL-3.0-or-later
"""How long to wait before the next try, while something is away."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass

FIRST_SECONDS = 0.5

log = logging.getLogger(__name__)


@dataclass
class BackOff:
    """Pauses between tries: doubled with each failure up to `longest` seconds, and spread so that routers do not ask all at once.

    Parameters: `what`, told in the log: what cannot be done meanwhile.
    """

    what: str
    longest: float
    failures: int = 0

    def pause(self, error: Exception) -> float:
        """Seconds until the next try, after this failure.

        Only the second of a row is worth a warning: after one the node may be about to stop, or be back in half a second.
        """
        self.failures += 1
        log.log(logging.WARNING if self.failures == 2 else logging.DEBUG, "%s: %s", self.what, error)
        seconds: float = min(self.longest, FIRST_SECONDS * 2 ** min(self.failures - 1, 10))
        return seconds * random.uniform(0.5, 1.0)

    def worked(self) -> None:
        """It is there again; the next failure is the first."""
        self.failures = 0
