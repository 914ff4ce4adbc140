"""A broker in memory: one topic, its partitions, one consumer group with cooperative rebalances, readers without one.

It keeps what the worker relies on: offsets that only grow, gaps, low watermarks, an end event per partition,
assignment to one live member at a time, a member that is expelled without knowing, an offset out of range. The same
behaviour suite runs on it, on the embedded broker and on Apache Kafka.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event, RLock

from headrace.errors import PositionLostError
from headrace.kafka.consumer import PartitionListener, Poll
from headrace.kafka.records import Envelope, Header, Records
from headrace.kafka.topics import TopicIdentity
from headrace.offsets import OffsetRange


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record of a partition's log."""

    offset: int
    value: bytes | None
    key: bytes | None
    headers: tuple[Header, ...]
    timestamp_ms: int


@dataclass
class _Partition:
    low: int = 0
    end: int = 0
    records: list[StoredRecord] = field(default_factory=list)


class MemoryBroker:
    """One topic and its consumer group. Safe to use from several threads.

    Args:
        topic: its name.
        partitions: how many it has at first.
        topic_id: what tells it from another topic of that name.
    """

    def __init__(self, topic: str, *, partitions: int = 4, topic_id: str = "memory-topic") -> None:
        self.topic = topic
        self.topic_id = topic_id
        self.committed: dict[int, int] = {}
        self._lock = RLock()
        self._partitions = [_Partition() for _ in range(partitions)]
        self._members: list[MemoryConsumer] = []
        self._turn = 0

    def append(
        self,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Sequence[Header] = (),
        partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> tuple[int, int]:
        """Stores a record; returns its partition and offset. Without `partition` they take turns."""
        with self._lock:
            if partition is None:
                partition = self._turn % len(self._partitions)
                self._turn += 1
            log = self._partitions[partition]
            millis = int(time.time() * 1000) if timestamp_ms is None else timestamp_ms
            log.records.append(StoredRecord(log.end, value, key, tuple(headers), millis))
            log.end += 1
            return partition, log.end - 1

    def skip(self, partition: int, count: int = 1) -> None:
        """Uses up offsets without a record, as transaction markers and aborted records do."""
        with self._lock:
            self._partitions[partition].end += count

    def delete_before(self, partition: int, offset: int) -> None:
        """Deletes old records, as retention does."""
        with self._lock:
            log = self._partitions[partition]
            log.low = offset
            log.records = [record for record in log.records if record.offset >= offset]

    def add_partitions(self, count: int) -> None:
        """Adds empty partitions."""
        with self._lock:
            self._partitions.extend(_Partition() for _ in range(count))

    def recreate(self, topic_id: str) -> None:
        """Deletes the topic and creates it again, empty."""
        with self._lock:
            self.topic_id = topic_id
            self._partitions = [_Partition() for _ in self._partitions]

    def another_group(self) -> "MemoryBroker":
        """The same log as another consumer group has it; not to be recreated."""
        other = MemoryBroker(self.topic, partitions=0, topic_id=self.topic_id)
        other._partitions, other._lock = self._partitions, self._lock
        return other

    def records(self) -> dict[tuple[int, int], StoredRecord]:
        """Everything kept, by partition and offset."""
        with self._lock:
            return {(p, r.offset): r for p, log in enumerate(self._partitions) for r in log.records}

    def expel(self, consumer: "MemoryConsumer") -> None:
        """Gives a member's partitions to others; it learns so at its next poll."""
        with self._lock:
            self._members.remove(consumer)
            consumer.expelled = True

    # -- the worker's `Topic`

    def identity(self) -> TopicIdentity:
        """Which topic it is."""
        with self._lock:
            return TopicIdentity(self.topic, "memory", self.topic_id, len(self._partitions))

    def watermarks(self, partition: int) -> OffsetRange:
        """The offsets kept."""
        with self._lock:
            log = self._partitions[partition]
            return OffsetRange(log.low, log.end)

    def positions_at(self, time: datetime, partitions: Sequence[int]) -> dict[int, int]:
        """First offsets at or after a time."""
        millis = int(time.timestamp() * 1000)
        with self._lock:
            found = {}
            for p in partitions:
                later = [r.offset for r in self._partitions[p].records if r.timestamp_ms >= millis]
                found[p] = min(later, default=self._partitions[p].end)
            return found

    # -- the group

    def consumer(self, by_hand: Sequence[int] | None = None) -> "MemoryConsumer":
        """A new member, which joins when it subscribes; with partitions named by hand no member of the group."""
        return MemoryConsumer(self, by_hand)

    def join(self, consumer: "MemoryConsumer") -> None:
        """Takes a member in."""
        with self._lock:
            self._members.append(consumer)

    def leave(self, consumer: "MemoryConsumer") -> None:
        """Lets a member go."""
        with self._lock:
            if consumer in self._members:
                self._members.remove(consumer)

    def share(self, consumer: "MemoryConsumer") -> tuple[set[int], set[int]]:
        """Partitions that `consumer` should have, and those of them that no other member still holds.

        For one that is no member any more: what it holds, and none.
        """
        with self._lock:
            if consumer not in self._members:
                return set(consumer.held), set()
            index, count = self._members.index(consumer), len(self._members)
            wanted = {p for p in range(len(self._partitions)) if p % count == index}
            held = {p for member in self._members if member is not consumer for p in list(member.held)}
            return wanted, wanted - held

    def read(self, partition: int, position: int, limit: int) -> tuple[list[StoredRecord], int]:
        """Records from `position` on, and the end of the log.

        Raises:
            PositionLostError: the log does not have the position.
        """
        with self._lock:
            log = self._partitions[partition]
            if not log.low <= position <= log.end:
                msg = f"offset {position} of partition {partition} is out of range"
                raise PositionLostError(msg)
            return [r for r in log.records if r.offset >= position][:limit], log.end


class MemoryConsumer:
    """A member of the broker's group, or a reader of some partitions; the worker's `Consumer`. One thread owns it."""

    def __init__(self, broker: MemoryBroker, by_hand: Sequence[int] | None = None) -> None:
        self.held: dict[int, int] = {}
        self.expelled = False
        self._broker = broker
        self._by_hand = by_hand
        self._listener: PartitionListener | None = None
        self._paused: set[int] = set()
        self._ended: dict[int, int] = {}
        self._idle = Event()

    def subscribe(self, listener: PartitionListener) -> None:
        """Joins the group; takes the partitions named by hand at once."""
        if self._by_hand is not None:
            self.held |= listener.assigned(self._by_hand)
        self._listener = listener
        if self._by_hand is None:
            self._broker.join(self)

    def poll(self, limit: int, timeout: float) -> Poll:
        """Runs rebalances, then gives what there is; waits only if there is nothing."""
        self._rebalance()
        poll = self._fetch(limit)
        if not len(poll.records) and not poll.ends:
            self._idle.wait(min(timeout, 0.005))
        return poll

    def seek(self, partition: int, position: int) -> None:
        """Reads from `position` on."""
        if partition in self.held:
            self.held[partition] = position
            self._ended.pop(partition, None)

    def pause(self, partitions: Sequence[int]) -> None:
        """Stops delivery."""
        self._paused |= set(partitions)

    def resume(self, partitions: Sequence[int]) -> None:
        """Takes delivery up again."""
        self._paused -= set(partitions)

    def commit(self, positions: Mapping[int, int]) -> None:
        """Keeps the group's offsets; nothing reads them but tests."""
        self._broker.committed |= positions

    def close(self) -> None:
        """Leaves the group; the listener is told first."""
        if self.held and self._listener is not None and not self.expelled:
            self._listener.revoked(sorted(self.held))
        self.held.clear()
        self._broker.leave(self)

    def _rebalance(self) -> None:
        if self._listener is None or self._by_hand is not None:
            return
        if self.expelled:
            lost = sorted(self.held)
            self.held.clear()
            self.expelled = False
            if lost:
                self._listener.lost(lost)
            self._broker.join(self)
        wanted, free = self._broker.share(self)
        surplus = sorted(self.held.keys() - wanted)
        if surplus:
            self._listener.revoked(surplus)
            for partition in surplus:
                del self.held[partition]
        new = sorted(free - self.held.keys())
        if new:
            self.held |= self._listener.assigned(new)

    def _fetch(self, limit: int) -> Poll:
        found: list[tuple[int, StoredRecord]] = []
        ends: dict[int, int] = {}
        for partition in sorted(self.held.keys() - self._paused):
            records, end = self._broker.read(partition, self.held[partition], limit - len(found))
            found.extend((partition, record) for record in records)
            if records:
                self.held[partition] = records[-1].offset + 1
            if len(found) < limit and self._ended.get(partition) != end:
                ends[partition] = self._ended[partition] = self.held[partition] = end
        return Poll(_as_records(self._broker.topic, found), ends)


def _as_records(topic: str, found: Sequence[tuple[int, StoredRecord]]) -> Records:
    return Records(
        topic=topic,
        partitions=[partition for partition, _ in found],
        offsets=[record.offset for _, record in found],
        timestamps=[record.timestamp_ms for _, record in found],
        values=[record.value for _, record in found],
        envelope=lambda index: Envelope(found[index][1].key, found[index][1].headers),
    )
