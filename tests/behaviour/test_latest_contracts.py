"""The built-in tables of latest rows, from their topics to rows that verify agrees with."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from headrace.clock import SystemClock
from headrace.contracts import Contract, load_contracts
from headrace.read.proof.findings import Verdict
from headrace.read.proof.verify import Verifier
from headrace.settings import Settings, load_settings
from headrace.testing.events import an_event
from headrace.testing.memory_broker import MemoryBroker
from headrace_ingest.monitoring import new_metrics
from headrace_ingest.wiring import Ends, build_worker
from tests.behaviour.latest_topic import MemoryTruth
from tests.behaviour.running import Running

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATEST = [contract for contract in load_contracts().values() if contract.table.mode == "upsert"]


def drain(settings: Settings, contract: Contract, broker: MemoryBroker) -> None:
    ends = Ends(broker, lambda _observer, _id: broker.consumer(None))
    metrics = new_metrics(settings, contract, SystemClock())
    Running(build_worker(settings, contract, ends, drain=True, metrics=metrics)).start().join()


@pytest.mark.parametrize("contract", LATEST, ids=lambda contract: contract.name)
def test_the_latest_event_of_each_key_is_its_row(tmp_path: Path, contract: Contract) -> None:
    broker = MemoryBroker(contract.topic, partitions=1)
    settings = load_settings(lake={"root": str(tmp_path)}, ingest={"flush_seconds": 0.05})
    # Where the time is part of the key, what is said again of a moment replaces what was said.
    timed = "timestamp" in contract.table.key
    for turn in (2, 1, 3, 0):
        for key in range(5):
            value = key + 1 if contract.key == "conid" else f"K{key}"
            at = NOON + timedelta(minutes=key if timed else turn)
            event = an_event(contract.event, **{contract.key: value, "timestamp": at})
            broker.append(event.to_wire(), key=str(value).encode(), timestamp_ms=1_000 + turn)
        drain(settings, contract, broker)
    rows = pl.read_delta(str(tmp_path / contract.name))
    assert rows["_offset"].sort().to_list() == list(range(10, 15))
    assert rows[contract.key].n_unique() == 5
    report = Verifier(
        tmp_path, {contract.name: contract}, lambda _identity, codec: MemoryTruth(broker, codec, thinned=False)
    ).verify(contract.name)
    assert report.verdict is Verdict.PASS, report
