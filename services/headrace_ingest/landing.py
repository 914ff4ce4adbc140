"""How a batch comes into the main table: every record as a row, or of every key the latest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from headrace.lake.datafile import DataFile, FileLayout, write_files
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
