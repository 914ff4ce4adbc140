"""Batches into a table of latest rows. Apart from `landing`: only workers of such tables load polars, some 20 MiB."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from headrace.contracts import Contract
from headrace.lake.datafile import DataFile
from headrace.lake.latest.order import Naming
from headrace.lake.latest.upserter import Arrivals, Upserter
from headrace.lake.layouts import file_layout
from headrace.lake.log import DeltaLog
from headrace.lake.schema import arrow_schema, tombstone_schema
from headrace.lake.store import Store
from headrace_ingest.batch import Batch
from headrace_ingest.landing import Made


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

    @classmethod
    def of(cls, store: Store, contract: Contract, memory: int) -> "Upserting":
        """Into the table of a contract; `memory` is what may remember where keys lie, in bytes."""
        naming = Naming(contract.table.key, str(contract.event_time))
        upserter = Upserter(store, file_layout(contract), naming, memory)
        return cls(upserter, arrow_schema(contract), tombstone_schema(contract))

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
