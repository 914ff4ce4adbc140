"""Where downloaded programs are kept from one run to the next."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_root() -> Path:
    """HEADRACE_CACHE_DIR, or else `headrace` in the user's cache folder."""
    own = os.environ.get("HEADRACE_CACHE_DIR")
    users = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(own) if own else Path(users) / "headrace").absolute()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a file that only one process at a time can hold."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
