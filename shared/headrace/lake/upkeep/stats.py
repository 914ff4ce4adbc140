"""What a table owes, read from its log: files, distance to the checkpoint, length of the log, what may be deleted.

No data file is opened and nothing is changed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from headrace.errors import WrongTableError
from headrace.lake.failures import store_failure
from headrace.lake.log import open_table
from headrace.lake.store import Store
from headrace.lake.tables import DELETION_VECTORS, PIPELINE
from headrace.lake.upkeep.logfiles import LogFiles

SEALED = "sealed-"
"""Begins the names of files that were clustered when their partition had gone cold."""

FILE_RETENTION = timedelta(days=7)
LOG_RETENTION = timedelta(days=30)
"""What a table has where its properties say nothing; files are kept for so long even where they say less."""

_FILE_PROPERTY = "delta.deletedFileRetentionDuration"
_LOG_PROPERTY = "delta.logRetentionDuration"
_INTERVAL = re.compile(r"\A(?:interval\s+)?(\d+)\s+(second|minute|hour|day|week)s?\Z", re.IGNORECASE)
_WRITER_VERSION = 2


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
    def sealed(self) -> bool:
        """Whether it was clustered when its partition had gone cold."""
        return PurePosixPath(self.path).name.startswith(SEALED)


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
        protected: why its rows may not be moved; None if they may.
    """

    table: str
    version: int
    files: tuple[TableFile, ...]
    log: LogFiles
    expired: Mapping[str, int]
    file_retention: timedelta
    log_retention: timedelta
    protected: str | None = None

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


def gather(store: Store, table: str) -> TableStats:
    """Reads what `table` owes.

    Raises:
        FileNotFoundError: no table is there.
        WrongTableError: Headrace did not make it, or its retention cannot be read.
        StoreError, AccessDeniedError: its log cannot be read.
    """
    handle = open_table(store, table)
    properties = {name: value or "" for name, value in handle.metadata().configuration.items()}
    if PIPELINE not in properties:
        msg = f"{store.uri(table)} is a Delta table that Headrace did not create: it is left alone"
        raise WrongTableError(msg)
    kept, log_kept = retentions(properties, store.uri(table))
    return TableStats(
        table=table,
        version=handle.version(),
        files=_files(handle),
        log=LogFiles.of(store.listing(f"{table}/_delta_log")),
        expired={path: size for path in removable(handle, kept) if (size := store.size(f"{table}/{path}")) is not None},
        file_retention=kept,
        log_retention=log_kept,
        protected=_protected(handle, properties),
    )


def removable(handle: DeltaTable, kept: timedelta, *, full: bool = False) -> Sequence[str]:
    """Paths that a vacuum would delete: files that left the table longer ago than `kept`.

    Args:
        handle: of the table.
        kept: how long they are kept.
        full: also files that no retained version names, if they are older than that.

    Raises:
        StoreError, AccessDeniedError: the table cannot be read.
    """
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


def _protected(handle: DeltaTable, properties: dict[str, str]) -> str | None:
    protocol = handle.protocol()
    if properties.get(DELETION_VECTORS) == "true" and protocol.writer_features == ["deletionVectors"]:
        return "workers merge the files of a table of latest rows while they write"
    if protocol.min_writer_version != _WRITER_VERSION or protocol.writer_features:
        return f"another tool gave it writer version {protocol.min_writer_version}"
    if properties.get("delta.appendOnly") == "true":
        return "another tool gave it delta.appendOnly"
    return "it has more than one partition column" if len(handle.metadata().partition_columns) > 1 else None


def retentions(properties: Mapping[str, str], where: str) -> tuple[timedelta, timedelta]:
    """How long files that left a table are kept, and its commits.

    Args:
        properties: of the table.
        where: it lies.

    Raises:
        WrongTableError: one of them cannot be read.
    """
    kept = max(FILE_RETENTION, _retention(properties, _FILE_PROPERTY, FILE_RETENTION, where))
    return kept, _retention(properties, _LOG_PROPERTY, LOG_RETENTION, where)


def _retention(properties: Mapping[str, str], name: str, default: timedelta, where: str) -> timedelta:
    text = properties.get(name)
    if text is None:
        return default
    found = _INTERVAL.match(text.strip())
    if found is None:
        msg = f"{where} has {name}={text}, which is not of the form 'interval 7 days': correct that property"
        raise WrongTableError(msg)
    return timedelta(**{f"{found[2].lower()}s": int(found[1])})
