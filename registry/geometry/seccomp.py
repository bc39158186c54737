# SPDX-License-Identifier: AGPL-3.0-or-later
"""The system calls that a process which opens a foreign file gives up: a filter for Linux's seccomp.

Landlock does not govern everything: on the kernels of 2021 to 2022 it knows no truncating, on none does it know changing modes, owners and
times of files, shared memory that outlives its process, or the limits and priorities of other processes of the same user. Those are here.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from registry.geometry.libc import checked, prctl

PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2
"""From <linux/prctl.h> and <linux/seccomp.h>."""

ARCHITECTURES = MappingProxyType({"x86_64": 0xC000003E, "aarch64": 0xC00000B7})
X32_BIT = 0x40000000

NONE = -1
"""The architecture has no such call."""

FORBIDDEN: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        # The network
        "socket": (41, 198),
        "socketpair": (53, 199),
        "bind": (49, 200),
        "listen": (50, 201),
        "accept": (43, 202),
        "accept4": (288, 242),
        "connect": (42, 203),
        "sendto": (44, 206),
        "sendmsg": (46, 211),
        "sendmmsg": (307, 269),
        # Programs, and processes of its own; `clone` is in `RULES`
        "execve": (59, 221),
        "execveat": (322, 281),
        "fork": (57, NONE),
        "vfork": (58, NONE),
        # Other processes; `tgkill` and `prlimit64` are in `RULES`
        "ptrace": (101, 117),
        "process_vm_readv": (310, 270),
        "process_vm_writev": (311, 271),
        "process_madvise": (440, 440),
        "process_mrelease": (448, 448),
        "kcmp": (312, 272),
        "kill": (62, 129),
        "tkill": (200, 130),
        "rt_sigqueueinfo": (129, 138),
        "rt_tgsigqueueinfo": (297, 240),
        "pidfd_open": (434, 434),
        "pidfd_send_signal": (424, 424),
        "pidfd_getfd": (438, 438),
        "setpriority": (141, 140),
        "ioprio_set": (251, 30),
        "sched_setparam": (142, 118),
        "sched_setscheduler": (144, 119),
        "sched_setattr": (314, 274),
        "sched_setaffinity": (203, 122),
        "migrate_pages": (256, 238),
        "move_pages": (279, 239),
        # Files that it may not write
        "truncate": (76, 45),
        "chmod": (90, NONE),
        "fchmod": (91, 52),
        "fchmodat": (268, 53),
        "fchmodat2": (452, 452),
        "chown": (92, NONE),
        "lchown": (94, NONE),
        "fchown": (93, 55),
        "fchownat": (260, 54),
        "utime": (132, NONE),
        "utimes": (235, NONE),
        "futimesat": (261, NONE),
        "utimensat": (280, 88),
        "setxattr": (188, 5),
        "lsetxattr": (189, 6),
        "fsetxattr": (190, 7),
        "setxattrat": (463, 463),
        "removexattr": (197, 14),
        "lremovexattr": (198, 15),
        "fremovexattr": (199, 16),
        "removexattrat": (466, 466),
        "file_setattr": (469, 469),
        "mknod": (133, NONE),
        "mknodat": (259, 33),
        "open_by_handle_at": (304, 265),
        "inotify_init": (253, NONE),
        "inotify_init1": (294, 26),
        "fanotify_init": (300, 262),
        # Memory that no limit counts, or that outlives the process
        "memfd_create": (319, 279),
        "memfd_secret": (447, 447),
        "shmget": (29, 194),
        "shmat": (30, 196),
        "shmctl": (31, 195),
        "semget": (64, 190),
        "semctl": (66, 191),
        "semop": (65, 193),
        "msgget": (68, 186),
        "msgctl": (71, 187),
        "msgsnd": (69, 189),
        "mq_open": (240, 180),
        "mq_unlink": (241, 181),
        "add_key": (248, 217),
        "request_key": (249, 218),
        "keyctl": (250, 219),
        # The file systems, and the machine
        "mount": (165, 40),
        "umount2": (166, 39),
        "pivot_root": (155, 41),
        "chroot": (161, 51),
        "open_tree": (428, 428),
        "move_mount": (429, 429),
        "fsopen": (430, 430),
        "fsmount": (432, 432),
        "fspick": (433, 433),
        "mount_setattr": (442, 442),
        "quotactl": (179, 60),
        "swapon": (167, 224),
        "swapoff": (168, 225),
        "acct": (163, 89),
        "unshare": (272, 97),
        "setns": (308, 268),
        "bpf": (321, 280),
        "perf_event_open": (298, 241),
        "userfaultfd": (323, 282),
        "io_uring_setup": (425, 425),
        "io_uring_enter": (426, 426),
        "io_uring_register": (427, 427),
        "syslog": (103, 116),
        "personality": (135, 92),
        "iopl": (172, NONE),
        "ioperm": (173, NONE),
        "modify_ldt": (154, NONE),
        "settimeofday": (164, 170),
        "clock_settime": (227, 112),
        "clock_adjtime": (305, 266),
        "adjtimex": (159, 171),
        "sethostname": (170, 161),
        "setdomainname": (171, 162),
        "reboot": (169, 142),
        "init_module": (175, 105),
        "finit_module": (313, 273),
        "delete_module": (176, 106),
        "kexec_load": (246, 104),
        "kexec_file_load": (320, 294),
    }
)
"""System calls that measuring a file needs none of, by their numbers on x86_64 and on aarch64 (the kernel's syscall tables)."""

UNKNOWN: Mapping[str, tuple[int, int]] = MappingProxyType({"clone3": (435, 435), "openat2": (437, 437)})
"""Calls whose arguments lie in memory, where a filter cannot look: answered as by an old kernel, so libraries take the older call."""

CLONE_THREAD = 0x00010000
READ_ONLY_BUT_TRUNCATING, ACCESS_AND_TRUNCATE = 0o1000, 0o1003
PR_SET_PDEATHSIG, PR_SET_PTRACER = 1, 0x59616D61
WHOLE = 0xFFFFFFFF


@dataclass(frozen=True)
class Rule:
    """A call that is allowed for some values of one argument, the bits of `mask` of it: for `values` only, or for all others."""

    numbers: tuple[int, int]
    argument: int
    mask: int
    values: tuple[int, ...]
    allowed: bool


def rules(process: int) -> tuple[Rule, ...]:
    """The calls that depend on an argument, for the process with the number `process`."""
    return (
        Rule((56, 220), 0, CLONE_THREAD, (CLONE_THREAD,), allowed=True),  # clone: threads, and no processes
        Rule((234, 131), 0, WHOLE, (process,), allowed=True),  # tgkill: `abort` sends itself a signal by it
        Rule((302, 261), 0, WHOLE, (0, process), allowed=True),  # prlimit64: of nobody else
        Rule((157, 167), 0, WHOLE, (PR_SET_PDEATHSIG, PR_SET_PTRACER), allowed=False),  # prctl: not to outlive the fork server
        Rule((2, NONE), 1, ACCESS_AND_TRUNCATE, (READ_ONLY_BUT_TRUNCATING,), allowed=False),  # open
        Rule((257, 56), 2, ACCESS_AND_TRUNCATE, (READ_ONLY_BUT_TRUNCATING,), allowed=False),  # openat
    )


def offered() -> bool:
    """Whether this kernel takes filters, and we know the numbers of its calls."""
    if platform.machine() not in ARCHITECTURES:
        return False
    ctypes.set_errno(0)
    # A filter at no address is refused for its address, where filters are known at all.
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER) < 0 and ctypes.get_errno() == errno.EFAULT


