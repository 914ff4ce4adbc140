"""Waiting for a condition instead of sleeping."""

import os
import threading
from collections.abc import Callable, Sized

from headrace.clock import Deadline, SystemClock

PATIENCE_SECONDS = float(os.environ.get("HEADRACE_TEST_PATIENCE_SECONDS") or 60)
"""How long to wait for what will come. Nothing is slower for it being long: a test that passes does not use it up."""
_ASK_AGAIN_SECONDS = 0.02
_REST = 2
"""A pause takes so many times as long as asking took: what is waited for needs the processor, too."""
_LONGEST_SECONDS = 0.25


def wait_until(holds: Callable[[], bool], what: str, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Returns as soon as `holds()` is true.

    Args:
        holds: the condition, asked every 20 ms, or every quarter of a second if asking takes long.
        what: the condition in words, for the error.
        seconds: how long to wait at most.

    Raises:
        TimeoutError: it did not become true in time.
    """
    clock, pause = SystemClock(), threading.Event()
    deadline = Deadline.after(seconds, clock)
    asked = clock.monotonic()
    while not holds():
        if deadline.expired():
            msg = f"waited {seconds:g} s in vain: {what}"
            raise TimeoutError(msg)
        took = clock.monotonic() - asked
        pause.wait(min(max(_ASK_AGAIN_SECONDS, _REST * took), _LONGEST_SECONDS))
        asked = clock.monotonic()


def wait_for_more(items: Sized, count: int, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Returns as soon as `items` has grown by `count`.

    Raises:
        TimeoutError: it did not grow so much in time.
    """
    enough = len(items) + count
    wait_until(lambda: len(items) >= enough, f"{count} more, {enough} in all", seconds=seconds)
