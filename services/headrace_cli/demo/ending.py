"""SIGINT, SIGTERM and SIGHUP end the demo as Ctrl-C does: no process is left, and the terminal is as before."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def on_signals(handler: Callable[[int, object], None]) -> Iterator[None]:
    """Meanwhile these signals are the handler's; of the main thread."""
    former = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, before in former.items():
            signal.signal(number, before)


class Ending:
    """A handler that raises, where a signal arrives, what ends the demo."""

    def __init__(self) -> None:
        self._came: list[int] = []
        self._held = False

    def __call__(self, number: int, _frame: object) -> None:
        """Called by Python."""
        self._came.append(number)
        self.heed()

    def heed(self) -> None:
        """Raises again for a signal that came before: what a handler raises is lost while a library's callback runs.

        Raises:
            KeyboardInterrupt, SystemExit: the demo is to end.
        """
        if self._came and not self._held:
            raise KeyboardInterrupt if self._came[0] == signal.SIGINT else SystemExit(128 + self._came[0])

    @contextmanager
    def held(self) -> Iterator[None]:
        """A signal interrupts nothing meanwhile, so that no process is started and not known of."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        self.heed()
