"""G6: memory is bounded whatever the backlog, and whatever the store does."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from headrace.kafka.sender import sender_properties
from headrace.lake.store import Store
from headrace.settings import MIB
from headrace.testing.brokers import BrokerHandle
from headrace.testing.peak_memory import wait_and_watch
from headrace.testing.waiting import wait_until
from headrace_bots.load import fill_topic, render_trades
from tests.behaviour.world import World, fill

BACKLOG = 1_000_000
BUDGET_MIB = 512

_CONTRACT = """
from headrace.contracts import Trade
from headrace import Table


class Execution(Trade, topic={topic!r}, key="symbol", table=Table(name="executions", partition_by="date")):
    \"\"\"A trade on a topic of the test's own.\"\"\"
"""


@pytest.mark.kafka
def test_a_backlog_of_a_million_records_is_read_within_the_budget(tmp_path: Path, kafka_broker: BrokerHandle) -> None:
    topic = kafka_broker.new_topic(6)
    properties = sender_properties(kafka_broker.bootstrap_servers, {"log_level": 0}, client_id="test")
    fill_topic(properties, topic, BACKLOG, rendered=render_trades(2_000))
    (tmp_path / "executions_contract.py").write_text(_CONTRACT.format(topic=topic))
    environment = os.environ | {
        "HEADRACE_KAFKA__BOOTSTRAP_SERVERS": kafka_broker.bootstrap_servers,
        "HEADRACE_LAKE__ROOT": str(tmp_path / "lake"),
        "HEADRACE_CONTRACTS": "executions_contract",
        "HEADRACE_INGEST__MEMORY_MIB": str(BUDGET_MIB),
    }
    command = [sys.executable, "-m", "headrace_cli.main", "ingest", "executions", "--drain"]
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=log)
        peak = wait_and_watch(worker, 100)
    assert worker.returncode == 0, (tmp_path / "log").read_text()[-2000:]
    assert peak <= BUDGET_MIB * MIB


def test_a_store_that_hangs_makes_the_worker_pause_instead_of_collecting_on(
    memory_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, released = threading.Event(), threading.Event()
    put = Store.put

    def hang(store: Store, path: str, data: bytes | memoryview) -> None:
        if path.endswith(".parquet"):
            hanging.set()
            assert released.wait(30), "the test did not release the store"
        put(store, path, data)

    memory_world.topic.extend([fill(number) for number in range(60_000)])
    with monkeypatch.context() as patch, memory_world.running(flush_rows=1_000) as running:
        patch.setattr(Store, "put", hang)
        worker = running.worker
        wait_until(hanging.is_set, "the first file is being written")
        wait_until(lambda: worker._paused == {0, 1}, "both partitions are paused")
        held = worker._batch.records
        # One poll may overshoot the limit, and then nothing more comes.
        assert held <= 1_000 + 10_000
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
