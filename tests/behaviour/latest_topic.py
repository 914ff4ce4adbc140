"""The topic of a table of latest rows, as rebuilds and proofs read it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from headrace.kafka.records import Envelope, Records
from headrace.kafka.topics import TopicIdentity
from headrace.offsets import OffsetRange
from headrace.read.proof.canonical import ValueCodec
from headrace.read.proof.digests import block_of, digest
from headrace.read.proof.findings import Level
from headrace.read.proof.truth import Expected, Progress, Replayed, Survey
from headrace.testing.memory_broker import MemoryBroker, StoredRecord


@dataclass
class MemoryLog:
    """The broker in memory as a rebuild reads it."""

    broker: MemoryBroker
    thinned: bool = False
    some: int = 7

    def identity(self) -> TopicIdentity:
        return self.broker.identity()

    def watermarks(self, partition: int) -> OffsetRange:
        return self.broker.watermarks(partition)

    def positions_at(self, time: datetime, partitions: Sequence[int]) -> Mapping[int, int]:
        return self.broker.positions_at(time, partitions)

    def read(self, partition: int, wanted: OffsetRange) -> Iterator[Records]:
        position = wanted.start
        while position < wanted.end:
            found, end = self.broker.read(partition, position, self.some)
            inside = [(record.offset, record) for record in found if record.offset in wanted]
            if inside:
                yield _records(partition, inside)
            position = found[-1].offset + 1 if found else end

    def is_compacted(self) -> bool:
        return self.thinned


@dataclass
class MemoryTruth:
    """The broker in memory as verify asks it about latest rows."""

    broker: MemoryBroker
    codec: ValueCodec | None
    thinned: bool
    level: Level = Level.BROKER

    def survey(self, expected: Mapping[int, Expected], progress: Progress) -> Iterator[Survey]:
        msg = "latest rows are replayed key by key and never surveyed"
        raise AssertionError(msg)

    def replay(self, expected: Mapping[int, Expected], progress: Progress) -> Iterator[Replayed]:
        for partition in sorted(expected):
            asked, kept = expected[partition], self.broker.watermarks(partition)
            low = max(kept.start, asked.start)
            found = [
                (o, r) for (p, o), r in self.broker.records().items() if p == partition and low <= o < asked.position
            ]
            behind = kept.end - asked.position
            yield Replayed(
                partition, iter([_records(partition, sorted(found))]), partial(int, low), behind, self.thinned
            )

    def digests(self, partition: int, blocks: Collection[int], position: int) -> Mapping[int, frozenset[bytes]]:
        assert self.codec is not None
        return {
            o: frozenset({digest(r.value), digest(self.codec.canonical(r.value or b""))})
            for (p, o), r in self.broker.records().items()
            if p == partition and o < position and block_of(o) in blocks
        }

    def close(self) -> None:
        return


def _records(partition: int, found: Sequence[tuple[int, StoredRecord]]) -> Records:
    return Records(
        "memory",
        [partition] * len(found),
        [offset for offset, _ in found],
        [record.timestamp_ms for _, record in found],
        [record.value for _, record in found],
        lambda index: Envelope(found[index][1].key, found[index][1].headers),
    )
