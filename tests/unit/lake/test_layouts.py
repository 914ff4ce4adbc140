"""What a contract makes of its table's files."""

import pytest

from headrace.contracts import Event, Position, Trade, contract_of
from headrace.lake.layouts import file_layout


@pytest.mark.parametrize(
    ("event", "column", "statistics"),
    [
        (Trade, "date", ("timestamp", "symbol", "_partition", "_offset")),
        (Position, "symbol", ("timestamp", "strategy_id", "_partition", "_offset")),
    ],
)
def test_keys_have_statistics_and_the_partition_column_has_none(
    event: type[Event], column: str, statistics: tuple[str, ...]
) -> None:
    layout = file_layout(contract_of(event))
    assert (layout.partition_column, tuple(layout.statistics)) == (column, statistics)
