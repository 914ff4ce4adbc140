import pytest

from headrace_bots.market import Market, Option
from headrace_bots.pricing import Right, Valuation
from headrace_bots.strategies import (
    ENTRY_DAYS,
    STRATEGIES,
    Exposure,
    Leg,
    Strategy,
    exit_rule,
    hedge_order,
    iron_condor,
)


def worth(price: float) -> Valuation:
    return Valuation(price, 0.0, 0.0, 0.0, 0.0, 0.0)


def short_put(entry_price: float = 4.0, expiry_day: float = 45) -> Leg:
    return Leg("leg", Option("SPY", Right.PUT, 500.0, expiry_day), -1, entry_price)


def test_iron_condor_sells_inside_and_buys_outside() -> None:
    market = Market(1)
    long_put, short_put, short_call, long_call = iron_condor(market, "SPY")
    strikes = [plan.option.strike for plan in (long_put, short_put, short_call, long_call)]
    assert strikes == sorted(strikes)
    assert short_put.option.strike < market.spot("SPY") < short_call.option.strike
    assert [plan.quantity for plan in (long_put, short_put, short_call, long_call)] == [1, -1, -1, 1]
    assert [p.option.right for p in (long_put, long_call)] == [Right.PUT, Right.CALL]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.name)
@pytest.mark.parametrize("symbol", Market(1).symbols)
def test_strategies_open_distinct_listed_options_for_a_credit(strategy: Strategy, symbol: str) -> None:
    market = Market(1)
    plans = strategy.build(market, symbol)
    assert len({plan.option for plan in plans}) == len(plans)
    assert all(plan.option.strike % 0.5 == 0 for plan in plans)
    assert all(plan.option.days_left(market.day) == ENTRY_DAYS for plan in plans)
    assert sum(plan.quantity * market.value(plan.option).price for plan in plans) < 0


@pytest.mark.parametrize(
    ("price", "day", "rule"),
    [
        (3.0, 0, None),
        (2.0, 0, "rule_profit_target"),
        (12.0, 0, "rule_stop_loss"),
        (3.0, 24, "rule_21_dte"),
        (3.0, 23.9, None),
        (1.0, 30, "rule_21_dte"),
    ],
)
def test_legs_are_closed_by_time_then_profit_then_loss(price: float, day: float, rule: str | None) -> None:
    assert exit_rule([short_put()], [worth(price)], day) == rule


@pytest.mark.parametrize(("delta", "order"), [(0.0, 0), (5.0, 0), (5.6, -6), (-80.4, 80)])
def test_delta_beyond_the_band_is_hedged_away(delta: float, order: int) -> None:
    assert hedge_order(delta, 5) == order


def test_exposure_counts_shares_not_contracts() -> None:
    book = Exposure(delta=10).plus(-2, Valuation(1.0, 0.3, 0.01, -0.1, 0.2, 0.05))
    assert (book.delta, book.gamma, book.theta, book.vega) == pytest.approx((-50, -2, 20, -40))
