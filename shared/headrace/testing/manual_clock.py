"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta


class ManualClock:
    """A `headrace.clock.Clock`; both readings move together by `advance`, the wall clock alone by `jump`.

    Args:
        start: the first reading of the wall clock, aware.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._monotonic = 1_000.0

    def now(self) -> datetime:
        """Wall clock, aware UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Lets time pass; fits wherever something waits for seconds."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Sets the wall clock forwards, or backwards if negative, as somebody does who corrects it."""
        self._now += timedelta(seconds=seconds)
