"""Prices of a few underlyings that move together: geometric Brownian motion, from a seed.

The same seed and steps give the same prices on every machine.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from headrace_bots.pricing import DAYS_PER_YEAR, Right, Valuation, smile, value_option

RISK_FREE_RATE = 0.04


@dataclass(frozen=True, slots=True)
class Underlying:
    """How one underlying behaves.

    Attributes:
        start: first price.
        volatility: per year.
        beta: correlation of its moves with those of the market, 0 to 1.
    """

    symbol: str
    start: float
    volatility: float
    beta: float


@dataclass(frozen=True, slots=True)
class Option:
    """One listed option.

    Attributes:
        expiry_day: day of the simulation on which it expires.
    """

    symbol: str
    right: Right
    strike: float
    expiry_day: float

    def days_left(self, day: float) -> float:
        """Calendar days to expiry."""
        return self.expiry_day - day


# As keys of records these twelve spread evenly over 2, 3, 4, 6 and 12 partitions.
UNDERLYINGS = (
    Underlying("SPY", 585.0, 0.16, 0.95),
    Underlying("QQQ", 505.0, 0.21, 0.90),
    Underlying("IWM", 225.0, 0.23, 0.85),
    Underlying("GLD", 245.0, 0.15, 0.05),
    Underlying("SLV", 28.0, 0.30, 0.15),
    Underlying("HYG", 79.0, 0.08, 0.60),
    Underlying("EWZ", 28.0, 0.28, 0.55),
    Underlying("IYR", 95.0, 0.20, 0.70),
    Underlying("SOXX", 215.0, 0.34, 0.80),
    Underlying("XLF", 48.0, 0.19, 0.85),
    Underlying("XLK", 230.0, 0.24, 0.90),
    Underlying("XLY", 215.0, 0.22, 0.85),
)


class Market:
    """The underlyings' prices day by day, and what their options are worth.

    The drift leans each price back towards its start with `pull` per year, so that a load test that simulates
    centuries still quotes sane prices; a pull of 0 is plain geometric Brownian motion.
    """

    def __init__(
        self,
        seed: int,
        underlyings: Sequence[Underlying] = UNDERLYINGS,
        *,
        drift: float = 0.05,
        pull: float = 0.5,
    ) -> None:
        self._random = random.Random(seed)  # a simulation, and it has to be repeatable
        self._underlyings = {underlying.symbol: underlying for underlying in underlyings}
        self._drift = drift
        self._pull = pull
        self._spots = {underlying.symbol: underlying.start for underlying in underlyings}
        self.day = 0.0

    @property
    def symbols(self) -> tuple[str, ...]:
        """What is traded."""
        return tuple(self._underlyings)

    def spot(self, symbol: str) -> float:
        """Price of an underlying now."""
        return self._spots[symbol]

    def move(self, symbol: str) -> float:
        """How far an underlying is from its start, as a fraction of it."""
        return self._spots[symbol] / self._underlyings[symbol].start - 1

    def advance(self, days: float = 1.0) -> None:
        """Lets time pass."""
        years = days / DAYS_PER_YEAR
        common = self._random.gauss(0.0, 1.0)
        for symbol, underlying in self._underlyings.items():
            own = self._random.gauss(0.0, 1.0)
            shock = underlying.beta * common + math.sqrt(1 - underlying.beta**2) * own
            spot = self._spots[symbol]
            drift = self._drift - self._pull * math.log(spot / underlying.start)
            growth = (drift - underlying.volatility**2 / 2) * years
            self._spots[symbol] = spot * math.exp(growth + underlying.volatility * math.sqrt(years) * shock)
        self.day += days

    def implied_volatility(self, option: Option) -> float:
        """What the market quotes for an option's strike and expiry."""
        years = option.days_left(self.day) / DAYS_PER_YEAR
        base = self._underlyings[option.symbol].volatility * 1.1
        return smile(base, self._spots[option.symbol], option.strike, years=years)

    def value(self, option: Option) -> Valuation:
        """Price and greeks of an option now."""
        return value_option(
            option.right,
            self._spots[option.symbol],
            option.strike,
            years=option.days_left(self.day) / DAYS_PER_YEAR,
            volatility=self.implied_volatility(option),
            rate=RISK_FREE_RATE,
        )
