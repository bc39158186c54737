# SPDX-License-Identifier: AGPL-3.0-or-later
"""Linux's own calls, by way of the C library."""

from __future__ import annotations

import ctypes
import os


def prctl(what: int, *values: int) -> int:
    """prctl(2); below zero where it failed. The kernel looks at all four values, and at all 64 bits of each."""
    given = [*values, 0, 0, 0, 0][:4]
    return int(_libc().prctl(ctypes.c_int(what), *map(ctypes.c_ulong, given)))


def syscall(number: int, *values: int | bytes | None) -> int:
    """A system call by its number; below zero where it failed."""
    return int(_libc().syscall(ctypes.c_long(number), *(ctypes.c_long(value) if isinstance(value, int) else value for value in values)))


def checked(answer: int) -> int:
    """The answer of a call. Errors: `OSError` where it failed."""
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
