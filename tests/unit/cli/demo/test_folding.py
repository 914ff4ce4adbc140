"""Positions are folded from trades by other means than bots use, and the two agree."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import pytest

from headrace.clock import SystemClock
from headrace.contracts.state import Position
from headrace.contracts.trading import Trade
from headrace_bots.bots import Simulation
from headrace_bots.events import Stamps
from headrace_cli.demo.folding import Fill, Held, compare, fold


def fill(leg: str, quantity: int, price: str, commission: str = "1") -> Fill:
    return Fill(f"s/{leg}", quantity, Decimal(price), Decimal(commission))


OPENING = [fill("1/1", 2, "0.50"), fill("1/2", -2, "1.25"), fill("hedge", 30, "500.01")]
CLOSING = [fill("1/1", -2, "0.10"), fill("1/2", 2, "0.40"), fill("hedge", -30, "501.00")]


def test_what_is_open_has_a_price_and_has_earned_nothing() -> None:
    assert fold(OPENING) == Held("open", -2, Decimal("-0.75"), None, Decimal(0))


def test_what_is_closed_has_earned_all_that_came_in_less_all_that_went_out() -> None:
    assert fold(OPENING + CLOSING) == Held("closed", 0, Decimal("-0.75"), Decimal("-0.30"), Decimal("113.70"))


def test_the_next_round_keeps_what_the_last_one_earned() -> None:
    after = fold([*OPENING, *CLOSING, fill("2/1", 3, "2.00")])
    assert after == Held("open", 3, Decimal("2.00"), None, Decimal("113.70"))


@pytest.fixture(scope="module")
def events() -> list[Trade | Position]:
    found = Simulation(7, 40, Stamps("run", SystemClock())).events(20_000)
    return [event for event in found if isinstance(event, Trade | Position)]


def fills(trades: Iterable[Trade]) -> dict[str, list[Fill]]:
    found: dict[str, list[Fill]] = {}
    for trade in trades:
        quantity = trade.quantity if trade.action == "BUY" else -trade.quantity
        found.setdefault(trade.strategy_id, []).append(Fill(trade.leg_id, quantity, trade.price, trade.commission))
    return found


def held(positions: Iterable[Position]) -> dict[str, Held]:
    return {p.strategy_id: Held(p.status, p.quantity, p.entry_price, p.exit_price, p.realized_pnl) for p in positions}


def test_positions_of_the_bots_are_what_their_trades_add_up_to(events: list[Trade | Position]) -> None:
    # At every moment, not in the end alone.
    for end in range(1_000, len(events), 1_500):
        seen = events[:end]
        while not isinstance(seen[-1], Position):
            seen.pop()
        compared = compare(
            fills(event for event in seen if isinstance(event, Trade)),
            held(event for event in seen if isinstance(event, Position)),
        )
        assert [one for one in compared if not one.equal] == []
    assert {one.found.status for one in compared if one.found} == {"open", "closed"}
    assert all(one.found and one.found.realized_pnl for one in compared)


@pytest.mark.parametrize("change", ["lost", "doubled", "price", "outdated", "missing", "phantom"])
def test_any_difference_is_told(events: list[Trade | Position], change: str) -> None:
    trades = [event for event in events if isinstance(event, Trade)]
    positions = [event for event in events if isinstance(event, Position)]
    victim = trades[len(trades) // 2]
    name = victim.strategy_id
    sums, found = fills(trades), held(positions)
    place = [t for t in trades if t.strategy_id == name].index(victim)
    if change == "lost":
        del sums[name][place]
    elif change == "doubled":
        sums[name].insert(place, sums[name][place])
    elif change == "price":
        sums[name][place] = replace(sums[name][place], price=victim.price + Decimal("0.0001"))
    elif change == "outdated":
        found[name] = held(p for p in positions[: len(positions) // 2] if p.strategy_id == name)[name]
    elif change == "missing":
        del found[name]
    else:
        del sums[name]
    assert [one.strategy_id for one in compare(sums, found) if not one.equal] == [name]
