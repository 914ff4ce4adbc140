"""Flushes into a small table, as a worker makes them."""

import pyarrow as pa

from headrace.lake.datafile import write_files
from headrace.testing.numbers import LAYOUT, SOURCE, NumbersTable, number_rows


def land(table: NumbersTable, partition: int, start: int, end: int) -> int:
    """A flush of those offsets of one partition."""
    files = write_files(table.store, LAYOUT, pa.Table.from_batches([number_rows(partition, range(start, end))]))
    span = {"start": start, "end": end, "rows": end - start, "rejects": 0, "gap_records": 0, "gaps": []}
    note = {"kind": "ingest", "batch": f"{partition}-{start}", "partitions": {str(partition): span}}
    return table.main().commit(files, {SOURCE.app_id(partition): end}, note)