def give_up_calls() -> None:
    """Forbidden calls fail with EPERM from now on, so that a library that tries one can go on without it.

    For this thread and those that it starts; needs `PR_SET_NO_NEW_PRIVS`. Errors: `OSError` where the kernel refuses.
    """
    program = program_for(platform.machine(), os.getpid())
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions, and where they are.
    told = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(code)))
    checked(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(told)))


LOAD, AND, EQUAL, AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
ALLOW, FAIL, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16
"""From <linux/bpf_common.h> and <linux/seccomp.h>: codes of instructions, answers, and places in `struct seccomp_data`."""

Line = tuple[int, int, int, int]


def program_for(machine: str, process: int) -> bytes:
    """The filter as the kernel takes it: 8 bytes an instruction (code, jump if true, jump if false, value), see <linux/filter.h>.

    Every call is a block of its own that ends in an answer and is jumped over by all other calls; so no jump depends on another block.
    """
    column = list(ARCHITECTURES).index(machine)
    lines: list[Line] = [(LOAD, 0, 0, ARCHITECTURE_AT), (EQUAL, 1, 0, ARCHITECTURES[machine]), (RETURN, 0, 0, KILL_PROCESS)]
    lines.append((LOAD, 0, 0, NUMBER_AT))
    if machine == "x86_64":  # the same calls under other numbers
        lines += [(AT_LEAST, 0, 1, X32_BIT), (RETURN, 0, 0, FAIL | errno.EPERM)]
    for calls, error in ((FORBIDDEN, errno.EPERM), (UNKNOWN, errno.ENOSYS)):
        for numbers in calls.values():
            lines += _block(numbers[column], [(RETURN, 0, 0, FAIL | error)])
    for rule in rules(process):
        lines += _block(rule.numbers[column], _by_argument(rule))
    lines.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("<HBBI", *line) for line in lines)


def _block(number: int, answer: list[Line]) -> list[Line]:
    return [] if number == NONE else [(EQUAL, 0, len(answer), number), *answer]


def _by_argument(rule: Rule) -> list[Line]:
    # The lower half of the argument: both architectures are little-endian, and all that is compared here has 32 bits.
    lines: list[Line] = [(LOAD, 0, 0, ARGUMENTS_AT + 8 * rule.argument), (AND, 0, 0, rule.mask)]
    listed, others = (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, FAIL | errno.EPERM)
    if not rule.allowed:
        listed, others = others, listed
    lines += [(EQUAL, len(rule.values) - index, 0, value) for index, value in enumerate(rule.values)]
    return [*lines, others, listed]
