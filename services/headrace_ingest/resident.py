"""What the process has resident, without what lies free where that can be had back.

Of records of 1 MB, within 512 MiB, ten workers peaked at 452 to 480 MiB, and twelve that gave nothing back at 480 to
516. It is asked for near the limit alone: decision 0023.
"""

from collections.abc import Callable

import psutil

from headrace.lake.allocators import give_back

# Giving back takes some 10 ms, and taking again what was given as much: it has to have grown by this share of `enough`.
_SHARE = 20


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
        self._step = enough // _SHARE
        self._low = 0

    @classmethod
    def of_this_process(cls, *, enough: int) -> "ResidentMemory":
        """That of the process that calls."""
        process = psutil.Process()
        return cls(lambda: int(process.memory_info().rss), give_back, enough=enough)

    def __call__(self) -> int:
        """Resident bytes now; beyond `enough`, what lies free is given back first where they have grown."""
        found = self._read()
        if found > max(self._enough, self._low + self._step):
            self._give_back()
            found = self._low = self._read()
        self._low = min(self._low, found)
        return found
