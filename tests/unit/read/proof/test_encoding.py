"""The columnar encoder writes exactly what `to_wire()` writes."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from headrace import Event, Table
from headrace.contracts import Day, FiniteFloat, Identifier, Int32, Price, UtcTimestamp, contract_of
from headrace.read.proof.encoding import RowEncoder


class Side(Enum):
    BUY = "buy"
    SELL = "sell"


class Point(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    x: int
    weight: Decimal
    note: str | None = None


class Everything(Event, topic="everything", key="key", table=Table(partition_by="date")):
    """One of each kind."""

    maybe_first: str | None = None
    key: Identifier
    text: str
    number: int
    small: Int32
    ratio: FiniteFloat
    ratio_or_null: FiniteFloat | None
    price: Price
    wide: Decimal
    flag: bool
    timestamp: UtcTimestamp
    day: Day
    side: Side
    word: Literal["a", "b"]
    digit: Literal[1, 2]
    null_text: str | None
    maybe_price: Price | None = None
    maybe_time: UtcTimestamp | None = None
    point: Point
    maybe_point: Point | None = None
    prices: list[Price]


_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
_PRICE = st.integers(0, 10**17).map(lambda units: Decimal(f"{units}E-4"))
_WIDE = st.integers(-(10**37), 10**37).map(lambda units: Decimal(f"{units}E-18"))
_TIME = st.datetimes(datetime(2000, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
_FLOAT = st.floats(allow_nan=False, allow_infinity=False)
_POINT = st.builds(Point, x=st.integers(-5, 5), weight=_WIDE, note=st.none() | _TEXT)
_EVENT = st.builds(
    Everything,
    maybe_first=st.none() | _TEXT,
    key=st.from_regex(r"[a-z0-9]{1,9}", fullmatch=True),
    text=_TEXT,
    number=st.integers(-(2**63), 2**63 - 1),
    small=st.integers(-(2**31), 2**31 - 1),
    ratio=_FLOAT,
    ratio_or_null=st.none() | _FLOAT,
    price=_PRICE,
    wide=_WIDE,
    flag=st.booleans(),
    timestamp=_TIME,
    day=st.dates(date(1900, 1, 1), date(2199, 12, 31)),
    side=st.sampled_from(Side),
    word=st.sampled_from(["a", "b"]),
    digit=st.sampled_from([1, 2]),
    null_text=st.none() | _TEXT,
    maybe_price=st.none() | _PRICE,
    maybe_time=st.none() | _TIME,
    point=_POINT,
    maybe_point=st.none() | _POINT,
    prices=st.lists(_PRICE, max_size=3),
)

_DECIMAL = pa.decimal128(18, 4)
_TIMESTAMP = pa.timestamp("us", "UTC")
_STRUCT = pa.struct([("x", pa.int64()), ("weight", pa.decimal128(38, 18)), ("note", pa.string())])
_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("maybe_first", "key", "text", "side", "word", "null_text"), pa.string()),
    **dict.fromkeys(("number", "digit"), pa.int64()),
    **dict.fromkeys(("ratio", "ratio_or_null"), pa.float64()),
    **dict.fromkeys(("price", "maybe_price"), _DECIMAL),
    **dict.fromkeys(("timestamp", "maybe_time"), _TIMESTAMP),
    **dict.fromkeys(("point", "maybe_point"), _STRUCT),
    "small": pa.int32(),
    "wide": pa.decimal128(38, 18),
    "flag": pa.bool_(),
    "day": pa.date32(),
    "prices": pa.list_(_DECIMAL),
}


def rows_of(events: list[Everything]) -> pa.RecordBatch:
    def cell(value: object) -> object:
        if isinstance(value, Enum):
            return value.value
        return dict(value) if isinstance(value, BaseModel) else value

    columns = [
        pa.array([cell(getattr(event, spec.name)) for event in events], _TYPES[spec.name])
        for spec in contract_of(Everything).fields
    ]
    return pa.RecordBatch.from_arrays(columns, [spec.name for spec in contract_of(Everything).fields])


@given(st.lists(_EVENT, min_size=1, max_size=8))
def test_rows_encode_to_the_bytes_that_a_producer_sends(events: list[Everything]) -> None:
    encoded = RowEncoder(contract_of(Everything).fields).encode(rows_of(events))

    assert encoded == [event.to_wire() for event in events]


def test_no_rows_encode_to_nothing() -> None:
    assert RowEncoder(contract_of(Everything).fields).encode(rows_of([])) == []


class Loose(Event, topic="loose", key="key", table=Table()):
    """Little is required."""

    note: Annotated[str | None, "free"] = None
    key: Identifier


def loose(note: list[str | None], key: list[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"note": pa.array(note, pa.string()), "key": key})


def test_a_leading_member_that_is_left_out_leaves_no_comma() -> None:
    encoded = RowEncoder(contract_of(Loose).fields).encode(loose(note=[None, "n"], key=["a", "b"]))

    assert encoded == [b'{"key":"a"}', b'{"note":"n","key":"b"}']


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_no_event_holds_encode_to_nothing_that_an_event_does(value: float) -> None:
    fields = [spec for spec in contract_of(Everything).fields if spec.name.startswith("ratio")]
    rows = pa.RecordBatch.from_pydict({"ratio": [value, 1.0], "ratio_or_null": [value, None]})

    encoded = RowEncoder(fields).encode(rows)

    assert b":null" not in encoded[0]
    assert encoded[1] == b'{"ratio":1.0,"ratio_or_null":null}'
