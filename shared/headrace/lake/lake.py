"""The tables of a lake, by hand: what the services write is read here, each table as of whatever moment is asked."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from os import PathLike, fspath

import polars as pl

from headrace.contracts import Contract, load_contracts
from headrace.lake.as_of import AsOf, EventTime
from headrace.lake.by_hand import appending, creating, deleting, history, merging, pairing, restoring, upkeep, widening
from headrace.lake.by_hand.rows import Names, Rows, named
from headrace.lake.consistent import Consistent, Ends, Patience, consistent_at
from headrace.lake.happened import happened
from headrace.lake.listing import headrace_tables, table_names
from headrace.lake.newest import Newest
from headrace.lake.resolving import Resolver
from headrace.lake.snapshot import Snapshot, chosen
from headrace.lake.store import Store
from headrace.lake.tables import exists
from headrace.sections import MIB


class Lake:
    """All tables under one root. Safe to use from several threads: they had better share one.

    A table that was asked for stays open, and is opened anew when there is a newer version: each question looks.

    Args:
        root: a folder, or a URI such as `s3://bucket/lake`; access to it comes from the environment.
        keep_mib: tables of at most so many MiB of files are kept in memory until there is a newer version of them.
    """

    def __init__(self, root: str | PathLike[str], *, keep_mib: float = 0) -> None:
        self.store = Store(fspath(root))
        self._newest = Newest(self.store, keep=int(keep_mib * MIB))

    def __repr__(self) -> str:
        return f"Lake({self.store.root!r})"

    def snapshot(self, table: str, as_of: AsOf = None) -> Snapshot:
        """A table as it stood: pinned, so that whatever comes later changes nothing of it.

        Args:
            table: its name.
            as_of: a version, an aware commit time, a `KafkaPosition`, an `EventTime`, or None for the newest version.

        Raises:
            AsOfError: there is no such version: not yet, no longer, or it cannot be told which one it is.
            NoTableError: there is no such table.
            TableDamagedError: a file that is to be kept in memory is not what the log says it is.
            StoreError, AccessDeniedError: the lake cannot be read.
        """
        if as_of is None:
            return self._newest.snapshot(table)
        found = Resolver(self.store, table)
        return happened(found, as_of.moment) if isinstance(as_of, EventTime) else found.resolve(as_of)

    def read(
        self, table: str, *, as_of: AsOf = None, where: pl.Expr | None = None, columns: Names | None = None
    ) -> pl.LazyFrame:
        """Rows of a table; nothing is read before the frame is collected, and then only files that may hold them.

        Args:
            table: its name.
            as_of: as of `snapshot`.
            where: rows to keep; all without it.
            columns: to keep; all without them.

        Raises:
            ConfigError: the table has no such column.
            HeadraceError: as of `snapshot`.
        """
        return chosen(self.snapshot(table, as_of).frame(), table, where, columns)

    def consistent_at(
        self,
        moment: datetime | None = None,
        tables: Names | None = None,
        *,
        late: timedelta = timedelta(0),
        ends: Ends | None = None,
    ) -> Consistent:
        """Several tables at one moment of their events' time: each holds everything up to then.

        Args:
            moment: aware; None for the latest up to which all of them hold everything.
            tables: their names; without them, all that workers fill.
            late: by how much events of one partition may be out of order.
            ends: asks the broker where topics end, so that quiet partitions need not be waited for.

        Raises:
            AsOfError: a table does not hold everything up to the moment, or a version can no longer be read.
            ConfigError: there is no such table or none at all, or one has no event time or no positions.
            StoreError, AccessDeniedError: the lake cannot be read.
        """
        names = headrace_tables(self.store) if tables is None else named(tables)
        return consistent_at(self.store, names, moment, Patience(late, ends))

    def create(
        self,
        table: str,
        rows: Rows,
        *,
        partition_by: str | None = None,
        description: str = "",
        time_travel_days: int = 0,
    ) -> int:
        """Makes a table that has those rows from its first version on. Returns that version, 0.

        Args:
            table: its name: letters, digits and _.
            rows: a frame, lazy or not, or paths of Parquet files.
            partition_by: a column of few texts, whole numbers or days.
            description: kept with the table.
            time_travel_days: for how long the last version of each day can be read; 0 for as long as files are kept.

        Raises:
            ConfigError: no table can have that name, or there are no rows to be had.
            WrongTableError: a table or a file lies there already.
            RowsRefusedError: no table can have these columns or values.
            UnsafeStoreError: the store does not keep two writers apart.
            StoreError, AccessDeniedError: the store failed; there is no table.
        """
        return creating.create(self.store, table, rows, creating.Design(partition_by, description, time_travel_days))

    def append(self, table: str, rows: Rows, *, once: str | None = None) -> int:
        """Adds rows; readers see none of them, or all. Returns the version that has them.

        Args:
            table: its name.
            rows: a frame, lazy or not, or paths of Parquet files. A column that they lack is null.
            once: name of these rows: where rows of that name were appended before, nothing is done.

        Raises:
            ConfigError: there is no such table, or no rows to be had.
            WrongTableError: workers fill it, or another tool gave it what is not known here.
            RowsRefusedError: columns or values do not fit; nothing was changed.
            CommitTimeoutError: other commits kept coming first.
            StoreError, AccessDeniedError: the store failed; all of it is in the table, or nothing.
        """
        return appending.append(self.store, table, rows, once=once)

    def replace(self, table: str, rows: Rows, *, if_version: int | None = None) -> int:
        """Puts rows in the place of all that are there; older versions still have those. Returns the version.

        Args:
            table: its name.
            rows: a frame, lazy or not, or paths of Parquet files. A column that they lack is null.
            if_version: only while this is the newest version.

        Raises:
            CommitTimeoutError: also where `if_version` is not the newest.
            ConfigError: there is no such table, or no rows to be had.
            WrongTableError: workers fill it, or another tool gave it what is not known here.
            RowsRefusedError: columns or values do not fit; nothing was changed.
            StoreError, AccessDeniedError: the store failed; all of it is in the table, or nothing.
        """
        return appending.replace_rows(self.store, table, rows, if_version=if_version)

    def add_columns(self, table: str, like: Rows) -> int:
        """Gives the table the columns of a frame that it lacks; rows that are there have null. Returns the version.

        Args:
            table: its name.
            like: a frame, whose rows do not count.

        Raises:
            ConfigError: there is no such table, or no rows to be had.
            WrongTableError: workers fill it, or another tool gave it what is not known here.
            RowsRefusedError: columns or values do not fit; nothing was changed.
            CommitTimeoutError: other commits kept coming first.
            StoreError, AccessDeniedError: the store failed; all of it is in the table, or nothing.
        """
        return widening.add_columns(self.store, table, like)

    def merge(
        self,
        table: str,
        rows: Rows,
        *,
        on: Names,
        update: Names | None = None,
        insert: bool = True,
    ) -> merging.Merged:
        """Updates the rows of keys that are there, and adds the others; readers see all of it or nothing.

        Args:
            table: its name.
            rows: a frame, lazy or not, or paths of Parquet files; each key once. They are held in memory.
            on: columns that name a row.
            update: columns that a row that is there takes over; by default all that came.
            insert: whether rows of new keys are added.

        Raises:
            ConfigError: there is no such table, or no rows to be had.
            WrongTableError: workers fill it, or another tool gave it what is not known here.
            RowsRefusedError: columns or values do not fit; nothing was changed.
            CommitTimeoutError: other commits kept coming first.
            StoreError, AccessDeniedError: the store failed; all of it is in the table, or nothing.
        """
        return merging.merge(self.store, table, rows, pairing.Keys.of(on, update, insert=insert))

    def restore(self, table: str, version: int) -> int:
        """Makes the table say again what it said at a version, as a new one. Returns that one.

        Raises:
            ConfigError: there is no such table or version, or files of it were deleted since.
            WrongTableError: workers fill it, or another tool gave it what is not known here.
            MaintenanceHeldError: a process maintains it now.
            CommitTimeoutError: other commits kept coming first.
            StoreError, AccessDeniedError: the store failed; the table is as it was, or restored.
        """
        return restoring.restore(self.store, table, version)

    def optimize(
        self,
        table: str,
        *,
        z_order: Names = (),
        target_mib: int = upkeep.TARGET_MIB,
        contracts: Mapping[str, Contract] | None = None,
    ) -> upkeep.Optimized:
        """Merges small files, or with `z_order` puts all rows of each partition in an order; not a row changes.

        Args:
            table: its name; workers may fill it, and go on meanwhile.
            z_order: columns that rows near to each other lie near by.
            target_mib: size of the files that are aimed at. Rows of one are held in memory.
            contracts: by name, for files of their tables to get all that they ask for; by default the built-in ones.

        Raises:
            ConfigError: there is no such table or column.
            WrongTableError: another tool gave it what is not known here.
            MaintenanceHeldError: another process maintains it now.
            InvariantError: rows are not the same before and after, or were found so before.
            CommitTimeoutError: other commits kept coming first.
            StoreError, AccessDeniedError: the store failed; what was done is done.
        """
        known = load_contracts() if contracts is None else contracts
        return upkeep.optimize(self.store, table, upkeep.Wish(named(z_order), target_mib), contracts=known)

    def vacuum(
        self, table: str, *, hours: float = 168, orphans: bool = False, dry_run: bool = False
    ) -> upkeep.Vacuumed:
        """Deletes files that nobody can need any more, and commits nothing.

        Args:
            table: its name; workers may fill it, and go on meanwhile.
            hours: for how long files are kept that left the table; no less than its retention.
            orphans: whether files go, too, that no version names and that are older than that.
            dry_run: only say what would go.

        Raises:
            ConfigError: there is no such table, or it keeps files for longer than `hours`.
            WrongTableError: another tool gave it what is not known here.
            MaintenanceHeldError: another process maintains it now.
            StoreError, AccessDeniedError: the store failed; what was deleted is deleted.
        """
        return upkeep.vacuum(self.store, table, upkeep.Sweep(hours, orphans, dry_run))

    def history(self, table: str, limit: int | None = None) -> list[history.Done]:
        """What each commit did, newest first, as far as the log retains them.

        Raises:
            ConfigError: there is no such table.
            StoreError, AccessDeniedError: the log cannot be read.
        """
        return history.history(self.store, table, limit)

    def tables(self) -> list[str]:
        """Names of the tables that can be read, those of other tools too; quarantines are not among them.

        Raises:
            StoreError, AccessDeniedError: the lake cannot be read.
        """
        return table_names(self.store)

    def exists(self, table: str) -> bool:
        """Whether there is a Delta table of that name.

        Raises:
            WrongTableError: a file lies there.
            StoreError, AccessDeniedError: the lake cannot be read.
        """
        return exists(self.store, table)

    def delete(self, table: str, *, confirm: str) -> deleting.Deletion:
        """Deletes a table with all its versions, and its quarantine. Nothing brings it back but a backup.

        Args:
            table: its name. Stop its workers before: they would make it anew, from `HEADRACE_INGEST__START` on.
            confirm: its name once more.

        Raises:
            ConfigError: there is no such table, or `confirm` is another name.
            MaintenanceHeldError: a process maintains it now.
            StoreError, AccessDeniedError: the store failed; what is left can be deleted again.
        """
        return deleting.delete(self.store, table, confirm=confirm)
