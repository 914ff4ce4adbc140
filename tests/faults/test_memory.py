"""G6: memory is bounded whatever the backlog, and whatever the store does; that of a proof, whatever the table."""

import os
import random
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

import headrace_ingest.worker
from benchmarks.generated import write_table
from headrace.connection import KafkaSettings
from headrace.contracts import Contract, contract_named, load_contracts
from headrace.kafka.sender_properties import sender_properties
from headrace.kafka.topics import TopicClient
from headrace.lake.datafile import write_file
from headrace.lake.latest.live import addition
from headrace.lake.layouts import file_layout
from headrace.lake.log import DeltaLog
from headrace.lake.schema import arrow_schema
from headrace.lake.store import Store
from headrace.offsets import SourceId
from headrace.sections import MIB, IngestSettings
from headrace.testing.brokers import BrokerHandle
from headrace.testing.peak_memory import wait_and_watch
from headrace.testing.waiting import PATIENCE_SECONDS, wait_until
from headrace_bots.load import Rendered, fill_topic, render_trades
from headrace_ingest.startup import prepare_tables
from tests.behaviour.world import DAY, World, fill

BACKLOG = 1_000_000
BUDGET_MIB, SMALL_BUDGET_MIB = 512, 320

_CONTRACT = """
from headrace.contracts import Trade
from headrace import Table


class Execution(Trade, topic={topic!r}, key="symbol", table=Table(name="executions", partition_by="date")):
    \"\"\"A trade on a topic of the test's own.\"\"\"
"""

_BLOB = """
from typing import Annotated

from pydantic import Field

from headrace import Event, Table


class Blob(Event, topic={topic!r}, key="name", table=Table(name="executions")):
    \"\"\"One large text.\"\"\"

    name: str
    text: Annotated[str, Field(max_length=1_000_000)]
"""


_STATE = """
from typing import Annotated

from pydantic import Field

from headrace import Event, Name, Table, UtcTimestamp

BY_ACCOUNT = Table(name="executions", mode="upsert", key=("account",), partition_by="desk")


class Holding(Event, topic={topic!r}, key="account", table=BY_ACCOUNT):
    \"\"\"A state of a key that takes much memory.\"\"\"

    account: Annotated[str, Field(max_length=300)]
    desk: Name
    timestamp: UtcTimestamp
"""


def _peak_mib(folder: Path, broker: BrokerHandle, contract: str, **ingest: int) -> float:
    """Of a worker that drains the topic of `contract`, whose table is `executions`."""
    (folder / "executions_contract.py").write_text(contract)
    environment = os.environ | {
        "HEADRACE_KAFKA__BOOTSTRAP_SERVERS": broker.bootstrap_servers,
        "HEADRACE_LAKE__ROOT": str(folder / "lake"),
        "HEADRACE_CONTRACTS": "executions_contract",
        "HEADRACE_INGEST__MEMORY_MIB": str(BUDGET_MIB),
        **{f"HEADRACE_INGEST__{name.upper()}": str(value) for name, value in ingest.items()},
    }
    command = [sys.executable, "-m", "headrace_cli", "ingest", "executions", "--drain"]
    with (folder / "log").open("wb") as log:
        worker = subprocess.Popen(command, env=environment, cwd=folder, stderr=log)
        peak = wait_and_watch(worker, 100)
    assert worker.returncode == 0, (folder / "log").read_text()[-2000:]
    return peak / MIB


@pytest.mark.kafka
def test_large_records_are_read_within_the_budget(tmp_path: Path, kafka_broker: BrokerHandle) -> None:
    topic = kafka_broker.new_topic(4)
    values = [b'{"name":"x","text":"%s"}' % os.urandom(490_000).hex().encode() for _ in range(8)]
    client = {"log_level": 0, "message.max.bytes": 1_048_588}
    properties = sender_properties(kafka_broker.bootstrap_servers, client, client_id="test")
    fill_topic(properties, topic, 400, rendered=[Rendered(b"x", value) for value in values])
    assert _peak_mib(tmp_path, kafka_broker, _BLOB.format(topic=topic)) <= BUDGET_MIB


@pytest.mark.kafka
def test_a_backlog_of_a_million_records_is_read_within_the_budget(tmp_path: Path, kafka_broker: BrokerHandle) -> None:
    topic = kafka_broker.new_topic(6)
    properties = sender_properties(kafka_broker.bootstrap_servers, {"log_level": 0}, client_id="test")
    fill_topic(properties, topic, BACKLOG, rendered=render_trades(2_000))
    assert _peak_mib(tmp_path, kafka_broker, _CONTRACT.format(topic=topic)) <= BUDGET_MIB


DESKS, ACCOUNTS = 24, 30_000
"""Files of a table of latest rows, and keys in each."""


def _account(number: int) -> str:
    return f"{number:0250d}"


