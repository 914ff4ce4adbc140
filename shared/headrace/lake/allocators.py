"""What is freed goes back to the system: left alone, allocators keep what a burst once took, some 150 MiB here.

Nothing that is right depends on it. Systems other than Linux with glibc are left as they are.
"""

import ctypes
import os

# glibc's M_MMAP_THRESHOLD. Left alone, it rises to 32 MiB with the first large buffer that is freed.
_MMAP_THRESHOLD, _LARGE_BYTES = -3, 256 * 1024
_POLARS = "_RJEM_MALLOC_CONF"

_libc = ctypes.CDLL(None)


def keep_little() -> None:
    """Large buffers go back when they are freed; for before polars is imported, which has an allocator of its own."""
    os.environ.setdefault(_POLARS, "dirty_decay_ms:0,muzzy_decay_ms:0")
    if hasattr(_libc, "mallopt"):
        _libc.mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)


def give_back() -> None:
    """What lies free between small buffers goes back now; takes some 10 ms."""
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)
