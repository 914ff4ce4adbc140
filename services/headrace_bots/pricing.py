"""What a European option is worth and how it moves: Black and Scholes, without dividends.

All functions are pure; time is in years, rates and volatilities are per year and as fractions (0.2 is 20 %).
"""

import math
from dataclasses import dataclass
from enum import Enum
from statistics import NormalDist

DAYS_PER_YEAR = 365.0
_NORMAL = NormalDist()


class Right(Enum):
    """What the holder may do."""

    CALL = "C"
    PUT = "P"


@dataclass(frozen=True, slots=True)
class Valuation:
    """Price and sensitivities of one unit of an option.

    Attributes:
        price: in the currency of the underlying.
        delta: change of price when the underlying rises by 1.
        gamma: change of delta when the underlying rises by 1.
        theta: change of price when one calendar day passes.
        vega: change of price when volatility rises by one percentage point.
        rho: change of price when the interest rate rises by one percentage point.
    """

    price: float
    delta: float
    gamma: float
    theta: float
    vega: float
    rho: float


def value_option(  # noqa: PLR0913  # the six quantities of the formula
    right: Right, spot: float, strike: float, *, years: float, volatility: float, rate: float
) -> Valuation:
    """Values an option; at or after expiry it is worth what exercising it brings.

    Args:
        right: call or put.
        spot: price of the underlying, positive.
        strike: positive.
        years: time to expiry.
        volatility: of the underlying.
        rate: risk-free, continuously compounded.
    """
    if years <= 0 or volatility <= 0:
        return _at_expiry(right, spot, strike)
    root = volatility * math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate + volatility * volatility / 2) * years) / root
    d2 = d1 - root
    sign = 1.0 if right is Right.CALL else -1.0
    density = _NORMAL.pdf(d1)
    likely_1, likely_2 = _NORMAL.cdf(sign * d1), _NORMAL.cdf(sign * d2)
    discounted = strike * math.exp(-rate * years)
    decay = -spot * density * volatility / (2 * math.sqrt(years)) - sign * rate * discounted * likely_2
    return Valuation(
        price=sign * (spot * likely_1 - discounted * likely_2),
        delta=sign * likely_1,
        gamma=density / (spot * root),
        theta=decay / DAYS_PER_YEAR,
        vega=spot * density * math.sqrt(years) / 100,
        rho=sign * discounted * years * likely_2 / 100,
    )


def smile(volatility: float, spot: float, strike: float, *, years: float) -> float:
    """Volatility that the market quotes at a strike: puts below the spot dearer, both wings raised."""
    moneyness = math.log(strike / spot) / math.sqrt(max(years, 7 / DAYS_PER_YEAR))
    return volatility * min(2.5, max(0.6, 1.0 - 0.25 * moneyness + 0.35 * moneyness * moneyness))


def _at_expiry(right: Right, spot: float, strike: float) -> Valuation:
    sign = 1.0 if right is Right.CALL else -1.0
    gain = sign * (spot - strike)
    return Valuation(max(0.0, gain), sign if gain > 0 else 0.0, 0.0, 0.0, 0.0, 0.0)
