"""From what bots do to the events they emit: rounding, ids and times.

Prices are rounded to the tick before they become decimals; ids are unique within a run and across runs.
"""

import itertools
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from headrace.clock import Clock
from headrace.contracts.state import PerformanceMetrics, Position
from headrace.contracts.trading import Greeks, Signal, Trade
from headrace_bots.book import Book
from headrace_bots.pricing import Valuation
from headrace_bots.strategies import Exposure

MODEL = "xgboost_model"
_SOURCE_VERSION = "2.3.1"
# What a risk system keeps of a greek.
_DIGITS = 6
_REGIMES = (
    (-0.2, "crisis"),
    (-0.05, "bear"),
    (0.0, "high_volatility"),
    (0.05, "sideways"),
    (0.2, "low_volatility"),
)
_COMMISSION_PER_CONTRACT = 0.65
_COMMISSION_PER_SHARE = 0.0035


def to_cents(amount: float) -> Decimal:
    """An amount of money on the exchange's tick of 0.01."""
    return Decimal(round(amount * 100)).scaleb(-2)


def option_commission(contracts: int) -> Decimal:
    """What the broker takes for options."""
    return to_cents(contracts * _COMMISSION_PER_CONTRACT)


def share_commission(shares: int) -> Decimal:
    """What the broker takes for shares: fractions of a cent each, to four decimals."""
    return Decimal(round(shares * _COMMISSION_PER_SHARE * 10_000)).scaleb(-4)


class Stamps:
    """Gives events their ids and times.

    Args:
        run: what tells this run's ids from those of any other.
        clock: events carry its time, so freshness measured on them is real.
    """

    def __init__(self, run: str, clock: Clock) -> None:
        self._run = run
        self._clock = clock
        self._numbers = itertools.count(1)

    def now(self) -> datetime:
        """Event time."""
        return self._clock.now()

    def new_id(self, kind: str) -> str:
        """An id nothing else has."""
        return f"{kind}-{self._run}-{next(self._numbers):09d}"


@dataclass(frozen=True, slots=True)
class Order:
    """What a bot buys (positive quantity) or sells, already filled at `price`."""

    leg_id: str
    symbol: str
    quantity: int
    price: Decimal
    commission: Decimal


@dataclass(frozen=True, slots=True)
class Mark:
    """What an option is worth now, at which volatility and price of the underlying."""

    valuation: Valuation
    volatility: float
    spot: float


