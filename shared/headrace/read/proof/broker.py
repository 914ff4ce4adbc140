"""The topic itself: every record from the first one kept up to the position, decoded by the slow, explaining path.

A value that a Headrace producer sent is already canonical, so its bytes are compared first, and a value is parsed
only when its block differs. Equal bytes prove more than an equal parse.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping

from pyroaring import BitMap64

from headrace.connection import KafkaSettings
from headrace.errors import PositionLostError, TopicRecreatedError
from headrace.kafka.reader import TopicReader
from headrace.kafka.records import Records
from headrace.kafka.topics import TopicClient
from headrace.offsets import OffsetRange
from headrace.read.proof.digests import BLOCK, block_of, digest, sum_of
from headrace.read.proof.findings import Level
from headrace.read.proof.identity import TableIdentity, check_topic
from headrace.read.proof.truth import Expected, Progress, Replayed, Survey

Canonical = Callable[[bytes], bytes]
"""What the contract makes of a value: its canonical bytes, or the value itself where it is rejected."""

_BUFFER_BYTES = 64 << 20
_SLICE = 1_024

_NOTHING = Expected(0, 0, BitMap64(), None)

# The embedded broker answers no questions about settings and compacts nothing.
_EMBEDDED_TOPIC_ID = "-"


class Broker:
    """The topic of one table, on a cluster."""

    level = Level.BROKER

    def __init__(self, kafka: KafkaSettings, table: TableIdentity, canonical: Canonical | None) -> None:
        self._canonical = canonical
        self._client = TopicClient(kafka, table.topic)
        self._reader = TopicReader(kafka, table.topic)
        found = self._client.identity()
        try:
            check_topic(found, table)
        except TopicRecreatedError:
            self.close()
            raise
        self._partitions = found.partitions
        self._thinned = found.topic_id != _EMBEDDED_TOPIC_ID and self._reader.is_compacted()

    def survey(self, expected: Mapping[int, Expected], progress: Progress) -> Iterator[Survey]:
        """Reads every partition up to its position.

        Raises:
            HeadraceError: the broker cannot be reached or refuses.
        """
        for replayed in self.replay(expected, progress):
            partition = replayed.partition
            comparison = _Comparison(expected.get(partition, _NOTHING), self._canonical)
            for records in replayed.records:
                comparison.extend(records)
            comparison.finish()
            first = replayed.comparable_from()
            yield Survey(
                partition,
                comparison.seen,
                first,
                replayed.behind,
                replayed.thinned,
                comparison.differing(block_of(first)),
                replayed.remarks,
                replayed.gone,
            )

    def replay(self, expected: Mapping[int, Expected], progress: Progress) -> Iterator[Replayed]:
        """Every partition with the records up to its position.

        Raises:
            HeadraceError: the broker cannot be reached or refuses.
        """
        partitions = sorted(expected.keys() | set(range(self._partitions)))
        kept = {partition: self._client.watermarks(partition) for partition in partitions}
        wanted = {partition: _wanted(kept[partition], expected.get(partition, _NOTHING)) for partition in partitions}
        total, done = sum(map(len, wanted.values())), 0
        for partition in partitions:

            def report(read: int, before: int = done) -> None:
                progress("broker", before + read, total)

            yield self._replayed(partition, expected.get(partition, _NOTHING), kept[partition], report)
            done += len(wanted[partition])

    def _replayed(
        self, partition: int, expected: Expected, kept: OffsetRange, report: Callable[[int], None]
    ) -> Replayed:
        wanted = _wanted(kept, expected)

        def records() -> Iterator[Records]:
            for some in self._records(partition, wanted):
                yield some
                report(some.offsets[-1] + 1 - wanted.start)

        def comparable_from() -> int:
            # What retention took away while this was read was perhaps never seen.
            return max(expected.start, self._client.watermarks(partition).start, wanted.start)

        remarks = []
        if kept.end < expected.position:
            remarks.append(
                f"the broker's log of partition {partition} ends at {kept.end}, before the position: it was truncated"
            )
        behind = max(0, kept.end - max(kept.start, expected.position))
        gone = OffsetRange(expected.position, max(kept.start, expected.position))
        return Replayed(partition, records(), comparable_from, behind, self._thinned, tuple(remarks), gone)

    def _records(self, partition: int, wanted: OffsetRange) -> Iterator[Records]:
        """The records of `wanted`; begins later where retention has been faster."""
        if wanted.start >= wanted.end:
            return
        try:
            yield from self._reader.read(partition, wanted)
        except PositionLostError:
            low = self._client.watermarks(partition).start
            if low <= wanted.start:
                raise
            yield from self._records(partition, OffsetRange(low, wanted.end))

    def digests(self, partition: int, blocks: Collection[int], position: int) -> Mapping[int, frozenset[bytes]]:
        """Digests of the bytes, and of what the contract makes of them."""
        low = self._client.watermarks(partition).start
        found: dict[int, frozenset[bytes]] = {}
        for block in sorted(blocks):
            wanted = OffsetRange(max(low, block * BLOCK), min(position, (block + 1) * BLOCK))
            for records in self._records(partition, wanted):
                for offset, value in zip(records.offsets, records.values, strict=True):
                    found[offset] = frozenset({digest(value), digest(_canonical(self._canonical, value))})
        return found

    def close(self) -> None:
        """Closes the connections."""
        self._reader.close()
        self._client.close()


class _Comparison:
    """Compares one partition block by block as its records come in order of offset."""

    def __init__(self, expected: Expected, canonical: Canonical | None) -> None:
        self._expected = expected
        self._canonical = canonical
        self._block = -1
        self._values: dict[int, bytes | None] = {}
        self._raw: dict[int, bytes] = {}
        self._parsed: dict[int, bytes] = {}
        self._bytes = 0
        self._differing: list[int] = []
        self._compared: set[int] = set()
        self.seen = BitMap64()

    def extend(self, records: Records) -> None:
        """The next records."""
        offsets, values = records.offsets, records.values
        start = 0
        while start < len(offsets):
            block = block_of(offsets[start])
            if block != self._block:
                self.finish()
                self._block = block
            # In slices, so that large values are turned into digests before they fill the memory.
            end = bisect_left(offsets, (block + 1) * BLOCK, start, min(len(offsets), start + _SLICE))
            self._values.update(zip(offsets[start:end], values[start:end], strict=True))
            self._bytes += sum(len(value) for value in values[start:end] if value is not None)
            if self._bytes > _BUFFER_BYTES:
                self._parse()
            start = end

    def finish(self) -> None:
        """There are no more records in the current block."""
        if not self._values and not self._raw:
            return
        raw = self._raw | {offset: digest(value) for offset, value in self._values.items()}
        self.seen.update(raw)
        self._compared.add(self._block)
        if self._expected.sums is not None:
            wanted = self._expected.sums.of(self._block)
            if sum_of(raw) != wanted:
                self._parse()
                if sum_of(self._parsed) != wanted:
                    self._differing.append(self._block)
        self._values, self._raw, self._parsed, self._bytes = {}, {}, {}, 0

    def _parse(self) -> None:
        """Turns buffered values into digests, so that large values do not add up in memory."""
        quarantined = self._expected.quarantined
        for offset, value in self._values.items():
            self._raw[offset] = digest(value)
            known = offset in quarantined
            self._parsed[offset] = self._raw[offset] if known else digest(_canonical(self._canonical, value))
        self._values, self._bytes = {}, 0

    def differing(self, first: int) -> tuple[int, ...]:
        """Blocks from `first` on to compare record by record, those included that the topic lacks altogether."""
        if self._expected.sums is None:
            return ()
        absent = {block for block in self._expected.sums.blocks() if block >= first} - self._compared
        return tuple(sorted({*(block for block in self._differing if block >= first), *absent}))


def _wanted(kept: OffsetRange, expected: Expected) -> OffsetRange:
    """What of the topic is to be read; empty where it begins at or after the position."""
    start = max(kept.start, expected.start)
    return OffsetRange(start, max(start, min(expected.position, kept.end)))


def _canonical(canonical: Canonical | None, value: bytes | None) -> bytes | None:
    return value if canonical is None or value is None else canonical(value)
