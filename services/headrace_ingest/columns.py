"""From decoded values to one Arrow column, and the rows whose value is none.

The typed decoder has checked JSON types, lengths, choices and the bounds of numbers; what it left open is checked
here, a column at a time. A column costs no Python bytecode per value as long as all its values are good.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from headrace.contracts import (
    DateKind,
    DecimalKind,
    FieldSpec,
    Kind,
    ListKind,
    StringKind,
    StructKind,
    TimestampKind,
)
from headrace.lake.schema import Array, arrow_type
from headrace_ingest.texts import Column, dates, decimal_reader, joined, timestamps

Values = Sequence[Any]
"""What the typed decoder made of one field of many records: None for null."""

Build = Callable[[Values], Column]


def column_builder(kind: Kind, *, nullable: bool) -> Build:  # one return per kind
    """A function from the decoded values of one field to its column."""
    match kind:
        case StringKind():
            return _string_builder(kind)
        case TimestampKind():
            return lambda values: timestamps(pa.array(values, pa.string()))
        case DateKind():
            return lambda values: dates(pa.array(values, pa.string()))
        case DecimalKind():
            read = decimal_reader(kind, nullable=nullable, quoted=True)
            return lambda tokens: read(joined(tokens))
        case StructKind():
            return _struct_builder(kind)
        case ListKind():
            return _list_builder(kind)
        case _:
            data_type = arrow_type(kind)
            return lambda values: Column(pa.array(values, data_type))


def _string_builder(kind: StringKind) -> Build:
    """Alphabets are checked on the column's bytes at once, patterns on its distinct texts."""

    def build(values: Values) -> Column:
        array = pa.array(values, pa.string())
        if kind.alphabet is not None:
            data = array.buffers()[2]
            good = data is None or not data.to_pybytes().translate(None, kind.allowed)
        else:
            good = kind.regex is None or all(map(kind.accepts, set(values) - {None}))
        if good:
            return Column(array)
        bad = (row for row, text in enumerate(values) if text is not None and not kind.accepts(text))
        return Column(array, frozenset(bad))

    return build


def _struct_builder(kind: StructKind) -> Build:
    """Members are built from the objects there are, then spread to the rows that have one."""
    members = [(attrgetter(spec.name), column_builder(spec.kind, nullable=spec.nullable)) for spec in kind.fields]
    fields = list(cast("pa.StructType", arrow_type(kind)))

    def build(values: Values) -> Column:
        present = [row for row, value in enumerate(values) if value is not None]
        objects = values if len(present) == len(values) else [values[row] for row in present]
        columns = [member(list(map(get, objects))) for get, member in members]
        bad = frozenset(present[row] for column in columns for row in column.bad)
        arrays = [column.array for column in columns]
        if objects is values:
            return Column(pa.StructArray.from_arrays(arrays, fields=fields), bad)
        absent = pa.array([value is None for value in values], pa.bool_())
        places = pc.if_else(absent, pa.scalar(None, pa.int64()), _places(absent))
        spread = [array.take(places) for array in arrays]
        return Column(pa.StructArray.from_arrays(spread, fields=fields, mask=absent), bad)

    return build


def _places(absent: Array) -> Array:
    """For each row the place of its object among the objects there are."""
    counted = pc.cumulative_sum(pc.invert(absent).cast(pa.int64()))
    return pc.subtract(counted, pa.scalar(1, pa.int64()))


def _list_builder(kind: ListKind) -> Build:
    """Items of all lists are one column; offsets say whose they are."""
    build_items = column_builder(kind.item, nullable=kind.item_nullable)
    list_type = arrow_type(kind)

    def build(values: Values) -> Column:
        lists = values if None not in values else [value or () for value in values]
        items = build_items(list(chain.from_iterable(lists)))
        offsets = pc.cumulative_sum(pa.array([0, *map(len, lists)], pa.int32()))
        absent = None if lists is values else pa.array([value is None for value in values], pa.bool_())
        array = pa.ListArray.from_arrays(offsets, items.array, type=list_type, mask=absent)
        if not items.bad:
            return Column(array)
        starts = cast("list[int]", offsets.to_pylist())
        return Column(array, frozenset(bisect_right(starts, item) - 1 for item in items.bad))

    return build


def field_builder(spec: FieldSpec) -> Callable[[Values], Column]:
    """A function from decoded records, which have the field as an attribute, to its column."""
    get, build = attrgetter(spec.name), column_builder(spec.kind, nullable=spec.nullable)
    return lambda records: build(list(map(get, records)))
