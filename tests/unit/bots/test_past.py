from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from headrace.contracts import Event, PerformanceMetrics, Signal, Trade
from headrace_bots.bots import Simulation
from headrace_bots.events import Stamps
from headrace_bots.past import Past, PastClock

PAST = Past(since=date(2026, 1, 5), until=date(2026, 4, 1))


def simulated(seed: int = 7) -> Iterator[Event]:
    clock = PastClock(PAST, seed)
    return Simulation(seed, 8, Stamps("past", clock), looks=clock.looks(), performance=True).events()


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return list(simulated())


def times(events: list[Event]) -> list[datetime]:
    return [event.timestamp for event in events if isinstance(event, Trade | PerformanceMetrics)]


def test_looks_are_in_trading_hours_from_monday_to_friday() -> None:
    moments = PAST.moments()

    assert len(moments) == 7 * 62
    assert (moments[0], moments[-1]) == (
        datetime(2026, 1, 5, 14, 30, tzinfo=UTC),
        datetime(2026, 3, 31, 21, 0, tzinfo=UTC),
    )
    assert {moment.weekday() for moment in moments} == set(range(5))


def test_the_past_is_the_same_every_time(events: list[Event]) -> None:
    assert [event.to_wire() for event in simulated()] == [event.to_wire() for event in events]


def test_events_bear_times_of_the_look_that_they_belong_to(events: list[Event]) -> None:
    looks = PAST.moments()

    assert times(events) == sorted(times(events))
    for time in times(events):
        look = max(moment for moment in looks if moment <= time)
        assert time - look < timedelta(minutes=10)


def test_bots_act_at_the_next_look(events: list[Event]) -> None:
    took = [event.acted_at - event.timestamp for event in events if isinstance(event, Signal) and event.acted_at]

    assert min(took) > timedelta(hours=1)
    assert max(took) < timedelta(days=3)
    assert len([each for each in took if each < timedelta(hours=2)]) > len(took) / 2


def test_performance_ends_at_what_the_trades_brought(events: list[Event]) -> None:
    cash: dict[str, Decimal] = {}
    for event in events:
        if isinstance(event, Trade):
            sign = -1 if event.action == "BUY" else 1
            size = 1 if event.leg_id.endswith("/hedge") else 100
            earned = sign * event.quantity * size * event.price - event.commission
            cash[event.strategy_id] = cash.get(event.strategy_id, Decimal(0)) + earned
        elif isinstance(event, PerformanceMetrics) and event.unrealized_pnl == 0:
            assert event.realized_pnl == cash[event.strategy_id]
    closed = [event for event in events if isinstance(event, PerformanceMetrics) and event.unrealized_pnl == 0]
    assert len(closed) > 8
