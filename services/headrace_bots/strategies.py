"""Option strategies as rules: which legs to open, when to close them, how much of the underlying hedges them.

Rules are pure: they look at a market and say what to do; bots do it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headrace_bots.market import Market, Option
from headrace_bots.pricing import DAYS_PER_YEAR, Right, Valuation

SHARES_PER_CONTRACT = 100
ENTRY_DAYS = 45.0
EXIT_DAYS = 21.0
_PROFIT_SHARE = 0.5
_LOSS_SHARE = 2.0


@dataclass(frozen=True, slots=True)
class Leg:
    """An option held.

    Attributes:
        quantity: contracts, negative when sold short.
        entry_price: per share, as paid or received.
    """

    leg_id: str
    option: Option
    quantity: int
    entry_price: float


@dataclass(frozen=True, slots=True)
class Plan:
    """An option to open: bought when `quantity` is positive, else sold."""

    option: Option
    quantity: int


@dataclass(frozen=True, slots=True)
class Exposure:
    """Greeks of everything held, in shares of the underlying."""

    delta: float = 0.0
    gamma: float = 0.0
    theta: float = 0.0
    vega: float = 0.0

    def plus(self, quantity: int, valuation: Valuation) -> "Exposure":
        """This exposure with contracts added."""
        size = quantity * SHARES_PER_CONTRACT
        return Exposure(
            self.delta + size * valuation.delta,
            self.gamma + size * valuation.gamma,
            self.theta + size * valuation.theta,
            self.vega + size * valuation.vega,
        )


@dataclass(frozen=True, slots=True)
class Strategy:
    """What a bot trades.

    Attributes:
        build: the legs to open on a symbol now.
        hedge_band: shares of delta that may stay unhedged.
    """

    name: str
    build: Callable[[Market, str], tuple[Plan, ...]]
    hedge_band: int


def iron_condor(market: Market, symbol: str) -> tuple[Plan, ...]:
    """Sells a put and a call one deviation away and buys the wings beyond them."""
    return (
        Plan(_option(market, symbol, Right.PUT, -1.6), 1),
        Plan(_option(market, symbol, Right.PUT, -1.0), -1),
        Plan(_option(market, symbol, Right.CALL, 1.0), -1),
        Plan(_option(market, symbol, Right.CALL, 1.6), 1),
    )


def put_spread(market: Market, symbol: str) -> tuple[Plan, ...]:
    """Sells a put below the market and buys one further below: earns when prices do not fall."""
    return (
        Plan(_option(market, symbol, Right.PUT, -1.2), 2),
        Plan(_option(market, symbol, Right.PUT, -0.5), -2),
    )


def call_spread(market: Market, symbol: str) -> tuple[Plan, ...]:
    """Sells a call above the market and buys one further above: earns when prices do not rise."""
    return (
        Plan(_option(market, symbol, Right.CALL, 0.5), -2),
        Plan(_option(market, symbol, Right.CALL, 1.2), 2),
    )


def strangle(market: Market, symbol: str) -> tuple[Plan, ...]:
    """Sells a put and a call on both sides: earns when prices stay."""
    return (
        Plan(_option(market, symbol, Right.PUT, -1.1), -1),
        Plan(_option(market, symbol, Right.CALL, 1.1), -1),
    )


STRATEGIES = (
    Strategy("iron-condor", iron_condor, hedge_band=2),
    Strategy("put-spread", put_spread, hedge_band=3),
    Strategy("strangle", strangle, hedge_band=2),
    Strategy("call-spread", call_spread, hedge_band=3),
)


def exit_rule(legs: Sequence[Leg], values: Sequence[Valuation], day: float) -> str | None:
    """Name of the rule that says to close now, None when none does.

    Legs are closed early enough to stay clear of the last weeks, at half of the credit earned, or when twice
    the credit is lost.
    """
    if any(leg.option.days_left(day) <= EXIT_DAYS for leg in legs):
        return "rule_21_dte"
    credit = -sum(leg.quantity * leg.entry_price for leg in legs)
    profit = credit + sum(leg.quantity * value.price for leg, value in zip(legs, values, strict=True))
    if profit >= _PROFIT_SHARE * abs(credit):
        return "rule_profit_target"
    if profit <= -_LOSS_SHARE * abs(credit):
        return "rule_stop_loss"
    return None


def hedge_order(delta: float, band: int) -> int:
    """Shares of the underlying to buy (or, negative, to sell) to be neutral again; 0 within the band.

    Args:
        delta: of everything held, the hedge included, in shares.
        band: shares that may stay unhedged.
    """
    order = -round(delta)
    return order if abs(order) > band else 0


def _option(market: Market, symbol: str, right: Right, deviations: float) -> Option:
    """The listed option nearest to so many standard deviations from today's price."""
    spot = market.spot(symbol)
    at_the_money = Option(symbol, right, spot, market.day + ENTRY_DAYS)
    width = market.implied_volatility(at_the_money) * math.sqrt(ENTRY_DAYS / DAYS_PER_YEAR)
    grid = 1.0 if spot >= 100 else 0.5
    strike = round(spot * math.exp(deviations * width) / grid) * grid
    return Option(symbol, right, strike, at_the_money.expiry_day)
