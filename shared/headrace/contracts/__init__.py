"""Contracts: one class per kind of event, from which codec, decoder, columns and table come.

Needs pydantic and msgspec alone. What engines there are, they are compiled from the same neutral fields.
"""

from headrace.contracts.contract import PARTITION_COLUMN, QUARANTINE_SUFFIX, Contract
from headrace.contracts.event import Event, contract_of
from headrace.contracts.kinds import (
    BoolKind,
    ChoiceKind,
    DateKind,
    DecimalKind,
    FieldSpec,
    FloatKind,
    IntKind,
    Kind,
    ListKind,
    StringKind,
    StructKind,
    TimestampKind,
)
from headrace.contracts.reading import explain
from headrace.contracts.registry import contract_named, load_contracts
from headrace.contracts.rejects import RejectedError, Rejection, RejectReason
from headrace.contracts.state import Leg, MarketRegime, PerformanceMetrics, Position, PositionUpdate
from headrace.contracts.table import Table
from headrace.contracts.trading import Greeks, Signal, Trade
from headrace.contracts.types import (
    Amount,
    ConId,
    Day,
    EventId,
    FiniteFloat,
    Identifier,
    Int32,
    LegId,
    Money,
    Name,
    NonNegativeFloat,
    Pnl,
    Price,
    Quantity,
    SignedQuantity,
    StrategyId,
    SumOf,
    Symbol,
    UnitInterval,
    UtcTimestamp,
)

__all__ = [
    "PARTITION_COLUMN",
    "QUARANTINE_SUFFIX",
    "Amount",
    "BoolKind",
    "ChoiceKind",
    "ConId",
    "Contract",
    "DateKind",
    "Day",
    "DecimalKind",
    "Event",
    "EventId",
    "FieldSpec",
    "FiniteFloat",
    "FloatKind",
    "Greeks",
    "Identifier",
    "Int32",
    "IntKind",
    "Kind",
    "Leg",
    "LegId",
    "ListKind",
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
    "RejectReason",
    "RejectedError",
    "Rejection",
    "Signal",
    "SignedQuantity",
    "StrategyId",
    "StringKind",
    "StructKind",
    "SumOf",
    "Symbol",
    "Table",
    "TimestampKind",
    "Trade",
    "UnitInterval",
    "UtcTimestamp",
    "contract_named",
    "contract_of",
    "explain",
    "load_contracts",
]
