"""Looks at one table: all of it now and then, and in between the commits that are new."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from headrace.clock import Clock
from headrace.lake.retention import retention_of
from headrace.lake.store import Store, StoredObject
from headrace.lake.upkeep.daily import VersionFiles, daily_versions
from headrace.lake.upkeep.logfiles import LogFiles
from headrace.lake.upkeep.stats import TableStats
from headrace_exporter.fold import Fold
from headrace_exporter.snapshot import catch_up, read_snapshot

_LOG = "_delta_log/"
_TELL_AGAIN_SECONDS = 60.0
"""Of a table that nothing is done to: what is judged by how old files are changes all the same."""


@dataclass(frozen=True, slots=True)
class Census:
    """How a table stands.

    Attributes:
        stats: files of the newest version, and what lies in its log.
        deleted_rows: rows that files hold and that are no part of the table.
        tombstones: files that left and that the log still remembers.
        orphans: files older than the retention that no version names.
        last_data_commit: when rows last came or went; None if the log does not say.
        newest_event: newest event time of a row; None if nothing says.
    """

    stats: TableStats
    deleted_rows: int
    tombstones: int
    orphans: int
    last_data_commit: datetime | None
    newest_event: datetime | None


class _Hint(msgspec.Struct, rename="camel"):
    version: int
    size_in_bytes: int | None = None


@dataclass
class _Known:
    """What the last full look found, brought up to date by those after it."""

    fold: Fold
    log: dict[str, StoredObject]
    expired: Mapping[str, int]
    orphans: int
    told_at: float = 0.0


class TableLooker:
    """Looks at one table. One thread uses it.

    Args:
        store: the lake.
        table: folder of the table.
        event_time: column of event times, if it has one.
        clock: time.
    """

    def __init__(self, store: Store, table: str, event_time: str | None, clock: Clock) -> None:
        self._store = store
        self._table = table
        self._event_time = event_time
        self._clock = clock
        self._known: _Known | None = None
        self._kept = VersionFiles(store, table)

    def full(self) -> Census:
        """Lists its folder and reads its whole log.

        Raises:
            WrongTableError: no table is there, its log is damaged, or a retention cannot be read.
            StoreError, AccessDeniedError: it cannot be read.
        """
        # What comes after the listing is younger than any retention, so it is no orphan.
        listed = self._store.listing(self._table)
        log = {name.removeprefix(_LOG): found for name, found in listed.items() if name.startswith(_LOG)}
        files, now = LogFiles.of(log), self._clock.now()
        fold = read_snapshot(self._store, self._table, files, self._event_time)
        retention = retention_of(fold.configuration, self._store.uri(self._table))
        if retention.daily is not None:
            for path in self._kept.of(files, daily_versions(files, now, retention.daily)):
                listed.pop(path, None)
        before = now - retention.files
        gone = (path for path, left in fold.tombstones.items() if left < before)
        expired = {path: listed[path].size for path in gone if path in listed}
        self._known = _Known(fold, log, expired, _count_orphans(listed, fold, before))
        return self._census(self._known)

    def log(self) -> Census | None:
        """Reads the commits that are new; None if there are none and all was told a moment ago.

        Raises:
            WrongTableError: a commit is torn.
            StoreError, AccessDeniedError: it cannot be read.
        """
        if self._known is None:
            return self.full()
        known, now = self._known, self._clock.now()
        came = catch_up(self._store, self._table, known.fold)
        known.log |= {f"{version:020d}.json": StoredObject(size, now) for version, size in came.items()}
        written = self._checkpoint(now)
        if written.keys() - known.log.keys():
            known.log |= written
        elif not came and self._clock.monotonic() - known.told_at < _TELL_AGAIN_SECONDS:
            return None
        return self._census(known)

    def _checkpoint(self, now: datetime) -> Mapping[str, StoredObject]:
        """The newest one by its hint; none if that says nothing: the next full look sees what is there."""
        try:
            hint = msgspec.json.decode(self._store.read(f"{self._table}/{_LOG}_last_checkpoint"), type=_Hint)
        except (FileNotFoundError, msgspec.DecodeError):
            return {}
        return {f"{hint.version:020d}.checkpoint.parquet": StoredObject(hint.size_in_bytes or 0, now)}

    def _census(self, known: _Known) -> Census:
        known.told_at = self._clock.monotonic()
        fold = known.fold
        retention = retention_of(fold.configuration, self._store.uri(self._table))
        stats = TableStats(
            table=self._table,
            version=fold.version,
            files=tuple(fold.files.values()),
            log=LogFiles.of(known.log),
            expired=known.expired,
            file_retention=retention.files,
            log_retention=retention.log,
        )
        return Census(
            stats=stats,
            deleted_rows=sum(fold.deleted.values()),
            tombstones=len(fold.tombstones),
            orphans=known.orphans,
            last_data_commit=fold.last_data_commit,
            newest_event=fold.newest_event,
        )


def _count_orphans(listed: Mapping[str, StoredObject], fold: Fold, before: datetime) -> int:
    """What begins with an underscore or a dot is no data file."""
    return sum(
        found.modified < before and name not in fold.files and name not in fold.tombstones
        for name, found in listed.items()
        if not name.startswith(("_", "."))
    )
