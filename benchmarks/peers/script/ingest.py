"""Poll, validate with pydantic, `write_deltalake`: the script everyone writes first, written with care.

`python ingest.py SERVERS TOPIC GROUP TABLE COMMIT_ROWS COMMIT_SECONDS`. Offsets are committed to the group after the
write, so a crash in between writes records again. It stands alone: nothing of Headrace is imported.
"""

import sys
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa
from confluent_kafka import Consumer, KafkaException
from deltalake import write_deltalake
from pydantic import BaseModel, ConfigDict, Field

_POLL_RECORDS = 10_000
_POLL_SECONDS = 0.1

_MONEY = pa.decimal128(18, 4)
_TIME = pa.timestamp("us", "UTC")
_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("transaction_id", pa.string()),
    ("strategy_id", pa.string()),
    ("leg_id", pa.string()),
    ("symbol", pa.string()),
    ("action", pa.string()),
    ("quantity", pa.int64()),
    ("price", _MONEY),
    ("commission", _MONEY),
    ("timestamp", _TIME),
    ("order_id", pa.string()),
    ("account", pa.string()),
    ("date", pa.date32()),
    ("_partition", pa.int32()),
    ("_offset", pa.int64()),
    ("_kafka_timestamp", _TIME),
]
_SCHEMA = pa.schema(_COLUMNS)


class Trade(BaseModel):
    """One execution of one option leg."""

    model_config = ConfigDict(extra="forbid")

    transaction_id: str = Field(max_length=64)
    strategy_id: str = Field(max_length=64)
    leg_id: str = Field(max_length=64)
    symbol: str = Field(max_length=32)
    action: Literal["BUY", "SELL"]
    quantity: int = Field(ge=1)
    price: Decimal = Field(ge=0, max_digits=18, decimal_places=4)
    commission: Decimal = Field(ge=0, max_digits=18, decimal_places=4)
    timestamp: datetime
    order_id: str | None = Field(default=None, max_length=64)
    account: str | None = Field(default=None, max_length=64)


def main() -> None:
    """Runs until it is stopped."""
    servers, topic, group, table = sys.argv[1:5]
    commit_rows, commit_seconds = int(sys.argv[5]), float(sys.argv[6])
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    rows: list[dict[str, Any]] = []
    oldest = 0.0
    while True:
        for message in consumer.consume(_POLL_RECORDS, _POLL_SECONDS):
            if message.error():
                raise KafkaException(message.error())
            oldest = oldest if rows else time.monotonic()
            trade = Trade.model_validate_json(message.value() or b"")
            rows.append(_row(trade, message.partition(), message.offset(), message.timestamp()[1]))
        if rows and (len(rows) >= commit_rows or time.monotonic() - oldest >= commit_seconds):
            batch = pa.Table.from_pylist(rows, schema=_SCHEMA)
            write_deltalake(table, batch, mode="append", partition_by=["date"])
            consumer.commit(asynchronous=False)
            rows = []


def _row(trade: Trade, partition: int | None, offset: int | None, stamp: int) -> dict[str, Any]:
    day: date = trade.timestamp.astimezone(UTC).date()
    return {
        **trade.model_dump(),
        "date": day,
        "_partition": partition,
        "_offset": offset,
        "_kafka_timestamp": datetime.fromtimestamp(stamp / 1000, UTC),
    }


if __name__ == "__main__":
    main()
