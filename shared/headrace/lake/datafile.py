"""Parquet data files: encoded, made durable, and described for the Delta log."""

import hashlib
import json
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import BinaryIO
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.lake.schema import INSTANT, Array, Column
from headrace.lake.store import Store

# Row groups hold what a reader has to decode for one row: 128 Ki rows of a trade are ~10 MB.
_ROW_GROUP_ROWS = 131_072

# Arrow ends a page after so many rows. By the bounds of its pages a reader passes over most: of a row group it reads a
# fifth for one symbol and minute. A column of one page has nothing to pass over.
_PAGE_ROWS = 20_000

# At most a byte for a value, 128 KiB for a row group: one in forty row groups without a value is read in vain.
_BLOOM_FILTER = {"ndv": _ROW_GROUP_ROWS, "fpp": 0.05}

_LONG_TEXT = 1_024
"""Bytes; texts of the built-in contracts are shorter."""


@dataclass(frozen=True, slots=True)
class FileLayout:
    """How a table's files are laid out.

    Attributes:
        table: folder of the table below the store's root.
        partition_column: the partition column, of days or of texts, or None; it is not stored inside the files.
        statistics: columns with min, max and null count in the Delta log.
        rising: integer columns of which each value is close to the last: encoded as differences.
        plain: other columns with hardly a repeated value, for which a dictionary only costs time.
        bloom_filters: columns with a Bloom filter in every row group.
        escape: begins the code of a character that the name of a folder cannot have.
    """

    table: str
    partition_column: str | None
    statistics: Sequence[str]
    rising: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()
    bloom_filters: frozenset[str] = frozenset()
    escape: str = "%"


@dataclass(frozen=True, slots=True)
class DataFile:
    """One durable Parquet file, not yet named by the log.

    Attributes:
        path: relative to the table.
        size: bytes.
        rows: number of rows.
        sha256: hex digest of the bytes.
        partition_values: Delta partition values.
        stats: Delta statistics as JSON.
        modified_ms: milliseconds since the epoch.
    """

    path: str
    size: int
    rows: int
    sha256: str
    partition_values: dict[str, str | None]
    stats: str
    modified_ms: int


def write_files(store: Store, layout: FileLayout, rows: pa.Table) -> list[DataFile]:
    """Writes `rows`, one file per value of the partition column, each durable when this returns.

    Raises:
        StoreError, AccessDeniedError: a file could not be written. Files already written stay, unreferenced.
    """
    return [write_file(store, layout, part, value) for value, part in by_partition(rows, layout.partition_column)]


def by_partition(rows: pa.Table, column: str | None) -> Iterator[tuple[str | None, pa.Table]]:
    """Each value of the partition column as text, and its rows without that column; None where there is no column."""
    if column is None:
        yield None, rows
        return
    values = pc.unique(rows[column]).sort()
    stored = rows.drop_columns([column])
    if len(values) == 1:
        yield str(values[0].as_py()), stored
        return
    for value in values:
        yield str(value.as_py()), stored.filter(pc.equal(rows[column], value))


