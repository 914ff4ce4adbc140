import math
import random
from collections.abc import Callable

import pytest

from headrace_bots.pricing import Right, Valuation, smile, value_option


def at(right: Right, spot: float = 100.0, **changes: float) -> Valuation:
    known = {"strike": 95.0, "years": 0.25, "volatility": 0.3, "rate": 0.04} | changes
    return value_option(
        right,
        spot,
        known["strike"],
        years=known["years"],
        volatility=known["volatility"],
        rate=known["rate"],
    )


def test_textbook_example_is_reproduced() -> None:
    """Hull, Options, Futures and Other Derivatives: S=42, K=40, r=10 %, sigma=20 %, half a year."""
    known = {"strike": 40.0, "years": 0.5, "volatility": 0.2, "rate": 0.1}
    assert at(Right.CALL, 42.0, **known).price == pytest.approx(4.7594, abs=1e-4)
    assert at(Right.PUT, 42.0, **known).price == pytest.approx(0.8086, abs=1e-4)


def test_textbook_greeks_are_reproduced() -> None:
    """Hull's example for the greeks: S=49, K=50, r=5 %, sigma=20 %, 20 weeks."""
    call = at(Right.CALL, 49.0, strike=50.0, years=0.3846, volatility=0.2, rate=0.05)
    assert call.delta == pytest.approx(0.522, abs=1e-3)
    assert call.gamma == pytest.approx(0.066, abs=1e-3)
    assert call.theta == pytest.approx(-4.31 / 365, abs=1e-4)
    assert call.vega == pytest.approx(12.1 / 100, abs=1e-3)
    assert call.rho == pytest.approx(8.91 / 100, abs=1e-3)


def test_put_call_parity_holds_everywhere() -> None:
    chance = random.Random(7)
    for _ in range(200):
        spot, strike = chance.uniform(10, 900), chance.uniform(10, 900)
        known = {
            "strike": strike,
            "years": chance.uniform(0.001, 3),
            "volatility": chance.uniform(0.05, 1),
            "rate": 0.03,
        }
        forward = spot - strike * math.exp(-0.03 * known["years"])
        call, put = at(Right.CALL, spot, **known), at(Right.PUT, spot, **known)
        assert call.price - put.price == pytest.approx(forward, abs=1e-9)
        assert call.delta - put.delta == pytest.approx(1.0)
        assert call.gamma == put.gamma
        assert call.vega == put.vega


@pytest.mark.parametrize("right", Right)
@pytest.mark.parametrize(
    ("greek", "difference"),
    [
        ("delta", lambda right, h: (at(right, 100 + h).price - at(right, 100 - h).price) / (2 * h)),
        ("gamma", lambda right, h: (at(right, 100 + h).delta - at(right, 100 - h).delta) / (2 * h)),
        (
            "theta",
            lambda right, h: (at(right, years=0.25 - h).price - at(right, years=0.25 + h).price) / (2 * h) / 365,
        ),
        (
            "vega",
            lambda right, h: (
                (at(right, volatility=0.3 + h).price - at(right, volatility=0.3 - h).price) / (2 * h) / 100
            ),
        ),
        (
            "rho",
            lambda right, h: (at(right, rate=0.04 + h).price - at(right, rate=0.04 - h).price) / (2 * h) / 100,
        ),
    ],
)
def test_greeks_are_the_slopes_of_the_price(
    right: Right, greek: str, difference: Callable[[Right, float], float]
) -> None:
    assert getattr(at(right), greek) == pytest.approx(difference(right, 1e-4), rel=1e-5)


@pytest.mark.parametrize(
    ("right", "spot", "price", "delta"),
    [
        (Right.CALL, 100.0, 5.0, 1.0),
        (Right.CALL, 90.0, 0.0, 0.0),
        (Right.PUT, 90.0, 5.0, -1.0),
        (Right.PUT, 100.0, 0.0, 0.0),
    ],
)
def test_expired_option_is_worth_its_exercise(right: Right, spot: float, price: float, delta: float) -> None:
    assert at(right, spot, years=0.0) == Valuation(price, delta, 0.0, 0.0, 0.0, 0.0)


def test_smile_makes_low_strikes_dearer_and_stays_positive() -> None:
    assert smile(0.2, 100, 90, years=0.1) > smile(0.2, 100, 100, years=0.1) == 0.2
    assert 0 < smile(0.2, 100, 1, years=0.001) <= 0.5
    assert 0 < smile(0.2, 100, 10_000, years=0.001) <= 0.5
