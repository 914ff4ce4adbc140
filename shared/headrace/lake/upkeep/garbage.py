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
from headrace.lake.retention import FILE_RETENTION
from headrace.lake.store import Store
from headrace.lake.upkeep.daily import VersionFiles
from headrace.lake.upkeep.exchanges import changes_of
from headrace.lake.upkeep.stats import NOTHING_ASKED, Asked, TableStats, gather, removable

_SHARE = 0.2
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Deleted:
    """What was deleted; `aborted` says why nothing was."""

    objects: int = 0
    aborted: str | None = None


class Garbage:
    """What one table has that nobody can need any more. One thread uses it.

    Args:
        store: where the table lies.
        table: its folder.
        clock: time.
        asked: by whoever named the table.
    """

    def __init__(self, store: Store, table: str, clock: Clock, asked: Asked = NOTHING_ASKED) -> None:
        self._store = store
        self._table = table
        self._clock = clock
        self._asked = asked
        self._kept = VersionFiles(store, table)

    def look(self) -> TableStats:
        """What the table owes now.

        Raises:
            FileNotFoundError: no table is there.
            WrongTableError: Headrace did not make it, or its retention cannot be read.
            StoreError, AccessDeniedError: its log cannot be read.
        """
        return gather(self._store, self._table, kept=self._kept, now=self._clock.now(), asked=self._asked)

    def delete_expired(self) -> Deleted:
        """Deletes files that left the table longer ago than its retention, and are in no version that is kept.

        Raises:
            InvariantError: such a file is active.
            StoreError, AccessDeniedError: a file cannot be deleted.
        """
        stats = self.look()
        _refuse_active(stats, stats.expired)
        return self._delete(stats.expired)

    def orphans(self, stats: TableStats) -> Sequence[str]:
        """Files that no retained version names and that are older than the retention; a dry run.

        Raises:
            StoreError, AccessDeniedError: the table cannot be read.
        """
        found = removable(open_table(self._store, self._table), stats.file_retention, full=True)
        # The library lists what left the table and was deleted since for as long as the log remembers it, too.
        return self._not_kept(stats, self._there(found))

    def delete_orphans(self, most: int) -> Deleted:
        """Deletes what no retained version names, unless there is suspiciously much of it.

        Args:
            most: so many files are never too many.

        Raises:
            InvariantError: such a file is active.
            StoreError, AccessDeniedError: a file cannot be deleted.
        """
        stats = self.look()
        found = self.orphans(stats)
        _refuse_active(stats, found)
        if len(found) > max(most, int(_SHARE * len(stats.files))):
            return Deleted(
                aborted=f"{len(found)} files would go, and the table has {len(stats.files)}, such as "
                f"{', '.join(found[:_NAMED])}: look at them; HEADRACE_MAINTAIN__ORPHANS_MOST={len(found)} allows it"
            )
        young = [path for path in found if self._age(path) < FILE_RETENTION]
        if young:
            return Deleted(aborted=f"{len(young)} of them were written within {FILE_RETENTION.days} days: {young[0]}")
        return self._delete(found)

    def clean_log(self) -> Deleted:
        """Deletes commits and checkpoints that an old checkpoint stands for, and abandoned commits.

        With the commits of a table with time travel go the files that no version after them has: of most of them the
        newest checkpoint knows nothing any more.

        Raises:
            WrongTableError: the newest checkpoint is broken and commits before it are gone.
            StoreError, AccessDeniedError: the log cannot be read or changed.
        """
        torn = broken_checkpoint(self._store, self._table)
        if torn is not None:
            return Deleted(aborted=f"{torn} is broken: a worker mends it when it starts")
        stats = self.look()
        now = self._clock.now()
        names = stats.removable_log(now)
        files = [] if stats.daily is None else self._last_named(stats, stats.log_base(now))
        return self._delete([*files, *(f"_delta_log/{name}" for name in names)])

    def _last_named(self, stats: TableStats, base: int) -> Sequence[str]:
        """Files that left the table up to that version, and that no version from there on has."""
        versions = sorted(version for version in stats.log.commits if version <= base)
        left = {path for version in versions for path in changes_of(self._store, self._table, version)[1]}
        left -= {file.path for file in stats.files}
        return self._not_kept(stats, self._there(sorted(left)))

    def _there(self, paths: Sequence[str]) -> Sequence[str]:
        return [path for path in paths if self._store.size(f"{self._table}/{path}") is not None]

    def _not_kept(self, stats: TableStats, paths: Sequence[str]) -> Sequence[str]:
        if not paths or not stats.daily:
            return paths
        kept = self._kept.of(stats.log, stats.daily)
        return [path for path in paths if path not in kept]

    def _age(self, path: str) -> timedelta:
        return self._clock.now() - self._store.modified(f"{self._table}/{path}")

    def _delete(self, paths: Collection[str]) -> Deleted:
        for path in paths:
            self._store.delete(f"{self._table}/{path}")
        return Deleted(len(paths))


def _refuse_active(stats: TableStats, paths: Collection[str]) -> None:
    active = {file.path for file in stats.files} & set(paths)
    if active:
        msg = f"{stats.table}: the library lists {min(active)} as expired, and it is part of the table: nothing went"
        raise InvariantError(msg)
