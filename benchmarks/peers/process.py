"""A peer's process and all its descendants: what they use, and their end."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.peers.peer import Command, PeerError

_LOOK_SECONDS = 0.25
_STOP_SECONDS = 30.0
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")
_LOG_TAIL = 1_500


@dataclass(frozen=True)
class Usage:
    """Of the whole tree since its start. The peak is exact for one process, seen four times a second for a tree."""

    cpu_seconds: float
    peak_rss_bytes: int


class Process:
    """A running peer."""

    def __init__(self, command: Command, log: Path) -> None:
        self._log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                list(command.arguments), env=os.environ | dict(command.environment), cwd=log.parent,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        self._peak = 0
        self._stop = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)
        self._watching.start()

    def usage(self) -> Usage:
        """Up to now."""
        cpu = resident = highest = 0.0
        for each in self._tree():
            try:
                times = each.cpu_times()
                cpu += times.user + times.system + times.children_user + times.children_system
                resident += each.memory_info().rss
                found = _PEAK.search(Path(f"/proc/{each.pid}/status").read_text())
            except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
                continue
            highest = max(highest, int(found[1]) * 1024 if found else 0)
        self._peak = max(self._peak, int(resident), int(highest))
        return Usage(cpu, self._peak)

    def require_running(self) -> None:
        """Raises PeerError if it has ended."""
        if self._process.poll() is not None:
            msg = f"it ended with {self._process.returncode}"
            raise self.failure(msg)

    def failure(self, what: str) -> PeerError:
        """The error that says so, with the end of its log."""
        return PeerError(f"{what}; its log ends with: {self._log.read_bytes()[-_LOG_TAIL:].decode(errors='replace')}")

    def kill(self) -> None:
        """SIGKILL to all of it, and waits."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to whatever is left of it after half a minute."""
        self._end(signal.SIGTERM)

    def _end(self, first: signal.Signals) -> None:
        self._stop.set()
        self._watching.join()
        group = self._process.pid
        with suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(group, first)
            self._process.wait(_STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        self._process.wait()

    def _tree(self) -> list[psutil.Process]:
        try:
            root = psutil.Process(self._process.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            self.usage()


@contextmanager
def running(command: Command, log: Path) -> Iterator[Process]:
    """A peer that is stopped afterwards."""
    process = Process(command, log)
    try:
        yield process
    finally:
        process.stop()
