"""From the tokens of one field, as they stand in records without escapes, to its column.

A reader may refuse what the typed decoder would take, and never the other way round: what it takes is written as
JSON demands, is what the kind demands, and is the value that the decoder would read.
"""

import math
import re
import sys
from collections.abc import Callable
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

from headrace.contracts import (
    BoolKind,
    ChoiceKind,
    DateKind,
    DecimalKind,
    FloatKind,
    IntKind,
    Kind,
    ListKind,
    StringKind,
    StructKind,
    TimestampKind,
)
from headrace.lake.schema import Array, arrow_type
from headrace_ingest.texts import Column, between, cast_rows, dates, decimal_reader, positions, timestamps

Read = Callable[[Array], Column]
"""From texts without nulls, quotes taken off, that begin at their buffers' start."""

_ESCAPED = bytes([*range(0x20), ord('"'), ord("\\")])
"""What no JSON text holds as it is."""

_ESCAPED_IN_TEXT = re.compile(r'[\x00-\x1f"\\]')

# RE2 reads these: `$` is the end of the text and nothing else.
_WHOLE = r"^(?:0|-?[1-9][0-9]{0,18})$"
_PLAIN = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$"
_REAL = r"^(?:0|-?[1-9][0-9]*|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+))$"
"""Without `-0`: it is a whole number, and they have no sign then."""


def reader(kind: Kind, *, quoted: bool) -> Read | None:  # one return per kind
    """How tokens of a kind are read; None for a kind that is not written so.

    Args:
        kind: what the field holds.
        quoted: whether the tokens stand between quotes.
    """
    match kind, quoted:
        case StringKind(), True:
            return _string_reader(kind)
        case ChoiceKind(), _ if kind.is_text == quoted:
            return _choice_reader(kind)
        case TimestampKind(), True:
            return timestamps
        case DateKind(), True:
            return dates
        case DecimalKind(), _:
            return _decimal_reader(kind, quoted=quoted)
        case IntKind(), False:
            return _int_reader(kind)
        case FloatKind(), False:
            return _float_reader(kind)
        case BoolKind(), False:
            return _read_bools
        case _:
            return None


def is_flat(kind: Kind) -> bool:
    """Whether values of the kind are single tokens."""
    return not isinstance(kind, StructKind | ListKind)


def _string_reader(kind: StringKind) -> Read:
    allowed = kind.allowed.translate(None, _ESCAPED)

    def is_good(text: str) -> bool:
        return not _ESCAPED_IN_TEXT.search(text) and kind.accepts(text)

    def read(text: Array) -> Column:
        data = _data(text)
        if kind.alphabet is not None:
            good = not data.translate(None, allowed)
        else:
            good = kind.regex is None and len(data.translate(None, _ESCAPED)) == len(data)
        bad = frozenset() if good else _refused(text, is_good)
        strings = cast("pa.StringArray", text)
        lengths = pc.binary_length(strings) if data.isascii() else pc.utf8_length(strings)
        column = between(lengths.cast(pa.int64()), bad, None, (kind.min_length, kind.max_length))
        return Column(text, column.bad)

    return read


def _choice_reader(kind: ChoiceKind) -> Read:
    """Choices are few: numbers are compared as texts, too."""
    spelled = {str(value): value for value in kind.values if not _ESCAPED_IN_TEXT.search(str(value))}
    texts, values = pa.array(spelled, pa.string()), pa.array(spelled.values(), arrow_type(kind))

    def read(text: Array) -> Column:
        found = pc.index_in(text, value_set=texts)
        bad = frozenset(positions(pc.is_null(found))) if found.null_count else frozenset()
        return Column(text if kind.is_text else values.take(found), bad)

    return read


def _decimal_reader(kind: DecimalKind, *, quoted: bool) -> Read:
    read_tokens = decimal_reader(kind, nullable=False, quoted=False)

    def read(text: Array) -> Column:
        written, bad = (text, frozenset[int]()) if quoted else _of_form(text, _PLAIN)
        column = read_tokens(written.cast(pa.binary()))
        return Column(column.array, column.bad | bad)

    return read


def _int_reader(kind: IntKind) -> Read:
    data_type = arrow_type(kind)

    def read(text: Array) -> Column:
        written, bad = _of_form(text, _WHOLE)
        numbers, refused = cast_rows(written, pa.int64())
        column = between(numbers, bad | refused, None, (kind.minimum, kind.maximum))
        return Column(column.array.cast(data_type, safe=False), column.bad)  # what wraps is out of bounds, so bad

    return read


def _float_reader(kind: FloatKind) -> Read:
    low = -sys.float_info.max if kind.minimum is None else kind.minimum
    high = sys.float_info.max if kind.maximum is None else kind.maximum
    bounds = (
        math.nextafter(low, math.inf) if kind.exclusive_minimum else low,
        math.nextafter(high, -math.inf) if kind.exclusive_maximum else high,
    )

    def read(text: Array) -> Column:
        written, bad = _of_form(text, _REAL)
        numbers, refused = cast_rows(written, pa.float64())
        return between(numbers, bad | refused, None, bounds)

    return read


def _read_bools(text: Array) -> Column:
    known = pc.is_in(text, value_set=pa.array(["true", "false"], pa.string()))
    return Column(pc.equal(text, pa.scalar("true")), frozenset(positions(pc.invert(known))))


def _data(text: Array) -> bytes:
    data = text.buffers()[2]
    return b"" if data is None else data.to_pybytes()


def _refused(text: Array, is_good: Callable[[str], bool]) -> frozenset[int]:
    """The rows of texts that are not good; asks once per distinct text."""
    wrong = [one for one in cast("list[str]", text.unique().to_pylist()) if not is_good(one)]
    return frozenset(positions(pc.is_in(text, value_set=pa.array(wrong, pa.string())))) if wrong else frozenset()


def _of_form(text: Array, pattern: str) -> tuple[Array, frozenset[int]]:
    """The texts that match; null, and their rows, for the others."""
    matching = pc.match_substring_regex(text, pattern)
    if pc.all(matching).as_py() is not False:
        return text, frozenset()
    return pc.if_else(matching, text, pa.scalar(None, pa.string())), frozenset(positions(pc.invert(matching)))
