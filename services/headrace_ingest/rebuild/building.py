"""Building beside: everything that the source has up to the table's positions, applied to a shadow."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from headrace.errors import StoreError, TableDamagedError
from headrace.lake.datafile import FileLayout
from headrace.lake.event_times import NOTED, joined, noted
from headrace.lake.latest.live import LiveFile
from headrace.lake.latest.order import Naming
from headrace.lake.latest.rows import live_rows
from headrace.lake.latest.upserter import Arrivals, Upserter
from headrace.lake.log import DeltaLog
from headrace.lake.quarantine import unresolved_offsets
from headrace.lake.store import Store
from headrace.lake.tables import TableSpec, create_table
from headrace.offsets import OffsetRange, SourceId
from headrace_ingest.rebuild.comparing import Comparer
from headrace_ingest.rebuild.report import Comparison
from headrace_ingest.rebuild.shadow import Shadow
from headrace_ingest.rebuild.sources import Beginning, Deleted, Source
from headrace_ingest.replay.selection import places_of

Progress = Callable[[str, int, int], None]
"""Told the stage, what is done of it, and what there is in all."""


@dataclass(frozen=True)
class Subject:
    """The table that is rebuilt.

    Attributes:
        store: where it lies.
        spec: what it is.
        source: what it is filled from.
        layout: of its files.
        naming: what names a row.
        events: columns of its rows.
        tombstones: columns of what names a row to be deleted.
        deletes: whether records without a value do delete.
        memory: bytes that may be used to remember where keys lie.
        version: of the program.
        checkpoint_every: versions between checkpoints.
        deadline_seconds: how long the last step may try.
    """

    store: Store
    spec: TableSpec
    source: SourceId
    layout: FileLayout
    naming: Naming
    events: pa.Schema
    tombstones: pa.Schema
    deletes: bool
    memory: int
    version: str
    checkpoint_every: int
    deadline_seconds: float

    @property
    def name(self) -> str:
        """Its folder."""
        return self.spec.name


@dataclass
class Build:
    """One building; begun again when something comes in between. One thread uses it.

    Attributes:
        subject: the table.
        source: of its events.
        shadow: what is built.
        progress: told how far it is.
        deleted: of the keys that were deleted, what tells which of their events still count.
        positions: up to which it is built, by partition.
        read: offsets that were read.
        carried: rows that were taken from the table.
        times: per partition the earliest and the latest event time, as a commit notes them.
    """

    subject: Subject
    source: Source
    shadow: Shadow
    progress: Progress
    deleted: Deleted
    positions: dict[int, int] = field(default_factory=dict)
    read: int = 0
    carried: int = 0
    times: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @classmethod
    def new(cls, subject: Subject, source: Source, progress: Progress, folder: Path) -> "Build":
        """With an empty shadow in `folder`."""
        store = Store(str(folder))
        store.make_root()
        create_table(store, subject.spec)
        upserter = Upserter(store, subject.layout, subject.naming, subject.memory)
        shadow = Shadow(store, DeltaLog(store, subject.name), upserter, subject.events)
        return cls(subject, source, shadow, progress, Deleted(subject.naming))

    def begin(self, starts: Mapping[int, int], positions: Mapping[int, int], files: Sequence[LiveFile]) -> None:
        """Builds from the table's start to its positions.

        Args:
            starts: first offset that the table answers for, by partition.
            positions: of the table.
            files: of the table at these positions.

        Raises:
            StoreError, TableDamagedError: rows whose records are gone cannot be read.
            HeadraceError: as the source.
        """
        windows = {partition: OffsetRange(min(starts[partition], end), end) for partition, end in positions.items()}
        beginning = self.source.begin(windows)
        self._carry(beginning, files)
        self.positions = dict(beginning.starts)
        self.extend(positions)

    def extend(self, positions: Mapping[int, int]) -> None:
        """Goes on to further positions.

        Raises:
            HeadraceError: as the source.
        """
        windows = {p: OffsetRange(self.positions.get(p, 0), end) for p, end in positions.items()}
        windows = {partition: window for partition, window in windows.items() if len(window)}
        if not windows:
            return
        subject, total = self.subject, sum(map(len, windows.values()))
        starts = {partition: window.start for partition, window in windows.items()}
        skipped = unresolved_offsets(subject.store, subject.name, starts)
        # The tombstones first: one takes back what came before it in other partitions too, which may be read after it.
        for tombstones in self.source.tombstones(windows, skipped, self._reading("tombstones", total)):
            self.deleted.add(tombstones)
            self._take(Arrivals(subject.events.empty_table(), tombstones))
        for events in self.source.events(windows, skipped, self._reading(self.source.name, total)):
            self._take(Arrivals(self.deleted.left(events), subject.tombstones.empty_table()))
        self.read += total
        self.positions |= {partition: window.end for partition, window in windows.items()}

    def _reading(self, stage: str, total: int) -> Callable[[int], None]:
        done = 0

        def read(count: int) -> None:
            nonlocal done
            done += count
            self.progress(stage, done, total)

        return read

    def _carry(self, beginning: Beginning, files: Sequence[LiveFile]) -> None:
        """Takes the rows whose records are gone: nothing else says what they say."""
        gone = beginning.gone
        if gone is None:
            return
        subject = self.subject
        try:
            for file in files:
                for rows in live_rows(subject.store, subject.name, file, subject.events):
                    kept = rows.filter(pa.array([gone(*place) for place in places_of(rows)], pa.bool_()))
                    if kept.num_rows:
                        self._take(Arrivals(kept, subject.tombstones.empty_table()))
                        self.carried += kept.num_rows
        except (StoreError, TableDamagedError) as error:
            msg = (
                f"{error}. The topic no longer has all records since the table's start, so its rows are needed: "
                "rebuild it from a table of all events (--from), or restore it from a backup. Nothing was changed"
            )
            raise type(error)(msg) from error

    def _take(self, arrivals: Arrivals) -> None:
        self.times = joined(self.times, noted(arrivals.events, self.subject.naming.event_time).get(NOTED, {}))
        self.shadow.take(arrivals)

    def compare(self, files: Sequence[LiveFile], scratch: Path) -> Comparison:
        """The table beside the shadow.

        Args:
            files: of the table, at the positions of the shadow.
            scratch: a folder.
        """
        unreadable: list[str] = []
        rows = max(sum(file.live for file in files), sum(file.live for file in self.shadow.files()))
        comparer = Comparer(self.subject.naming.key, rows, scratch)
        comparison = comparer.compare(self._rows(files, unreadable), self.shadow.rows())
        comparison.unreadable += unreadable
        return comparison

    def _rows(self, files: Sequence[LiveFile], unreadable: list[str]) -> Iterator[pa.Table]:
        for number, file in enumerate(files):
            self.progress("compare", number, len(files))
            try:
                yield from live_rows(self.subject.store, self.subject.name, file, self.subject.events)
            except (StoreError, TableDamagedError):
                unreadable.append(file.path)
