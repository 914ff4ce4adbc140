"""A command as a person runs it: on a terminal of 80 columns and 24 lines, or into a pipe."""

import codecs
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from headrace.testing.waiting import PATIENCE_SECONDS

_SOURCES = os.pathsep.join(str(Path(__file__).parents[2] / folder) for folder in ("shared", "services"))

# A size that test runners export would outweigh the terminal's own.
_NOT_INHERITED = ("HEADRACE_", "COLUMNS", "LINES")


class Running:
    """A running command, and what it has printed."""

    def __init__(self, process: subprocess.Popen[bytes], stream: int) -> None:
        self.process = process
        self.printed = ""
        self.terminal = self._stream = stream
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Its exit code, when all that it printed is read."""
        code = self.process.wait(seconds)
        self._reader.join(PATIENCE_SECONDS)
        return code

    def type(self, line: str) -> None:
        os.write(self._stream, f"{line}\n".encode())

    def press(self, keys: str) -> None:
        os.write(self._stream, keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._stream, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)  # it is not the terminal's session, which would be told by itself

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def _read(self) -> None:
        # A terminal that nobody has open any more is an error to its reader.
        text = codecs.getincrementaldecoder("utf-8")("replace")
        while chunk := _read_some(self._stream):
            self.printed += text.decode(chunk)


def gone(processes: Iterable[psutil.Process]) -> bool:
    """Whether all of them have ended."""
    return all(map(_has_ended, processes))


def _has_ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _read_some(stream: int) -> bytes:
    try:
        return os.read(stream, 65_536)
    except OSError:
        return b""


@contextmanager
def headrace(folder: Path, *arguments: str, terminal: bool, settings: Mapping[str, str]) -> Iterator[Running]:
    """`headrace` with its standard streams on a pseudo-terminal, or on a pipe; its lake lies in `folder`."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    if terminal:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "headrace_cli", *arguments],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)},
            **settings,
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
    running = Running(process, ours)
    try:
        yield running
    finally:
        process.kill()
        running.wait()
        os.close(ours)
