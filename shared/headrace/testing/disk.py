"""Disks that misbehave, by real means, and a witness of what was made durable."""

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from headrace.lake.store import Store


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Within the block no file of this process can grow beyond `size` bytes: a write fails with EFBIG."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def fsync_witness() -> Iterator[list[Path]]:
    """Within the block lists every path that is fsynced, in order; the fsync happens all the same."""
    real, seen = os.fsync, list[Path]()

    def witnessed(handle: int) -> None:
        seen.append(Path(f"/proc/self/fd/{handle}").readlink())
        real(handle)

    os.fsync = witnessed  # type: ignore[assignment]  # the real one also takes objects with a fileno
    try:
        yield seen
    finally:
        os.fsync = real


class UnsurelyDurableStore(Store):
    """A store whose fsync fails once, on the first path that `picks` chooses: what lies there stays there."""

    def __init__(self, root: str, picks: Callable[[str], bool]) -> None:
        super().__init__(root)
        self._picks = picks
        self.failed: str | None = None

    def sync(self, path: str) -> None:
        """Makes durable what lies at `path`."""
        if self.failed is None and self._picks(path):
            self.failed = path
            raise OSError(5, "Input/output error", path)
        super().sync(path)
