"""SIGINT, SIGTERM and SIGHUP end the demo as Ctrl-C does: no process is left, and the terminal is as before."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ending:
    """Raises what ends the demo where a signal arrives; a context manager, of the main thread."""

    def __init__(self) -> None:
        self._came: list[int] = []
        self._held = False

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

    def __enter__(self) -> Self:
        self._former = {number: signal.signal(number, self._arrive) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _arrive(self, number: int, _frame: object) -> None:
        self._came.append(number)
        self.heed()
