"""Headrace: what trading bots emit, through Kafka into Delta Lake, each event exactly once.

Bots need `EventProducer` and the contracts; everything is loaded on first use, so that importing the package
costs nothing that is not used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.contracts import (
        Amount,
        ConId,
        Day,
        Event,
        EventId,
        FiniteFloat,
        Greeks,
        Identifier,
        Int32,
        Leg,
        LegId,
        MarketRegime,
        Money,
        Name,
        NonNegativeFloat,
        PerformanceMetrics,
        Pnl,
        Position,
        PositionUpdate,
        Price,
        Quantity,
        Signal,
        SignedQuantity,
        StrategyId,
        SumOf,
        Symbol,
        Table,
        Trade,
        UnitInterval,
        UtcTimestamp,
    )
    from headrace.errors import (
        AccessDeniedError,
        BrokerUnreachableError,
        ConfigError,
        ContractError,
        DeliveryError,
        EventTooLargeError,
        HeadraceError,
        QueueFullError,
    )
    from headrace.kafka.sender import Delivery
    from headrace.producer import AsyncEventProducer, EventProducer

__version__ = "0.1.0"

__all__ = [
    "AccessDeniedError",
    "Amount",
    "AsyncEventProducer",
    "BrokerUnreachableError",
    "ConId",
    "ConfigError",
    "ContractError",
    "Day",
    "Delivery",
    "DeliveryError",
    "Event",
    "EventId",
    "EventProducer",
    "EventTooLargeError",
    "FiniteFloat",
    "Greeks",
    "HeadraceError",
    "Identifier",
    "Int32",
    "Leg",
    "LegId",
    "MarketRegime",
    "Money",
    "Name",
    "NonNegativeFloat",
    "PerformanceMetrics",
    "Pnl",
    "Position",
    "PositionUpdate",
    "Price",
    "Quantity",
    "QueueFullError",
    "Signal",
    "SignedQuantity",
    "StrategyId",
    "SumOf",
    "Symbol",
    "Table",
    "Trade",
    "UnitInterval",
    "UtcTimestamp",
]

_HOMES = {
    "AccessDeniedError": "headrace.errors",
    "AsyncEventProducer": "headrace.producer",
    "BrokerUnreachableError": "headrace.errors",
    "ConfigError": "headrace.errors",
    "ContractError": "headrace.errors",
    "Delivery": "headrace.kafka.sender",
    "DeliveryError": "headrace.errors",
    "EventProducer": "headrace.producer",
    "EventTooLargeError": "headrace.errors",
    "HeadraceError": "headrace.errors",
    "QueueFullError": "headrace.errors",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value: object = getattr(import_module(_HOMES.get(name, "headrace.contracts")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
