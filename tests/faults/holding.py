"""A merge that waits for a test, in the process that it has to itself."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.connection import Client, Listener
from typing import Any

from headrace_maintenance import child


@contextmanager
def merge_at_work(address: str) -> Iterator[int]:
    """The id of a process in which a merge is at work; the merge goes on when the context ends.

    Args:
        address: path of a socket, the same as of `hold_merges`.
    """
    with Listener(address) as listener, listener.accept() as held:
        yield held.recv()


def hold_merges(address: str) -> None:
    """Prepares a maintenance process: its first merge waits for `merge_at_work`."""
    child._work = partial(_work_held, address)


def _work_held(address: str, *arguments: Any) -> None:
    rewrite = vars(child)["rewrite_files"]  # what `_work` calls
    vars(child)["rewrite_files"] = partial(_rewrite_held, address, rewrite)
    child._work(*arguments)


def _rewrite_held(address: str, rewrite: Callable[..., object], *arguments: object) -> object:
    with suppress(EOFError, FileNotFoundError), Client(address) as gate:
        gate.send(os.getpid())
        gate.recv()
    return rewrite(*arguments)
