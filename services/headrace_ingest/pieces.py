"""Records as rows of pieces, cut at their commas by Arrow's CSV reader, with nothing lost on the way.

Nothing of CSV is left but commas and line ends: quotes and escapes are bytes like any other.
"""

from collections.abc import Sequence
from typing import IO, Literal, cast

import pyarrow as pa
from pyarrow import csv

from headrace.lake.schema import Array
from headrace_ingest.parts import Part, without

_MOST_BYTES = 1 << 30
"""Of a chunk: Arrow counts the bytes of a column in 31 bits."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Arrow drops one at the beginning."""


def cut(values: Sequence[bytes], count: int) -> Part | None:
    """The records that are `count` pieces, as columns of bytes that are UTF-8; None where all together are too long."""
    pieces = _cut(values, range(len(values)), count)
    if pieces is not None:
        return pieces
    places = [place for place, value in enumerate(values) if _is_line(value)]
    return _cut([values[place] for place in places], places, count)


def _is_line(value: bytes) -> bool:
    broken = b"\n" in value or b"\r" in value or not value
    return not broken and not value.startswith(_BYTE_ORDER_MARK) and _is_utf8(value)


def _is_utf8(value: bytes) -> bool:
    if value.isascii():
        return True
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _cut(values: Sequence[bytes], places: Sequence[int], count: int) -> Part | None:
    """The same; None where a record is not one line of text."""
    lines = b"\n".join([*values, b""])
    if b"\r" in lines or len(lines) > _MOST_BYTES or not _is_utf8(lines):
        return None
    table, torn = _parsed(lines, count)
    if table.num_rows + len(torn) != len(values):
        return None
    if not table.num_rows:
        return Part(pa.RecordBatch.from_pylist([], table.schema), ())
    (pieces,) = table.to_batches()
    read = sum(map(_length, pieces.columns)) + count * table.num_rows
    if read != len(lines) - sum(len(values[row]) + 1 for row in torn):
        return None
    return Part(pieces, without(places, torn) if torn else places)


def _length(column: Array) -> int:
    """Bytes of all values: where the last one ends, in a column that begins at its buffers' start."""
    ends = column.buffers()[1]
    return memoryview(ends).cast("i")[len(column)] if ends else 0


def _parsed(lines: bytes, count: int) -> tuple[pa.Table, set[int]]:
    """Lines of `count` pieces, and the numbers of the others."""
    torn: set[int] = set()

    def skip(row: csv.InvalidRow) -> Literal["skip"]:
        torn.add(cast("int", row.number) - 1)
        return "skip"

    names = [str(piece) for piece in range(count)]
    # A row has a number only with one thread; one block is one chunk of each column.
    reading = csv.ReadOptions(use_threads=False, block_size=len(lines) + 1, column_names=names)
    parsing = csv.ParseOptions(
        delimiter=",", quote_char=False, escape_char=False, ignore_empty_lines=False, invalid_row_handler=skip
    )
    converting = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.binary()), null_values=[], strings_can_be_null=False
    )
    return csv.read_csv(cast("IO[bytes]", pa.BufferReader(lines)), reading, parsing, converting), torn
