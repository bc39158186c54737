# SPDX-License-Identifier: AGPL-3.0-or-later
"""Memory for streams of large messages."""

LARGE = 31 * 1024 * 1024
"""Just under 32 MiB, the largest block from which glibc learns on 64 bits (mallopt(3), M_MMAP_THRESHOLD)."""


def keep_large_blocks() -> None:
    """Have this process use memory again for one message after the other.

    glibc gives a large block back to the kernel as soon as it is freed, and the kernel has to clear 256 pages for the next MiB: a
    third of all time of an upload. It learns better from the first large block that is freed, and keeps up to twice its size from then
    on. Other allocators do without, and nothing changes for them. The pages of this block are never touched.
    """
    bytearray(LARGE)
