"""What a table owes, read from its log: files, distance to the checkpoint, length of the log, what may be deleted.

No data file is opened and nothing is changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from headrace.errors import InvariantError, WrongTableError
from headrace.lake.failures import store_failure
from headrace.lake.latest.unused import unused_vectors
from headrace.lake.log import open_table
from headrace.lake.protocols import masks_rows
from headrace.lake.retention import FILE_RETENTION, retention_of
from headrace.lake.store import Store
from headrace.lake.tables import BY_HAND, DELETION_VECTORS, LATEST, PIPELINE
from headrace.lake.upkeep.daily import VersionFiles, daily_versions
from headrace.lake.upkeep.logfiles import LogFiles

SEALED = "sealed-"
"""Begins the names of files that were clustered when their partition had gone cold."""

_WRITER_VERSION = 2
# Bytes. A merge holds about eight times as much in memory of a row of some fifteen columns.
_ROW = 32


@dataclass(frozen=True, slots=True)
class TableFile:
    """A data file of the newest version.

    Attributes:
        path: relative to the table.
        size: bytes.
        rows: number of rows, None where its writer did not say.
        modified: when it was written.
        value: of the partition column as text, None where there is none.
    """

    path: str
    size: int
    rows: int | None
    modified: datetime
    value: str | None = None

    @property
    def weight(self) -> int:
        """Bytes that it counts for where files are merged: of rows that compress very well, what memory they take."""
        return max(self.size, _ROW * (self.rows or 0))

    @property
    def sealed(self) -> bool:
        """Whether it was clustered when its partition had gone cold."""
        return self.path.rpartition("/")[2].startswith(SEALED)


@dataclass(frozen=True, slots=True)
class TableStats:
    """One table at one version.

    Attributes:
        table: its folder.
        version: newest.
        files: of that version.
        log: what lies in its log.
        expired: files that left the table longer ago than files are kept, and still lie there: bytes by their paths.
        file_retention: how long files are kept that left the table.
        log_retention: how long commits are kept.
        daily: for time travel, versions whose files are kept for longer, rising; None where it is not promised.
        protected: why its rows may not be moved by maintenance; None if they may.
        keeps_latest: whether it is a table of latest rows, whose files workers merge.
        foreign: why nothing at all may be done to it; None if something may.
    """

    table: str
    version: int
    files: tuple[TableFile, ...]
    log: LogFiles
    expired: Mapping[str, int]
    file_retention: timedelta
    log_retention: timedelta
    daily: tuple[int, ...] | None = None
    protected: str | None = None
    foreign: str | None = None
    keeps_latest: bool = False

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(file.size for file in self.files)

    @property
    def expired_size(self) -> int:
        """Bytes of what may be deleted."""
        return sum(self.expired.values())

    @property
    def since_checkpoint(self) -> int:
        """Versions after the newest checkpoint."""
        return self.version - (-1 if self.log.checkpoint is None else self.log.checkpoint)

    def removable_log(self, now: datetime) -> tuple[str, ...]:
        """Names of what may go of its log, in the order in which it has to."""
        return self.log.removable(now, self.log_base(now))

    def log_base(self, now: datetime) -> int:
        """The oldest version that its log has to tell of."""
        return self.log.base(now, self.log_retention, min(self.daily or (), default=None))


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for who names a table.

    Attributes:
        any_table: whether it may be one that Headrace did not make.
        file_retention: for how long files are kept that left it; never for less than the table says.
    """

    any_table: bool = False
    file_retention: timedelta = timedelta(0)


NOTHING_ASKED = Asked()


