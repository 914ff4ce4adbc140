"""Market time: a simulated past with trading hours, whose events bear the times at which they would have happened."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from headrace.clock import SystemClock

# Seven a day, Monday to Friday: the first when New York opens in winter, the last when it closes. No holidays.
_FIRST = time(14, 30, tzinfo=UTC)
_LOOKS_A_DAY = 7
_BETWEEN_LOOKS = timedelta(minutes=65)
_DAY = timedelta(days=1)
_SATURDAY = 5
# A hundred bots have had their look after some ten minutes.
_MEAN_SECONDS_BETWEEN_EVENTS = 1.5


@dataclass(frozen=True, slots=True)
class Past:
    """Days to simulate.

    Attributes:
        since: the first.
        until: the day after the last.
    """

    since: date
    until: date

    def moments(self) -> list[datetime]:
        """When bots look at the market, in order."""
        return [
            datetime.combine(day, _FIRST) + number * _BETWEEN_LOOKS
            for day in (self.since + number * _DAY for number in range((self.until - self.since).days))
            if day.weekday() < _SATURDAY
            for number in range(_LOOKS_A_DAY)
        ]


class PastClock(SystemClock):
    """Tells the time of a simulated past, in which events take a moment each.

    Args:
        past: its days.
        seed: of the moments.
    """

    def __init__(self, past: Past, seed: int) -> None:
        self._moments = past.moments()
        self._random = random.Random(f"{seed}/moments")
        self._now = self._moments[0]

    def now(self) -> datetime:
        """The time of the next event."""
        self._now += timedelta(milliseconds=1 + self._random.expovariate(1 / (1_000 * _MEAN_SECONDS_BETWEEN_EVENTS)))
        return self._now.replace(microsecond=self._now.microsecond // 1_000 * 1_000)

    def looks(self) -> Iterator[float]:
        """Sets the clock to one look after the other; gives the calendar days from each to the one after it."""
        for moment, following in pairwise([*self._moments, self._moments[-1] + _DAY]):
            self._now = max(self._now, moment)
            yield (following - moment) / _DAY
