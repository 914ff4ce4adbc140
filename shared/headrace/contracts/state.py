"""What trading bots know now: positions, legs, market regimes and performance; the latest event of a key counts."""

from typing import Annotated, Literal

from headrace.contracts.event import Event
from headrace.contracts.table import Table
from headrace.contracts.types import (
    Amount,
    ConId,
    Day,
    FiniteFloat,
    Int32,
    LegId,
    Name,
    NonNegativeFloat,
    Pnl,
    Price,
    SignedQuantity,
    StrategyId,
    SumOf,
    Symbol,
    UnitInterval,
    UtcTimestamp,
)

Regime = Literal["bull", "bear", "sideways", "high_volatility", "low_volatility", "crisis"]
"""The six classes of a market."""


class Position(
    Event,
    topic="positions",
    key="strategy_id",
    table=Table(mode="upsert", key=("strategy_id",), cluster_by=("symbol",), bloom_filters=("strategy_id",)),
):
    """What a strategy holds, as a whole, at one moment."""

    strategy_id: StrategyId
    """The strategy; it has one position."""
    strategy_type: Name
    """Such as iron_condor or covered_call."""
    symbol: Symbol
    """The underlying; the same for ever."""
    status: Name
    """`open`, `closed`, or another word for a stage between and beside them."""
    entry_date: Day
    """Day on which it was opened."""
    exit_date: Day | None = None
    """Day on which it was closed; null while it is not."""
    entry_price: Amount
    """Net price of all legs at entry, currency units per unit; negative for a credit."""
    exit_price: Amount | None = None
    """Net price of all legs at exit, likewise; null while it is not closed."""
    quantity: SignedQuantity
    """Units of the whole strategy; negative if it was sold."""
    delta: FiniteFloat
    """Change of value per unit of the underlying's price."""
    gamma: FiniteFloat
    """Change of delta per unit of the underlying's price."""
    theta: FiniteFloat
    """Change of value per calendar day, currency units."""
    vega: FiniteFloat
    """Change of value per percentage point of volatility, currency units."""
    unrealized_pnl: Pnl
    """Profit or loss if it were closed now, currency units."""
    realized_pnl: Pnl
    """Profit or loss of what was closed, currency units."""
    timestamp: UtcTimestamp
    """When it was so, UTC."""


class Leg(
    Event,
    topic="legs",
    key="leg_id",
    table=Table(mode="upsert", key=("leg_id",), cluster_by=("symbol",), bloom_filters=("leg_id", "strategy_id")),
):
    """One option of a strategy at one moment."""

    leg_id: LegId
    """The leg."""
    strategy_id: StrategyId
    """The strategy it belongs to."""
    symbol: Symbol
    """The underlying; the same for ever."""
    conid: ConId
    """The broker's number of the option."""
    right: Literal["C", "P"]
    """Call or put."""
    strike: Price
    """Currency units per unit of the underlying."""
    expiry: Day
    """Last day of the option."""
    quantity: SignedQuantity
    """Contracts held; negative is short."""
    entry_price: Price
    """Currency units per contract unit, when it was opened."""
    current_price: Price
    """Currency units per contract unit, now."""
    delta: FiniteFloat
    """Change of value per unit of the underlying's price."""
    gamma: FiniteFloat
    """Change of delta per unit of the underlying's price."""
    theta: FiniteFloat
    """Change of value per calendar day, currency units."""
    vega: FiniteFloat
    """Change of value per percentage point of volatility, currency units."""
    status: Name
    """`open`, `closed`, or another word for a stage between and beside them."""
    timestamp: UtcTimestamp
    """When it was so, UTC."""


class PositionUpdate(
    Event,
    topic="position-updates",
    key="conid",
    table=Table(mode="upsert", key=("conid",), cluster_by=("symbol",), bloom_filters=("conid",)),
):
    """What the broker says is held of one tradable contract: a share, a future or an option."""

    conid: ConId
    """The broker's number of it."""
    symbol: Symbol
    """Its ticker, or that of its underlying; the same for ever."""
    right: Literal["C", "P"] | None = None
    """Call or put; null where it is no option."""
    strike: Price | None = None
    """Currency units per unit of the underlying; null where it is no option."""
    expiry: Day | None = None
    """Last day; null where it has none."""
    quantity: SignedQuantity
    """Contracts or shares held; negative is short, 0 is closed."""
    average_cost: Amount
    """Currency units paid per contract or share, multiplier and commission included."""
    market_price: Amount
    """Currency units per contract unit; that of a future can be negative."""
    market_value: Amount
    """Currency units for all that is held; negative is short."""
    unrealized_pnl: Pnl
    """Profit or loss if it were closed now, currency units."""
    timestamp: UtcTimestamp
    """When it was so, UTC."""


class MarketRegime(
    Event,
    topic="market-regimes",
    key="symbol",
    table=Table(mode="upsert", key=("timestamp", "symbol"), partition_by="date", cluster_by=("timestamp", "symbol")),
):
    """What a model, or somebody, takes the market for at one moment; said again, it replaces what was said."""

    timestamp: UtcTimestamp
    """The moment it speaks of, UTC."""
    symbol: Symbol
    """The underlying it speaks of."""
    regime: Regime
    """One of six classes."""
    vix: NonNegativeFloat
    """Volatility index, percentage points per year."""
    put_call_ratio: NonNegativeFloat
    """Puts traded per call."""
    futures_trend: Literal["up", "down", "flat"]
    """Direction of the futures at that moment."""
    confidence: UnitInterval
    """Between 0 and 1."""
    model_version: Name
    """Version of the model."""
    source: Literal["ml_model", "manual_override"]
    """Who says so."""


class PerformanceMetrics(
    Event,
    topic="performance-metrics",
    key="strategy_id",
    table=Table(
        mode="upsert",
        key=("timestamp", "strategy_id"),
        partition_by="date",
        cluster_by=("timestamp", "strategy_id"),
    ),
):
    """How a strategy stands at one moment; said again, it replaces what was said."""

    timestamp: UtcTimestamp
    """The moment it speaks of, UTC."""
    strategy_id: StrategyId
    """The strategy."""
    unrealized_pnl: Pnl
    """Profit or loss if it were closed now, currency units."""
    realized_pnl: Pnl
    """Profit or loss of what was closed, currency units."""
    total_pnl: Annotated[Pnl, SumOf("unrealized_pnl", "realized_pnl")]
    """The sum of both, currency units."""
    delta: FiniteFloat
    """Change of value per unit of the underlying's price."""
    gamma: FiniteFloat
    """Change of delta per unit of the underlying's price."""
    theta: FiniteFloat
    """Change of value per calendar day, currency units."""
    vega: FiniteFloat
    """Change of value per percentage point of volatility, currency units."""
    dte: Int32
    """Calendar days until the next expiry."""
    entry_price: Amount
    """Net price of all legs at entry, currency units per unit; negative for a credit."""
    current_price: Amount
    """Net price of all legs now, likewise."""
    regime_at_entry: Regime
    """What the market was taken for when the strategy was entered."""
    regime_current: Regime
    """What it is taken for now."""
