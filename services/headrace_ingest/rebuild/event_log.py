"""A table that keeps every event of the topic, as a source: it and its quarantine together are the topic.

Its quarantine has the tombstones. Its rows come in no order, since maintenance puts them in another.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from headrace.clock import Clock, Deadline
from headrace.contracts import PARTITION_COLUMN
from headrace.errors import CommitTimeoutError, ConfigError
from headrace.lake.between import rows_between
from headrace.lake.contents import active_files
from headrace.lake.log import DeltaLog
from headrace.lake.quarantine import quarantine_name, quarantined, records_of
from headrace.lake.tables import starts_of
from headrace.offsets import SourceId
from headrace_ingest.decode import Decoded, Decoder
from headrace_ingest.rebuild.building import Subject
from headrace_ingest.rebuild.sources import BATCH_ROWS, Beginning, Read, Skipped, Windows, decoded, gathered
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

    def tombstones(self, windows: Windows, skipped: Skipped, read: Read) -> Iterator[pa.Table]:
        """Its quarantine has them.

        Raises:
            CommitTimeoutError: it stays behind the table that is rebuilt.
        """
        self._await({partition: window.end for partition, window in windows.items()})
        if self.subject.deletes:
            yield from gathered(found.tombstones for found in self._quarantined(windows, skipped, valued=False))
        read(sum(map(len, windows.values())))

    def events(self, windows: Windows, skipped: Skipped, read: Read) -> Iterator[pa.Table]:
        """First what its quarantine has and the table takes, then its rows: a replay of its own brings some there."""
        left = sum(map(len, windows.values()))
        refused = gathered(found.rows for found in self._quarantined(windows, skipped, valued=True))
        for events in chain(refused, self._rows(windows, skipped)):
            left -= events.num_rows
            read(events.num_rows)
            for begin in range(0, events.num_rows, BATCH_ROWS):
                yield events.slice(begin, BATCH_ROWS)
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

    def _quarantined(self, windows: Windows, skipped: Skipped, *, valued: bool) -> Iterator[Decoded]:
        """What its quarantine has and the other one has not: what only its contract refuses, or else tombstones.

        One file after another, and asked twice: all of them may be more than memory holds.
        """
        store = self.subject.store
        for file in active_files(store, quarantine_name(self.name)):
            rows = quarantined(store, self.name, file.path)
            empty = pc.is_null(rows["value"])
            rows = rows.filter(pc.and_(pc.is_null(rows["resolution"]), pc.invert(empty) if valued else empty))
            places = enumerate(places_of(rows))
            wanted = [row for row, (p, o) in places if p in windows and o in windows[p] and o not in skipped[p]]
            if wanted:
                yield decoded(self.decoder, records_of(rows.take(pa.array(wanted, pa.int64()))), self.clock)

    def _rows(self, windows: Windows, skipped: Skipped) -> Iterator[pa.Table]:
        schema, days = self.subject.events, self.subject.layout.partition_column == PARTITION_COLUMN
        held = [name for name in schema.names if not days or name != PARTITION_COLUMN]
        for rows in rows_between(self.subject.store, self.name, windows, held):
            kept = rows.filter(pa.array([o not in skipped[p] for p, o in places_of(rows)], pa.bool_()))
            if days:
                kept = kept.append_column(PARTITION_COLUMN, kept[self.subject.naming.event_time].cast(pa.date32()))
            yield kept.select(schema.names).cast(schema)
