"""Which records of a topic are rows of a table: asked of the files that can hold them, and of no others."""

from collections.abc import Collection, Mapping, Sequence
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.lake.contents import active_files
from headrace.lake.store import Store

_BATCH_ROWS = 131_072


def present(store: Store, table: str, wanted: Mapping[int, Collection[int]]) -> dict[int, frozenset[int]]:
    """Per partition those of the `wanted` offsets that the newest version has a row of.

    Files are chosen by the statistics in the log, and of them only two columns are read.

    Raises:
        FileNotFoundError: the table or one of its files is not there.
        StoreError, AccessDeniedError: the table cannot be read.
    """
    asked = {partition: sorted(offsets) for partition, offsets in wanted.items() if offsets}
    found: dict[int, set[int]] = {partition: set() for partition in wanted}
    for file in active_files(store, table) if asked else ():
        if not any(file.may_hold(partition, offsets) for partition, offsets in asked.items()):
            continue
        with store.open(f"{table}/{file.path}") as source:
            for batch in pq.ParquetFile(source).iter_batches(_BATCH_ROWS, columns=["_partition", "_offset"]):
                for partition, offsets in asked.items():
                    found[partition].update(_matching(batch, partition, offsets))
    return {partition: frozenset(offsets) for partition, offsets in found.items()}


def _matching(batch: pa.RecordBatch, partition: int, offsets: Sequence[int]) -> list[int]:
    here = pc.equal(batch.column("_partition"), pa.scalar(partition, batch.column("_partition").type))
    asked = pc.is_in(batch.column("_offset"), value_set=pa.array(offsets, batch.column("_offset").type))
    return cast("list[int]", batch.column("_offset").filter(pc.and_(here, asked)).to_pylist())
