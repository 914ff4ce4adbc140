"""The canary beside real workers: what comes through, what is late, what is lost, and what stands in its way."""

import json
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake

from headrace.contracts import contract_of
from headrace.contracts.heartbeat import Heartbeat
from headrace.kafka.embedded import EmbeddedBroker
from headrace.lake.log import DeltaLog
from headrace.lake.store import Store
from headrace.lake.tables import source_of
from headrace.metrics import CANARY, canary
from headrace.metrics.metric import Histogram, Metric
from headrace.testing.brokers import BrokerHandle
from headrace.testing.waiting import wait_until
from tests.behaviour.scraping import moved, probe, scrape, served_at
from tests.faults.processes import Process, environment_of

TABLE = contract_of(Heartbeat).name


class Nest:
    """A lake, a broker, and processes between them."""

    def __init__(self, folder: Path, bootstrap_servers: str) -> None:
        self.folder = folder
        self.store = Store(str(folder / "lake"))
        self._settings = {
            "kafka__bootstrap_servers": bootstrap_servers,
            "kafka__session_timeout_ms": "1500",
            "lake__root": str(folder / "lake"),
            "ingest__flush_seconds": "0.1",
            "canary__every_seconds": "0.2",
            "canary__look_seconds": "0.1",
            "canary__deadline_seconds": "3",
            "metrics__port": "0",
            "log_format": "json",
        }

    def start(self, *arguments: str, **settings: str) -> Process:
        log = self.folder / f"{len(list(self.folder.glob('*.log')))}-{arguments[0]}.log"
        return Process(arguments, environment_of({**self._settings, **settings}), log)

    def canary(self, **settings: str) -> Process:
        return self.start("canary", **settings)

    def worker(self) -> Process:
        return self.start("ingest", TABLE)

    def pass_over(self, count: int) -> None:
        """Moves the position of every partition without a row: what no worker does."""
        log = DeltaLog(self.store, TABLE)
        source = source_of(log)
        moved_on = {source.app_id(p): (log.txn(source.app_id(p)) or 0) + count for p in range(4)}
        log.commit([], moved_on, {"kind": "claim", "batch": "passed-over"})

    def append_again(self) -> None:
        """Another tool appends rows that are there: what none may."""
        rows = DeltaTable(self.store.uri(TABLE)).to_pyarrow_table()
        write_deltalake(self.store.uri(TABLE), rows.slice(0, 1), mode="append")


def shown(process: Process) -> Mapping[str, float]:
    """Values by name, and by the word of their label."""
    return {" ".join([s.name, *s.labels.values()]): s.value for s in scrape(served_at(process.said))}


def await_shown(process: Process, metric: Metric, *words: str, least: float = 1, most: float = 1e9) -> None:
    name = " ".join([metric.name, *words])
    wait_until(lambda: least <= shown(process)[name] <= most, f"{name} is {least} to {most}")


def stop(process: Process) -> None:
    process.signal(signal.SIGTERM)
    assert process.end() == 0, process.said


@pytest.mark.kafka
def test_heartbeats_come_through_are_late_after_an_outage_and_lost_only_if_the_table_went_past_them(
    tmp_path: Path, kafka_broker: BrokerHandle
) -> None:
    kafka_broker.create_topics(Heartbeat)
    nest = Nest(tmp_path, kafka_broker.bootstrap_servers)
    with nest.canary() as first:
        first.await_said('"canary_started"')
        await_shown(first, canary.MISSING)
        assert "headrace_canary_arrived_total late" in shown(first)
        with nest.worker() as worker:
            await_shown(first, canary.ARRIVED, "late")
            await_shown(first, canary.MISSING, least=0, most=0)
            await_shown(first, canary.ARRIVED, "in_time")
            assert probe(served_at(first.said)) == {"startupz": 200, "livez": 200, "readyz": 200}
            stop(worker)
        await_shown(first, canary.MISSING)
        # What it has left on its way is another's from then on.
        seen = scrape(served_at(first.said))
        stop(first)
    with nest.canary() as second:
        second.await_said('"canary_started"')
        told = [json.loads(line) for line in second.said.splitlines()]
        assert next(line["adopted"] for line in told if line["event"] == "canary_started") > 0
        with nest.worker() as worker:
            await_shown(second, canary.ARRIVED, "late")
            await_shown(second, canary.MISSING, least=0, most=0)
            stop(worker)
        values = shown(second)
        assert (values[canary.LOST.name], values[canary.DOUBLED.name]) == (0, 0)
        assert '"beats_missing"' in second.said
        assert '"beats_back"' in second.said
        await_shown(second, canary.MISSING)
        nest.pass_over(1_000)
        await_shown(second, canary.LOST)
        nest.append_again()
        await_shown(second, canary.DOUBLED, least=1, most=1)
        seen += scrape(served_at(second.said))
        stop(second)

    expected = {f"{metric.name}_count" if isinstance(metric, Histogram) else metric.name for metric in CANARY}
    assert expected - {name for name, _ in moved(seen)} <= {canary.UNSENT.name}


def test_without_its_topic_a_canary_says_so(tmp_path: Path, embedded_broker: BrokerHandle) -> None:
    with Nest(tmp_path, embedded_broker.bootstrap_servers).canary() as process:
        assert process.end() == 66
        assert "Create the topic first" in process.said


def test_without_a_broker_a_canary_does_not_begin(tmp_path: Path) -> None:
    with Nest(tmp_path, "127.0.0.1:1").canary(kafka__request_timeout_seconds="1") as process:
        assert process.end() == 69
        assert "Check HEADRACE_KAFKA__BOOTSTRAP_SERVERS" in process.said


def test_a_broker_that_goes_away_takes_no_heartbeats_and_does_not_end_the_canary(tmp_path: Path) -> None:
    with EmbeddedBroker() as broker:
        broker.ensure_topic(contract_of(Heartbeat).topic)
        nest = Nest(tmp_path, broker.bootstrap_servers)
        with nest.canary(canary__deadline_seconds="1") as process:
            process.await_said('"canary_started"')
            await_shown(process, canary.SENT)
            broker.stop()
            await_shown(process, canary.UNSENT)
            process.await_said('"beat_unsent"')
            assert process.alive
            process.signal(signal.SIGTERM)
            assert process.end() == 0
