"""From what is asked to the snapshot: looks into the log, and decides nothing that `as_of` and `event_times` can."""

import json
from datetime import datetime
from functools import cache
from typing import NoReturn

import polars as pl
from deltalake import DeltaTable

from headrace.clock import SystemClock
from headrace.errors import AsOfError, ConfigError, HeadraceError
from headrace.lake.as_of import KafkaPosition, Told, aware, version_at, version_reaching
from headrace.lake.latest.live import Action, committed
from headrace.lake.listing import no_table
from headrace.lake.log import NOTE, committed_at, open_table
from headrace.lake.readable import still_readable, what_is_gone
from headrace.lake.snapshot import WHOLE, Snapshot, View
from headrace.lake.store import Store
from headrace.lake.tables import LATEST, STARTS, positions_in, properties_in, refuse_file, source_in


class Resolver:
    """Finds versions of one table, as of its newest version when this was made. One thread uses it.

    Args:
        store: where the table lies.
        table: its name.

    Raises:
        ConfigError: there is no such table.
        StoreError, AccessDeniedError: the lake cannot be read.
    """

    def __init__(self, store: Store, table: str) -> None:
        refuse_file(store, table)
        self.store = store
        self.table = table
        try:
            self.handle = open_table(store, table)
        except FileNotFoundError:
            raise no_table(store, table) from None
        self.properties = properties_in(self.handle)

    @property
    def newest(self) -> int:
        """Version."""
        return self.handle.version()

    @property
    def keeps_latest(self) -> bool:
        """Whether the table keeps of each key the latest row."""
        return LATEST in self.properties

    def resolve(self, as_of: int | datetime | KafkaPosition | None) -> Snapshot:
        """The snapshot that is asked for.

        Raises:
            AsOfError: there is no such version: not yet, no longer, or it cannot be told which one it is.
            ConfigError: that is nothing that a table can be read as of.
            StoreError, AccessDeniedError: the lake cannot be read.
        """
        match as_of:
            case None:
                return self.snapshot(self.handle)
            case bool():
                pass
            case int():
                return self.pinned(as_of)
            case datetime():
                return self.pinned(self._at(aware(as_of)))
            case KafkaPosition():
                return self._on(as_of)
        msg = f"a table is read as of a version, an aware datetime, a KafkaPosition or an EventTime, not of {as_of!r}"
        raise ConfigError(msg)

    def snapshot(self, handle: DeltaTable, view: View = WHOLE) -> Snapshot:
        """What a handle holds."""
        return Snapshot(self.store, self.table, handle, view)

    def pinned(self, version: int, view: View = WHOLE) -> Snapshot:
        """A version, of which everything is there.

        Raises:
            AsOfError: it was never made, or can no longer be read.
        """
        if version == self.newest:
            return self.snapshot(self.handle, view)
        if version < 0 or version > self.newest:
            msg = f"{self.table} has no version {version}: the newest is {self.newest}"
            raise AsOfError(msg)
        try:
            handle = open_table(self.store, self.table, version=version)
        except (FileNotFoundError, HeadraceError):
            self.refuse(f"version {version}", "its part of the log", asked=version)
        gone = what_is_gone(self.store, self.table, handle, self.handle)
        if gone is not None:
            self.refuse(f"version {version}", gone, asked=version)
        return self.snapshot(handle, view)

    def _at(self, moment: datetime) -> int:
        """The version that stood at a moment."""
        now = SystemClock().now()
        if moment > now:
            msg = f"{self.table} as of {moment} cannot be told: it is {now:%Y-%m-%d %H:%M:%S} UTC"
            raise AsOfError(msg)
        times = cache(lambda version: committed_at(self.store, self.table, version))
        found = version_at(moment, self.newest, times)
        if found == -1:
            msg = f"{self.table} did not exist at {moment}: its version 0 was made at {times(0)}"
            raise AsOfError(msg)
        if times(found) is None:
            self.refuse(f"the version of {moment}", "its part of the log")
        return found

    def _on(self, asked: KafkaPosition) -> Snapshot:
        """What was known when a partition stood at a position."""
        start = self._start(asked)
        if asked.position == start:
            return self.pinned(0)
        told = cache(lambda version: self._told(version, asked.partition))
        found = version_reaching(asked.position, self.newest, told)
        said = told(found) if found <= self.newest else None
        if said is None or said.position is None or (said.start is not None and said.start >= asked.position):
            self.refuse(f"partition {asked.partition} at position {asked.position}", "its part of the log")
        if said.position == asked.position:
            return self.pinned(found)
        # The flush went past it. Of rows each of which is a record the later ones can be left out.
        if self.keeps_latest:
            return self.pinned(found - 1)
        later = (pl.col("_partition") == asked.partition) & (pl.col("_offset") >= asked.position)
        return self.pinned(found, View(lambda rows: rows.filter(~later), {asked.partition: asked.position}))

    def _start(self, asked: KafkaPosition) -> int:
        """Where the table begins in that partition.

        Raises:
            AsOfError: the position is before that, not reached yet, or of a partition that the table knows nothing of.
        """
        positions = positions_in(self.handle)
        if asked.partition not in positions:
            known = ", ".join(map(str, positions)) or "none: no worker fills it"
            msg = f"{self.table} records no position of partition {asked.partition}; the partitions it has are {known}"
            raise AsOfError(msg)
        stands = positions[asked.partition]
        start = int(json.loads(self.properties.get(STARTS, "{}")).get(str(asked.partition), 0))
        if start <= asked.position <= stands:
            return start
        msg = f"partition {asked.partition} of {self.table} began at {start} and stands at {stands}: it "
        raise AsOfError(msg + ("has not reached" if asked.position > stands else "never was at") + f" {asked.position}")

    def _told(self, version: int, partition: int) -> Told | None:
        source = source_in(self.properties)
        app_id = "" if source is None else source.app_id(partition)
        try:
            actions = committed(self.store, self.table, version)
        except FileNotFoundError:
            return None
        info: Action = next((found for each in actions if (found := each.get("commitInfo"))), {})
        txns = (found for each in actions if (found := each.get("txn")))
        position = next((int(txn["version"]) for txn in txns if txn["appId"] == app_id), None)
        span = ((info.get(NOTE) or {}).get("partitions") or {}).get(str(partition)) or {}
        return Told(position, span.get("start"))

    def refuse(self, what: str, gone: str, *, asked: int | None = None) -> NoReturn:
        """Says that something is no longer there, and what still is.

        Raises:
            AsOfError: always.
        """
        msg = f"{what} of {self.table} can no longer be read: {gone} is gone. "
        now = SystemClock().now()
        raise AsOfError(msg + still_readable(self.store, self.table, self.handle, now, asked=asked))
