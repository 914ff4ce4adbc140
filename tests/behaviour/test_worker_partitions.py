"""Tables that are partitioned by a text of the payload: any text is a row, and the proof reads it back."""

import json

import polars as pl
import pytest

from headrace import Event, EventId, Symbol, Table, UtcTimestamp
from headrace.contracts import contract_of
from tests.behaviour.world import DAY, TABLE, World

SYMBOLS = ["SPY", "BRK.B", "^VIX", "ES=F", "EUR/USD", "..", "A:B", "a_b"]


@pytest.fixture
def parted(memory_world: World) -> World:
    """A table by symbol, with a few records of every symbol."""

    class Tick(
        Event,
        topic=memory_world.topic.name,
        key="symbol",
        table=Table(name=TABLE, partition_by="symbol", cluster_by=("symbol", "timestamp")),
    ):
        """One tick, of a made-up kind."""

        tick_id: EventId
        symbol: Symbol
        timestamp: UtcTimestamp

    world = memory_world
    world.contract = contract_of(Tick)
    world.topic.extend(
        [Tick(tick_id=f"t-{n}", symbol=SYMBOLS[n % len(SYMBOLS)], timestamp=DAY).to_wire() for n in range(100)]
    )
    return world


def test_every_record_lands_under_its_text_and_the_proof_holds(parted: World) -> None:
    parted.drain()
    parted.assert_proved()
    rows = parted.table().to_pyarrow_table().to_pylist()
    found = {(row["_partition"], row["_offset"]): (row["tick_id"], row["symbol"]) for row in rows}
    sent = {address: json.loads(record.value or b"") for address, record in parted.topic.records.items()}
    assert found == {address: (event["tick_id"], event["symbol"]) for address, event in sent.items()}
    assert len(rows) == 100
    read = pl.read_delta(str(parted.root / TABLE)).select("_partition", "_offset", "tick_id", "symbol")
    assert {(row[0], row[1]): row[2:] for row in read.iter_rows()} == found
    chosen = parted.table().to_pyarrow_table(filters=[("symbol", "=", "EUR/USD")])
    assert set(chosen["symbol"].to_pylist()) == {"EUR/USD"}
    assert chosen.num_rows == sum(event["symbol"] == "EUR/USD" for event in sent.values())


def test_a_file_that_is_filed_under_another_text_is_found(parted: World) -> None:
    parted.drain()
    log = parted.root / TABLE / "_delta_log"
    commit = next(path for path in sorted(log.glob("*.json")) if b"EUR/USD" in path.read_bytes())
    commit.write_bytes(commit.read_bytes().replace(b'"symbol":"EUR/USD"', b'"symbol":"SPY"', 1))
    report = parted.prove()
    assert report.verdict == "FAIL"
