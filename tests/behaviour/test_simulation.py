"""The simulation as the demo and the load tests run it, on a broker of its own."""

import json
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

import pytest

from headrace.clock import SystemClock
from headrace.connection import KafkaSettings
from headrace.contracts import explain, load_contracts
from headrace.errors import BrokerUnreachableError, ConfigError, DeliveryError
from headrace.kafka.embedded import PARTITIONS, EmbeddedBroker
from headrace.kafka.reader import TopicReader
from headrace.kafka.sender_properties import sender_properties
from headrace.kafka.topics import TopicClient
from headrace_bots.bots import Simulation
from headrace_bots.events import Stamps
from headrace_bots.ledger import value_digest
from headrace_bots.load import fill_topic, render_trades
from headrace_bots.pacing import Positions
from headrace_bots.simulate import Progress
from headrace_bots.wiring import SimulationPlan, run_simulation

CONTRACTS = load_contracts()
TABLES = ("trades", "greeks", "signals", "positions")
Place = tuple[str, int, int]


@pytest.fixture
def kafka() -> Iterator[KafkaSettings]:
    with EmbeddedBroker() as broker:
        for topic in TABLES:
            broker.ensure_topic(topic)
        yield KafkaSettings(bootstrap_servers=broker.bootstrap_servers)


def values(kafka: KafkaSettings, topic: str) -> dict[Place, bytes | None]:
    client, reader = TopicClient(kafka, topic), TopicReader(kafka, topic)
    found: dict[Place, bytes | None] = {}
    for partition in range(client.identity().partitions):
        for records in reader.read(partition, client.watermarks(partition)):
            found |= {
                (topic, partition, offset): value for offset, value in zip(records.offsets, records.values, strict=True)
            }
    reader.close()
    client.close()
    return found


def everything(kafka: KafkaSettings) -> dict[Place, bytes | None]:
    return {place: value for topic in TABLES for place, value in values(kafka, topic).items()}


def ledger_entries(folder: Path) -> dict[Place, str]:
    (path,) = folder.glob("*.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {(line["topic"], line["partition"], line["offset"]): line["digest"] for line in lines}


def test_ledger_lists_exactly_what_is_in_the_topics(kafka: KafkaSettings, tmp_path: Path) -> None:
    plan = SimulationPlan(events=5_000, rate=None, poison_ratio=0.01, ledger=tmp_path)
    done = run_simulation(kafka, plan)
    records = everything(kafka)
    assert ledger_entries(tmp_path) == {place: value_digest(value) for place, value in records.items()}
    assert 5_000 <= done.events < 5_020
    assert len(records) == done.events + done.poison
    assert [path.suffix for path in tmp_path.iterdir()] == [".jsonl"]


def test_malformed_records_are_as_many_as_said_and_the_rest_is_valid(kafka: KafkaSettings) -> None:
    done = run_simulation(kafka, SimulationPlan(events=3_000, rate=None, poison_ratio=0.02))
    refused = [place for place, value in everything(kafka).items() if explain(CONTRACTS[place[0]], value)]
    assert len(refused) == done.poison > 30


def test_every_partition_gets_its_share(kafka: KafkaSettings, tmp_path: Path) -> None:
    run_simulation(kafka, SimulationPlan(events=10_000, rate=None, poison_ratio=0, ledger=tmp_path))
    for topic in TABLES:
        counts = Counter(partition for at, partition, _ in ledger_entries(tmp_path) if at == topic)
        assert len(counts) == PARTITIONS
        assert max(counts.values()) < 2 * min(counts.values())


def test_bots_wait_for_the_tables_and_go_on_with_them(kafka: KafkaSettings) -> None:
    stop, asked = threading.Event(), 0
    waited: list[Progress] = []

    def slow_tables(_places: Collection[tuple[str, int]]) -> Positions:
        nonlocal asked
        asked += 1
        return {(topic, partition): 25 * asked for topic in TABLES for partition in range(PARTITIONS)}

    def report(progress: Progress) -> None:
        if progress.waited_seconds > 0:
            waited.append(progress)
        if waited and progress.events > waited[0].events:
            stop.set()

    plan = SimulationPlan(rate=None, poison_ratio=0, backlog_limit=50)
    done = run_simulation(kafka, plan, positions=slow_tables, report=report, stop=stop)
    assert done.events >= waited[-1].events > waited[0].events


def test_stop_ends_bots_that_wait_in_vain(kafka: KafkaSettings, tmp_path: Path) -> None:
    stop = threading.Event()
    seen: list[Progress] = []

    def report(progress: Progress) -> None:
        if progress.waited_seconds > 0:
            seen.append(progress)
            stop.set()

    plan = SimulationPlan(rate=None, poison_ratio=0, backlog_limit=100, ledger=tmp_path)
    done = run_simulation(kafka, plan, report=report, stop=stop)
    assert seen[0].backlog > 100
    assert len(ledger_entries(tmp_path)) == done.events


def test_missing_broker_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    nowhere = KafkaSettings(bootstrap_servers="127.0.0.1:1", request_timeout_seconds=0.5, client={"log_level": "0"})
    with pytest.raises(BrokerUnreachableError, match="looking up topic trades"):
        run_simulation(nowhere, SimulationPlan(events=10, ledger=tmp_path / "ledger"))
    assert not (tmp_path / "ledger").exists()


def test_pace_is_kept(kafka: KafkaSettings) -> None:
    done = run_simulation(kafka, SimulationPlan(events=60, rate=20, poison_ratio=0))
    assert done.events >= 60
    assert 2.9 < done.seconds < 30


def test_load_fills_a_topic_with_valid_trades(kafka: KafkaSettings) -> None:
    rendered = render_trades(500)
    assert len({record.value for record in rendered}) == 500
    assert 200 < sum(len(record.value) for record in rendered) / 500 < 250
    assert all(explain(CONTRACTS["trades"], record.value) is None for record in rendered)
    fill_topic(sender_properties(kafka.bootstrap_servers, None), "trades", 1_250, rendered=rendered)
    counts = Counter(values(kafka, "trades").values())
    assert sum(counts.values()) == 1_250
    assert set(counts.values()) == {2, 3}


def test_load_that_is_not_acknowledged_is_an_error(kafka: KafkaSettings) -> None:
    properties = sender_properties(kafka.bootstrap_servers, {"topic.metadata.propagation.max.ms": 500})
    with pytest.raises(DeliveryError, match="3 of 3 records for topic nowhere failed"):
        fill_topic(properties, "nowhere", 3, rendered=render_trades(1))


@pytest.mark.parametrize(
    "wrong", [{"poison_ratio": 1.5}, {"poison_ratio": -0.1}, {"events": 0}, {"rate": -1.0}, {"bots": 0}]
)
def test_plan_that_cannot_work_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        SimulationPlan(**wrong)  # type: ignore[arg-type]  # what a command line may bring


def test_generating_events_is_faster_than_any_load_test_needs() -> None:
    events = Simulation(7, 96, Stamps("run", SystemClock())).events()
    began = time.thread_time()  # of this thread alone, however busy the machine is
    size = sum(len(event.to_wire()) for event in islice(events, 5_000))
    assert size > 5_000 * 200
    assert time.thread_time() - began < 5.0
