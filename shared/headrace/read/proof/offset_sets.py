"""Sets of offsets as roaring bitmaps, filled from Arrow columns without a Python object per offset."""

from array import array
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyroaring import BitMap64

from headrace.lake.schema import Array

MAX_OFFSET = (1 << 63) - 1


def offsets_of(column: Array) -> "array[int]":
    """The values of a column without nulls and negative numbers, in its order."""
    values = array("Q")
    width = values.itemsize
    data = column.buffers()[1]
    if data is not None:
        values.frombytes(memoryview(data)[column.offset * width : (column.offset + len(column)) * width])
    return values


def by_partition(batch: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Splits rows by their `_partition`; their order stays."""
    column = batch.column("_partition")
    if len(column) == 0:
        return
    low, high = bounds_of(column)
    if low == high:
        yield low, batch
        return
    values: list[int] = pc.unique(column).to_pylist()  # type: ignore[assignment]  # the stubs allow for nulls
    for partition in sorted(values):
        yield partition, batch.filter(pc.equal(column, pa.scalar(partition, column.type)))


def since(rows: pa.RecordBatch, floor: int) -> pa.RecordBatch:
    """The rows whose `_offset` is not below `floor`."""
    column = rows.column("_offset")
    if floor == 0 or bounds_of(column)[0] >= floor:
        return rows
    return rows.filter(pc.greater_equal(column, pa.scalar(floor, column.type)))


def bounds_of(column: Array) -> tuple[Any, Any]:
    """Lowest and highest value of a column that has some."""
    bounds: dict[str, Any] = pc.min_max(column).as_py()  # type: ignore[assignment]  # the stubs say list
    return bounds["min"], bounds["max"]


def first(offsets: BitMap64, count: int) -> list[int]:
    """The lowest `count` members."""
    return list(offsets[:count])


def between(offsets: BitMap64, start: int, end: int) -> BitMap64:
    """The members that lie at or after `start` and before `end`."""
    kept = offsets.copy()
    kept.remove_range(0, start)
    if kept:
        kept.remove_range(end, max(end, kept.max()) + 1)
    return kept


def ranges_of(offsets: BitMap64, count: int) -> str:
    """The first `count` runs of consecutive members, for people: `3, 7-9`."""
    shown: list[str] = []
    rest = offsets.copy()
    while rest and len(shown) < count:
        start = rest.min()
        end = _run_end(rest, start)
        shown.append(str(start) if end == start + 1 else f"{start}-{end - 1}")
        rest.remove_range(start, end)
    return ", ".join(shown) + (", ..." if rest else "")


def _run_end(offsets: BitMap64, start: int) -> int:
    """First offset after `start` that is not a member: doubling, then halving."""
    length = 1
    while offsets.contains_range(start, start + 2 * length):
        length *= 2
    low, high = start + length, start + 2 * length
    while high - low > 1:
        middle = (low + high) // 2
        if offsets.contains_range(start, middle):
            low = middle
        else:
            high = middle
    return low
