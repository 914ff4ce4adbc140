from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice

import pytest

from headrace.clock import SystemClock
from headrace.contracts import Event, contract_of
from headrace.contracts.state import Position
from headrace.contracts.trading import Greeks, Signal, Trade
from headrace_bots.bots import Simulation, bot_ids
from headrace_bots.events import Stamps, read_mood

BEGIN = datetime(2026, 1, 31, 15, tzinfo=UTC)


class Ticking(SystemClock):
    """A millisecond passes with each look."""

    def __init__(self) -> None:
        self._now = BEGIN

    def now(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now


def some_events(count: int = 20_000, *, seed: int = 7, run: str = "run", bots: int = 40) -> list[Event]:
    return list(islice(Simulation(seed, bots, Stamps(run, Ticking())).events(), count))


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return some_events()


def test_same_seed_gives_the_same_bytes(events: list[Event]) -> None:
    first = [event.to_wire() for event in some_events(3_000)]
    assert first == [event.to_wire() for event in events[:3_000]]
    assert first != [event.to_wire() for event in some_events(3_000, seed=8)]


def test_events_are_what_workers_accept(events: list[Event]) -> None:
    for event in events[::7]:
        assert type(event).from_wire(event.to_wire()) == event


def test_all_kinds_flow_and_greeks_most(events: list[Event]) -> None:
    counts = Counter(contract_of(type(event)).name for event in events)
    assert counts["trades"] >= 0.2 * len(events)
    assert counts["greeks"] > counts["trades"] > counts["positions"] > counts["signals"] > 0.02 * len(events)


def test_a_position_follows_when_a_bot_has_traded(events: list[Event]) -> None:
    traded: set[str] = set()
    for event in events:
        if isinstance(event, Trade):
            traded.add(event.strategy_id)
        elif isinstance(event, Position):
            assert traded == {event.strategy_id}
            traded.clear()


@pytest.mark.parametrize("count", [1, 2, 50, 1_000])
def test_a_bot_finishes_its_day_however_many_events_were_asked_for(count: int) -> None:
    found = list(Simulation(7, 40, Stamps("run", Ticking())).events(count))
    assert count <= len(found) < count + 20
    kinds = [type(event) for event in found if isinstance(event, Trade | Position)]
    assert not kinds or kinds[-1] is Position


def test_bots_bear_the_ids_that_are_told(events: list[Event]) -> None:
    assert {event.strategy_id for event in events if isinstance(event, Trade)} <= bot_ids(40)
    assert len(bot_ids(40)) == 40


def test_every_trade_has_an_id_of_its_own_across_runs(events: list[Event]) -> None:
    other = some_events(2_000, run="other")
    ids = [event.transaction_id for event in [*events, *other] if isinstance(event, Trade)]
    assert len(set(ids)) == len(ids)


def test_every_leg_is_closed_with_what_it_was_opened_with(events: list[Event]) -> None:
    held: dict[str, int] = defaultdict(int)
    trades: dict[str, int] = Counter()
    for event in events:
        if isinstance(event, Trade) and not event.leg_id.endswith("/hedge"):
            held[event.leg_id] += event.quantity if event.action == "BUY" else -event.quantity
            trades[event.leg_id] += 1
    assert set(trades.values()) <= {1, 2}
    assert all(held[leg] == 0 for leg, times in trades.items() if times == 2)
    assert sum(times == 2 for times in trades.values()) > 200


def test_only_open_legs_are_marked(events: list[Event]) -> None:
    is_open: set[str] = set()
    for event in events:
        if isinstance(event, Trade):
            is_open.symmetric_difference_update({event.leg_id} - {f"{event.strategy_id}/hedge"})
        elif isinstance(event, Greeks):
            assert event.leg_id in is_open


def test_signal_acted_upon_is_emitted_again_under_the_same_key(events: list[Event]) -> None:
    seen: dict[tuple[object, ...], Signal] = {}
    acted = 0
    for event in events:
        if isinstance(event, Signal):
            key = event.strategy_id, event.timestamp, event.signal_type, event.source
            if event.acted_upon:
                acted += 1
                assert event.acted_at is not None
                assert event.acted_at > event.timestamp
                assert seen[key].acted_at is None
            else:
                assert key not in seen
                seen[key] = event
    assert 0 < acted < len(seen)


def test_prices_are_on_the_tick(events: list[Event]) -> None:
    prices = [event.price for event in events if isinstance(event, Trade)]
    assert all(price % Decimal("0.01") == 0 for price in prices)
    assert max(prices) < 5_000


def test_positions_are_rolled_and_closed_by_every_rule(events: list[Event]) -> None:
    sources = Counter(event.source for event in events if isinstance(event, Signal))
    assert sources.keys() >= {"rule_21_dte", "rule_profit_target", "rule_stop_loss", "xgboost_model"}


def test_time_of_events_does_not_go_back(events: list[Event]) -> None:
    times = [event.timestamp for event in events if isinstance(event, Trade | Greeks)]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("move", "regime", "trend"),
    [(-0.5, "crisis", "down"), (-0.01, "high_volatility", "flat"), (0.03, "sideways", "up"), (0.9, "bull", "up")],
)
def test_mood_follows_the_move(move: float, regime: str, trend: str) -> None:
    mood = read_mood(move)
    assert (mood.regime, mood.futures_trend) == (regime, trend)
