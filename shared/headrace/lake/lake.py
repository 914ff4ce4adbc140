"""The tables of a lake, by hand: what the services write is read here, each table as of whatever moment is asked."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from headrace.lake.as_of import AsOf, EventTime
from headrace.lake.consistent import Consistent, Ends, Patience, consistent_at
from headrace.lake.happened import happened
from headrace.lake.listing import headrace_tables
from headrace.lake.resolving import Resolver
from headrace.lake.snapshot import Snapshot
from headrace.lake.store import Store


class Lake:
    """All tables under one root. Holds nothing but where that is; safe to use from several threads.

    Args:
        root: a folder, or a URI such as `s3://bucket/lake`; access to it comes from the environment.
    """

    def __init__(self, root: str) -> None:
        self.store = Store(root)

    def __repr__(self) -> str:
        return f"Lake({self.store.root!r})"

    def snapshot(self, table: str, as_of: AsOf = None) -> Snapshot:
        """A table as it stood: pinned, so that whatever comes later changes nothing of it.

        Args:
            table: its name.
            as_of: a version, an aware commit time, a `Position`, an `EventTime`, or None for the newest version.

        Raises:
            AsOfError: there is no such version: not yet, no longer, or it cannot be told which one it is.
            ConfigError: there is no such table.
            StoreError, AccessDeniedError: the lake cannot be read.
        """
        found = Resolver(self.store, table)
        return happened(found, as_of.moment) if isinstance(as_of, EventTime) else found.resolve(as_of)

    def read(
        self, table: str, *, as_of: AsOf = None, where: pl.Expr | None = None, columns: Sequence[str] | None = None
    ) -> pl.LazyFrame:
        """Rows of a table; nothing is read before the frame is collected, and then only files that may hold them.

        Args:
            table: its name.
            as_of: as of `snapshot`.
            where: rows to keep; all without it.
            columns: to keep; all without them.

        Raises:
            AsOfError, ConfigError, StoreError, AccessDeniedError: as of `snapshot`.
        """
        frame = self.snapshot(table, as_of).frame()
        if where is not None:
            frame = frame.filter(where)
        return frame if columns is None else frame.select(columns)

    def consistent_at(
        self,
        moment: datetime | None = None,
        tables: Sequence[str] | None = None,
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
            ConfigError: there is no such table, or it has no event time or no positions.
            StoreError, AccessDeniedError: the lake cannot be read.
        """
        names = headrace_tables(self.store) if tables is None else tables
        return consistent_at(self.store, names, moment, Patience(late, ends))
