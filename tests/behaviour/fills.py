"""Events of made-up kinds."""

from decimal import Decimal

from headrace import Event, EventId, Price, Symbol, Table, UtcTimestamp
from headrace.clock import SystemClock


def contract_for(topic: str) -> type[Event]:
    class Fill(Event, topic=topic, key="symbol", table=Table(name="fills"), schema_version=3):
        """One fill, of a made-up kind."""

        fill_id: EventId
        symbol: Symbol
        price: Price
        timestamp: UtcTimestamp

    return Fill


def contract_without_id(topic: str) -> type[Event]:
    class Tick(Event, topic=topic, key="number"):
        """An event that nothing names."""

        number: int

    return Tick


def fill(kind: type[Event], number: int, symbol: str = "SPY") -> Event:
    return kind(fill_id=f"fill-{number}", symbol=symbol, price=Decimal("4.25"), timestamp=SystemClock().now())
