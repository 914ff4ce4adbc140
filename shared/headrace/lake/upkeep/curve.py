"""An order of rows in which those near to each other in several columns lie near to each other: a Z-curve."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from headrace.lake.schema import Array, Column

_BITS = 60


def curve_order(rows: pa.Table, columns: Sequence[str]) -> "Array | None":
    """Places of `rows` in the order of a Z-curve through `columns`; one column is just sorted by. None for as they are.

    Each column counts by its ranks, so none dominates by the size of its values; equal values have equal ranks. Nulls
    come last. Rows of one place on the curve keep their order.

    Args:
        rows: any.
        columns: the most selective first.
    """
    if not columns or rows.num_rows < 2:
        return None
    bits = _BITS // len(columns)
    ranks = [_scaled(rows[name], bits) for name in columns]
    place: Array = pa.nulls(rows.num_rows, pa.uint64()).fill_null(0)
    for bit in reversed(range(bits)):
        for rank in ranks:
            digit = pc.bit_wise_and(pc.shift_right(rank, pa.scalar(bit, pa.uint64())), pa.scalar(1, pa.uint64()))
            place = pc.bit_wise_or(pc.shift_left(place, pa.scalar(1, pa.uint64())), digit)
    return pc.array_sort_indices(place)


def _scaled(column: Column, bits: int) -> Array:
    """Ranks spread over `bits` bits."""
    ranks = pc.rank(column, sort_keys="ascending", tiebreaker="min")
    share = pc.divide(pc.cast(pc.subtract(ranks, 1), pa.float64()), float(len(column)))
    return pc.cast(pc.floor(pc.multiply(share, float(2**bits))), pa.uint64())