@dataclass(frozen=True, slots=True)
class Mood:
    """What a bot believes of the market when it signals."""

    regime: str
    futures_trend: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What a bot holds now.

    Attributes:
        exposure: of everything.
        worth: of everything, currency units.
        price: of all options, for a unit of the strategy.
        days_left: until the first of them expires; 0 without any.
    """

    exposure: Exposure
    worth: Decimal
    price: Decimal
    days_left: int


def read_mood(move: float) -> Mood:
    """What a move since the start, as a fraction, makes of the market."""
    regime = next((name for limit, name in _REGIMES if move < limit), "bull")
    return Mood(regime, "flat" if abs(move) < 0.02 else "up" if move > 0 else "down")


class Reporter:
    """Writes one bot's events.

    Args:
        strategy_id: whose events they are.
        stamps: ids and times; shared by the bots of a run.
    """

    def __init__(self, strategy_id: str, stamps: Stamps) -> None:
        self._strategy_id = strategy_id
        self._stamps = stamps
        self._account = f"SIM-{strategy_id.rpartition('-')[2]}"

    def trade(self, order: Order) -> Trade:
        """One fill."""
        return Trade(
            transaction_id=self._stamps.new_id("t"),
            strategy_id=self._strategy_id,
            leg_id=order.leg_id,
            symbol=order.symbol,
            action="BUY" if order.quantity > 0 else "SELL",
            quantity=abs(order.quantity),
            price=order.price,
            commission=order.commission,
            timestamp=self._stamps.now(),
            order_id=self._stamps.new_id("o"),
            account=self._account,
        )

    def greeks(self, leg_id: str, symbol: str, *, mark: Mark, book: Exposure) -> Greeks:
        """One mark of a leg, with the exposure of everything the bot holds."""
        valuation = mark.valuation
        return Greeks(
            strategy_id=self._strategy_id,
            symbol=symbol,
            leg_id=leg_id,
            timestamp=self._stamps.now(),
            delta=round(valuation.delta, _DIGITS),
            gamma=round(valuation.gamma, _DIGITS),
            theta=round(valuation.theta, _DIGITS),
            vega=round(valuation.vega, _DIGITS),
            rho=round(valuation.rho, _DIGITS),
            implied_volatility=round(mark.volatility, _DIGITS),
            underlying_price=to_cents(mark.spot),
            portfolio_delta=round(book.delta, _DIGITS),
            portfolio_gamma=round(book.gamma, _DIGITS),
            portfolio_theta=round(book.theta, _DIGITS),
            portfolio_vega=round(book.vega, _DIGITS),
        )

    def position(self, symbol: str, *, book: Book, exposure: Exposure, worth: Decimal) -> Position:
        """What the bot holds as a whole, after its last trade.

        Args:
            symbol: the underlying.
            book: its trades.
            exposure: of everything that it holds.
            worth: of the same, currency units.
        """
        at = self._stamps.now()
        return Position(
            strategy_id=self._strategy_id,
            strategy_type=self._strategy_id.rpartition("-")[0],
            symbol=symbol,
            status="closed" if book.closed else "open",
            entry_date=book.opened or at.date(),
            exit_date=book.closed,
            entry_price=book.entry_price,
            exit_price=book.exit_price,
            quantity=book.quantity,
            delta=round(exposure.delta, _DIGITS),
            gamma=round(exposure.gamma, _DIGITS),
            theta=round(exposure.theta, _DIGITS),
            vega=round(exposure.vega, _DIGITS),
            unrealized_pnl=book.cash + worth,
            realized_pnl=book.realized,
            timestamp=at,
        )

    def performance(self, *, book: Book, standing: Standing, entered_in: Mood, mood: Mood) -> PerformanceMetrics:
        """How the bot stands, marked to market.

        Args:
            book: its trades.
            standing: what it holds.
            entered_in: what it believed of the market when it opened that.
            mood: what it believes now.
        """
        exposure = standing.exposure
        return PerformanceMetrics(
            timestamp=self._stamps.now(),
            strategy_id=self._strategy_id,
            unrealized_pnl=book.cash + standing.worth,
            realized_pnl=book.realized,
            total_pnl=book.cash + standing.worth + book.realized,
            delta=round(exposure.delta, _DIGITS),
            gamma=round(exposure.gamma, _DIGITS),
            theta=round(exposure.theta, _DIGITS),
            vega=round(exposure.vega, _DIGITS),
            dte=standing.days_left,
            entry_price=book.entry_price,
            current_price=standing.price if book.exit_price is None else book.exit_price,
            regime_at_entry=entered_in.regime,
            regime_current=mood.regime,
        )

    def signal(self, kind: str, source: str, *, symbol: str, value: float, mood: Mood) -> Signal:
        """Something noticed, not acted upon yet."""
        return Signal(
            timestamp=self._stamps.now(),
            strategy_id=self._strategy_id,
            symbol=symbol,
            signal_type=kind,
            signal_value=value,
            source=source,
            source_version=_SOURCE_VERSION,
            acted_upon=False,
            regime=mood.regime,
            futures_trend=mood.futures_trend,
        )

    def acted_upon(self, signal: Signal) -> Signal:
        """The same signal again, now acted upon: its key (strategy, timestamp, type, source) stays."""
        return signal.model_copy(update={"acted_upon": True, "acted_at": self._stamps.now()})
