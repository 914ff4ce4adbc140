"""The quarantine table: records that could not become rows, with everything needed to bring them home."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import Schema
from pyroaring import BitMap64

from headrace.contracts import QUARANTINE_SUFFIX
from headrace.kafka.records import Envelope, Header, Records
from headrace.lake.contents import active_files
from headrace.lake.datafile import FileLayout
from headrace.lake.log import open_table
from headrace.lake.schema import INSTANT, quarantine_schema
from headrace.lake.store import Store
from headrace.offsets import Address

REPLAYED = "replayed"
"""The resolution of a record that a replay brought into the main table."""

_EPOCH = datetime.fromtimestamp(0, UTC)
_YEAR_10000_MS = 253_402_300_800_000


@dataclass(frozen=True, slots=True)
class QuarantinedRecord:
    """One record as it came, and why it is here. `reason` is a value of the closed enum of reasons."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    reason: str
    detail: str

    @property
    def size(self) -> int:
        """Bytes that it takes in memory, roughly: as it is, and once more as a row when it is written."""
        headers = sum(len(name) + len(value or b"") for name, value in self.headers)
        return 2 * (len(self.key or b"") + len(self.value or b"") + headers + len(self.detail) + 200)


def quarantine_name(table: str) -> str:
    """Folder of the quarantine of `table`."""
    return table + QUARANTINE_SUFFIX


def quarantine_layout(table: str) -> FileLayout:
    """Layout of the quarantine's files."""
    return FileLayout(quarantine_name(table), None, ("_partition", "_offset"))


def quarantine_delta_schema() -> Schema:
    """Delta schema of every quarantine."""
    return Schema.from_arrow(quarantine_schema())


def quarantine_rows(
    records: Sequence[QuarantinedRecord], *, contract: str, contract_version: int, headrace_version: str, at: datetime
) -> pa.Table:
    """`records` as rows of the quarantine table."""
    count = len(records)
    columns: dict[str, Sequence[object]] = {
        "topic": [r.topic for r in records],
        "_partition": [r.partition for r in records],
        "_offset": [r.offset for r in records],
        "_kafka_timestamp": [_time(r.timestamp_ms) for r in records],
        "key": [r.key for r in records],
        "value": [r.value for r in records],
        "headers": [[{"key": k, "value": v} for k, v in r.headers] for r in records],
        "reason": [r.reason for r in records],
        "detail": [r.detail for r in records],
        "contract": [contract] * count,
        "contract_version": [contract_version] * count,
        "headrace_version": [headrace_version] * count,
        "quarantined_at": [at] * count,
        "resolved_at": [None] * count,
        "resolved_version": [None] * count,
        "resolution": [None] * count,
    }
    schema = quarantine_schema()
    return pa.table([pa.array(columns[f.name], f.type) for f in schema], schema=schema)


def count_rows(store: Store, table: str) -> int:
    """Rows of a table by its log's statistics, without opening a data file."""
    actions = pa.table(open_table(store, table).get_add_actions())
    return sum(cast("list[int]", actions["num_records"].to_pylist()))


def unresolved(store: Store, table: str, positions: Mapping[int, int]) -> dict[int, frozenset[int]]:
    """Per partition the quarantined offsets at or after its position that nothing has resolved.

    Such records were quarantined by a worker that died before its main commit: they are read again and must be
    neither landed nor quarantined a second time. Only files that can hold such offsets are read.

    Raises:
        StoreError, AccessDeniedError: the quarantine cannot be read.
    """
    found: dict[int, set[int]] = {partition: set() for partition in positions}
    for partition, offset in _unresolved_since(store, table, positions):
        found[partition].add(offset)
    return {partition: frozenset(offsets) for partition, offsets in found.items()}


def unresolved_offsets(store: Store, table: str, positions: Mapping[int, int]) -> dict[int, BitMap64]:
    """The same in little memory, for many of them."""
    found = {partition: BitMap64() for partition in positions}
    for partition, offset in _unresolved_since(store, table, positions):
        found[partition].add(offset)
    return found


def _unresolved_since(store: Store, table: str, positions: Mapping[int, int]) -> Iterator[Address]:
    if not positions:
        return
    lowest = min(positions.values())
    for file in active_files(store, quarantine_name(table)):
        if file.offsets is not None and file.offsets.high < lowest:
            continue
        rows = quarantined(store, table, file.path, ["_partition", "_offset", "resolution"]).to_pydict()
        for partition, offset, resolution in zip(rows["_partition"], rows["_offset"], rows["resolution"], strict=True):
            if resolution is None and partition in positions and offset >= positions[partition]:
                yield partition, offset


def quarantined(store: Store, table: str, path: str, columns: Sequence[str] | None = None) -> pa.Table:
    """All rows of one file of the quarantine of `table`; `columns` reads no others.

    Raises:
        FileNotFoundError: it is not there.
        StoreError, AccessDeniedError: it cannot be read.
    """
    whole = quarantine_schema()
    schema = pa.schema([whole.field(name) for name in columns or whole.names])
    with store.open(f"{quarantine_name(table)}/{path}") as source:
        return pq.ParquetFile(source).read(schema.names).select(schema.names).cast(schema)


def records_of(rows: pa.Table) -> Records:
    """Rows of a quarantine as the records that they were."""
    instants = rows["_kafka_timestamp"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64())
    columns = rows.select(["_partition", "_offset", "value", "key", "headers"]).to_pydict()

    def envelope(index: int) -> Envelope:
        headers = ((header["key"], header["value"]) for header in columns["headers"][index])
        return Envelope(columns["key"][index], tuple(headers))

    return Records(
        topic=rows["topic"][0].as_py() if rows.num_rows else "",
        partitions=columns["_partition"],
        offsets=columns["_offset"],
        # Both ways to be no instant, absent and beyond the calendar, were stored as null and become null again.
        timestamps=[-1 if millis is None else millis for millis in instants.to_pylist()],
        values=columns["value"],
        envelope=envelope,
    )


def resolved(rows: pa.Table, versions: Sequence[int | None], at: datetime) -> pa.Table:
    """`rows`, those marked as replayed that have a version.

    Args:
        rows: of a quarantine.
        versions: per row the version of the main table that holds it now, or None to leave it as it is.
        at: aware; when it was settled.
    """
    version = pa.array(versions, pa.int64())
    settled = pc.is_valid(version)
    marks = {
        "resolved_at": pa.scalar(at, INSTANT),
        "resolved_version": version,
        "resolution": pa.scalar(REPLAYED),
    }
    for name, mark in marks.items():
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, rows.schema.field(name), pc.if_else(settled, mark, rows[name]))
    return rows


def _time(millis: int) -> datetime | None:
    """None for what is no instant: a producer may send any 64-bit number, and this table refuses nothing."""
    return _EPOCH + timedelta(milliseconds=millis) if 0 <= millis < _YEAR_10000_MS else None
