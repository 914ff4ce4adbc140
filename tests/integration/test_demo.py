"""The demo as a person runs it: on a terminal of 80 columns and 24 lines, and into a pipe."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from headrace.testing.waiting import wait_until

_SOURCES = os.pathsep.join(str(Path(__file__).parents[2] / folder) for folder in ("shared", "services"))
_OTHER_SCREEN, _FIRST_SCREEN, _CURSOR = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"


class Demo:
    """A running demo, and what it has printed."""

    def __init__(self, process: subprocess.Popen[bytes], output: int) -> None:
        self.process = process
        self.output = output
        self.printed = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait(self, seconds: float) -> int:
        code = self.process.wait(seconds)
        self._reader.join(10)
        return code

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def _read(self) -> None:
        # A terminal that nobody has open any more is an error to its reader.
        while chunk := _read_some(self.output):
            self.printed += chunk.decode(errors="replace")


def _read_some(output: int) -> bytes:
    try:
        return os.read(output, 65_536)
    except OSError:
        return b""


@contextmanager
def demo(folder: Path, *arguments: str, terminal: bool) -> Iterator[Demo]:
    """`headrace demo` with its standard streams on a pseudo-terminal, or on a pipe."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    if terminal:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "headrace_cli.main", "demo", "--broker", "embedded", *arguments],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")},
            "HEADRACE_KAFKA__SESSION_TIMEOUT_MS": "4000",
            "HEADRACE_LAKE__ROOT": str(folder / "lake"),
            "PYTHONPATH": _SOURCES,
            "TERM": "xterm-256color",
            # As CI sets it: colours, yet no redrawing into a log.
            "FORCE_COLOR": "1",
        },
        stdin=theirs if terminal else subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    running = Demo(process, ours)
    try:
        yield running
    finally:
        process.kill()
        running.wait(10)
        os.close(ours)


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


@pytest.mark.timeout(300)
def test_the_whole_demo_plays_on_a_small_terminal_and_proves_itself(tmp_path: Path) -> None:
    with demo(tmp_path, "--events", "30000", terminal=True) as running:
        assert running.wait(240) == 0
    live, _, after = running.printed.partition(_FIRST_SCREEN)
    assert _OTHER_SCREEN in live
    assert _OTHER_SCREEN not in after
    for shown in ("SIGKILL to trades-1", "SIGSTOP to trades-2", "frozen", "believes", "SIGCONT to trades-2", "drained"):
        assert shown in live
    told = " ".join(after.split())
    for said in ("after the kill", "after the freeze", "verdict", "latest greeks per leg", "exactly once"):
        assert said in told
    assert "…" not in running.printed


@pytest.mark.parametrize(
    ("number", "terminal", "code"),
    [(signal.SIGINT, True, 130), (signal.SIGTERM, True, 143), (signal.SIGTERM, False, 143)],
)
def test_ending_it_leaves_no_process_and_the_terminal_as_it_was(
    tmp_path: Path, number: signal.Signals, terminal: bool, code: int
) -> None:
    with demo(tmp_path, terminal=terminal) as running:
        wait_until(lambda: "4 workers start" in running.printed, "it begins", seconds=60)
        wait_until(lambda: len(running.descendants()) == 4, "4 workers", seconds=60)
        others = running.descendants()
        running.process.send_signal(number)
        assert running.wait(30) == code
        wait_until(lambda: gone(others), "all processes are gone")
    if terminal:
        assert running.printed.rindex(_FIRST_SCREEN) > running.printed.rindex(_OTHER_SCREEN)
        assert running.printed.rindex(_CURSOR) > running.printed.rindex("\x1b[?25l")
    else:
        assert _OTHER_SCREEN not in running.printed
    assert "Traceback" not in running.printed
