"""Many records of one layout, read at once: no Python object per record, none per value.

Producers write all their records alike: the same members in the same order with the same blanks. Arrow cuts such
records at their commas, and every member is in the same column of each.

Invariant: a row is made of a record only if each of its pieces, from comma to comma, is the piece of the template
with another value in it, and each value by itself is one that the typed decoder takes for its field (`spellings`).
The template comes from a record which that decoder took. Whatever is not so is not refused here: it is left to the
decoder.
"""

from collections.abc import Sequence
from functools import reduce
from typing import cast

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from headrace.contracts import Contract
from headrace.lake.schema import Array, arrow_type
from headrace_ingest.parts import Part
from headrace_ingest.pieces import cut
from headrace_ingest.spellings import Read, is_flat, reader
from headrace_ingest.template import Member, Template, common_template
from headrace_ingest.texts import positions

REFUSALS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the typed decoder raises for a record that is none of its contract."""

# Arrow multiplies it by the number of rows in 64 bits, so it cannot be left open.
_TO_THE_END = 1 << 31


class LayoutReader:
    """Reads those records of a chunk that share a layout. Remembers the layout of the last chunk, as a guess.

    Args:
        contract: of the records. Those with nested values have no layout.
        fewest: records of a chunk that is worth looking at.
    """

    def __init__(self, contract: Contract, *, fewest: int) -> None:
        self._contract = contract
        self._fewest = max(1, fewest)
        self._template: Template | None = None
        self._types = {spec.name: arrow_type(spec.kind) for spec in contract.fields}
        self._is_flat = all(is_flat(spec.kind) for spec in contract.fields)
        self._readers: dict[tuple[str, bool], Read | None] = {
            (spec.name, quoted): reader(spec.kind, quoted=quoted)
            for spec in contract.fields
            for quoted in (False, True)
        }

    def read(self, values: Sequence[bytes]) -> Part | None:
        """The rows of the records that fit, all fields as columns; None where too few seem to share a layout."""
        if len(values) < self._fewest or not self._is_flat:
            return None
        if self._template is None or not self._template.is_common(values):
            self._template = common_template(values, self._accepts)
        return None if self._template is None else self._rows(self._template, values)

    def _accepts(self, value: bytes) -> bool:
        try:
            self._contract.decode(value)
        except REFUSALS:
            return False
        return True

    def _rows(self, template: Template, values: Sequence[bytes]) -> Part | None:
        pieces = cut(values, len(template.members))
        if pieces is None:
            return None
        pieces = pieces.without(_strangers(template, pieces.rows))
        columns = {name: pa.nulls(len(pieces.places)).cast(data_type) for name, data_type in self._types.items()}
        bad: set[int] = set()
        for member, piece in zip(template.members, pieces.rows.columns, strict=True):
            if member.is_null:
                continue
            read = self._readers[member.name, member.quoted]
            if read is None:
                return None
            column = read(_value(member, piece))
            columns[member.name] = column.array
            bad |= column.bad
        rows = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
        return Part(rows, pieces.places).without(bad)


def _strangers(template: Template, pieces: pa.RecordBatch) -> list[int]:
    """The rows with a piece that is not its member's head, a value and the member's tail."""
    fits: list[Array] = []
    for member, column in zip(template.members, pieces.columns, strict=True):
        piece = cast("pa.BinaryArray", column)
        if member.is_null:
            fits.append(pc.equal(piece, pa.scalar(member.head + b"null" + member.tail)))
            continue
        least = pa.scalar(len(member.head) + len(member.tail), pa.int32())
        fits += [
            pc.starts_with(piece, member.head),  # type: ignore[call-overload]  # bytes for bytes
            pc.ends_with(piece, member.tail),  # type: ignore[call-overload]  # bytes for bytes
            pc.greater_equal(pc.binary_length(piece), least),
        ]
    return positions(pc.invert(reduce(pc.and_, fits)))


def _value(member: Member, piece: Array) -> Array:
    """The values in pieces that fit. They are UTF-8 because the pieces are and what is cut off is."""
    end = -len(member.tail) if member.tail else _TO_THE_END
    return pc.binary_slice(piece, len(member.head), end).view(pa.string())