def _folder(layout: FileLayout, value: str) -> str:
    """Named as Hive names it: some readers take the value from the log, others from here (decision 0014)."""
    return f"{layout.partition_column}={quote(value, safe='').replace('%', layout.escape)}/"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How rows are put into a file, where not as they come.

    Attributes:
        prefix: begins the file's name.
        order: places of the rows, one after another; the rows are held in memory once and not twice.
    """

    prefix: str = ""
    order: "Array | None" = None


_AS_THEY_COME = Arrangement()


def write_file(
    store: Store, layout: FileLayout, rows: pa.Table, value: str | None, *, arranged: Arrangement = _AS_THEY_COME
) -> DataFile:
    """Writes `rows` of one partition to one file, durable when this returns.

    Args:
        store: where the table lies.
        layout: of the table.
        rows: without the partition column.
        value: of the partition column, None where there is none.
        arranged: how they are put into it.

    Raises:
        StoreError, AccessDeniedError: it could not be written.
    """
    column = layout.partition_column
    data = encode(rows, layout, arranged.order)
    folder = "" if column is None else _folder(layout, str(value))
    path = f"{folder}{arranged.prefix}{uuid.uuid4().hex}.parquet"
    store.put(f"{layout.table}/{path}", data)
    return DataFile(
        path=path,
        size=len(data),
        rows=rows.num_rows,
        sha256=hashlib.sha256(data).hexdigest(),
        partition_values={} if column is None else {column: value},
        stats=json.dumps(statistics(rows, layout.statistics)),
        modified_ms=time.time_ns() // 1_000_000,
    )


def encode(rows: pa.Table, layout: FileLayout, order: "Array | None" = None) -> memoryview:
    """The bytes of a Parquet file that holds `rows`, in that order if one is given."""
    sink = pa.BufferOutputStream()
    undictionaried = layout.plain | layout.rising
    with pq.ParquetWriter(
        sink,
        rows.schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=[name for name in rows.column_names if name not in undictionaried],  # type: ignore[arg-type]  # stubs lag
        column_encoding={name: "DELTA_BINARY_PACKED" for name in rows.column_names if name in layout.rising},
        write_statistics=True,
        write_page_index=rows.num_rows > _PAGE_ROWS,
        store_schema=False,
        bloom_filter_options={name: _BLOOM_FILTER for name in rows.column_names if name in layout.bloom_filters},
    ) as writer:
        if order is None:
            writer.write_table(rows, _ROW_GROUP_ROWS)
        else:
            for begin in range(0, len(order), _ROW_GROUP_ROWS):
                writer.write_table(rows.take(order.slice(begin, _ROW_GROUP_ROWS)))
    return memoryview(sink.getvalue()).cast("B")


def read_rows(source: BinaryIO, columns: Sequence[str] | None = None, *, use_threads: bool = True) -> pa.Table:
    """The rows of a data file as their table has them, whoever wrote it.

    Spark stores instants in 96 bits, which Arrow takes for nanoseconds of no time zone.

    Args:
        source: the file.
        columns: those to read, as far as it has them; None reads all.
        use_threads: whether Arrow's threads do it, of which each keeps memory for itself.

    Raises:
        ArrowException: it is no Parquet file.
    """
    parquet = pq.ParquetFile(source, coerce_int96_timestamp_unit="us")
    held = parquet.schema_arrow.names
    chosen = held if columns is None else [name for name in columns if name in held]
    rows = parquet.read(chosen, use_threads=use_threads)
    wanted = pa.schema([field.with_type(_in_utc(field.type)) for field in rows.schema])
    return rows.cast(wanted) if rows.schema != wanted else rows


def _in_utc(found: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(found):
        return INSTANT
    if pa.types.is_struct(found):
        return pa.struct([field.with_type(_in_utc(field.type)) for field in found.fields])
    if pa.types.is_list(found):
        return pa.list_(found.value_field.with_type(_in_utc(found.value_type)))
    return found


def statistics(rows: pa.Table, columns: Sequence[str]) -> dict[str, object]:
    """Delta per-file statistics: row count, and min, max and null count of `columns`."""
    low: dict[str, object] = {}
    high: dict[str, object] = {}
    nulls: dict[str, int] = {}
    for name in columns:
        if name not in rows.column_names:  # younger than the files that the rows were read from
            continue
        column = rows[name]
        nulls[name] = column.null_count
        if column.null_count == len(column) or not _has_bounds(column):
            continue
        extremes = pc.min_max(column)
        for bounds, which in ((low, "min"), (high, "max")):
            value = _json_value(extremes[which].as_py())
            if value is not None:
                bounds[name] = value
    return {"numRecords": rows.num_rows, "minValues": low, "maxValues": high, "nullCount": nulls}


def _has_bounds(column: Column) -> bool:
    """Not where a value is no number, which engines order differently, nor of texts that would flood the log."""
    if pa.types.is_floating(column.type):
        return not pc.any(pc.invert(pc.is_finite(column))).as_py()
    if pa.types.is_string(column.type):
        return bool(pc.max(pc.binary_length(column)).as_py() <= _LONG_TEXT)
    return True


def _json_value(value: object) -> object:
    """None for an exact number that no JSON number of a reader holds: a rounded bound would hide rows."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value) if Decimal(repr(float(value))) == value else None
    return value
