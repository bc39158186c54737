# SPDX-License-Identifier: AGPL-3.0-or-later
"""Becomes the command it is given, after asking the kernel to end it with its parent: `python -I bound.py PARENT COMMAND…`.

On Linux a child so started is told to stop (SIGTERM) when its parent dies, even of SIGKILL. Elsewhere it is an ordinary child, and what a
killed node leaves behind is found and stopped at the next start. A program of its own because code between fork and exec is not safe in a
process with threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>; kept over exec, see prctl(2)


def main() -> None:
    """Bind to the parent, then exec."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
