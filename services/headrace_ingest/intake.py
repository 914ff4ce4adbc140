"""The order of offsets: which of the records a poll brought are the next ones, and what lies between them.

Pure but for the leases it moves forward. Every record is admitted exactly once or belongs to nobody here. Offsets
without a record are gaps; right after an assign or a seek, where a client's mistake would look the same, only if the
broker says so twice.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from headrace.errors import InvariantError
from headrace.kafka.records import Records
from headrace.offsets import OffsetRange
from headrace_ingest.batch import Span
from headrace_ingest.freshness import Freshness


@dataclass(slots=True)
class Lease:
    """A partition held by this worker.

    Attributes:
        partition: its number.
        epoch: the owner txn that our claim wrote into the quarantine table.
        position: next offset to admit.
        durable: position in the table as far as this worker knows.
        quarantined: offsets at or after the position that are in the quarantine already.
        anchored: whether a record has been admitted since the last assign or seek.
        doubted: offset or end that came first instead of `position`, for which was sought once more.
        fenced: how often the table was found moved by somebody else since the assignment.
        freshness: up to when the partition is durable.
    """

    partition: int
    epoch: int
    position: int
    durable: int
    quarantined: frozenset[int] = frozenset()
    anchored: bool = False
    doubted: int | None = None
    fenced: int = 0
    freshness: Freshness = field(default_factory=Freshness)


@dataclass(slots=True)
class Admitted:
    """What of a poll is ours and in order.

    Attributes:
        records: the records to decode.
        spans: per partition what the poll accounts for, known rejects and gaps included.
        seeks: partitions to read again from a position.
    """

    records: Records
    spans: dict[int, Span] = field(default_factory=dict)
    seeks: dict[int, int] = field(default_factory=dict)


class Intake:
    """Admits the records of one poll against the leases.

    Args:
        leases: by partition; their positions move as records are admitted.
    """

    def __init__(self, leases: Mapping[int, Lease]) -> None:
        self._leases = leases

    def admit(self, records: Records, ends: Mapping[int, int]) -> Admitted:
        """Sorts a poll.

        Args:
            records: as they came.
            ends: partitions read to their end, with the position of that end; it lies past transaction markers.

        Raises:
            InvariantError: offsets of a partition do not increase.
        """
        admitted = Admitted(records)
        kept: list[range] = []
        for partition, run in _runs(records.partitions):
            taken = self._admit_run(records.offsets, partition, run, admitted)
            if taken:
                admitted.spans[partition].saw(records.timestamps[taken.start], records.timestamps[taken.stop - 1])
            kept.append(taken)
        for partition, end in ends.items():
            self._admit_end(partition, end, admitted)
        indices = self._unquarantined(records, kept, admitted)
        if indices is not None:
            admitted.records = records.select(indices)
        return admitted

    def _admit_run(self, offsets: Sequence[int], partition: int, run: range, admitted: Admitted) -> range:
        lease = self._leases.get(partition)
        if lease is None or partition in admitted.seeks:
            return range(run.start, run.start)
        came = offsets[run.start : run.stop]
        if came == list(range(lease.position, lease.position + len(run))):
            self._span(lease, admitted).extend(lease.position + len(run))
            lease.position += len(run)
            lease.anchored, lease.doubted = True, None
            return run
        return self._admit_broken_run(lease, came, run, admitted)

    def _admit_broken_run(self, lease: Lease, came: Sequence[int], run: range, admitted: Admitted) -> range:
        if any(after <= before for before, after in pairwise(came)):
            msg = f"partition {lease.partition}: the client gave offsets out of order around {came[0]}"
            raise InvariantError(msg)
        first = bisect_left(came, lease.position)
        fresh = came[first:]
        if not fresh:
            return range(run.start, run.start)
        if not lease.anchored and fresh[0] > lease.position and lease.doubted != fresh[0]:
            lease.doubted = fresh[0]
            admitted.seeks[lease.partition] = lease.position
            return range(run.start, run.start)
        span = self._span(lease, admitted)
        for offset in fresh:
            if offset > lease.position:
                span.skip(OffsetRange(lease.position, offset))
            lease.position = offset + 1
        span.extend(lease.position)
        lease.anchored, lease.doubted = True, None
        return range(run.start + first, run.stop)

    def _admit_end(self, partition: int, end: int, admitted: Admitted) -> None:
        lease = self._leases.get(partition)
        if lease is None or partition in admitted.seeks or end <= lease.position:
            return
        if not lease.anchored and lease.doubted != end:
            lease.doubted = end
            admitted.seeks[partition] = lease.position
            return
        span = self._span(lease, admitted)
        span.skip(OffsetRange(lease.position, end))
        span.extend(end)
        lease.position = end
        lease.anchored, lease.doubted = True, None

    def _unquarantined(self, records: Records, kept: Sequence[range], admitted: Admitted) -> list[int] | None:
        """Indices to decode, or None for all; counts records that an earlier worker has quarantined."""
        known = {p: lease.quarantined for p, lease in self._leases.items() if lease.quarantined}
        if not known and sum(map(len, kept)) == len(records):
            return None
        indices: list[int] = []
        for index in (i for run in kept for i in run):
            partition = records.partitions[index]
            if records.offsets[index] in known.get(partition, ()):
                admitted.spans[partition].rejects += 1
            else:
                indices.append(index)
        for partition, offsets in known.items():
            lease = self._leases[partition]
            if lease.position > max(offsets):
                lease.quarantined = frozenset()
        return indices

    @staticmethod
    def _span(lease: Lease, admitted: Admitted) -> Span:
        return admitted.spans.setdefault(lease.partition, Span(lease.position, lease.position))


def _runs(partitions: Sequence[int]) -> Iterator[tuple[int, range]]:
    """Stretches of records of one partition; clients hand out long ones."""
    start = 0
    for partition, stretch in groupby(partitions):
        end = start + len(list(stretch))
        yield partition, range(start, end)
        start = end
