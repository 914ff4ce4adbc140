"""Events with every kind of field, for readers that have to agree."""

from datetime import date
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from headrace.contracts import (
    Event,
    Int32,
    Pnl,
    SumOf,
    Symbol,
    Table,
    UtcTimestamp,
)


class Colour(Enum):
    RED = "red"
    DARK_BLUE = "dark blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Spot(BaseModel):
    at: UtcTimestamp
    price: Annotated[Decimal, Field(max_digits=6, decimal_places=2, gt=Decimal("-5"))]
    note: str | None = None


class Branch(BaseModel):
    right: Literal["C", "P"]
    strike: Annotated[Decimal, Field(max_digits=12, decimal_places=3, ge=0)] | None
    spots: list[Spot]
    best: Spot | None = None


class Flat(Event, topic="every.thing-flat", key="symbol", table=Table(event_time="at", partition_by="date")):
    """A field of every kind that is not nested, and every way of being absent."""

    symbol: Symbol
    at: UtcTimestamp
    maybe_at: UtcTimestamp | None
    day: date
    maybe_day: date | None = None
    text: str
    short: Annotated[str, Field(min_length=2, max_length=5)]
    code: Annotated[str, Field(pattern=r"[A-Z]{2}\d+")]
    maybe_code: Annotated[str | None, Field(pattern=r"^x\w$")] = None
    whole: int
    small: Int32
    digit: Annotated[int, Field(ge=0, lt=10)] | None = None
    real: float
    ratio: Annotated[float, Field(gt=0, le=1.5)] | None
    exact: Decimal
    maybe_exact: Decimal | None = None
    needed_exact: Annotated[Decimal, Field(max_digits=5, decimal_places=5)] | None
    units: Annotated[Decimal, Field(max_digits=38, decimal_places=0)]
    flag: bool
    maybe_flag: bool | None
    colour: Colour
    level: Level
    maybe_level: Level | None = None
    number: Literal[1, 2, -7]


class Nested(Event, topic="every.thing-nested", key="symbol"):
    """Objects in lists in objects in lists."""

    symbol: Symbol
    leg: Branch
    maybe_leg: Branch | None = None
    legs: list[Branch]
    names: list[str | None]
    exacts: Annotated[list[Decimal | None], Field(min_length=1, max_length=3)]
    moments: list[UtcTimestamp] | None = None


class Added(Event, topic="added", key="symbol"):
    """Sums of two and of three, at the edge of what a decimal holds."""

    symbol: Symbol
    one: Decimal
    two: Decimal
    both: Annotated[Decimal, SumOf("one", "two")]
    piece: Pnl
    pieces: Annotated[Pnl, SumOf("piece", "piece", "piece")]
