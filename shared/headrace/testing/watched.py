"""Starts programs that do not outlive the process that started them, however that process ends.

A watchdog beside the program waits for the end of a pipe that only the starting process holds open, then kills the
program and removes its folder.
"""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

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
