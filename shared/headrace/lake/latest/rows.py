"""The rows of a table of latest rows, file by file and without those that are deleted."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
from pyroaring import BitMap64

from headrace.lake.damage import damage, telling_of
from headrace.lake.latest.live import LiveFile
from headrace.lake.latest.vectors import read_vector
from headrace.lake.store import Store

_BATCH_ROWS = 131_072


def live_rows(store: Store, table: str, file: LiveFile, schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows of one file that are part of the table, some at a time.

    Args:
        store: where the table lies.
        table: its folder.
        file: of a version of it.
        schema: all columns; those that the file does not hold are filled from the log, or null.

    Raises:
        TableDamagedError: the file is not what the log says it is.
        StoreError, AccessDeniedError: it, or what says which of its rows are deleted, is gone or cannot be read.
    """
    path = f"{table}/{file.path}"
    deleted = read_vector(store, table, file.vector)
    with telling_of(path), store.open(path) as source:
        parquet = pq.ParquetFile(source)
        if parquet.metadata.num_rows != file.rows:
            raise damage(path, f"it holds {parquet.metadata.num_rows} rows, the log says {file.rows}")
        first = 0
        for batch in parquet.iter_batches(_BATCH_ROWS):
            live = BitMap64(range(first, first + batch.num_rows)) - deleted
            places = pa.array([number - first for number in live], pa.int64())
            yield _whole(pa.Table.from_batches([batch]).take(places), file, schema)
            first += batch.num_rows


def _whole(rows: pa.Table, file: LiveFile, schema: pa.Schema) -> pa.Table:
    columns = []
    for field in schema:
        if field.name in rows.column_names:
            columns.append(rows[field.name].cast(field.type))
        else:
            value = pa.scalar(file.values.get(field.name), pa.string()).cast(field.type)
            columns.append(pa.chunked_array([pa.repeat(value, rows.num_rows)]))
    return pa.table(columns, schema=schema)
