"""Which records of a topic are rows of a table: asked of the files that can hold them, and of no others."""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.lake.log import open_table
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
    for path in _holders(store, table, asked):
        with store.open(f"{table}/{path}") as source:
            for batch in pq.ParquetFile(source).iter_batches(_BATCH_ROWS, columns=["_partition", "_offset"]):
                for partition, offsets in asked.items():
                    found[partition].update(_matching(batch, partition, offsets))
    return {partition: frozenset(offsets) for partition, offsets in found.items()}


def _holders(store: Store, table: str, asked: Mapping[int, Sequence[int]]) -> Iterator[str]:
    actions = pa.table(open_table(store, table).get_add_actions(flatten=True)) if asked else pa.table({})
    for file in actions.to_pylist():
        if any(_may_hold(file, partition, offsets) for partition, offsets in asked.items()):
            yield file["path"]


def _may_hold(file: Mapping[str, Any], partition: int, offsets: Sequence[int]) -> bool:
    """False only if the statistics rule it out; a file of another tool may have none."""
    lowest, highest = file.get("min._partition"), file.get("max._partition")
    if lowest is not None and highest is not None and not lowest <= partition <= highest:
        return False
    first, last = file.get("min._offset"), file.get("max._offset")
    if first is None or last is None:
        return True
    at = bisect_left(offsets, first)
    return at < len(offsets) and offsets[at] <= last


def _matching(batch: pa.RecordBatch, partition: int, offsets: Sequence[int]) -> list[int]:
    here = pc.equal(batch.column("_partition"), pa.scalar(partition, batch.column("_partition").type))
    asked = pc.is_in(batch.column("_offset"), value_set=pa.array(offsets, batch.column("_offset").type))
    return cast("list[int]", batch.column("_offset").filter(pc.and_(here, asked)).to_pylist())
