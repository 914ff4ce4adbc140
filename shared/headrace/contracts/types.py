"""Scalar types for events. Each carries the kind that says what it accepts."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from string import ascii_letters, digits
from typing import Annotated

from headrace.contracts.kinds import (
    INT32_MAX,
    INT32_MIN,
    DateKind,
    DecimalKind,
    FloatKind,
    IntKind,
    StringKind,
    TimestampKind,
)


@dataclass(frozen=True)
class EventIdentity:
    """Marks the field whose value names the event for ever."""


class SumOf:
    """Marks an exact number that is the sum of other fields: `Annotated[Pnl, SumOf("unrealized", "realized")]`.

    An event whose numbers do not add up is refused. All are decimals of one scale that are never null.
    """

    def __init__(self, first: str, *others: str) -> None:
        self.fields = (first, *others)


_IDENTIFIER = StringKind(1, 64, alphabet=ascii_letters + digits + "._:/@#+=-")
_NAME = StringKind(1, 64, alphabet=ascii_letters + digits + "._:/+-")

UtcTimestamp = Annotated[datetime, TimestampKind()]
"""An instant, microseconds, UTC, years 2000 to 2199. Written `2026-01-31T15:04:05.123456Z`; naive times are refused."""

Day = Annotated[date, DateKind()]
"""A calendar day of the years 1900 to 2199."""

Price = Annotated[Decimal, DecimalKind(18, 4, minimum=Decimal(0))]
"""Currency units per unit traded, decimal(18,4), not negative."""

Money = Annotated[Decimal, DecimalKind(18, 4, minimum=Decimal(0))]
"""An amount in currency units, decimal(18,4), not negative."""

Pnl = Annotated[Decimal, DecimalKind(18, 4)]
"""A profit or, negative, a loss in currency units, decimal(18,4)."""

Amount = Annotated[Decimal, DecimalKind(18, 4)]
"""Currency units, decimal(18,4), of either sign: what a position is worth, or the net price of several legs."""

Symbol = Annotated[str, StringKind(1, 32, alphabet=ascii_letters + digits + ".^/=_:-")]
"""A ticker such as SPY, BRK.B or ^VIX, at most 32 characters."""

EventId = Annotated[str, _IDENTIFIER, EventIdentity()]
"""Names one event for ever; at most 64 letters, digits and `._:/@#+=-`."""

StrategyId = Annotated[str, _IDENTIFIER]
"""Names one strategy; at most 64 letters, digits and `._:/@#+=-`."""

LegId = Annotated[str, _IDENTIFIER]
"""Names one leg of a strategy; at most 64 letters, digits and `._:/@#+=-`."""

Identifier = Annotated[str, _IDENTIFIER]
"""Names anything else; at most 64 letters, digits and `._:/@#+=-`."""

Name = Annotated[str, _NAME]
"""A word of an open vocabulary such as `ml_entry` or `v1.2.0`; at most 64 letters, digits and `._:/+-`."""

FiniteFloat = Annotated[float, FloatKind()]
"""A finite double."""

NonNegativeFloat = Annotated[float, FloatKind(minimum=0.0)]
"""A finite double, not negative."""

UnitInterval = Annotated[float, FloatKind(minimum=0.0, maximum=1.0)]
"""A double between 0 and 1, both included."""

Int32 = Annotated[int, IntKind(INT32_MIN, INT32_MAX, bits=32)]
"""A whole number of 32 bits."""

Quantity = Annotated[int, IntKind(minimum=1)]
"""A whole number of contracts or shares, at least 1."""

SignedQuantity = Annotated[int, IntKind()]
"""A whole number of contracts or shares held; negative for a short position."""

ConId = Annotated[int, IntKind(minimum=1)]
"""The broker's number of one tradable contract."""
