"""Positions as a broker reports them, in a table with the latest of each contract as its row.

    export HEADRACE_KAFKA__BOOTSTRAP_SERVERS=localhost:9092 HEADRACE_LAKE__ROOT=/data/lake
    python examples/position_handler.py

Updates go to the topic `position-updates`, which must be there, and a worker brings those of three seconds at a time
into the table `position_updates`. Of one contract the update with the latest timestamp is the row, in whatever order
they come.
"""

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import polars as pl

from headrace import EventProducer, PositionUpdate


class PositionHandler:
    """Takes position updates from a stream, between `start` and `stop`, or in a `with` block.

    Args:
        batch_seconds: how long updates are collected before they are committed together.
    """

    def __init__(self, batch_seconds: float = 3.0) -> None:
        self._environment = os.environ | {"HEADRACE_INGEST__FLUSH_SECONDS": str(batch_seconds)}

    def start(self) -> None:
        """Begins; what an earlier run has left on the topic comes into the table first."""
        self._producer = EventProducer(name="position-handler")
        self._worker = self._ingest()

    def handle(self, update: PositionUpdate) -> None:
        """Takes an update and returns at once; raises if earlier ones could not be sent."""
        self._producer.emit(update)

    def stop(self) -> None:
        """Returns when the table has all that was taken; raises if an update could not be sent."""
        try:
            self._producer.close()  # returns when all updates are on the topic, acknowledged
        finally:
            self._worker.terminate()  # commits what it has collected; what it has not read stays on the topic
            self._worker.wait()
        if self._ingest("--drain").wait() != 0:
            msg = "the worker failed, as it said above; all updates are on the topic, and the next start goes on"
            raise RuntimeError(msg)

    def _ingest(self, *options: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(["headrace", "ingest", "position_updates", *options], env=self._environment)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def updates() -> Iterator[PositionUpdate]:
    """What a broker would report: two contracts, one of them three times, and once too late."""
    now = datetime.now(UTC)
    for conid, symbol, quantity, seconds_ago in (
        (756733, "SPY", 100, 20),
        (265598, "AAPL", 50, 15),
        (756733, "SPY", 300, 5),
        (756733, "SPY", 200, 10),
    ):
        yield PositionUpdate(
            conid=conid,
            symbol=symbol,
            quantity=quantity,
            average_cost="585.25",
            market_price="586.00",
            market_value=586 * quantity,
            unrealized_pnl=f"{0.75 * quantity:.2f}",
            timestamp=now - timedelta(seconds=seconds_ago),
        )


def main() -> None:
    """Takes some updates and prints the table."""
    with PositionHandler() as handler:
        for update in updates():
            handler.handle(update)
    rows = pl.scan_delta(f"{os.environ['HEADRACE_LAKE__ROOT']}/position_updates")
    print(rows.select("conid", "symbol", "quantity", "timestamp").sort("conid").collect())


if __name__ == "__main__":
    main()