def gather(
    store: Store,
    table: str,
    *,
    kept: VersionFiles | None = None,
    now: datetime | None = None,
    asked: Asked = NOTHING_ASKED,
) -> TableStats:
    """Reads what `table` owes.

    Args:
        store: where it lies.
        table: its folder.
        kept: of that table, for whoever looks again and again: of versions that are kept for time travel the files
            have to be known.
        now: aware; by default what the system says.
        asked: by whoever named it.

    Raises:
        FileNotFoundError: no table is there.
        WrongTableError: Headrace did not make it, or its retention cannot be read.
        StoreError, AccessDeniedError: its log cannot be read.
    """
    handle = open_table(store, table)
    properties = {name: value or "" for name, value in handle.metadata().configuration.items()}
    if not (asked.any_table or PIPELINE in properties or BY_HAND in properties):
        msg = f"{store.uri(table)} is a Delta table that Headrace did not create: it is left alone"
        raise WrongTableError(msg)
    retention = retention_of(properties, store.uri(table))
    log = LogFiles.of(store.listing(f"{table}/_delta_log"))
    daily = None if retention.daily is None else daily_versions(log, now or datetime.now(UTC), retention.daily)
    file_retention = max(retention.files, asked.file_retention)
    left = removable(handle, file_retention)
    expired = {path: size for path in left if (size := store.size(f"{table}/{path}")) is not None}
    if expired and daily:
        needed = (kept or VersionFiles(store, table)).of(log, daily)
        expired = {path: size for path, size in expired.items() if path not in needed}
    version = handle.version()
    if properties.get(DELETION_VECTORS) == "true":
        before = (now or datetime.now(UTC)) - file_retention
        expired |= unused_vectors(store, table, version, before=before, versions=daily or ())
    return TableStats(
        table=table,
        version=version,
        files=_files(handle),
        log=log,
        expired=expired,
        file_retention=file_retention,
        log_retention=retention.log,
        daily=daily,
        protected=_protected(handle, properties),
        foreign=_foreign(handle, properties),
        keeps_latest=_keeps_latest(handle, properties),
    )


def removable(handle: DeltaTable, kept: timedelta, *, full: bool = False) -> Sequence[str]:
    """Paths that a vacuum would delete: files that left the table longer ago than `kept`.

    Args:
        handle: of the table.
        kept: how long they are kept.
        full: also files that no retained version names, if they are older than that.

    Raises:
        InvariantError: `kept` is less than files are kept at least; no caller may ask for that.
        StoreError, AccessDeniedError: the table cannot be read.
    """
    if kept < FILE_RETENTION:
        msg = (
            f"a vacuum of files that left the table {kept} ago is refused: they are kept for {FILE_RETENTION.days} days"
        )
        raise InvariantError(msg)
    try:
        found = handle.vacuum(dry_run=True, retention_hours=_hours(kept), full=full)
    except (DeltaError, OSError) as error:
        raise store_failure(error, f"looking for expired files of {handle.table_uri}") from error
    return sorted(map(unquote, found))


def _hours(kept: timedelta) -> int:
    """Rounded up: never less than the retention."""
    return -(-kept // timedelta(hours=1))


def _files(handle: DeltaTable) -> tuple[TableFile, ...]:
    actions = pa.table(handle.get_add_actions(flatten=True)).to_pydict()
    nothing: list[None] = [None] * len(actions["path"])
    partition_by = handle.metadata().partition_columns
    values = actions[f"partition.{partition_by[0]}"] if partition_by else nothing
    return tuple(
        TableFile(unquote(path), size, count, datetime.fromtimestamp(modified / 1000, UTC), value and str(value))
        for path, size, count, modified, value in zip(
            actions["path"],
            actions["size_bytes"],
            actions.get("num_records", nothing),
            actions["modification_time"],
            values,
            strict=True,
        )
    )


def _keeps_latest(handle: DeltaTable, properties: dict[str, str]) -> bool:
    return LATEST in properties and masks_rows(handle)


def _foreign(handle: DeltaTable, properties: dict[str, str]) -> str | None:
    """What a later protocol demands of whoever deletes files or writes checkpoints is not known here."""
    protocol = handle.protocol()
    features = {*(protocol.writer_features or ()), *(protocol.reader_features or ())}
    if _keeps_latest(handle, properties) or (protocol.min_writer_version == _WRITER_VERSION and not features):
        return None
    named = f" with {', '.join(sorted(features))}" if features else ""
    return f"another tool gave it writer version {protocol.min_writer_version}{named}"


def _protected(handle: DeltaTable, properties: dict[str, str]) -> str | None:
    if _keeps_latest(handle, properties):
        return "workers merge the files of a table of latest rows while they write"
    if properties.get("delta.appendOnly") == "true":
        return "another tool gave it delta.appendOnly"
    return "it has more than one partition column" if len(handle.metadata().partition_columns) > 1 else None
