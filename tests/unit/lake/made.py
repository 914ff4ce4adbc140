"""An event with one field of every kind."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from headrace.contracts import Event, Int32, Table, UtcTimestamp


class Place(BaseModel):
    height: Annotated[Decimal, Field(max_digits=9, decimal_places=3, description="Metres.")]
    name: str | None = None


class Made(Event, topic="made", key="key", table=Table(event_time="at", partition_by="date")):
    """Made up."""

    key: str
    """Whose it is."""
    at: UtcTimestamp
    day: date | None
    whole: int
    small: Int32
    real: float
    exact: Decimal
    flag: bool
    level: Literal[1, 2]
    side: Literal["a", "b"]
    place: Place | None
    places: list[Place]
    names: list[str | None]
