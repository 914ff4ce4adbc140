"""A table that keeps every event of the topic, as a source: it and its quarantine together are the topic.

Its rows come in no order, since maintenance puts them in another. So tombstones, which it has in its quarantine, come
first: of each key the last one of each partition is held, and takes back the events that came before it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
from pyroaring import BitMap64

from headrace.clock import Clock, Deadline
from headrace.contracts import PARTITION_COLUMN
from headrace.errors import CommitTimeoutError, ConfigError
from headrace.kafka.records import Records
from headrace.lake.between import rows_between
from headrace.lake.contents import active_files
from headrace.lake.latest.upserter import Arrivals
from headrace.lake.log import DeltaLog
from headrace.lake.quarantine import quarantine_name, quarantined, records_of
from headrace.lake.tables import starts_of
from headrace.offsets import SourceId
from headrace_ingest.decode import Decoder
from headrace_ingest.rebuild.building import Subject
from headrace_ingest.rebuild.sources import BATCH_ROWS, Beginning, Deleted, Gathered, Read, Windows
from headrace_ingest.replay.selection import places_of

_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class LogSource:
    """The table of all events.

    Attributes:
        subject: what is rebuilt.
        name: of the table that it is rebuilt from.
        source: what that one is filled from.
        decoder: of the contract of what is rebuilt.
        clock: time.
        pause: waits that many seconds.
    """

    subject: Subject
    name: str
    source: SourceId
    decoder: Decoder
    clock: Clock
    pause: Callable[[float], object]

    def begin(self, windows: Windows) -> Beginning:
        """From the start of each window: a table of all events loses none.

        Raises:
            ConfigError: it begins later.
        """
        starts = starts_of(DeltaLog(self.subject.store, self.name), windows)
        for partition, window in windows.items():
            if len(window) and starts[partition] > window.start:
                msg = (
                    f"{self.name} begins at offset {starts[partition]} of partition {partition}, "
                    f"{self.subject.name} at {window.start}: it does not have all events"
                )
                raise ConfigError(msg)
        return Beginning({partition: window.start for partition, window in windows.items()}, None)

    def arrivals(self, windows: Windows, skipped: Mapping[int, BitMap64], read: Read) -> Iterator[Arrivals]:
        """Tombstones first, then what its quarantine has and the table takes, then its rows.

        Raises:
            CommitTimeoutError: it stays behind the table that is rebuilt.
        """
        self._await({partition: window.end for partition, window in windows.items()})
        subject, left = self.subject, sum(map(len, windows.values()))
        deleted = Deleted(subject.naming)
        refused = []
        for records in self._quarantined(windows, skipped):
            gathered = Gathered(self.decoder)
            gathered.add(records, self.clock)
            arrived = gathered.take()
            deleted.add(arrived.tombstones)
            if arrived.events.num_rows:
                refused.append(arrived.events)
        if deleted.marks is not None:
            yield Arrivals(subject.events.empty_table(), deleted.marks)
        for events in (*refused, *self._rows(windows, skipped)):
            left -= events.num_rows
            read(events.num_rows)
            remaining = deleted.left(events)
            for begin in range(0, remaining.num_rows, BATCH_ROWS):
                yield Arrivals(remaining.slice(begin, BATCH_ROWS), subject.tombstones.empty_table())
        read(left)

    def _await(self, ends: Mapping[int, int]) -> None:
        """Workers of the two tables read by themselves."""
        log = DeltaLog(self.subject.store, self.name)
        deadline = Deadline.after(self.subject.deadline_seconds, self.clock)
        while True:
            log.refresh()
            stands = {p: log.txn(self.source.app_id(p)) or 0 for p in ends}
            behind = [p for p, end in ends.items() if stands[p] < end]
            if not behind:
                return
            if deadline.expired():
                p = behind[0]
                msg = (
                    f"{self.name} stands at {stands[p]} of partition {p}, {self.subject.name} at {ends[p]}: let a "
                    f"worker of {self.name} catch up (headrace ingest {self.name} --drain); nothing was changed"
                )
                raise CommitTimeoutError(msg)
            self.pause(_LOOK_SECONDS)

    def _quarantined(self, windows: Windows, skipped: Mapping[int, BitMap64]) -> Iterator[Records]:
        """What its quarantine has and the other one has not: tombstones, and what only its contract refuses."""
        store = self.subject.store
        for file in active_files(store, quarantine_name(self.name)):
            rows = quarantined(store, self.name, file.path)
            columns = rows.select(["_partition", "_offset", "resolution"]).to_pydict()
            wanted = [
                place
                for place, (p, o, resolution) in enumerate(zip(*columns.values(), strict=True))
                if resolution is None and p in windows and o in windows[p] and o not in skipped[p]
            ]
            if wanted:
                yield records_of(rows.take(pa.array(wanted, pa.int64())))

    def _rows(self, windows: Windows, skipped: Mapping[int, BitMap64]) -> Iterator[pa.Table]:
        schema, days = self.subject.events, self.subject.layout.partition_column == PARTITION_COLUMN
        held = [name for name in schema.names if not days or name != PARTITION_COLUMN]
        for rows in rows_between(self.subject.store, self.name, windows, held):
            kept = rows.filter(pa.array([o not in skipped[p] for p, o in places_of(rows)], pa.bool_()))
            if days:
                kept = kept.append_column(PARTITION_COLUMN, kept[self.subject.naming.event_time].cast(pa.date32()))
            yield kept.select(schema.names).cast(schema)
