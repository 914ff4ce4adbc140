"""Deleting what nobody can need any more: files that left a table, and the part of its log before a checkpoint.

deltalake lists the files; they are deleted here and not by its vacuum, which adds two commits for every call, and
whose commits may clean up the log by rules of their own.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from headrace.clock import Clock
from headrace.errors import InvariantError
from headrace.lake.checkpoint import broken_checkpoint
from headrace.lake.log import open_table
from headrace.lake.store import Store
from headrace.lake.upkeep.logfiles import LogFiles
from headrace.lake.upkeep.stats import FILE_RETENTION, TableStats, gather, removable

_FEW = 20
_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Deleted:
    """What was deleted; `aborted` says why nothing was."""

    objects: int = 0
    aborted: str | None = None


def delete_expired(store: Store, table: str) -> Deleted:
    """Deletes files that left the table longer ago than its retention.

    Raises:
        InvariantError: such a file is active.
        StoreError, AccessDeniedError: a file cannot be deleted.
    """
    stats = gather(store, table)
    _refuse_active(stats, stats.expired)
    return _delete(store, table, stats.expired)


def orphans(store: Store, stats: TableStats) -> Sequence[str]:
    """Files that no retained version names and that are older than the retention; a dry run.

    Raises:
        StoreError, AccessDeniedError: the table cannot be read.
    """
    return removable(open_table(store, stats.table), stats.file_retention, full=True)


def delete_orphans(store: Store, table: str, clock: Clock) -> Deleted:
    """Deletes what no retained version names, unless there is suspiciously much of it.

    Raises:
        InvariantError: such a file is active.
        StoreError, AccessDeniedError: a file cannot be deleted.
    """
    stats = gather(store, table)
    found = orphans(store, stats)
    _refuse_active(stats, found)
    if len(found) > max(_FEW, int(_SHARE * len(stats.files))):
        return Deleted(aborted=f"{len(found)} files of {len(stats.files)} would go, which is more than a fifth")
    young = [path for path in found if clock.now() - store.modified(f"{table}/{path}") < FILE_RETENTION]
    if young:
        return Deleted(aborted=f"{len(young)} of them were written within {FILE_RETENTION.days} days: {young[0]}")
    return _delete(store, table, found)


def clean_log(store: Store, table: str, clock: Clock, kept: timedelta) -> Deleted:
    """Deletes commits and checkpoints that a checkpoint older than `kept` stands for, and abandoned commits.

    Raises:
        WrongTableError: the newest checkpoint is broken and commits before it are gone.
        StoreError, AccessDeniedError: the log cannot be read or changed.
    """
    torn = broken_checkpoint(store, table)
    if torn is not None:
        return Deleted(aborted=f"{torn} is broken: a worker mends it when it starts")
    folder = f"{table}/_delta_log"
    names = LogFiles.of(store.listing(folder)).removable(clock.now(), kept)
    return _delete(store, folder, names)


def _refuse_active(stats: TableStats, paths: Collection[str]) -> None:
    active = {file.path for file in stats.files} & set(paths)
    if active:
        msg = f"{stats.table}: the library lists {min(active)} as expired, and it is part of the table: nothing went"
        raise InvariantError(msg)


def _delete(store: Store, folder: str, names: Collection[str]) -> Deleted:
    for name in names:
        store.delete(f"{folder}/{name}")
    return Deleted(len(names))
