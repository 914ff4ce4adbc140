"""How fast bots send: at a steady rate, and never further ahead of the tables than the broker can hold.

The embedded broker keeps about 5 MB of a partition and drops what is older, read or not; bots therefore wait
while too much of what they sent is not durable yet.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from headrace.clock import Clock, SystemClock
from headrace.kafka.sender import Delivery

TopicPartition = tuple[str, int]
"""A topic and one of its partitions."""
Positions = Mapping[TopicPartition, int]
AskPositions = Callable[[Collection[TopicPartition]], Positions]
"""Gives the next durable offset of each of some places."""


@dataclass(frozen=True, slots=True)
class Pace:
    """A steady number of events a second; None means as many as possible."""

    events_per_second: float | None

    def due(self, seconds: float, sent: int) -> int | None:
        """How many events are due `seconds` after the start when `sent` have gone; None when unlimited."""
        if self.events_per_second is None:
            return None
        return max(0, int(seconds * self.events_per_second) - sent)


def no_positions(_places: Collection[TopicPartition]) -> Positions:
    """For bots that do not wait for anyone."""
    return {}


class Backlog:
    """How many acknowledged records of each partition are not durable in a table yet.

    Fed by delivery reports (an instance is an `on_delivery`). `positions` is asked for the partitions they named, at
    most once per `every_seconds`: a partition for which it has no answer counts as not begun.
    """

    def __init__(
        self,
        positions: AskPositions,
        *,
        limit: int | None,
        every_seconds: float = 0.2,
        clock: Clock | None = None,
    ) -> None:
        self._positions = positions
        self._limit = limit
        self._every_seconds = every_seconds
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._ends: dict[TopicPartition, int] = {}
        self._asked_at: float | None = None
        self._durable: Positions = {}

    def __call__(self, delivery: Delivery) -> None:
        """Notes how far a partition reaches."""
        if delivery.partition is None or delivery.offset is None:
            return
        place = delivery.topic, delivery.partition
        with self._lock:
            self._ends[place] = max(self._ends.get(place, 0), delivery.offset + 1)

    def largest(self) -> int:
        """Records of the partition that is furthest ahead of its table."""
        now = self._clock.monotonic()
        if self._asked_at is None or now - self._asked_at >= self._every_seconds:
            with self._lock:
                places = tuple(self._ends)
            self._asked_at, self._durable = now, self._positions(places)
        with self._lock:
            return max((end - self._durable.get(place, 0) for place, end in self._ends.items()), default=0)

    def too_large(self) -> bool:
        """Whether to wait before sending more."""
        return self._limit is not None and self.largest() > self._limit
