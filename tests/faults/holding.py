"""A merge that waits for a test, in the process that it has to itself."""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Client
from typing import Any

from headrace_maintenance import child


def hold_merges(address: str) -> None:
    """Prepares a maintenance process: a merge tells its number to a listener at `address`, and waits to be let go.

    It is let go when that connection is closed.
    """
    child._work = partial(_work_held, address)


def _work_held(address: str, *arguments: Any) -> None:
    rewrite = vars(child)["rewrite_files"]  # what `_work` calls
    vars(child)["rewrite_files"] = partial(_rewrite_held, address, rewrite)
    child._work(*arguments)


def _rewrite_held(address: str, rewrite: Callable[..., object], *arguments: object) -> object:
    with suppress(EOFError), Client(address) as gate:
        gate.send(os.getpid())
        gate.recv()
    return rewrite(*arguments)
