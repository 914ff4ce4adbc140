"""A small table with its quarantine, made as a worker makes them: the ground that tests of the lake stand on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import cast

import pyarrow as pa

from headrace.contracts import Event, Symbol, Table, UtcTimestamp, contract_of
from headrace.lake.contents import active_files
from headrace.lake.datafile import FileLayout
from headrace.lake.log import DeltaLog, open_table
from headrace.lake.quarantine import QuarantinedRecord, quarantine_delta_schema, quarantine_name
from headrace.lake.schema import arrow_schema, delta_schema
from headrace.lake.store import Store
from headrace.lake.tables import (
    CLUSTER_ID,
    CONTRACT,
    PARTITIONS,
    PIPELINE,
    SCHEMA_VERSION,
    START,
    TOPIC,
    TOPIC_ID,
    TableSpec,
    create_table,
)
from headrace.offsets import Address, SourceId

DAY = date(2026, 1, 1)


class Number(Event, topic="numbers", key="name", table=Table(partition_by="date")):
    """An event with next to nothing in it."""

    timestamp: UtcTimestamp
    name: Symbol


NUMBERS = contract_of(Number)
SOURCE = SourceId("numbers", "cluster", "topic")
LAYOUT = FileLayout("numbers", "date", ("timestamp", "_partition", "_offset"))


def main_spec(starts: Mapping[int, int], source: SourceId = SOURCE) -> TableSpec:
    """Version 0 of the main table; `starts` gives every partition's first position."""
    return TableSpec(
        name="numbers",
        schema=delta_schema(NUMBERS),
        partition_by=("date",),
        description=NUMBERS.doc,
        properties=_properties(len(starts), source),
        txns={source.app_id(partition): position for partition, position in starts.items()},
    )


def quarantine_spec(partitions: int, source: SourceId = SOURCE) -> TableSpec:
    """Version 0 of its quarantine."""
    return TableSpec(
        name=quarantine_name("numbers"),
        schema=quarantine_delta_schema(),
        partition_by=(),
        description="Records that could not become rows.",
        properties=_properties(partitions, source),
        txns={},
    )


def _properties(partitions: int, source: SourceId) -> dict[str, str]:
    return {
        PIPELINE: source.pipeline,
        CLUSTER_ID: source.cluster_id,
        TOPIC_ID: source.topic_id,
        TOPIC: "numbers",
        CONTRACT: "numbers",
        SCHEMA_VERSION: "1",
        PARTITIONS: str(partitions),
        START: "earliest",
    }


@dataclass(frozen=True)
class NumbersTable:
    """The two tables in a store, and what they hold."""

    store: Store

    @classmethod
    def create(cls, root: str, starts: Mapping[int, int]) -> "NumbersTable":
        """Makes both tables, empty."""
        store = Store(root)
        create_table(store, quarantine_spec(len(starts)))
        create_table(store, main_spec(starts))
        return cls(store)

    def main(self) -> DeltaLog:
        """A fresh handle on the main table."""
        return DeltaLog(self.store, "numbers")

    def quarantine(self) -> DeltaLog:
        """A fresh handle on the quarantine."""
        return DeltaLog(self.store, quarantine_name("numbers"))

    def claim(self, partitions: Iterable[int]) -> dict[int, int]:
        """Raises the owner txns by one; returns them."""
        log = self.quarantine()
        epochs = {p: (log.txn(SOURCE.owner_id(p)) or 0) + 1 for p in partitions}
        log.commit_claim({SOURCE.owner_id(p): epoch for p, epoch in epochs.items()})
        return epochs

    def position(self, partition: int) -> int | None:
        """The position in the main table."""
        return self.main().txn(SOURCE.app_id(partition))

    def files(self, table: str) -> list[str]:
        """Paths of the data files of the main table or its quarantine."""
        return [file.path for file in active_files(self.store, table)]

    def landed(self) -> list[Address]:
        """Places of all rows of the main table, sorted; a row that is there twice is listed twice."""
        return _places(self.store, "numbers")

    def quarantined(self) -> list[Address]:
        """Places of all rows of the quarantine, likewise."""
        return _places(self.store, quarantine_name("numbers"))


def number_rows(partition: int, offsets: Sequence[int], *, day: date = DAY) -> pa.RecordBatch:
    """Rows of the main table, one per offset."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    count = len(offsets)
    columns: list[Sequence[object]] = [
        [midnight + timedelta(microseconds=offset) for offset in offsets],
        [f"n{offset}" for offset in offsets],
        [day] * count,
        [partition] * count,
        offsets,
        [midnight] * count,
        [midnight] * count,
    ]
    schema = arrow_schema(NUMBERS)
    return pa.RecordBatch.from_arrays(
        [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
    )


def number_reject(partition: int, offset: int) -> QuarantinedRecord:
    """A record for the quarantine."""
    return QuarantinedRecord(
        topic="numbers",
        partition=partition,
        offset=offset,
        timestamp_ms=1_767_225_600_000,
        key=b"n",
        value=b"not json",
        headers=(),
        reason="not_json",
        detail="not a JSON text",
    )


def _places(store: Store, table: str) -> list[Address]:
    columns = open_table(store, table).to_pyarrow_table(columns=["_partition", "_offset"]).to_pydict()
    return sorted(zip(cast("list[int]", columns["_partition"]), cast("list[int]", columns["_offset"]), strict=True))
