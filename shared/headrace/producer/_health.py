"""How a producer fares, counted while it works: numbers that a bot reads whenever it likes."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Protocol

from headrace.metrics.producer import DELIVERY_DURATION

_BOUNDS = DELIVERY_DURATION.buckets


@dataclass(frozen=True, slots=True)
class TopicHealth:
    """What became of the events of one topic so far.

    Attributes:
        acknowledged: events that the broker has.
        acknowledged_bytes: of their values.
        failed: events that were not acknowledged in the end, by librdkafka's name for why.
        last_delivery: when the last acknowledgement was handled, UTC; None before the first.
        delivery_counts: acknowledgements by the time they took: up to each bound of the metric
            `headrace_producer_delivery_duration_seconds` and above the one before, then those beyond the last.
        delivery_seconds: sum of those times.
    """

    acknowledged: int
    acknowledged_bytes: int
    failed: Mapping[str, int]
    last_delivery: datetime | None
    delivery_counts: tuple[int, ...]
    delivery_seconds: float


@dataclass(frozen=True, slots=True)
class ProducerHealth:
    """How a producer fares at one moment.

    Attributes:
        pending: events taken that have no outcome yet; with a spool, all events in it.
        pending_bytes: of their values; with a spool, of its files.
        limit_records: how many may be pending; None with a spool.
        limit_bytes: that the queue, or the spool, may hold.
        queue_full: events refused because there was no room in time.
        trouble: what the connections to the brokers suffer from at present, in a sentence.
        fatal: why this producer can send nothing any more.
        topics: what became of the events of each topic.
    """

    pending: int
    pending_bytes: int
    limit_records: int | None
    limit_bytes: int
    queue_full: int
    trouble: str | None
    fatal: str | None
    topics: Mapping[str, TopicHealth]

    @property
    def acknowledged(self) -> int:
        """Events that the broker has."""
        return sum(topic.acknowledged for topic in self.topics.values())

    @property
    def failed(self) -> int:
        """Events that were not acknowledged in the end."""
        return sum(sum(topic.failed.values()) for topic in self.topics.values())

    @property
    def last_delivery(self) -> datetime | None:
        """When the last acknowledgement was handled, UTC; None before the first."""
        return max((topic.last_delivery for topic in self.topics.values() if topic.last_delivery), default=None)

    @property
    def ok(self) -> bool:
        """Whether nothing stands in the way of the next event."""
        return self.trouble is None and self.fatal is None


class Reporting(Protocol):
    """What is asked whenever somebody scrapes: any producer of Headrace."""

    @property
    def name(self) -> str:
        """Becomes the label `producer`."""
        ...

    def health(self) -> ProducerHealth:
        """How it fares; any thread may ask."""
        ...


@dataclass(slots=True)
class TopicTally:
    """Counts outcomes of one topic; whoever calls holds a lock."""

    acknowledged: int = 0
    acknowledged_bytes: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    last_delivery: float | None = None
    delivery_counts: list[int] = field(default_factory=lambda: [0] * (len(_BOUNDS) + 1))
    delivery_seconds: float = 0.0

    def acknowledge(self, size: int, seconds: Sequence[float], now: float) -> None:
        """Counts acknowledgements of so many bytes, each after so long; `now` is since the epoch."""
        self.acknowledged += len(seconds)
        self.acknowledged_bytes += size
        self.last_delivery = now
        self.delivery_seconds += sum(seconds)
        # Sorted once, and cut at every bound: one record alone costs as much as a search, a thousand a tenth.
        ordered = sorted(seconds)
        upto = [0, *(bisect_right(ordered, bound) for bound in _BOUNDS), len(ordered)]
        for place, (low, high) in enumerate(pairwise(upto)):
            self.delivery_counts[place] += high - low

    def health(self) -> TopicHealth:
        """What was counted."""
        return TopicHealth(
            acknowledged=self.acknowledged,
            acknowledged_bytes=self.acknowledged_bytes,
            failed=dict(self.failed),
            last_delivery=None if self.last_delivery is None else datetime.fromtimestamp(self.last_delivery, UTC),
            delivery_counts=tuple(self.delivery_counts),
            delivery_seconds=self.delivery_seconds,
        )
