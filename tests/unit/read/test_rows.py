"""Of several rows of a key one is the latest, by the rule of tables of latest rows."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from headrace import Event, Symbol, Table, UtcTimestamp
from headrace.contracts import contract_of
from headrace.lake.schema import arrow_schema
from headrace.read.rows import latest_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Quote(Event, topic="quotes", key="symbol", table=Table(name="quotes")):
    symbol: Symbol
    timestamp: UtcTimestamp


Row = tuple[datetime, datetime | None, int, int]
"""Event time, Kafka timestamp, partition and offset."""


def _row(happened: datetime, stamp: datetime | None, partition: int, offset: int) -> dict[str, object]:
    address = {"_partition": partition, "_offset": offset}
    return {"symbol": "SPY", "timestamp": happened, "_kafka_timestamp": stamp, "_ingested_at": NOON, **address}


@pytest.mark.parametrize(
    ("older", "later"),
    [
        ((NOON, NOON + SECOND, 1, 9), (NOON + SECOND, NOON, 0, 0)),
        ((NOON, NOON, 1, 9), (NOON, NOON + SECOND, 0, 0)),
        ((NOON, None, 1, 9), (NOON, NOON, 0, 0)),
        ((NOON, NOON, 0, 9), (NOON, NOON, 1, 0)),
        ((NOON, NOON, 0, 8), (NOON, NOON, 0, 9)),
    ],
    ids=["event time", "Kafka timestamp", "a Kafka timestamp at all", "partition", "offset"],
)
def test_the_latest_row_is_decided_by(older: Row, later: Row) -> None:
    contract = contract_of(Quote)
    schema = pl.Schema(arrow_schema(contract))
    for rows in ((older, later), (later, older)):
        frame = pl.DataFrame([_row(*row) for row in rows], schema=schema)
        found = latest_of(frame.lazy(), contract, ["symbol"]).collect()
        assert found.select("timestamp", "_kafka_timestamp", "_partition", "_offset").rows() == [later]
