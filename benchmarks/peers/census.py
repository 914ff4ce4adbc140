"""Counting what arrived, from the data files alone: rows, records that came twice, records that never came."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.peers.peer import OFFSET, PARTITION, STAMP, DataFile

_PRICE = "price"


@dataclass(frozen=True)
class Census:
    """What a table holds of `expected` records that were sent, each of which has a partition and an offset.

    `price_sum` adds up the column of prices, None for an empty table: whether values arrived, not only rows.
    """

    expected: int
    rows: int
    distinct: int
    files: int
    bytes: int
    price_sum: Decimal | None

    @property
    def duplicates(self) -> int:
        """Rows too many."""
        return self.rows - self.distinct

    @property
    def lost(self) -> int:
        """Records without a row."""
        return self.expected - self.distinct


def take_census(files: Sequence[DataFile], expected: int) -> Census:
    """Reads every file."""
    rows = 0
    size = 0
    price_sum: Decimal | None = None
    places: list[pa.ChunkedArray[Any]] = []
    for file in files:
        parquet = pq.ParquetFile(file.path)
        size += _size(parquet)
        table = parquet.read(columns=[PARTITION, OFFSET, _PRICE])
        rows += len(table)
        places.append(_places(table))
        total = cast("Decimal | None", pc.sum(table[_PRICE]).as_py())
        price_sum = total if price_sum is None else price_sum + (total or 0)
    distinct = len(pc.unique(pa.chunked_array([c for place in places for c in place.chunks], pa.int64())))
    return Census(expected, rows, distinct, len(files), size, price_sum)


def ages(files: Sequence[DataFile], begin: float, end: float) -> list[float]:
    """How old each record was when its commit became visible, seconds, for those stamped from `begin` to `end`."""
    found: list[float] = []
    for file in files:
        stamps = pq.ParquetFile(file.path).read(columns=[STAMP])[STAMP]
        micros = cast("list[int]", stamps.cast(pa.timestamp("us")).cast(pa.int64()).to_pylist())
        found.extend(file.committed_at - at / 1e6 for at in micros if begin <= at / 1e6 <= end)
    return found


def _places(table: pa.Table) -> "pa.ChunkedArray[Any]":
    # Partition and offset in one number: offsets of these topics stay far below 2^40.
    shifted = pc.shift_left(table[PARTITION].cast(pa.int64()), pa.scalar(40, pa.int64()))
    return cast("pa.ChunkedArray[Any]", pc.add(shifted, table[OFFSET].cast(pa.int64())))


def _size(parquet: pq.ParquetFile) -> int:
    metadata = parquet.metadata
    return sum(
        metadata.row_group(group).column(column).total_compressed_size
        for group in range(metadata.num_row_groups)
        for column in range(metadata.num_columns)
    )
