"""What goes on beside a test, over and over."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from headrace.testing.waiting import PATIENCE_SECONDS


@contextmanager
def repeating(act: Callable[[], object], *, pause: float = 0.0) -> Iterator[None]:
    """Within the context calls `act` again and again on a thread of its own; at its end raises what `act` raised.

    Args:
        act: what to do; not called again once it raised.
        pause: seconds between two calls.
    """
    stop = threading.Event()
    failures: list[BaseException] = []

    def repeat() -> None:
        try:
            while not stop.wait(pause):
                act()
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=repeat, name="repeating", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS)
        if failures:
            raise failures[0]
