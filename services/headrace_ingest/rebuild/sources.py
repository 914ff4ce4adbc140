"""What a table is rebuilt from: windows of offsets in, batches of events and tombstones out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

import polars as pl
import pyarrow as pa
from pyroaring import BitMap64

from headrace.clock import Clock
from headrace.errors import ContractError, PositionLostError
from headrace.kafka.records import Records
from headrace.lake.latest.order import OFFSET, PARTITION, Naming, marked, ranked, taken_back
from headrace.lake.latest.upserter import Arrivals
from headrace.offsets import OffsetRange
from headrace_ingest.decode import Decoder
from headrace_ingest.topic_log import TopicLog

BATCH_ROWS = 100_000
"""Rows that are upserted at a time: what is larger takes more memory, and hardly less time."""

Windows = Mapping[int, OffsetRange]
"""Per partition the offsets that are wanted."""

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
    """All events of a table, in an order in which applying them makes its rows."""

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

    def arrivals(self, windows: Windows, skipped: Mapping[int, BitMap64], read: Read) -> Iterator[Arrivals]:
        """The events of `windows`, but for those that the quarantine of the table has.

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
        naming: what names a row.
        clock: time.
    """

    topic: TopicLog
    decoder: Decoder
    naming: Naming
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

    def arrivals(self, windows: Windows, skipped: Mapping[int, BitMap64], read: Read) -> Iterator[Arrivals]:
        """One partition after the other, each in the order of its offsets.

        A tombstone takes back what came before it in other partitions, too, which may be read after it.
        """
        gathered, deleted = Gathered(self.decoder), Deleted(self.naming)
        for partition, window in sorted(windows.items()):
            position = window.start
            for records in self._kept(partition, window):
                gathered.add(without(records, skipped[partition]), self.clock)
                read(records.offsets[-1] + 1 - position)
                position = records.offsets[-1] + 1
                if gathered.rows >= BATCH_ROWS:
                    yield deleted.apply(gathered.take())
            read(window.end - position)
        if gathered.rows:
            yield deleted.apply(gathered.take())

    def _kept(self, partition: int, window: OffsetRange) -> Iterator[Records]:
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


@dataclass
class Gathered:
    """Records on their way to become a batch.

    Attributes:
        decoder: of the contract.
        rows: how many rows and tombstones were gathered.
    """

    decoder: Decoder
    rows: int = 0
    _events: list[pa.RecordBatch] = field(default_factory=list)
    _marks: list[pa.RecordBatch] = field(default_factory=list)

    def add(self, records: Records, clock: Clock) -> None:
        """Takes records.

        Raises:
            ContractError: one is no event, and no tombstone.
        """
        decoded = self.decoder.decode(records, clock.now())
        decoded.check(len(records))
        for place, rejection in decoded.rejects.items():
            msg = (
                f"the record at offset {records.offsets[place]} of partition {records.partitions[place]} is no event "
                f"by today's contract ({rejection}), and the quarantine has not got it: the table was filled by "
                "another contract. Name that one in HEADRACE_CONTRACTS; nothing was changed"
            )
            raise ContractError(msg)
        self._events.append(decoded.rows)
        self._marks.append(decoded.tombstones)
        self.rows += decoded.rows.num_rows + decoded.tombstones.num_rows

    def take(self) -> Arrivals:
        """All that was gathered since the last time; something must have been added."""
        arrivals = Arrivals(pa.Table.from_batches(self._events), pa.Table.from_batches(self._marks))
        self._events, self._marks, self.rows = [], [], 0
        return arrivals


class Deleted:
    """The tombstones seen so far: of each key the last one of each partition. They take back events that come later.

    Args:
        naming: what names a row.
    """

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self.marks: pa.Table | None = None
        """None as long as there is none."""

    def add(self, tombstones: pa.Table) -> None:
        """Holds further ones."""
        if tombstones.num_rows:
            held = [tombstones] if self.marks is None else [self.marks, tombstones]
            self.marks = _last(pa.concat_tables(held), self._naming.key)

    def left(self, events: pa.Table) -> pa.Table:
        """The events that none of them came after."""
        if self.marks is None:
            return events
        key = self._naming.key
        gone = frozenset(taken_back(ranked(events, self._naming), marked(self.marks, key), key))
        return events.take(pa.array([row for row in range(events.num_rows) if row not in gone], pa.int64()))

    def apply(self, arrivals: Arrivals) -> Arrivals:
        """The arrivals without the events that earlier tombstones take back; holds theirs, too."""
        left = Arrivals(self.left(arrivals.events), arrivals.tombstones)
        self.add(arrivals.tombstones)
        return left


def _last(marks: pa.Table, key: tuple[str, ...]) -> pa.Table:
    """Of the tombstones of each key in each partition the last one."""
    named = cast("pl.DataFrame", pl.from_arrow(marks.select([*key, PARTITION, OFFSET]))).with_row_index("place")
    last = named.sort(OFFSET).unique(subset=[*key, PARTITION], keep="last", maintain_order=True)
    return marks.take(pa.array(last["place"].to_list(), pa.int64()))
