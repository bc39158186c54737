# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a process that opens a foreign file may no longer do, by the means of the Linux kernel.

Landlock (Linux 5.13) leaves it its own folder to write in, the file to read, and the installed libraries; seccomp takes away the network,
the running of programs, and every call that only an attacker would make. Bubblewrap, where it is installed, puts the whole fork server into
a file system that cannot be written and a network without devices. Elsewhere only the limits of `zygote` hold, and the worker says so.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

PR_SET_NO_NEW_PRIVS, PR_GET_SECCOMP, PR_SET_SECCOMP = 38, 21, 22
SECCOMP_MODE_FILTER = 2
"""From <linux/prctl.h> and <linux/seccomp.h>."""

LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
LANDLOCK_CREATE_RULESET_VERSION = 1
LANDLOCK_RULE_PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
ALL_BY_VERSION = MappingProxyType({1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1})
BIND_AND_CONNECT, SIGNALS_AND_ABSTRACT_SOCKETS = 3, 3
"""From <linux/landlock.h>: rights to the file system grew with versions 2, 3 and 5; TCP came with 4, signals with 6."""

ARCHITECTURES = MappingProxyType({"x86_64": 0xC000003E, "aarch64": 0xC00000B7})
X32_BIT = 0x40000000

FORBIDDEN: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "socket": (41, 198),
        "socketpair": (53, 199),
        "bind": (49, 200),
        "listen": (50, 201),
        "accept": (43, 202),
        "connect": (42, 203),
        "sendto": (44, 206),
        "sendmsg": (46, 211),
        "execve": (59, 221),
        "execveat": (322, 281),
        "ptrace": (101, 117),
        "process_vm_readv": (310, 270),
        "process_vm_writev": (311, 271),
        "kill": (62, 129),
        "mount": (165, 40),
        "umount2": (166, 39),
        "pivot_root": (155, 41),
        "chroot": (161, 51),
        "unshare": (272, 97),
        "setns": (308, 268),
        "bpf": (321, 280),
        "perf_event_open": (298, 241),
        "userfaultfd": (323, 282),
        "io_uring_setup": (425, 425),
        "io_uring_enter": (426, 426),
        "io_uring_register": (427, 427),
        "open_by_handle_at": (304, 265),
        "add_key": (248, 217),
        "request_key": (249, 218),
        "keyctl": (250, 219),
        "init_module": (175, 105),
        "finit_module": (313, 273),
        "kexec_load": (246, 104),
    }
)
"""System calls that measuring a file needs none of, by their numbers on x86_64 and on aarch64 (the kernel's syscall tables)."""

READABLE = (
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/etc",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/dev/null",
    "/dev/urandom",
    "/sys/devices",
)


def means() -> list[str]:
    """What this machine offers for use in the child: "landlock", "seccomp"; empty where it is no Linux that knows them."""
    if sys.platform != "linux":
        return []
    found = ["landlock"] if landlock_version() else []
    if platform.machine() in ARCHITECTURES and _libc().prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0:
        found.append("seccomp")
    return found


def confine(readable: Iterable[Path], writable: Path) -> None:
    """Give up, in this process and for ever, what measuring one file does not need.

    Parameters: `readable`, files and folders that may be read besides the system's; `writable`, the one folder that may be written.
    Errors: `OSError` where the kernel offers a means and refuses it.
    """
    if sys.platform != "linux":
        return
    _checked(_libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    offered = means()
    if "landlock" in offered:
        _landlock([*map(Path, READABLE), *readable], writable)
    if "seccomp" in offered:
        _seccomp()


def bubblewrapped(command: list[str], writable: Path) -> list[str]:
    """`command` inside bubblewrap, where that is installed and works here; else `command` as it is."""
    program = shutil.which("bwrap")
    if program is None:
        return command
    kept = ["--ro-bind", "/", "/", "--dev", "/dev", "--bind", str(writable), str(writable)]
    wrapped = [program, *kept, "--unshare-net", "--unshare-ipc", "--die-with-parent", "--cap-drop", "ALL", "--"]
    # In a container it may be there and not be allowed to make its namespaces.
    works = subprocess.run([*wrapped, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0
    return [*wrapped, *command] if works else command


def landlock_version() -> int:
    """The version of Landlock that the kernel speaks; 0 where it speaks none."""
    return max(0, int(_libc().syscall(LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_CREATE_RULESET_VERSION)))


def _landlock(readable: Iterable[Path], writable: Path) -> None:
    version = landlock_version()
    everything = ALL_BY_VERSION[max(known for known in ALL_BY_VERSION if known <= version)]
    network = BIND_AND_CONNECT if version >= 4 else 0
    scoped = SIGNALS_AND_ABSTRACT_SOCKETS if version >= 6 else 0
    attributes = struct.pack("<QQQ", everything, network, scoped)[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = _checked(_libc().syscall(LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0))
    for path in readable:
        _allow(rules, path, (EXECUTE | READ_FILE | READ_DIR) & everything)
    _allow(rules, writable, everything & ~EXECUTE)
    _checked(_libc().syscall(LANDLOCK_RESTRICT_SELF, rules, 0))
    os.close(rules)


def _allow(rules: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not path.is_dir():
        rights &= EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
    _checked(_libc().syscall(LANDLOCK_ADD_RULE, rules, LANDLOCK_RULE_PATH_BENEATH, struct.pack("<Qi", rights, place), 0))
    os.close(place)


def _seccomp() -> None:
    """Forbidden calls fail with EPERM, so that a library that tries one can go on without it."""
    machine = platform.machine()
    numbers = [pair[0 if machine == "x86_64" else 1] for pair in FORBIDDEN.values()]
    program = _filter(ARCHITECTURES[machine], numbers, x32=machine == "x86_64")
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions, and where they are.
    told = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    _checked(_libc().prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, told, 0, 0))


def _filter(architecture: int, forbidden: list[int], x32: bool) -> bytes:
    """A program for the kernel's packet filter: 8 bytes an instruction (code, jump if true, jump if false, value), see <linux/filter.h>."""
    LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
    ALLOW, FAIL_WITH_EPERM, KILL_PROCESS = 0x7FFF0000, 0x00050001, 0x80000000
    last = len(forbidden)
    lines = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL_PROCESS), (LOAD, 0, 0, 0)]
    if x32:  # the same calls under other numbers
        lines.append((AT_LEAST, last + 1, 0, X32_BIT))
    lines += [(EQUAL, last - index, 0, number) for index, number in enumerate(forbidden)]
    lines += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, FAIL_WITH_EPERM)]
    return b"".join(struct.pack("<HBBI", *line) for line in lines)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer
