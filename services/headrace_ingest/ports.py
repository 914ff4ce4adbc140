"""What the worker needs of Kafka: the seams at which the in-memory broker takes the place of a cluster."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from headrace.kafka.consumer import PartitionListener, Poll
from headrace.kafka.topics import TopicIdentity
from headrace.offsets import OffsetRange


class Topic(Protocol):
    """What a worker asks a cluster about its topic, from several threads; each call may take seconds."""

    def identity(self) -> TopicIdentity:
        """Which topic it is, and how many partitions it has."""
        ...

    def watermarks(self, partition: int) -> OffsetRange:
        """The offsets the broker has."""
        ...

    def positions_at(self, time: datetime, partitions: range) -> dict[int, int]:
        """First offsets at or after a time."""
        ...


class Consumer(Protocol):
    """A member of the consumer group; one thread owns it."""

    def subscribe(self, listener: PartitionListener) -> None:
        """Joins the group."""
        ...

    def poll(self, limit: int, timeout: float) -> Poll:
        """At most `limit` records within `timeout` seconds; runs the listener's callbacks."""
        ...

    def seek(self, partition: int, position: int) -> None:
        """Reads from `position` on."""
        ...

    def pause(self, partitions: Sequence[int]) -> None:
        """Stops delivery."""
        ...

    def resume(self, partitions: Sequence[int]) -> None:
        """Takes delivery up again."""
        ...

    def commit(self, positions: Mapping[int, int]) -> None:
        """Tells the group where the table stands."""
        ...

    def close(self) -> None:
        """Leaves the group; the listener is told first."""
        ...
