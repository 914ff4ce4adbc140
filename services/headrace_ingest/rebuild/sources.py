"""What a table is rebuilt from: windows of offsets in, batches of events and tombstones out."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, cast

import polars as pl
import pyarrow as pa
from pyroaring import BitMap64

from headrace.clock import Clock
from headrace.errors import ContractError, PositionLostError
from headrace.kafka.records import Records
from headrace.lake.latest.order import OFFSET, PARTITION, STAMP, Naming, marked, ranked, taken_back
from headrace.offsets import OffsetRange
from headrace_ingest.decode import Decoded, Decoder
from headrace_ingest.topic_log import TopicLog

BATCH_ROWS = 100_000
"""Rows that are upserted at a time: what is larger takes more memory, and hardly less time."""

Windows = Mapping[int, OffsetRange]
"""Per partition the offsets that are wanted."""

Skipped = Mapping[int, BitMap64]
"""Per partition the offsets that the quarantine of the table has."""

Read = Callable[[int], None]
"""Told how many offsets more have been read."""


class BeginAgainError(Exception):
    """What was built is no longer what the table has to be: something has come in between."""


@dataclass(frozen=True)
class Beginning:
    """Where a source begins, and what it no longer has.

    Attributes:
        starts: per partition the first offset that it is read from.
        gone: whether the record of a row, by its partition and offset, is no longer there though the table has it.
    """

    starts: Mapping[int, int]
    gone: Callable[[int, int], bool] | None


class Source(Protocol):
    """All that happened to a table: its tombstones, and its events in any order."""

    @property
    def name(self) -> str:
        """`topic`, or the name of a table."""
        ...

    def begin(self, windows: Windows) -> Beginning:
        """Where it begins to have the offsets of `windows`.

        Raises:
            HeadraceError: it cannot be read, or has never had them.
        """
        ...

    def tombstones(self, windows: Windows, skipped: Skipped, read: Read) -> Iterator[pa.Table]:
        """Those of `windows`, some at a time; asked before the events of the same windows.

        Raises:
            BeginAgainError: the source has just lost some of them.
            HeadraceError: it cannot be read.
        """
        ...

    def events(self, windows: Windows, skipped: Skipped, read: Read) -> Iterator[pa.Table]:
        """Those of `windows`, some at a time.

        Raises:
            BeginAgainError: the source has just lost some of them.
            ContractError: a record is no event by the contract, and the quarantine has not got it.
            HeadraceError: it cannot be read.
        """
        ...


@dataclass(frozen=True)
class TopicSource:
    """The topic itself.

    Attributes:
        topic: what is read.
        decoder: of the contract.
        deletes: whether records without a value delete rows.
        clock: time.
    """

    topic: TopicLog
    decoder: Decoder
    deletes: bool
    clock: Clock
    name: str = "topic"

    def begin(self, windows: Windows) -> Beginning:
        """The first offsets that the topic still has; of a compacted one all are read to see which those are."""
        kept = {partition: self.topic.watermarks(partition) for partition in windows}
        for partition, window in windows.items():
            if kept[partition].end < window.end:
                msg = (
                    f"partition {partition} of the topic ends at {kept[partition].end}, before the table's position "
                    f"{window.end}: its log was truncated; see docs/operations.md, exit code 81"
                )
                raise PositionLostError(msg)
        starts = {p: min(max(kept[p].start, window.start), window.end) for p, window in windows.items()}
        if self.topic.is_compacted():
            there = self._there({p: OffsetRange(starts[p], window.end) for p, window in windows.items()})
            return Beginning(starts, lambda partition, offset: offset not in there[partition])
        if all(starts[p] == window.start for p, window in windows.items()):
            return Beginning(starts, None)
        return Beginning(starts, lambda partition, offset: offset < starts[partition])

    def _there(self, windows: Windows) -> dict[int, BitMap64]:
        there = {partition: BitMap64() for partition in windows}
        for partition, window in windows.items():
            for records in self._records(partition, window):
                there[partition].update(records.offsets)
        return there

    def _records(self, partition: int, window: OffsetRange) -> Iterator[Records]:
        return self.topic.read(partition, window) if len(window) else iter(())

    def tombstones(self, windows: Windows, skipped: Skipped, read: Read) -> Iterator[pa.Table]:
        """Reads all of `windows` where records without a value delete rows, and decodes no other."""
        if self.deletes:
            yield from gathered(self._marks(windows, skipped, read))

    def _marks(self, windows: Windows, skipped: Skipped, read: Read) -> Iterator[pa.RecordBatch]:
        for records in self._kept(windows, read):
            empty = [place for place, value in enumerate(records.values) if value is None]
            if empty:
                yield self._decoded(records.select(empty), skipped).tombstones

    def events(self, windows: Windows, skipped: Skipped, read: Read) -> Iterator[pa.Table]:
        """One partition after the other, each in the order of its offsets."""
        yield from gathered(self._decoded(records, skipped).rows for records in self._kept(windows, read))

    def _decoded(self, records: Records, skipped: Skipped) -> Decoded:
        return decoded(self.decoder, without(records, skipped[records.partitions[0]]), self.clock)

    def _kept(self, windows: Windows, read: Read) -> Iterator[Records]:
        for partition, window in sorted(windows.items()):
            position = window.start
            for records in self._there_still(partition, window):
                yield records
                read(records.offsets[-1] + 1 - position)
                position = records.offsets[-1] + 1
            read(window.end - position)

    def _there_still(self, partition: int, window: OffsetRange) -> Iterator[Records]:
        try:
            yield from self._records(partition, window)
        except PositionLostError as error:
            if self.topic.watermarks(partition).start <= window.start:
                raise
            msg = "the topic's retention was faster than this could read"
            raise BeginAgainError(msg) from error


def without(records: Records, skipped: BitMap64) -> Records:
    """The records of one partition but for those at the `skipped` offsets."""
    wanted = [place for place, offset in enumerate(records.offsets) if offset not in skipped]
    return records if len(wanted) == len(records) else records.select(wanted)


def decoded(decoder: Decoder, records: Records, clock: Clock) -> Decoded:
    """What records are.

    Raises:
        ContractError: one is no event, and no tombstone.
    """
    found = decoder.decode(records, clock.now())
    found.check(len(records))
    for place, rejection in found.rejects.items():
        msg = (
            f"the record at offset {records.offsets[place]} of partition {records.partitions[place]} is no event "
            f"by today's contract ({rejection}), and the quarantine has not got it: the table was filled by "
            "another contract. Name that one in HEADRACE_CONTRACTS; nothing was changed"
        )
        raise ContractError(msg)
    return found


def gathered(parts: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The same rows, at least `BATCH_ROWS` at a time but for the last."""
    held: list[pa.RecordBatch] = []
    for part in parts:
        if part.num_rows:
            held.append(part)
        if sum(each.num_rows for each in held) >= BATCH_ROWS:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


class Deleted:
    """The tombstones seen so far, whose keys are remembered: they take back events, whichever are read later.

    Args:
        naming: what names a row.
    """

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self._marks: pa.Table | None = None

    def add(self, tombstones: pa.Table) -> None:
        """Takes further ones."""
        held = [tombstones] if self._marks is None else [self._marks, tombstones]
        self._marks = _last(pa.concat_tables(held), self._naming.key)

    def left(self, events: pa.Table) -> pa.Table:
        """The events that none of them came after."""
        if self._marks is None:
            return events
        key = self._naming.key
        gone = frozenset(taken_back(ranked(events, self._naming), marked(self._marks, key), key))
        return events.take(pa.array([row for row in range(events.num_rows) if row not in gone], pa.int64()))


def _last(marks: pa.Table, key: tuple[str, ...]) -> pa.Table:
    """One for the tombstones of each key in each partition: what any of them takes back, it does."""
    named = cast("pl.DataFrame", pl.from_arrow(marks))
    last = named.group_by([*key, PARTITION]).agg(pl.col(OFFSET).max(), pl.col(STAMP).max())
    return last.select(named.columns).to_arrow().cast(marks.schema)
