"""What the process has resident, told after what lies free in it was given back.

Of records of 1 MB, within 512 MiB, twenty workers peaked at 471 to 498 MiB, and twelve that gave nothing back at 480 to
516. It is asked for near the limit alone: from three quarters of it on, a drain of small records took a fifth longer.
"""

from collections.abc import Callable

import psutil

from headrace.lake.latest.allocators import give_back
from headrace.sections import MIB

# Giving back takes some 10 ms, and taking again what was given as much.
_STEP = 32 * MIB


class ResidentMemory:
    """Reads resident bytes. Allocators keep what is freed between buffers in use until they are asked.

    Args:
        read: resident bytes.
        give_back: lets the allocator return what lies free.
        enough: resident bytes up to which it is left alone.
    """

    def __init__(self, read: Callable[[], int], give_back: Callable[[], None], *, enough: int) -> None:
        self._read = read
        self._give_back = give_back
        self._enough = enough
        self._mark = enough

    @classmethod
    def of_this_process(cls, *, enough: int) -> "ResidentMemory":
        """That of the process that calls."""
        process = psutil.Process()
        return cls(lambda: int(process.memory_info().rss), give_back, enough=enough)

    def __call__(self) -> int:
        """Resident bytes now."""
        found = self._read()
        if found > self._mark:
            self._give_back()
            found = self._read()
            self._mark = found + _STEP
        # It follows what is in use down, too.
        self._mark = max(self._enough, min(self._mark, found + _STEP))
        return found
