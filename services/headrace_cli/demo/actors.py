"""A process of the demo: started, killed, frozen, and listened to through the log that it writes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from headrace.errors import HeadraceError
from headrace_cli.demo.stage import Stage, worker_environment

Entry = Mapping[str, object]
"""One line of a process's log."""


@dataclass
class Actor:
    """A process of the demo, with its log in a file.

    With `own_group` a Ctrl-C on the terminal is not for it: whoever started it says when it ends.
    """

    name: str
    arguments: Sequence[str]
    stage: Stage
    environment: Mapping[str, str] = field(default_factory=dict)
    own_group: bool = False
    _process: subprocess.Popen[bytes] | None = None
    _heard: int = 0

    @property
    def log(self) -> Path:
        """Where it writes."""
        return self.stage.root / "logs" / f"{self.name}.log"

    def start(self) -> int:
        """Starts it, or starts it again after it ended; returns its process id."""
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "headrace_cli", *self.arguments],
                env={**os.environ, **worker_environment(self.stage), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                process_group=0 if self.own_group else None,
            )
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Sends a signal."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    @contextmanager
    def held(self) -> Iterator[None]:
        """It stands still meanwhile."""
        self.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.send(signal.SIGCONT)

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def exit_code(self) -> int | None:
        """Its exit code once it has ended."""
        return None if self._process is None else self._process.poll()

    def news(self) -> list[Entry]:
        """What it has logged since the last call; lines that are no JSON object are left out."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as log:
            log.seek(self._heard)
            whole = log.read().rpartition(b"\n")[0]
        if not whole:
            return []
        self._heard += len(whole) + 1
        return [entry for entry in map(_entry, whole.splitlines()) if entry is not None]

    def wait(self, seconds: float) -> int:
        """Waits for its end.

        Raises:
            HeadraceError: it did not end in time.
        """
        if self._process is None:
            return 0
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            msg = f"{self.name} did not stop within {seconds:g} s; its log is {self.log}"
            raise HeadraceError(msg) from None

    def kill(self) -> None:
        """Ends it without asking."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def ended(self) -> HeadraceError:
        """The failure of having ended."""
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-5:])
        return HeadraceError(
            f"{self.name} ended with exit code {self.exit_code()}; its log {self.log} ends with:\n{tail}"
        )


def _entry(line: bytes) -> Entry | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and "event" in entry and "timestamp" in entry else None
