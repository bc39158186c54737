# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a process that opens a foreign file may no longer do, by the means of the Linux kernel.

Landlock (Linux 5.13) leaves it its own folder to write in, the file to read, and the installed libraries; seccomp takes away the network,
the running of programs, processes of its own, and every call that only an attacker would make. Bubblewrap, where it is installed, puts the
whole fork server into a file system that cannot be written and a network without devices; alone, it leaves all that the node can read to
be read. Elsewhere only the limits of `zygote` hold, and the worker says so.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import MappingProxyType

from registry.geometry import seccomp
from registry.geometry.libc import checked, prctl, syscall

PR_SET_NO_NEW_PRIVS = 38
"""From <linux/prctl.h>."""

LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
LANDLOCK_CREATE_RULESET_VERSION = 1
LANDLOCK_RULE_PATH_BENEATH = 1
WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG, TRUNCATE = (1 << bit for bit in (1, 2, 3, 4, 5, 7, 8, 14))
ALL_BY_VERSION = MappingProxyType({1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1})
BIND_AND_CONNECT, SIGNALS_AND_ABSTRACT_SOCKETS = 3, 3
"""From <linux/landlock.h>: rights to the file system grew with versions 2, 3 and 5; TCP came with 4, signals with 6."""

READING = READ_FILE | READ_DIR
WRITING = READING | WRITE_FILE | TRUNCATE | MAKE_REG | REMOVE_FILE | MAKE_DIR | REMOVE_DIR
"""Plain files and folders. A link, a pipe or a socket in the scratch folder would be a trap for whoever looks there afterwards."""

READABLE = (
    "/usr",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/fonts",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/dev/null",
    "/dev/urandom",
    "/sys/devices/system",
)
"""What the C library and the readers' libraries look at. Not the rest of /etc: a node's own settings may lie there."""

TRYING_SECONDS = 10.0


def means() -> list[str]:
    """What this machine offers for use in the child: "landlock", "seccomp"; empty where it is no Linux that knows them."""
    if sys.platform != "linux":
        return []
    return [name for name, is_there in (("landlock", landlock_version() > 0), ("seccomp", seccomp.offered())) if is_there]


def confine(readable: Iterable[Path], writable: Path) -> None:
    """Give up, in this process and for ever, what measuring one file does not need. To be called before there are threads.

    Parameters: `readable`, files and folders that may be read besides the system's; `writable`, the one folder that may be written.
    Errors: `OSError` where the kernel offers a means and refuses it.
    """
    if sys.platform != "linux":
        return
    checked(prctl(PR_SET_NO_NEW_PRIVS, 1))
    offered = means()
    if "landlock" in offered:
        _landlock([*map(Path, READABLE), *readable], writable)
    if "seccomp" in offered:
        seccomp.give_up_calls()


def bubblewrapped(command: list[str], writable: Path) -> list[str]:
    """`command` inside bubblewrap, where that is installed and works here; else `command` as it is."""
    program = shutil.which("bwrap")
    if program is None:
        return command
    kept = ["--ro-bind", "/", "/", "--dev", "/dev", "--bind", str(writable), str(writable)]
    wrapped = [program, *kept, "--unshare-net", "--unshare-ipc", "--die-with-parent", "--cap-drop", "ALL", "--"]
    return [*wrapped, *command] if _works([*wrapped, "true"]) else command


def _works(command: list[str]) -> bool:
    """In a container bubblewrap may be there and not be allowed to make its namespaces."""
    try:
        tried = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TRYING_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0


def landlock_version() -> int:
    """The version of Landlock that the kernel speaks; 0 where it speaks none."""
    return max(0, syscall(LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_CREATE_RULESET_VERSION))


def _landlock(readable: Iterable[Path], writable: Path) -> None:
    version = landlock_version()
    everything = ALL_BY_VERSION[max(known for known in ALL_BY_VERSION if known <= version)]
    network = BIND_AND_CONNECT if version >= 4 else 0
    scoped = SIGNALS_AND_ABSTRACT_SOCKETS if version >= 6 else 0
    attributes = struct.pack("<QQQ", everything, network, scoped)[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = checked(syscall(LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0))
    for path in readable:
        _allow(rules, path, READING & everything)
    _allow(rules, writable, WRITING & everything)
    checked(syscall(LANDLOCK_RESTRICT_SELF, rules, 0))
    os.close(rules)


def _allow(rules: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):  # what is not there or is closed to us needs no permission
        return
    if not path.is_dir():
        rights &= WRITE_FILE | READ_FILE | TRUNCATE
    checked(syscall(LANDLOCK_ADD_RULE, rules, LANDLOCK_RULE_PATH_BENEATH, struct.pack("<Qi", rights, place), 0))
    os.close(place)
