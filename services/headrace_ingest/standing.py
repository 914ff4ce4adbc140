"""Where a worker stands at this moment, as readings for whoever scrapes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from headrace.metrics import common, ingest
from headrace.metrics.metric import Reading
from headrace.metrics.recorder import Sample
from headrace_ingest.batch import Batch
from headrace_ingest.freshness import BrokerOffsets
from headrace_ingest.intake import Lease


@dataclass(frozen=True, slots=True)
class PartitionStanding:
    """Where one partition stands.

    Attributes:
        lease: what the worker knows of it.
        offsets: what the broker said last.
        waiting_since: Kafka timestamp of the first record that is read and not durable, in seconds since the epoch.
        held: whether it is read; a lost one stands as it was when it was lost.
    """

    lease: Lease
    offsets: BrokerOffsets
    waiting_since: float | None
    held: bool

    @property
    def end(self) -> int:
        """Where the partition ends, as far as is known: what was read may lie beyond the broker's last answer."""
        return max(self.lease.position, self.offsets.available.end)

    @property
    def watermark(self) -> float | None:
        """Up to when everything is durable; None if nothing was read since the partition was claimed."""
        known = self.lease.freshness.watermark
        return self.waiting_since if known is None else known


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a worker stands.

    Attributes:
        partitions: those that it reads, and those lost that nobody is known to read.
        batches: read and not yet durable.
        paused: number of partitions that are not delivered.
        topic_partitions: number of partitions of the topic.
        answered_at: when the broker last said where partitions end, in seconds since the epoch.
    """

    partitions: Sequence[PartitionStanding]
    batches: Sequence[Batch]
    paused: int
    topic_partitions: int
    answered_at: float | None


def readings(standing: Standing, *, detail: bool) -> Iterator[Sample]:
    """All readings; without `detail` those of partitions are put together."""
    yield Sample(ingest.TOPIC_PARTITIONS, standing.topic_partitions)
    yield Sample(ingest.PAUSED, standing.paused)
    yield Sample(ingest.BUFFERED_RECORDS, sum(batch.records for batch in standing.batches))
    yield Sample(ingest.BUFFERED_BYTES, sum(batch.size for batch in standing.batches))
    if standing.answered_at is not None:
        yield Sample(common.LOOP_TICK, standing.answered_at, {"loop": "offsets"})
    waiting = [p.waiting_since for p in standing.partitions if p.waiting_since is not None]
    if waiting:
        yield Sample(ingest.BUFFER_OLDEST, min(waiting))
    if detail:
        for partition in standing.partitions:
            yield from _of([partition], {"partition": str(partition.lease.partition)})
    else:
        yield from _of(standing.partitions, {})


def _of(partitions: Sequence[PartitionStanding], labels: Mapping[str, str]) -> Iterator[Sample]:
    """Sums, and the oldest watermark."""
    sums: Mapping[Reading, int] = {
        ingest.ASSIGNED: sum(p.held for p in partitions),
        ingest.POSITION: sum(p.lease.position for p in partitions),
        ingest.COMMITTED: sum(p.lease.durable for p in partitions),
        ingest.HIGH_WATERMARK: sum(p.end for p in partitions),
        ingest.LOW_WATERMARK: sum(p.offsets.available.start for p in partitions),
        ingest.LAG: sum(p.end - p.lease.durable for p in partitions),
    }
    for metric, value in sums.items():
        yield Sample(metric, value, labels)
    known = [p.watermark for p in partitions if p.watermark is not None]
    if known:
        yield Sample(ingest.FRESHNESS, min(known), labels)
