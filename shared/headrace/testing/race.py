"""Races between real processes: all are started, wait at one line, and are released together."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

_READY = "ready"


def race(script: Path, arguments: Sequence[Sequence[str]], *, seconds: float = 90.0) -> list[str]:
    """Runs `script` once per entry of `arguments`, all at the same time.

    Args:
        script: a Python file that calls `starting_line` before the part that races.
        arguments: command line of each process.
        seconds: how long each process may take after the start.

    Returns:
        What each process printed, in the order of `arguments`.

    Raises:
        RuntimeError: a process ended badly; the message is what it wrote to standard error.
        TimeoutError: a process did not end in time; it is killed.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    racers = [
        subprocess.Popen(
            [sys.executable, str(script), *line],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for line in arguments
    ]
    try:
        for racer in racers:
            _await_ready(racer)
        for racer in racers:
            _stream(racer.stdin).write("go\n")
            _stream(racer.stdin).flush()
        return [_finish(racer, seconds) for racer in racers]
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()


def starting_line() -> None:
    """Called by a racing process: returns when all others have come this far."""
    print(_READY, flush=True)
    sys.stdin.readline()


def _await_ready(racer: "subprocess.Popen[str]") -> None:
    if _stream(racer.stdout).readline().strip() != _READY:
        raise RuntimeError(_stream(racer.stderr).read())


def _finish(racer: "subprocess.Popen[str]", seconds: float) -> str:
    try:
        printed, errors = racer.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        msg = f"{racer.args!r} did not end within {seconds:g} s"
        raise TimeoutError(msg) from None
    if racer.returncode != 0:
        raise RuntimeError(errors)
    return printed


def _stream(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        msg = "the process has no pipe"
        raise RuntimeError(msg)
    return stream
