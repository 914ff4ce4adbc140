"""Processes that begin with what takes a second to import, and are otherwise as new as any."""

import multiprocessing
import os
import runpy
import signal
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.cpus import keep_to, take_all

_LIBRARIES = [
    "pytest",
    "typer",
    "headrace_canary.wiring",
    "headrace_exporter.wiring",
    "headrace_ingest.wiring",
    "headrace_maintenance.wiring",
]
"""Not polars, a thread of which would not live on in a fork, and no plugins, which pytest wants to rewrite."""


def start_forked(target: Callable[..., object], *arguments: object) -> ForkServerProcess:
    """Starts a process that begins with the libraries imported, on all CPUs.

    Args:
        target: what it does; of a module that imports little.
        arguments: of the target.
    """
    cpus = take_all()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_LIBRARIES)
    process = context.Process(target=_begin, args=(cpus, target, *arguments))
    process.start()
    return process


def _begin(cpus: Collection[int], target: Callable[..., object], *arguments: object) -> None:
    # A merge in the process of the tests may have started the server while that was kept to one CPU.
    keep_to(cpus)
    target(*arguments)


def become_headrace(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path, prepare: Callable[[], None] | None
) -> None:
    """Makes this new process the `headrace` command, which ends it.

    Args:
        arguments: of the command.
        environment: its whole.
        log: what it writes to is added to it.
        prepare: called before.
    """
    # A merge in the process of the tests may have started the server, and holds signals back from whoever it starts.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    _redirect(log)
    sys.path[:0] = environment["PYTHONPATH"].split(os.pathsep)
    sys.argv[1:] = arguments
    if prepare is not None:
        prepare()
    runpy.run_module("headrace_cli", run_name="__main__", alter_sys=True)


def _redirect(log: Path) -> None:
    """Standard streams as of a command that reads nothing and writes to `log`."""
    for descriptor, path, flags in ((0, os.devnull, os.O_RDONLY), (1, log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)):
        opened = os.open(path, flags)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.dup2(1, 2)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
