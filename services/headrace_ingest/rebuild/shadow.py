"""The table that is built beside: a whole one of its own, in a folder that only this process knows."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from headrace.lake.latest.live import LiveFile, LiveFiles
from headrace.lake.latest.rows import live_rows
from headrace.lake.latest.upserter import Arrivals, Upserter
from headrace.lake.log import DeltaLog, notes
from headrace.lake.store import Store

_CHECKPOINT_EVERY = 100


@dataclass
class Shadow:
    """Filled as a worker fills the table. One thread uses it.

    Attributes:
        store: where it lies.
        log: of it.
        upserter: into it.
        schema: of its rows.
    """

    store: Store
    log: DeltaLog
    upserter: Upserter
    schema: pa.Schema

    def take(self, arrivals: Arrivals) -> None:
        """Applies a batch.

        Raises:
            StoreError, AccessDeniedError: it could not be written.
        """
        made, _ = self.upserter.commit(self.log, arrivals, {}, {"kind": "ingest", "batch": uuid.uuid4().hex})
        if made % _CHECKPOINT_EVERY == 0:
            self.log.checkpoint()

    def files(self) -> Sequence[LiveFile]:
        """Its data files."""
        return LiveFiles(self.store, self.log.table).at(self.log.version)

    def keys(self) -> int:
        """Keys that it has, counted by what each batch changed and not by its files."""
        changes = [
            note["upsert"] for _, note in notes(self.store, self.log.table, self.log.version) if "upsert" in note
        ]
        return sum(change["inserted"] - change["removed"] for change in changes)

    def rows(self) -> Iterator[pa.Table]:
        """All of its rows, some at a time."""
        for file in self.files():
            yield from live_rows(self.store, self.log.table, file, self.schema)
