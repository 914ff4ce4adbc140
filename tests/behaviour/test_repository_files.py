"""How many files a question opens: those that can hold the answer by what the log says of them, and no others."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from headrace.contracts import Position, Trade, contract_of
from headrace.errors import StoreError
from headrace.lake import Lake
from headrace.read import Positions, Trades
from headrace.testing import a_position, a_trade
from tests.behaviour.desk import Desk

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SYMBOLS = ("SPY", "QQQ", "BRK.B")
TRADES, POSITIONS = contract_of(Trade).name, contract_of(Position).name


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Trades of four days, each of three flushes of one symbol each; positions of three symbols."""
    desk = Desk(tmp_path_factory.mktemp("files"))
    for symbol in SYMBOLS:
        desk.tell(
            *(a_trade(transaction_id=f"{symbol}-{day}", symbol=symbol, timestamp=NOON + day * DAY) for day in range(4)),
            a_position(strategy_id=f"on-{symbol}", symbol=symbol),
        )
    return desk


def opened(desk: Desk, table: str, ask: Callable[[Lake], object]) -> tuple[int, int]:
    """How many files of the table a question cannot do without, and how many there are.

    Each is put away in turn: a question that opens it fails.
    """
    files = list((desk.root / table).rglob("*.parquet"))
    ask(Lake(str(desk.root)))
    return sum(_fails_without(path, desk, ask) for path in files), len(files)


def _fails_without(path: Path, desk: Desk, ask: Callable[[Lake], object]) -> bool:
    away = path.rename(path.with_suffix(".away"))
    try:
        ask(Lake(str(desk.root)))
    except (OSError, StoreError):
        return True
    finally:
        away.rename(path)
    return False


ASKED: list[tuple[str, int, Callable[[Lake], object]]] = [
    (TRADES, 12, lambda lake: Trades(lake).rows().collect()),
    (TRADES, 4, lambda lake: Trades(lake).rows().filter(symbol="SPY").collect()),
    (TRADES, 3, lambda lake: Trades(lake).between(NOON, NOON + DAY).collect()),
    (TRADES, 1, lambda lake: Trades(lake).between(NOON, NOON + DAY).filter(symbol="SPY").collect()),
    (TRADES, 6, lambda lake: Trades(lake).last(2, until=NOON + 3.5 * DAY).collect()),
    (TRADES, 0, lambda lake: Trades(lake).rows().filter(symbol="IWM").collect()),
    (TRADES, 4, lambda lake: Trades(lake).latest("leg_id", rows=Trades(lake).rows().filter(symbol="SPY")).collect()),
    (TRADES, 4, lambda lake: Trades(lake).latest("symbol").filter(symbol="SPY").collect()),
    (TRADES, 3, lambda lake: Trades(lake).per_strategy(Trades(lake).between(NOON + 3 * DAY)).collect()),
    (TRADES, 12, lambda lake: Trades(lake).rows().select(pl.len()).collect()),
    (POSITIONS, 1, lambda lake: Positions(lake).get_by_symbol("BRK.B").collect()),
    (POSITIONS, 1, lambda lake: Positions(lake).get_by_strategy_id("on-QQQ")),
]


@pytest.mark.parametrize(("table", "files", "ask"), ASKED)
def test_a_question_opens_no_file_that_cannot_hold_its_answer(
    desk: Desk, table: str, files: int, ask: Callable[[Lake], object]
) -> None:
    assert opened(desk, table, ask) == (files, 12 if table == TRADES else 3)
