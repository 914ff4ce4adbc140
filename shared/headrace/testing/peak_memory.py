"""The peak resident memory of a child process."""

import re
import subprocess
import threading
from pathlib import Path

_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")
_LOOK_SECONDS = 0.02


def wait_and_watch(process: "subprocess.Popen[bytes]", seconds: float) -> int:
    """Waits for the end of `process`; returns the most bytes it had resident, to within its last 20 ms.

    `ru_maxrss` would not do: a child inherits the peak of the process that it was forked from.

    Args:
        process: a child of this process.
        seconds: how long to wait at most.

    Raises:
        TimeoutExpired: it did not end in time.
    """
    peak, pause = 0, threading.Event()
    for _ in range(int(seconds / _LOOK_SECONDS)):
        peak = max(peak, peak_so_far(process.pid))
        if process.poll() is not None:
            return peak
        pause.wait(_LOOK_SECONDS)
    raise subprocess.TimeoutExpired(process.args, seconds)


def peak_so_far(pid: int) -> int:
    """The most bytes that a process had resident; 0 if it is gone."""
    try:
        found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(found[1]) * 1024 if found else 0
