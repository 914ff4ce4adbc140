import math
from statistics import fmean, stdev

import pytest

from headrace_bots.market import Market, Option, Underlying
from headrace_bots.pricing import Right

ONE = Underlying("SPY", 500.0, 0.2, 0.5)


def daily_returns(market: Market, symbol: str, days: int) -> list[float]:
    returns = []
    for _ in range(days):
        before = market.spot(symbol)
        market.advance()
        returns.append(math.log(market.spot(symbol) / before))
    return returns


def test_same_seed_gives_the_same_prices() -> None:
    first, second, other = Market(1), Market(1), Market(2)
    for market in (first, second, other):
        market.advance()
    assert [first.spot(s) for s in first.symbols] == [second.spot(s) for s in second.symbols]
    assert first.spot("SPY") != other.spot("SPY")


def test_plain_motion_has_the_mean_and_volatility_it_was_given() -> None:
    returns = daily_returns(Market(3, [ONE], drift=0.1, pull=0.0), "SPY", 40_000)
    assert stdev(returns) * math.sqrt(365) == pytest.approx(0.2, rel=0.02)
    assert fmean(returns) * 365 == pytest.approx(0.1 - 0.2**2 / 2, abs=0.06)


def test_underlyings_with_high_beta_move_together() -> None:
    pair = [Underlying("SPY", 500.0, 0.2, 0.9), Underlying("QQQ", 400.0, 0.2, 0.9)]
    market = Market(4, pair, pull=0.0)
    products = []
    for _ in range(20_000):
        before = [market.spot(s) for s in market.symbols]
        market.advance()
        first, second = (math.log(market.spot(s) / b) for s, b in zip(market.symbols, before, strict=True))
        products.append(first * second)
    assert fmean(products) * 365 / 0.2**2 == pytest.approx(0.81, rel=0.05)


def test_prices_stay_sane_over_centuries() -> None:
    market = Market(5)
    for _ in range(200 * 52):
        market.advance(7)
        assert all(abs(market.move(symbol)) < 2 for symbol in market.symbols)


def test_option_loses_its_time_value_as_days_pass() -> None:
    market = Market(6, [Underlying("SPY", 500.0, 1e-6, 0.0)], drift=0.0)
    option = Option("SPY", Right.CALL, 400.0, 30)
    assert market.value(option).price > 100
    market.advance(30)
    assert option.days_left(market.day) == 0
    assert market.value(option).price == pytest.approx(100, abs=0.01)
