"""Columns whose values arrive as text of a fixed form: instants, days and exact numbers.

With every digit made `0` a whole column has a handful of distinct texts, its shapes. Only those meet a regular
expression; Arrow then reads the numbers. What Arrow refuses is found by halving, so that Arrow alone decides.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import cast

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from headrace.contracts import DecimalKind, grammar
from headrace.lake.schema import Array

_ZEROED = bytes.maketrans(b"123456789", b"000000000")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_TIMESTAMP_SHAPE = re.compile(rb"0000-00-00T00:00:00(?:\.0{1,6})?(?:Z|[+-]00:00)")
_DATE_SHAPE = re.compile(rb"0000-00-00")

_FIRST_MICROSECOND = (grammar.FIRST_INSTANT - _EPOCH) // timedelta(microseconds=1)
_LAST_MICROSECOND = (grammar.END_OF_INSTANTS - _EPOCH) // timedelta(microseconds=1) - 1
_FIRST_DAY = (grammar.FIRST_DAY - date(1970, 1, 1)).days
_LAST_DAY = (grammar.LAST_DAY - date(1970, 1, 1)).days


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a chunk.

    Attributes:
        array: one value per decoded record; null where the row is in `bad`.
        bad: rows whose value cannot be in the table.
    """

    array: Array
    bad: frozenset[int] = frozenset()


def timestamps(texts: Array) -> Column:
    """RFC 3339 texts, which begin at their buffers' start, as instants."""
    text, bad = _of_shape(texts, _TIMESTAMP_SHAPE)
    array, refused = cast_rows(text, pa.timestamp("us", "UTC"))
    return between(array, bad | refused, pa.int64(), (_FIRST_MICROSECOND, _LAST_MICROSECOND))


def dates(texts: Array) -> Column:
    """ISO 8601 texts, which begin at their buffers' start, as days."""
    text, bad = _of_shape(texts, _DATE_SHAPE)
    array, refused = cast_rows(text, pa.date32())
    return between(array, bad | refused, pa.int32(), (_FIRST_DAY, _LAST_DAY))


def decimal_reader(kind: DecimalKind, *, nullable: bool, quoted: bool) -> Callable[[Array], Column]:
    """A function from JSON tokens to exact numbers.

    Args:
        kind: of the numbers.
        nullable: whether tokens `null` are taken.
        quoted: whether texts have their quotes.
    """
    form = _DecimalForm.of(kind, nullable=nullable, quoted=quoted)
    bounds = (kind.minimum, kind.maximum)

    def read(tokens: Array) -> Column:
        text, bad = form.settle(tokens)
        array, refused = cast_rows(
            _unquoted(text) if quoted else text.cast(pa.string()), pa.decimal128(kind.precision, kind.scale)
        )
        return between(array, bad | refused, None, bounds)

    return read


@dataclass(frozen=True)
class _DecimalForm:
    """The shapes that tokens of one kind of exact number can have."""

    kind: DecimalKind
    nullable: bool
    quoted: bool
    plain: re.Pattern[bytes]
    long: re.Pattern[bytes]

    @classmethod
    def of(cls, kind: DecimalKind, *, nullable: bool, quoted: bool) -> "_DecimalForm":
        """`plain` goes to Arrow as it is; `long` has more digits after the point than the column."""
        whole = rf"-?0{{1,{grammar.integer_digits(kind)}}}"
        plain = whole + (rf"(?:\.0{{1,{kind.scale}}})?" if kind.scale else "")
        long = whole + rf"\.0{{{kind.scale + 1},}}"
        forms = [re.compile((f'{form}|"{form}"' if quoted else form).encode()) for form in (plain, long)]
        return cls(kind, nullable, quoted, *forms)

    def settle(self, text: Array) -> tuple[Array, frozenset[int]]:
        """The tokens with null for `null`, and every other one plain or bad."""
        shapes = _shapes(text)
        odd = [shape for shape in _distinct(shapes) if not self.plain.fullmatch(shape)]
        if not odd:
            return text, frozenset()
        bad: set[int] = set()
        long = [shape for shape in odd if self.long.fullmatch(shape)]
        if long:
            text = _replaced(text, _where(shapes, long), _without_trailing_zeros)
            shapes = _shapes(text)
        absent = _where(shapes, [b"null"])
        if not self.nullable:
            bad.update(positions(absent))
        text = pc.if_else(absent, pa.scalar(None, pa.binary()), text)
        odd = [shape for shape in _distinct(shapes) if not self.plain.fullmatch(shape)]
        wrong = pc.and_(_where(shapes, odd), pc.invert(absent))
        text = _replaced(text, wrong, self._respelled)
        bad.update(positions(pc.and_(wrong, pc.is_null(text))))
        return text, frozenset(bad)

    def _respelled(self, tokens: Array) -> Array:
        spelled = [self._respell(token) for token in cast("list[bytes]", tokens.to_pylist())]
        return pa.array(spelled, pa.binary())

    def _respell(self, token: bytes) -> bytes | None:
        """A JSON text may hide digits behind escapes; anything else that is odd is no number."""
        if not self.quoted or not token.startswith(b'"') or b"\\" not in token:
            return None
        try:
            number = grammar.parse_decimal(msgspec.json.decode(token, type=str), self.kind)
        except ValueError:
            return None
        return f"{number:f}".encode()


