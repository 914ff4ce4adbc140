"""How a batch comes into the main table: every record as a row, or of every key the latest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from headrace.lake.datafile import DataFile, FileLayout, write_files
from headrace.lake.latest.upserter import Arrivals, Upserter
from headrace.lake.log import DeltaLog
from headrace.lake.store import Store
from headrace_ingest.batch import Batch

Made = tuple[int, list[DataFile]]
"""A version, and the files that it added."""


class Landing(Protocol):
    """Owned by the writer, which calls both on its thread, `write` first, for every attempt again."""

    @property
    def rests_on_rows(self) -> bool:
        """Whether what is committed depends on the rows that are there, and not on positions alone."""
        ...

    def write(self, batch: Batch) -> list[DataFile]:
        """Makes durable what does not depend on the table.

        Raises:
            StoreError, AccessDeniedError: it could not be written.
        """
        ...

    def commit(
        self,
        log: DeltaLog,
        batch: Batch,
        files: Sequence[DataFile],
        txns: Mapping[str, int],
        note: Mapping[str, object],
    ) -> Made:
        """Commits the batch and its positions on the handle that they were checked on.

        Raises:
            Exception: any exception leaves open whether the commit landed.
        """
        ...


@dataclass(frozen=True)
class Appending:
    """Every record is a row for ever.

    Attributes:
        store: where the table lies.
        layout: of its files.
    """

    store: Store
    layout: FileLayout

    @property
    def rests_on_rows(self) -> bool:
        """Never: rows only come."""
        return False

    def write(self, batch: Batch) -> list[DataFile]:
        """Writes all rows, under names that no log knows yet."""
        rows = batch.table()
        return [] if rows is None else write_files(self.store, self.layout, rows)

    def commit(
        self,
        log: DeltaLog,
        batch: Batch,
        files: Sequence[DataFile],
        txns: Mapping[str, int],
        note: Mapping[str, object],
    ) -> Made:
        """Commits the files; refused if one of the positions has moved."""
        del batch
        return log.commit(files, txns, note), list(files)


@dataclass(frozen=True)
class Upserting:
    """Of every key the latest event is a row.

    Attributes:
        upserter: of the table.
        events: columns of its rows.
        tombstones: columns of what names a row to be deleted.
    """

    upserter: Upserter
    events: pa.Schema
    tombstones: pa.Schema

    @property
    def rests_on_rows(self) -> bool:
        """Always: which event of a key counts depends on the row it has."""
        return True

    def write(self, batch: Batch) -> list[DataFile]:
        """Nothing: what is to be written is known when the table is."""
        del batch
        return []

    def commit(
        self,
        log: DeltaLog,
        batch: Batch,
        files: Sequence[DataFile],
        txns: Mapping[str, int],
        note: Mapping[str, object],
    ) -> Made:
        """Writes and commits; refused if anybody has made the next version."""
        del files
        arrivals = Arrivals(
            pa.Table.from_batches(batch.rows, self.events), pa.Table.from_batches(batch.tombstones, self.tombstones)
        )
        return self.upserter.commit(log, arrivals, txns, note)
