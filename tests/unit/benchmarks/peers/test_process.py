import sys
from pathlib import Path

import pytest

from benchmarks.peers.peer import Command, PeerError
from benchmarks.peers.process import Process, running
from headrace.sections import MIB
from headrace.testing.waiting import wait_until

# A parent that only waits for a child, which holds 64 MiB and says its process id.
_CHILD = "import os, sys; held = b'x' * (64 << 20); print(os.getpid(), flush=True); sys.stdin.read()"
_WAITING = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {_CHILD!r}], stdin=subprocess.PIPE).wait()"


def exists(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_memory_of_children_counts_and_a_kill_reaches_them(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = Process(Command([sys.executable, "-c", _WAITING]), log)
    wait_until(lambda: log.read_bytes().endswith(b"\n"), "the child says its id")
    child = int(log.read_text())
    usage = process.usage()
    process.kill()
    wait_until(lambda: not exists(child), "the child is gone")
    assert usage.peak_rss_bytes > 64 * MIB
    assert usage.cpu_seconds > 0


def test_a_process_that_ended_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    with running(Command([sys.executable, "-c", "raise SystemExit('no broker')"]), tmp_path / "log") as process:

        def ended() -> bool:
            try:
                process.require_running()
            except PeerError:
                return True
            return False

        wait_until(ended, "it ended")
        with pytest.raises(PeerError, match=r"ended with 1.*no broker"):
            process.require_running()
