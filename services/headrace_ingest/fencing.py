"""Partitions whose position somebody else has moved, and for how long to leave them alone.

A resurrected worker is fenced once and then learns from the group that it has lost its partitions. Who is fenced again
and again while the group leaves it the partition shares the table with a worker outside the group.
"""

from dataclasses import dataclass

from headrace.clock import Clock
from headrace.errors import AnotherWriterError
from headrace_ingest.intake import Lease

_MAX_FENCED = 3


@dataclass(frozen=True, slots=True)
class _Parked:
    until: float
    fenced: int


class FencedPartitions:
    """Waits for the group's word on partitions that were fenced. One thread uses it.

    Args:
        table: for the message.
        park_seconds: how long the group may take to say that a partition has gone; None if there is no group.
        clock: time.
    """

    def __init__(self, table: str, park_seconds: float | None, clock: Clock) -> None:
        self._table = table
        self._park_seconds = park_seconds
        self._clock = clock
        self._parked: dict[int, _Parked] = {}

    def park(self, lease: Lease) -> None:
        """Takes a partition that was found fenced.

        Raises:
            AnotherWriterError: it was fenced too often since it was assigned; without a group, at all.
        """
        if self._park_seconds is None:
            msg = (
                f"another worker reads partition {lease.partition} of {self._table}, too, which this one was told to "
                "read with --partitions. No group decides between the two, so the other one goes on and this one "
                "stops. Nothing is lost or doubled; start each partition in one worker only."
            )
            raise AnotherWriterError(msg)
        fenced = lease.fenced + 1
        if fenced >= _MAX_FENCED:
            msg = (
                f"another process outside this consumer group writes partition {lease.partition} of {self._table} "
                "under the same pipeline name. Both stay exactly once, but only one can make progress: stop one of "
                "them, or give one another table (HEADRACE_LAKE__ROOT) or the same HEADRACE_KAFKA__GROUP_ID."
            )
            raise AnotherWriterError(msg)
        self._parked[lease.partition] = _Parked(self._clock.monotonic() + self._park_seconds, fenced)

    def due(self) -> list[int]:
        """Partitions that the group has left to us: to be claimed again."""
        now = self._clock.monotonic()
        return [partition for partition, parked in self._parked.items() if now >= parked.until]

    def take_back(self, lease: Lease) -> None:
        """Lets go of a partition that was claimed again; its lease remembers how often it was fenced."""
        lease.fenced = self._parked.pop(lease.partition).fenced

    def forget(self, partition: int) -> None:
        """Lets go of a partition that belongs to somebody else."""
        self._parked.pop(partition, None)
