"""Repositories of the built-in tables answer from tables that real workers filled."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from headrace.clock import SystemClock
from headrace.contracts import Position, load_contracts
from headrace.lake import EventTime, Lake
from headrace.lake.schema import arrow_schema
from headrace.read import (
    Greeks,
    Legs,
    MarketRegimes,
    PerformanceMetrics,
    Positions,
    PositionUpdates,
    Repository,
    Signals,
    Trades,
)
from headrace.testing import (
    a_market_regime,
    a_position,
    a_position_update,
    a_signal,
    a_trade,
    an_event,
    some_greeks,
    some_performance,
)
from tests.behaviour.desk import NOON, SECOND, Desk, column

DAY = timedelta(days=1)


# -- positions


@dataclass
class Held:
    """A desk with two versions of its positions, and the time between them."""

    desk: Desk
    positions: Positions
    before: int
    between: datetime


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    """Condor 1 is open, then closed; 2 is open on QQQ; 3 comes later."""
    desk = Desk(tmp_path_factory.mktemp("held"))
    positions = Positions(desk.lake)
    desk.tell(
        a_position(strategy_id="condor-1", timestamp=NOON),
        a_position(strategy_id="condor-2", symbol="QQQ", timestamp=NOON),
    )
    before, between = positions.get_version(), SystemClock().now()
    desk.tell(
        a_position(strategy_id="condor-1", status="closed", exit_date=date(2026, 3, 3), timestamp=NOON + DAY),
        a_position(strategy_id="condor-3", timestamp=NOON + DAY),
    )
    return Held(desk, positions, before, between)


FIRST = [("condor-1", "open"), ("condor-2", "open")]
NOW = [("condor-1", "closed"), ("condor-2", "open"), ("condor-3", "open")]


def test_latest_positions_are_one_of_each_strategy(held: Held) -> None:
    assert column(held.positions.get_latest(), "strategy_id", "status") == NOW


def test_positions_at_a_version_are_those_that_it_had(held: Held) -> None:
    assert held.positions.get_version() > held.before
    assert column(held.positions.get_at_version(held.before), "strategy_id", "status") == FIRST


def test_positions_at_a_commit_time_are_those_that_were_known(held: Held) -> None:
    assert column(held.positions.get_at_time(held.between), "strategy_id", "status") == FIRST
    assert column(held.positions.get_at_time(SystemClock().now()), "strategy_id", "status") == NOW


def test_positions_at_an_event_time_are_those_that_had_happened(held: Held) -> None:
    assert column(held.positions.get_at_time(EventTime(NOON + DAY / 2)), "strategy_id", "status") == FIRST


def test_positions_are_found_by_symbol_and_by_status(held: Held) -> None:
    assert column(held.positions.get_by_symbol("QQQ"), "strategy_id") == ["condor-2"]
    assert column(held.positions.get_open_positions(), "strategy_id") == ["condor-2", "condor-3"]


def test_the_position_of_a_strategy_is_an_event_of_its_contract(held: Held) -> None:
    found = held.positions.get_by_strategy_id("condor-1")
    assert isinstance(found, Position)
    assert (found.status, found.exit_date, found.timestamp) == ("closed", date(2026, 3, 3), NOON + DAY)
    assert held.positions.get_by_strategy_id("nobody") is None


def test_a_repository_at_a_version_answers_everything_from_it(held: Held) -> None:
    then = held.positions.at(held.before)
    assert then.get_version() == held.before
    assert repr(held.positions) == f"Positions({held.positions.lake!r})"
    assert repr(then) == f"Positions({held.positions.lake!r}) at version {held.before}"
    assert column(then.get_open_positions(), "strategy_id") == ["condor-1", "condor-2"]
    assert then.get_by_strategy_id("condor-3") is None


# -- event logs


def test_volume_and_commission_are_those_of_each_strategy_and_a_trade_sent_twice_counts_once(desk: Desk) -> None:
    twice = a_trade(strategy_id="a", price="2", quantity=5, commission="1")
    desk.tell(
        twice,
        twice,
        a_trade(strategy_id="a", price="3", quantity=1, commission="0.5", action="SELL"),
        a_trade(strategy_id="b", price="100", quantity=1, commission="0", action="SELL"),
    )
    trades = Trades(desk.lake)
    assert trades.rows().collect().height == 4
    assert trades.per_strategy().collect().rows() == [
        ("b", 1, 1, Decimal(100), Decimal(100), Decimal(0)),
        ("a", 2, 6, Decimal(13), Decimal(-7), Decimal("1.5")),
    ]


def test_the_last_days_of_a_symbol_are_counted_back_from_now(desk: Desk) -> None:
    now = SystemClock().now()
    desk.tell(
        *(a_trade(transaction_id=f"t-{days}", timestamp=now - days * DAY) for days in (0, 6, 8)),
        a_trade(transaction_id="q", symbol="QQQ", timestamp=now - DAY),
    )
    trades = Trades(desk.lake)
    assert column(trades.last(7).filter(symbol="SPY"), "transaction_id") == ["t-0", "t-6"]
    assert column(trades.last(7, until=now - 7 * DAY), "transaction_id") == ["t-8"]
    assert column(trades.between(now - 6 * DAY, now), "transaction_id") == ["q", "t-6"]


def test_the_latest_greeks_are_those_of_each_leg(desk: Desk) -> None:
    desk.tell(
        some_greeks(leg_id="x/1", delta=0.1, timestamp=NOON),
        some_greeks(leg_id="x/1", delta=0.3, timestamp=NOON + 2 * SECOND),
        some_greeks(leg_id="x/1", delta=0.2, timestamp=NOON + SECOND),
        some_greeks(leg_id="x/2", delta=0.5, timestamp=NOON),
        some_greeks(leg_id="x/2", delta=0.5, portfolio_delta=0.7, timestamp=NOON + 3 * SECOND),
        some_greeks(strategy_id="condor-2", delta=0.9, portfolio_delta=0.9, timestamp=NOON + DAY),
    )
    greeks = Greeks(desk.lake)
    assert column(greeks.latest_per_leg(), "leg_id", "delta") == [("x/1", 0.3), ("x/2", 0.5)]
    early = greeks.between(NOON, NOON + 2 * SECOND)
    assert column(greeks.latest_per_leg(early), "leg_id", "delta") == [("x/1", 0.2), ("x/2", 0.5)]
    of_all = column(greeks.latest_per_strategy(), "strategy_id", "portfolio_delta")
    assert of_all == [("condor-1", 0.7), ("condor-2", 0.9)]


@pytest.fixture(scope="module")
def signals(tmp_path_factory: pytest.TempPathFactory) -> Signals:
    """Of strategy a one acted upon after 90 s, one missed, one too weak, one of just 0.8; of b one missed."""
    desk = Desk(tmp_path_factory.mktemp("signals"))
    of_a = [
        a_signal(strategy_id="a", signal_value=value, timestamp=NOON + number * SECOND, source_version="v1")
        for number, value in enumerate((0.95, 0.9, 0.5, 0.8))
    ]
    desk.tell(*of_a, a_signal(strategy_id="b", signal_value=0.99, timestamp=NOON))
    desk.tell(of_a[0].model_copy(update={"acted_upon": True, "acted_at": NOON + 90.5 * SECOND, "source_version": "v2"}))
    return Signals(desk.lake)


def test_a_signal_that_is_acted_upon_later_is_one_signal(signals: Signals) -> None:
    assert signals.rows().collect().height == 6
    assert signals.latest().collect().height == 5
    assert column(signals.acted_upon("a"), "strategy_id", "signal_value") == [("a", 0.95)]
    assert column(signals.acted_upon("b"), "strategy_id") == []
    assert column(signals.acted_upon(), "source_version") == ["v2"]


def test_missed_signals_are_strong_and_were_never_acted_upon(signals: Signals) -> None:
    assert column(signals.missed(), "strategy_id", "signal_value") == [("a", 0.9), ("b", 0.99)]
    assert column(signals.missed("a"), "signal_value") == [0.9]
    assert column(signals.missed("a", above=0.4), "signal_value") == [0.5, 0.8, 0.9]


def test_the_time_from_signal_to_action_is_told_in_seconds(signals: Signals) -> None:
    assert column(signals.seconds_to_action("a"), "seconds_to_action") == [90.5]


# -- state


def test_what_was_thought_on_a_date_is_what_the_table_said_then(desk: Desk) -> None:
    regimes = MarketRegimes(desk.lake)
    desk.tell(
        a_market_regime(regime="bull", timestamp=NOON),
        a_market_regime(regime="bear", timestamp=NOON + DAY),
        a_market_regime(symbol="QQQ", regime="sideways", timestamp=NOON),
    )
    then = SystemClock().now()
    desk.tell(a_market_regime(regime="crisis", timestamp=NOON + DAY, source="manual_override"))
    told = [("QQQ", "sideways"), ("SPY", "crisis")]
    assert column(regimes.latest_per_symbol(), "symbol", "regime") == told
    assert column(regimes.at(then).latest_per_symbol(), "symbol", "regime") == [("QQQ", "sideways"), ("SPY", "bear")]
    of_that_day = regimes.latest("symbol", rows=regimes.between(NOON, NOON + DAY / 2))
    assert column(of_that_day, "symbol", "regime") == [("QQQ", "sideways"), ("SPY", "bull")]


def test_performance_is_joined_to_the_regime_of_its_moment(desk: Desk) -> None:
    desk.tell(
        a_position(strategy_id="on-spy", symbol="SPY"),
        a_position(strategy_id="on-qqq", symbol="QQQ"),
        *(
            a_market_regime(symbol=symbol, regime=regime, timestamp=NOON + at * SECOND)
            for symbol, regime, at in (("SPY", "bull", 0), ("SPY", "bear", 10), ("QQQ", "crisis", 5))
        ),
        *(
            some_performance(strategy_id=strategy, timestamp=NOON + at * SECOND)
            for strategy, at in (("on-spy", 9), ("on-spy", 10), ("on-qqq", 4), ("on-qqq", 6), ("nowhere", 6))
        ),
    )
    regimes, performance = MarketRegimes(desk.lake), PerformanceMetrics(desk.lake)
    joined = regimes.joined_to(performance.rows(), symbols=Positions(desk.lake)).sort("timestamp", "strategy_id")
    assert joined.select("strategy_id", "symbol", "regime").collect().rows() == [
        ("on-qqq", "QQQ", None),
        ("nowhere", None, None),
        ("on-qqq", "QQQ", "crisis"),
        ("on-spy", "SPY", "bull"),
        ("on-spy", "SPY", "bear"),
    ]
    of_the_market = regimes.joined_to(performance.latest_per_strategy(), symbols="SPY")
    assert column(of_the_market, "strategy_id", "regime") == [
        ("nowhere", "bull"),
        ("on-qqq", "bull"),
        ("on-spy", "bear"),
    ]


def test_profit_and_loss_of_a_strategy_is_that_of_its_last_moment(desk: Desk) -> None:
    desk.tell(
        some_performance(strategy_id="a", unrealized_pnl="-3", realized_pnl="5", timestamp=NOON),
        some_performance(strategy_id="a", unrealized_pnl="4", realized_pnl="5", timestamp=NOON - SECOND),
    )
    rows = PerformanceMetrics(desk.lake).latest_per_strategy()
    assert column(rows, "strategy_id", "total_pnl") == [("a", Decimal(2))]


def test_what_is_held_is_long_or_short(desk: Desk) -> None:
    desk.tell(*(a_position_update(conid=conid, quantity=conid - 2) for conid in (1, 2, 3)))
    assert column(PositionUpdates(desk.lake).held(), "conid", "quantity") == [(1, -1), (3, 1)]


# -- what all of them have


REPOSITORIES: dict[str, Callable[[Lake], Repository[Any]]] = {
    kind.__name__: kind
    for kind in (Trades, Greeks, Signals, Positions, Legs, PositionUpdates, MarketRegimes, PerformanceMetrics)
}


@pytest.mark.parametrize("kind", REPOSITORIES)
def test_rows_are_the_events_that_were_sent_and_an_empty_table_has_none(desk: Desk, kind: str) -> None:
    repository = REPOSITORIES[kind](desk.lake)
    desk.drain([repository.contract])
    schema = arrow_schema(repository.contract)
    assert repository.rows().collect().schema == pl.Schema(schema)
    assert repository.events(repository.rows()) == []
    assert repository.arrow(repository.rows()).schema == schema
    assert repository.latest(repository.contract.key).collect().is_empty()
    event = an_event(repository.event)
    desk.tell(event)
    assert repository.events(repository.rows()) == [event]
    assert repository.get(**{repository.contract.key: getattr(event, repository.contract.key)}) == event
    arrow = repository.arrow(repository.rows())
    assert arrow.schema == schema
    assert arrow.num_rows == 1


def test_every_built_in_table_has_its_repository() -> None:
    found = {kind(Lake("nowhere")).table for kind in REPOSITORIES.values()}
    assert found == {name for name in load_contracts() if name != "headrace_heartbeat"}


# -- what goes wrong