def _fill(lake: Path, broker: BrokerHandle, contract: Contract, *, desks: int) -> None:
    """Makes the table of a contract, with a file for each of so many desks."""
    store, reach = Store(str(lake)), KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
    topic = TopicClient(reach, contract.topic)
    found = topic.identity()
    prepare_tables(store, contract, SourceId(contract.name, found.cluster_id, found.topic_id), topic, IngestSettings())
    topic.close()
    added = []
    for desk in range(desks):
        columns: dict[str, Sequence[object]] = {
            "account": [_account(number * DESKS + desk) for number in range(ACCOUNTS)],
            "_partition": [0] * ACCOUNTS,
            "_offset": range(ACCOUNTS),
            **dict.fromkeys(("timestamp", "_kafka_timestamp", "_ingested_at"), [DAY] * ACCOUNTS),
        }
        schema = pa.schema([field for field in arrow_schema(contract) if field.name != "desk"])
        rows = pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)
        added.append(addition(write_file(store, file_layout(contract), rows, f"desk-{desk}")))
    DeltaLog(store, contract.name).commit_next(added, {}, {"kind": "compact", "batch": "1"})


@pytest.mark.kafka
def test_a_table_of_more_keys_takes_no_more_memory_than_may_remember_them(
    tmp_path: Path, kafka_broker: BrokerHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys of all files are twice what is allowed, and every flush asks for some of each file."""
    topic, dice = kafka_broker.new_topic(1), random.Random(7)
    later = (DAY + timedelta(seconds=1)).isoformat().replace("+00:00", ".000000Z")
    updates = [
        Rendered(
            b"x", f'{{"account":"{_account(number)}","desk":"desk-{number % DESKS}","timestamp":"{later}"}}'.encode()
        )
        for number in dice.sample(range(DESKS * ACCOUNTS), 3_000)
    ]
    properties = sender_properties(kafka_broker.bootstrap_servers, {"log_level": 0}, client_id="test")
    fill_topic(properties, topic, len(updates), rendered=updates)
    (tmp_path / "state_contract.py").write_text(_STATE.format(topic=topic))
    monkeypatch.syspath_prepend(tmp_path)
    contract = contract_named(load_contracts(("state_contract",)), "executions")
    peaks = []
    for desks in (1, DESKS):
        folder = tmp_path / str(desks)
        _fill(folder / "lake", kafka_broker, contract, desks=desks)
        text = _STATE.format(topic=topic)
        peaks.append(_peak_mib(folder, kafka_broker, text, memory_mib=SMALL_BUDGET_MIB, flush_rows=1_000))
    assert peaks[1] - peaks[0] <= SMALL_BUDGET_MIB // 4 + 40
    assert peaks[1] <= BUDGET_MIB


def test_a_store_that_hangs_makes_the_worker_pause_instead_of_collecting_on(
    memory_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, released = threading.Event(), threading.Event()
    put = Store.put

    def hang(store: Store, path: str, data: bytes | memoryview) -> None:
        if path.endswith(".parquet"):
            hanging.set()
            assert released.wait(2 * PATIENCE_SECONDS), "the test did not release the store"
        put(store, path, data)

    memory_world.topic.extend([fill(number) for number in range(60_000)])
    with monkeypatch.context() as patch, memory_world.running(flush_rows=1_000) as running:
        patch.setattr(Store, "put", hang)
        worker = running.worker
        wait_until(hanging.is_set, "the first file is being written")
        wait_until(lambda: worker._paused == {0, 1}, "both partitions are paused")
        held = worker._batch.records
        # One poll may overshoot the limit, and then nothing more comes.
        assert held <= 1_000 + headrace_ingest.worker._POLL_RECORDS
        # Two more turns of the loop, seen by the clock of the consumer's polls.
        consumer = worker.consumer
        polls = 0
        poll = consumer.poll

        def counted(limit: int, timeout: float) -> object:
            nonlocal polls
            polls += 1
            return poll(limit, timeout)

        patch.setattr(consumer, "poll", counted)
        wait_until(lambda: polls >= 2, "two more polls")
        assert worker._batch.records == held
        released.set()
        memory_world.await_landing((0, 29_999), (1, 29_999))
    memory_world.assert_exact()


def _peak_of_a_proof(lake: Path) -> float:
    """Of `headrace verify`, in MiB."""
    environment = os.environ | {"HEADRACE_LAKE__ROOT": str(lake), "HEADRACE_KAFKA__BOOTSTRAP_SERVERS": ""}
    command = [sys.executable, "-m", "headrace_cli", "verify", "--json"]
    with (lake / "report.json").open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out)
        peak = wait_and_watch(process, 100)
    assert process.returncode == 0, (lake / "report.json").read_text()
    return peak / MIB


def test_a_proof_takes_no_more_memory_for_more_rows(tmp_path: Path) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    write_table(small, 200_000, distinct=2_000)
    write_table(large, 2_200_000, distinct=2_000)
    # One proof in ten takes 20 MiB less than the others of the same table.
    usual = max(_peak_of_a_proof(small) for _ in range(3))
    assert _peak_of_a_proof(large) - usual <= 16  # offset and partition of the rows alone are 32 MiB
