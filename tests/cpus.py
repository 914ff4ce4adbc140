"""A test that starts no process keeps to one CPU.

The threads of Delta's library hand over to each other some hundred times when a table is opened, which takes 11 ms of
CPU where they run on two CPUs, and 7 ms on one. A test that starts a process has all CPUs from then on, as has what it
starts: processes are there to run at the same time.
"""

import os
import sys
from collections.abc import Collection
from pathlib import Path

from deltalake import DeltaTable

_RUNTIME_THREADS = "TOKIO_WORKER_THREADS"

_CAN_CHOOSE = hasattr(os, "sched_setaffinity")
_ALL = frozenset(os.sched_getaffinity(0) if _CAN_CHOOSE else ())


def keep_to_one(number: int) -> None:
    """Keeps this thread and those it starts to one CPU, until it starts a process.

    Args:
        number: that of the process among those that run tests beside each other.
    """
    if _CAN_CHOOSE:
        keep_to({sorted(_ALL)[number % len(_ALL)]})


def start_one_runtime_thread() -> None:
    """Lets Delta's library start its runtime with one thread: a tenth of the CPU of a worker with faults is spared.

    Processes that tests start have as many as anybody's.
    """
    if _RUNTIME_THREADS not in os.environ:
        os.environ[_RUNTIME_THREADS] = "1"
        DeltaTable.is_deltatable(str(Path(__file__).parent))
        del os.environ[_RUNTIME_THREADS]


def take_all() -> Collection[int]:
    """Gives this thread, and what it starts, all CPUs back.

    Returns:
        their numbers, for `keep_to`.
    """
    keep_to(_ALL)
    return _ALL


def keep_to(cpus: Collection[int]) -> None:
    """Keeps this thread and those it starts to `cpus`."""
    if _CAN_CHOOSE:
        os.sched_setaffinity(0, cpus)


def take_all_with_processes() -> None:
    """From now on every thread that starts a process takes all CPUs first."""
    sys.addaudithook(_heed)


def _heed(event: str, _: object) -> None:
    if event == "subprocess.Popen":
        take_all()
