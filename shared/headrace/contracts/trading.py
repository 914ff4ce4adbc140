"""What trading bots emit: executions, greeks and signals."""

from typing import Literal

from headrace.contracts.event import Event
from headrace.contracts.table import Table
from headrace.contracts.types import (
    EventId,
    FiniteFloat,
    Identifier,
    LegId,
    Money,
    Name,
    NonNegativeFloat,
    Price,
    Quantity,
    StrategyId,
    Symbol,
    UnitInterval,
    UtcTimestamp,
)


class Trade(
    Event,
    topic="trades",
    key="symbol",
    table=Table(
        partition_by="date",
        cluster_by=("symbol", "timestamp"),
        bloom_filters=("transaction_id", "order_id", "leg_id"),
    ),
):
    """One execution of one option leg."""

    transaction_id: EventId
    """Names the execution for ever; the same one sent twice carries the same."""
    strategy_id: StrategyId
    """The strategy that traded."""
    leg_id: LegId
    """The leg of the strategy that was traded."""
    symbol: Symbol
    """The underlying."""
    action: Literal["BUY", "SELL"]
    """BUY or SELL, seen from the account."""
    quantity: Quantity
    """Contracts traded, at least 1; the direction is in `action`."""
    price: Price
    """Currency units per contract unit."""
    commission: Money
    """Currency units for the whole execution."""
    timestamp: UtcTimestamp
    """When the execution happened, UTC."""
    order_id: Identifier | None = None
    """The broker's order that was executed."""
    account: Identifier | None = None
    """The account that traded."""


class Greeks(
    Event,
    topic="greeks",
    key="symbol",
    table=Table(partition_by="date", cluster_by=("symbol", "timestamp"), bloom_filters=("leg_id",)),
):
    """Sensitivities of one leg, or of a whole strategy where no leg is named, at one moment."""

    strategy_id: StrategyId
    """The strategy they belong to."""
    symbol: Symbol
    """The underlying."""
    leg_id: LegId | None = None
    """The leg they belong to; null for the strategy as a whole."""
    timestamp: UtcTimestamp
    """When they were computed, UTC."""
    delta: FiniteFloat
    """Change of value per unit of the underlying's price."""
    gamma: FiniteFloat
    """Change of delta per unit of the underlying's price."""
    theta: FiniteFloat
    """Change of value per calendar day, currency units."""
    vega: FiniteFloat
    """Change of value per percentage point of volatility, currency units."""
    rho: FiniteFloat | None = None
    """Change of value per percentage point of interest rate, currency units."""
    implied_volatility: NonNegativeFloat | None = None
    """Annualised, 0.2 means 20 %."""
    underlying_price: Price
    """Currency units per unit of the underlying."""
    portfolio_delta: FiniteFloat
    """Delta of all positions of the strategy."""
    portfolio_gamma: FiniteFloat
    """Gamma of all positions of the strategy."""
    portfolio_theta: FiniteFloat
    """Theta of all positions of the strategy, currency units per calendar day."""
    portfolio_vega: FiniteFloat
    """Vega of all positions of the strategy, currency units per percentage point."""


class Signal(
    Event,
    topic="signals",
    key="strategy_id",
    table=Table(partition_by="date", cluster_by=("timestamp", "strategy_id")),
):
    """One opinion of a model or a rule. Acted upon later, it is emitted again with `acted_upon` true."""

    timestamp: UtcTimestamp
    """When the signal arose, UTC; the same when it is emitted again."""
    strategy_id: StrategyId
    """The strategy it speaks to."""
    symbol: Symbol | None = None
    """The underlying it speaks of; null for the market as a whole."""
    signal_type: Name
    """Such as ml_entry, rule_entry, futures_confirm."""
    signal_value: UnitInterval
    """Strength between 0 and 1."""
    source: Name
    """What said it, such as xgboost_model or rule_21_dte."""
    source_version: Name
    """Version of the model or rule."""
    acted_upon: bool
    """Whether the strategy acted on it."""
    acted_at: UtcTimestamp | None = None
    """When the strategy acted, UTC."""
    regime: Name
    """Market regime at the time."""
    futures_trend: Literal["up", "down", "flat"]
    """Direction of the futures at the time."""
