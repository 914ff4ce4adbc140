"""Which columns a table of the lake can have, and what becomes of those that frames have. Pure.

Nothing is rounded and nothing is guessed: a wider type takes a narrower one, another zone of the same instant is UTC,
and what a table cannot hold exactly is refused with the column's name.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from headrace.errors import RowsRefusedError
from headrace.lake.schema import INSTANT

_IMPOSSIBLE = re.compile(r"[ ,;{}()\n\t=]")
_UNNAMED_INDEX = re.compile(r"__index_level_\d+__")
_WIDER: Mapping[pa.DataType, pa.DataType] = {
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.int64(),
    pa.float16(): pa.float32(),
    pa.date64(): pa.date32(),
}
_AS_IT_IS = frozenset(
    {pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.date32()}
)


def table_schema(found: pa.Schema) -> pa.Schema:
    """The columns of a new table for rows of these.

    Raises:
        RowsRefusedError: it cannot have one of them; the message names each, and what to write instead.
    """
    columns, problems = [], list(_name_problems(found.names))
    for field in found:
        try:
            columns.append(pa.field(field.name, table_type(field.type)))
        except RowsRefusedError as error:
            problems.append(f"column {field.name} {error}")
    if not columns:
        problems.append("there are no columns")
    if problems:
        raise RowsRefusedError("; ".join(problems))
    return pa.schema(columns)


def unnamed_index(found: pa.Schema) -> Sequence[str]:
    """Columns that pandas makes of an index without a name, where it only numbers the rows."""
    return [field.name for field in found if _UNNAMED_INDEX.fullmatch(field.name) and pt.is_integer(field.type)]


def lost_index(found: pa.Schema) -> str | None:
    """The name of an index that pandas tells of and gives no column, because it only counts."""
    told = json.loads((found.metadata or {}).get(b"pandas", b"{}"))
    named = (index.get("name") for index in told.get("index_columns", ()) if isinstance(index, dict))
    return next((str(name) for name in named if name is not None), None)


def table_type(found: pa.DataType) -> pa.DataType:
    """The type of a column that holds all values of `found`.

    Raises:
        RowsRefusedError: there is none; the message ends a sentence that begins with the column's name.
    """
    if found in _AS_IT_IS:
        return found
    if found in _WIDER:
        return _WIDER[found]
    if pt.is_dictionary(found):
        return table_type(found.value_type)
    if pt.is_timestamp(found):
        return _instant(found)
    if pt.is_decimal(found):
        return _decimal(found)
    return _text_or_nested(found)


def _instant(found: "pa.TimestampType[Any, Any]") -> pa.DataType:
    if found.tz is None:
        msg = (
            "holds times without a zone, which name no instant: give it one, such as .dt.tz_localize('UTC') in pandas "
            "or .dt.replace_time_zone('UTC') in polars"
        )
        raise RowsRefusedError(msg)
    return INSTANT


def _decimal(found: pa.DataType) -> pa.DataType:
    precision, scale = found.precision, found.scale  # type: ignore[attr-defined]  # of decimals
    if precision > 38 or not 0 <= scale <= precision:
        msg = f"is {found}, and a table has decimals of at most 38 digits"
        raise RowsRefusedError(msg)
    return pa.decimal128(precision, scale)


def _text_or_nested(found: pa.DataType) -> pa.DataType:
    if pt.is_string(found) or pt.is_large_string(found) or pt.is_string_view(found):
        return pa.string()
    if pt.is_binary(found) or pt.is_large_binary(found) or pt.is_binary_view(found) or pt.is_fixed_size_binary(found):
        return pa.binary()
    if isinstance(found, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
        return pa.list_(pa.field("element", table_type(found.value_type)))
    if isinstance(found, pa.StructType):
        return pa.struct([pa.field(found.field(i).name, table_type(found.field(i).type)) for i in range(len(found))])
    if isinstance(found, pa.MapType):
        return pa.map_(table_type(found.key_type), table_type(found.item_type))
    msg = "holds nothing but nulls and has no type: cast it to one" if pt.is_null(found) else _NO_SUCH.format(found)
    raise RowsRefusedError(msg)


_NO_SUCH = "is {}, which no Delta table can hold: cast it"


def _name_problems(names: Sequence[str]) -> Iterator[str]:
    twice = sorted(name for name, count in Counter(name.lower() for name in names).items() if count > 1)
    if twice:
        yield f"columns {', '.join(twice)} are there more than once (upper and lower case are the same to readers)"
    for name in names:
        if _UNNAMED_INDEX.fullmatch(name):
            yield "the index has no name: name it, or leave it out with reset_index(drop=True)"
        elif not name or _IMPOSSIBLE.search(name):
            yield f"column {name!r} cannot be called so in a Delta table: no blanks, no ,;{{}}()= and not empty"


def widens(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether a column of type `wanted` may take `found`, as far as its values are exactly those of `wanted`."""
    if pt.is_null(found):
        return True
    try:
        became = table_type(found)
    except RowsRefusedError:
        return False
    if became == wanted or (pt.is_nested(became) and pt.is_nested(wanted)):
        return True
    exact = (pt.is_integer, pt.is_decimal)
    if any(kind(became) and kind(wanted) for kind in (*exact, pt.is_floating)):
        return True
    return pt.is_integer(became) and (pt.is_floating(wanted) or pt.is_decimal(wanted))


def misfits(found: pa.Schema, wanted: pa.Schema, *, needed: Iterable[str] = ()) -> list[str]:
    """Why rows of `found` do not fit a table of `wanted`, one sentence for each column.

    Args:
        found: columns that came.
        wanted: columns of the table.
        needed: those that have to be there besides the ones that are never null.
    """
    unknown = [name for name in found.names if name not in wanted.names]
    absent = [f.name for f in wanted if f.name not in found.names and (not f.nullable or f.name in set(needed))]
    said = list(_name_problems(found.names))
    if unknown:
        said.append(f"the table has no column {', '.join(unknown)}; it has {', '.join(wanted.names)}")
    if absent:
        said.append(f"column {', '.join(absent)} is missing")
    for field in found:
        if field.name not in wanted.names:
            continue
        try:
            table_type(field.type if not pt.is_null(field.type) else pa.bool_())
        except RowsRefusedError as error:
            said.append(f"column {field.name} {error}")
            continue
        if not widens(field.type, wanted.field(field.name).type):
            said.append(f"column {field.name} is {field.type}, the table has {wanted.field(field.name).type}: cast it")
    return said