def joined(tokens: Sequence[msgspec.Raw]) -> Array:
    """Tokens as a binary array, without an object per token."""
    lines = b"\n".join(tokens)
    if lines.count(b"\n") == len(tokens) - 1:
        return pc.split_pattern(pa.array([lines], pa.binary()), "\n").flatten()
    offsets = pc.cumulative_sum(pa.array([0, *map(len, tokens)], pa.int32()))
    buffers = [None, offsets.buffers()[1], pa.py_buffer(b"".join(tokens))]
    return pa.Array.from_buffers(pa.binary(), len(tokens), buffers)


def _unquoted(tokens: Array) -> Array:
    return pc.ascii_trim(tokens.cast(pa.string()), characters='"')


def _without_trailing_zeros(tokens: Array) -> Array:
    """`1.500000` as `1.5` and `1.000000` as `1`; all tokens have a point."""
    return pc.ascii_rtrim(pc.ascii_rtrim(_unquoted(tokens), characters="0"), characters=".").cast(pa.binary())


def _shapes(text: Array) -> Array:
    """The texts, as bytes, with every digit made `0`. `text` begins at its buffers' start."""
    validity, offsets, data = text.buffers()
    zeroed = pa.py_buffer(b"" if data is None else data.to_pybytes().translate(_ZEROED))
    return pa.Array.from_buffers(pa.binary(), len(text), [validity, offsets, zeroed])


def _of_shape(text: Array, form: re.Pattern[bytes]) -> tuple[Array, frozenset[int]]:
    """The texts of that form; null, and their rows, for the others."""
    shapes = _shapes(text)
    odd = [shape for shape in _distinct(shapes) if not form.fullmatch(shape)]
    if not odd:
        return text, frozenset()
    wrong = _where(shapes, odd)
    return pc.if_else(wrong, pa.scalar(None, pa.string()), text), frozenset(positions(wrong))


def cast_rows(text: Array, to: pa.DataType) -> tuple[Array, frozenset[int]]:
    """Texts as Arrow reads them; null, and their rows, where it refuses. Costs log2(n) casts for each of those."""
    try:
        return text.cast(to), frozenset()
    except pa.ArrowInvalid:
        if len(text) == 1:
            return pa.array([None], to), frozenset({0})
    half = len(text) // 2
    (left, bad_left), (right, bad_right) = cast_rows(text[:half], to), cast_rows(text[half:], to)
    return pa.concat_arrays([left, right]), bad_left | {half + row for row in bad_right}


def between(
    array: Array,
    bad: frozenset[int],
    view: pa.DataType | None,
    bounds: tuple[int | float | Decimal | None, int | float | Decimal | None],
) -> Column:
    """Adds to `bad` the rows outside inclusive bounds; `view` is the integer type that the bounds count in."""
    numbers = array if view is None else array.view(view)
    extremes = pc.min_max(numbers)
    outside: set[int] = set()
    for bound, extreme, beyond in zip(bounds, (extremes["min"], extremes["max"]), (pc.less, pc.greater), strict=True):
        if bound is None or not extreme.is_valid:
            continue
        edge = pa.scalar(bound, numbers.type)
        if beyond(extreme, edge).as_py():
            outside.update(positions(beyond(numbers, edge)))
    return Column(array, bad | outside)


def _distinct(shapes: Array) -> list[bytes]:
    return [shape for shape in cast("list[bytes | None]", shapes.unique().to_pylist()) if shape is not None]


def _where(shapes: Array, wanted: Iterable[bytes]) -> Array:
    return pc.is_in(shapes, value_set=pa.array(wanted, pa.binary()))


def positions(mask: Array) -> list[int]:
    """The rows where the mask is true."""
    return cast("list[int]", pc.indices_nonzero(mask).to_pylist())


def _replaced(text: Array, mask: Array, change: Callable[[Array], Array]) -> Array:
    """The texts with those under `mask` changed."""
    return cast(Array, pc.replace_with_mask(text, mask, change(text.filter(mask))))
