"""A repository of somebody's own events, and what repositories refuse."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated

import polars as pl
import pytest
from pydantic import Field

from headrace import Event, EventId, Price, Symbol, Table, UtcTimestamp
from headrace.errors import ConfigError, StoreError, TableDamagedError, WrongTableError
from headrace.read import (
    Legs,
    Repository,
    Trades,
)
from headrace.testing import (
    a_leg,
    an_event,
)
from tests.behaviour.desk import NOON, SECOND, Desk, column

DAY = timedelta(days=1)


class Fill(Event, topic="fills", key="symbol", table=Table(partition_by="date")):
    """An event of somebody's own."""

    fill_id: EventId
    symbol: Symbol
    price: Price
    timestamp: UtcTimestamp


@pytest.fixture(scope="module")
def fills(tmp_path_factory: pytest.TempPathFactory) -> Repository[Fill]:
    """Four of them, of two symbols."""
    desk = Desk(tmp_path_factory.mktemp("fills"))
    desk.tell(*(an_event(Fill, fill_id=f"f-{n}", symbol="AB"[n % 2], timestamp=NOON + n * SECOND) for n in range(4)))
    return Repository(desk.lake, Fill)


def test_a_class_of_ones_own_has_the_same(fills: Repository[Fill]) -> None:
    found: Fill | None = fills.get(symbol="B")
    assert found is not None
    assert found.fill_id == "f-3"
    assert column(fills.latest("symbol"), "fill_id") == ["f-2", "f-3"]
    assert fills.natural_key == ("fill_id",)


def test_late_data_is_where_its_event_time_says(desk: Desk) -> None:
    desk.tell(an_event(Fill, fill_id="now", timestamp=NOON + 5 * DAY))
    desk.tell(an_event(Fill, fill_id="late", timestamp=NOON))
    fills = Repository(desk.lake, Fill)
    assert column(fills.between(NOON, NOON + DAY), "fill_id", "date") == [("late", NOON.date())]
    assert column(fills.latest("symbol", rows=fills.rows().filter(pl.col("fill_id").is_not_null())), "fill_id")


def test_exact_numbers_times_and_texts_come_back_as_they_were_sent(desk: Desk) -> None:
    event = a_leg(symbol="^VIX", strike="12345678901234.5678", timestamp=NOON + timedelta(microseconds=1))
    desk.tell(event, a_leg(leg_id="other", symbol="EUR/USD"), a_leg(leg_id="third", symbol="ES=F"))
    legs = Legs(desk.lake)
    (found,) = legs.events(legs.rows().filter(symbol="^VIX"))
    assert found == event
    assert (found.strike, found.timestamp.tzinfo) == (Decimal("12345678901234.5678"), UTC)
    assert column(legs.rows(), "symbol") == ["ES=F", "EUR/USD", "^VIX"]


def test_a_table_that_is_not_there_says_what_to_do(desk: Desk) -> None:
    with pytest.raises(ConfigError, match="trades"):
        Trades(desk.lake).rows()


def test_a_table_of_another_contract_is_refused(fills: Repository[Fill]) -> None:
    class Other(Event, topic="others", key="symbol", table=Table(name="fills", partition_by="date")):
        symbol: Symbol
        price: Symbol
        size: Price
        timestamp: UtcTimestamp

    with pytest.raises(WrongTableError, match=r"fills is not one of Other: price is .*; size is missing"):
        Repository(fills.lake, Other).rows()


def test_a_column_that_a_contract_has_got_since_is_null(fills: Repository[Fill]) -> None:
    class Wider(Event, topic="wider", key="symbol", table=Table(name="fills", partition_by="date")):
        fill_id: EventId
        symbol: Symbol
        price: Price
        timestamp: UtcTimestamp
        venue: Symbol | None = None

    wider = Repository(fills.lake, Wider)
    assert {(event.fill_id, event.venue) for event in wider.events(wider.rows())} == {
        (f"f-{n}", None) for n in range(4)
    }


def test_a_row_that_is_no_event_any_more_is_named(fills: Repository[Fill]) -> None:
    class Tight(Event, topic="tight", key="symbol", table=Table(name="fills", partition_by="date")):
        fill_id: Annotated[EventId, Field(max_length=1)]
        symbol: Symbol
        price: Price
        timestamp: UtcTimestamp

    tight = Repository(fills.lake, Tight)
    with pytest.raises(WrongTableError, match=r"a row of fills \(partition \d, offset \d\) is no Tight .*fill_id"):
        tight.events(tight.rows())


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda fills: fills.get(), r"name a field, as in get\(symbol=...\)"),
        (lambda fills: fills.get(ticker="SPY"), "Fill has no field 'ticker'; it has fill_id, symbol"),
        (lambda fills: fills.latest("ticker"), "Fill has no field 'ticker'"),
        (lambda fills: fills.get(price="cheap"), "price is never 'cheap': an exact number is written"),
        (lambda fills: fills.get(symbol=7), "symbol is never 7"),
        (lambda fills: fills.between(datetime(2026, 3, 2)), "has no time zone"),  # noqa: DTZ001  # that is the point
        (lambda fills: fills.events(fills.rows().select("symbol")), "Fill has fill_id, price, timestamp"),
    ],
)
def test_what_cannot_be_asked_says_why(
    fills: Repository[Fill], ask: Callable[[Repository[Fill]], object], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        ask(fills)


def test_a_file_that_is_damaged_or_gone_is_told(desk: Desk) -> None:
    desk.tell(an_event(Fill))
    fills = Repository(desk.lake, Fill)
    rows = fills.rows()
    (file,) = desk.root.glob("fills/**/*.parquet")
    whole = file.read_bytes()
    for damaged in (b"PAR1", whole[:-200] + whole[-100:-8] + bytes(100) + whole[-8:]):
        file.write_bytes(damaged)
        with pytest.raises(TableDamagedError, match=r"fills.* is not what the log says it is: .* headrace verify"):
            fills.events(rows)
    file.unlink()
    with pytest.raises(StoreError, match="a file of fills is gone"):
        fills.arrow(rows)
