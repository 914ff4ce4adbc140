"""Starts programs that do not outlive the process that started them, however that process ends.

A watchdog beside the program waits for the end of a pipe that only the starting process holds open, then kills the
program and removes its folder.
"""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

# The shell becomes the program by exec, so the pid of the process is the program's. Its background half holds the read
# end of the pipe, whose end of file is the death of the starting process.
_WATCHED = """
exec 3<&0 </dev/null
(cat <&3 >/dev/null; kill -KILL $$; rm -rf "$0") &
exec 3<&-
exec "$@"
"""


def start_watched(command: Sequence[str | Path], folder: Path, log: Path) -> "subprocess.Popen[bytes]":
    """Starts a program in a process group of its own.

    Args:
        command: the program and its arguments.
        folder: what it holds on disk; removed when the starting process ends without having called `kill_watched`.
        log: gets what it writes.
    """
    with log.open("ab") as out:
        return subprocess.Popen(
            ["/bin/sh", "-c", _WATCHED, str(folder), *map(str, command)],
            stdin=subprocess.PIPE, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip


def kill_watched(process: "subprocess.Popen[bytes]") -> None:
    """Kills the program and its watchdog: nothing of a test is worth an orderly shutdown of a second or more."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


class WatchedProgram(ABC):
    """A program with a folder of its own, both of which end with this process at the latest; a context manager."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def start(self) -> Self:
        """Returns once it answers."""

    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Kills it and removes what it held; a second call does nothing."""
        if self._process is not None:
            kill_watched(self._process)
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        atexit.unregister(self.stop)

    def _new_folder(self, prefix: str) -> Path:
        """What it may hold on disk from now on, until `stop`."""
        atexit.register(self.stop)
        self._folder = Path(tempfile.mkdtemp(prefix=prefix))
        return self._folder

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
