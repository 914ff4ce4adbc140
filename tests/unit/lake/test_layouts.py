"""What a contract makes of its table's files."""

import pytest

from headrace.contracts import Event, Position, Symbol, Table, Trade, UtcTimestamp, contract_of
from headrace.lake.layouts import file_layout


class Quote(Event, topic="quotes", key="symbol", table=Table(partition_by="symbol")):
    """In a folder per symbol."""

    symbol: Symbol
    timestamp: UtcTimestamp


@pytest.mark.parametrize(
    ("event", "column", "statistics"),
    [
        (Trade, "date", ("timestamp", "symbol", "_partition", "_offset")),
        (Position, None, ("timestamp", "strategy_id", "symbol", "_partition", "_offset")),
        (Quote, "symbol", ("timestamp", "_partition", "_offset")),
    ],
)
def test_keys_have_statistics_and_the_partition_column_has_none(
    event: type[Event], column: str | None, statistics: tuple[str, ...]
) -> None:
    layout = file_layout(contract_of(event))
    assert (layout.partition_column, tuple(layout.statistics)) == (column, statistics)
