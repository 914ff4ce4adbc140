"""One question, asked every few seconds beside the loop: whoever answers late holds nothing up."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from headrace.clock import Clock

Answer = TypeVar("Answer")


class Asker(Generic[Answer]):
    """Asks on a thread of its own, one question at a time. One thread uses it.

    Args:
        name: of the thread.
        seconds: between two questions; the first one is asked when they are over.
        clock: time.
    """

    def __init__(self, name: str, *, seconds: float, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._asked_at = clock.monotonic()
        self._answer: Future[Answer] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    @property
    def asking(self) -> bool:
        """Whether a question is open, or its answer was not taken yet."""
        return self._answer is not None

    def turn(self, ask: Callable[[], Answer]) -> Future[Answer] | None:
        """Never blocks; called at every turn of the loop. Calls `ask` on the thread when it is time.

        Returns:
            An answer that has come since the last call, once; or None.
        """
        if self._answer is None:
            if self._clock.monotonic() - self._asked_at >= self._seconds:
                self._asked_at = self._clock.monotonic()
                self._answer = self._thread.submit(ask)
            return None
        if not self._answer.done():
            return None
        answer, self._answer = self._answer, None
        return answer
