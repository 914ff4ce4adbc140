"""Up to when a partition is durable. A pure rule.

Record timestamps alone do not tell: on a quiet topic the newest record is old and nothing is late. So it also counts
when the broker was last asked and the table had all that it named.
"""

from dataclasses import dataclass

from headrace.offsets import OffsetRange


@dataclass(frozen=True, slots=True)
class BrokerOffsets:
    """What the broker has of a partition, with all that was appended before `asked_at`, in seconds since the epoch."""

    available: OffsetRange
    asked_at: float


@dataclass(slots=True)
class Freshness:
    """What is known of one partition since it was claimed; times in seconds since the epoch.

    Attributes:
        caught_up_at: when the table last had all that the broker named.
        newest: Kafka timestamp of the last record that became durable.
    """

    caught_up_at: float | None = None
    newest: float | None = None

    def landed(self, newest_ms: int, now: float) -> None:
        """Takes a commit whose last record bears `newest_ms`, -1 if none of its records has a timestamp.

        Producers set timestamps: one from the future must not hide that the worker stands still.
        """
        if newest_ms >= 0:
            self.newest = min(newest_ms / 1000, now)

    def compare(self, durable: int, offsets: BrokerOffsets) -> None:
        """Compares the table's position with what the broker has."""
        if durable >= offsets.available.end:
            self.caught_up_at = offsets.asked_at
        elif self.caught_up_at is not None and self.caught_up_at > offsets.asked_at:
            # The wall clock was set back: what it said would hide that the worker stands still.
            self.caught_up_at = None

    @property
    def watermark(self) -> float | None:
        """Everything before it is durable, as far as timestamps tell; None before the first commit or comparison."""
        known = [time for time in (self.caught_up_at, self.newest) if time is not None]
        return max(known, default=None)
