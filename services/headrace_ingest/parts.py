"""Parts of a chunk: rows that stand for some of its records, and which those are."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import cast

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Part:
    """As many rows as places.

    Attributes:
        rows: in the order of the records.
        places: of the records in their chunk, rising.
    """

    rows: pa.RecordBatch
    places: Sequence[int]

    def without(self, rows: Collection[int]) -> "Part":
        """This part without the rows at those positions of it."""
        if not rows:
            return self
        mask = bytearray(b"\x01") * len(self.places)
        for row in rows:
            mask[row] = 0
        kept = pa.Array.from_buffers(pa.uint8(), len(mask), [None, pa.py_buffer(mask)])
        return Part(self.rows.filter(cast("pa.BooleanArray", kept.cast(pa.bool_()))), without(self.places, rows))


def without(places: Sequence[int], rows: Collection[int]) -> list[int]:
    """The places without those at the positions `rows`."""
    kept: list[int] = []
    start = 0
    for row in sorted(rows):
        kept += places[start:row]
        start = row + 1
    kept += places[start:]
    return kept


def merged(many: Part, few: Part) -> Part:
    """All rows of both in the order of the records. Costs a slice per row of `few`."""
    if not few.places or not many.places:
        return few if few.places else many
    pieces: list[pa.RecordBatch] = []
    start = 0
    for row, place in enumerate(few.places):
        end = bisect_left(many.places, place)
        pieces += [many.rows.slice(start, end - start), few.rows.slice(row, 1)]
        start = end
    pieces.append(many.rows.slice(start))
    (rows,) = pa.Table.from_batches(pieces).combine_chunks().to_batches()
    return Part(rows, sorted([*many.places, *few.places]))
