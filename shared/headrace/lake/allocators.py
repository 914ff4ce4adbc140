"""When what is freed goes back to the system: at once where memory counts, and not at all where time does.

Left alone, allocators keep what a burst once took, some 150 MiB here, and yet give back and take again what is used
all the time. Nothing that is right depends on it. Systems other than Linux with glibc are left as they are.
"""

import ctypes
import os

# glibc's M_MMAP_THRESHOLD and M_TRIM_THRESHOLD. Left alone, both rise with the first large buffer that is freed, to
# its size and to twice that.
_MMAP_THRESHOLD, _LARGE_BYTES = -3, 256 * 1024
_TRIM_THRESHOLD = -1
# The most that glibc takes for the first, and what a thread uses and frees over and over.
_HUGE_BYTES, _KEPT_BYTES = 32 * 1024 * 1024, 32 * 1024 * 1024
_POLARS = "_RJEM_MALLOC_CONF"

_libc = ctypes.CDLL(None)


def keep_little() -> None:
    """Large buffers go back when they are freed; for before polars is imported, which has an allocator of its own."""
    os.environ.setdefault(_POLARS, "dirty_decay_ms:0,muzzy_decay_ms:0")
    if hasattr(_libc, "mallopt"):
        _libc.mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)


def keep_pages() -> None:
    """Each thread's heap keeps up to 32 MiB that are free: pages that go back and come again are cleared each time."""
    if hasattr(_libc, "mallopt"):
        _libc.mallopt(_MMAP_THRESHOLD, _HUGE_BYTES)
        _libc.mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)


def give_back() -> None:
    """What lies free between small buffers goes back now; takes some 10 ms."""
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)
