"""Rows of any table made durable in files of its layout, a bounded piece at a time."""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from headrace.errors import RowsRefusedError, WrongTableError
from headrace.lake.datafile import DataFile, FileLayout, write_files
from headrace.lake.failures import said
from headrace.lake.log import DeltaLog
from headrace.lake.schema import arrow_columns
from headrace.lake.store import Store

# Rows of one file: some hundred MiB in memory are 10 to 60 in a file, and as much again while it is encoded.
_FILE_BYTES = 128 * 1024 * 1024
_FILE_ROWS = 1_048_576
# As many as Delta tools take by default: with more, statistics are most of what a log holds.
_STATISTICS = 32
_MOST_VALUES = 1_000


def columns_of(log: DeltaLog) -> pa.Schema:
    """The columns of a table in Arrow."""
    return arrow_columns(log.schema)


def layout_of(log: DeltaLog) -> FileLayout:
    """How files of a table are laid out that no contract describes.

    Raises:
        WrongTableError: it has more than one partition column.
    """
    if len(log.partition_by) > 1:
        msg = f"{log.store.uri(log.table)} has more than one partition column: write it with the tool that made it"
        raise WrongTableError(msg)
    return plain_layout(log.table, columns_of(log), next(iter(log.partition_by), None))


def plain_layout(table: str, columns: pa.Schema, partition_by: str | None) -> FileLayout:
    """Statistics of the first columns that have an order."""
    ordered = [field.name for field in columns if _has_order(field.type) and field.name != partition_by]
    return FileLayout(table, partition_by, ordered[:_STATISTICS])


def _has_order(kind: pa.DataType) -> bool:
    return not (pt.is_nested(kind) or pt.is_boolean(kind) or pt.is_binary(kind))


def check_partition(columns: pa.Schema, name: str) -> None:
    """Makes sure that a table can be partitioned by a column.

    Raises:
        RowsRefusedError: it cannot.
    """
    if name not in columns.names:
        msg = f"partition_by names {name}, and the columns are {', '.join(columns.names)}"
        raise RowsRefusedError(msg)
    kind = columns.field(name).type
    if not (pt.is_string(kind) or pt.is_integer(kind) or pt.is_date(kind)):
        msg = f"partition_by names {name}, which is {kind}: partitions are of texts, whole numbers or days"
        raise RowsRefusedError(msg)
    if len(columns) == 1:
        msg = f"partition_by names {name}, the only column: files would hold nothing"
        raise RowsRefusedError(msg)


def write_rows(store: Store, layout: FileLayout, batches: Iterable[pa.RecordBatch]) -> list[DataFile]:
    """Writes rows as they come, each file durable; no log names them yet.

    Raises:
        RowsRefusedError: values cannot name a partition.
        StoreError, AccessDeniedError: a file could not be written. Files already written stay, unreferenced.
    """
    return [file for rows in _pieces(batches) for file in write_piece(store, layout, rows)]


def write_piece(store: Store, layout: FileLayout, rows: pa.Table) -> list[DataFile]:
    """Writes rows that are in memory, one file per value of the partition column.

    Raises:
        RowsRefusedError: values cannot name a partition.
        StoreError, AccessDeniedError: a file could not be written.
    """
    if layout.partition_column is not None:
        _check_values(rows, layout.partition_column)
    try:
        return write_files(store, layout, rows)
    except pa.ArrowException as error:
        msg = f"Parquet has no place for these rows ({said(error)}). Nothing was written"
        raise RowsRefusedError(msg) from error


def _pieces(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(each.nbytes for each in held) >= _FILE_BYTES or sum(each.num_rows for each in held) >= _FILE_ROWS:
            yield pa.Table.from_batches(held)
            held = []
    if any(batch.num_rows for batch in held):
        yield pa.Table.from_batches(held)


def _check_values(rows: pa.Table, name: str) -> None:
    """What Delta reads as null, and so many values that each would have a file of a few rows."""
    values = pc.unique(rows[name])
    if values.null_count or (pt.is_string(values.type) and "" in values.to_pylist()):
        msg = f"column {name} is null or empty in a row, and the table is partitioned by it. Nothing was written"
        raise RowsRefusedError(msg)
    if len(values) > _MOST_VALUES:
        msg = (
            f"column {name} has {len(values)} values at once, and the table is partitioned by it: a file for each of "
            "them is too many. Nothing was written"
        )
        raise RowsRefusedError(msg)


def changed(files: Sequence[DataFile]) -> dict[str, object]:
    """What a commit notes of the files that it adds."""
    return {"rows": sum(file.rows for file in files), "files": {file.path: {"sha256": file.sha256} for file in files}}
