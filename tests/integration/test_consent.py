"""Simulated events meet real ones only where somebody agreed, or where nobody is there to be asked."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Producer

from headrace.connection import KafkaSettings
from headrace.kafka.embedded import EmbeddedBroker
from headrace.kafka.topics import TopicClient
from headrace.testing.waiting import PATIENCE_SECONDS, wait_until
from tests.integration.terminals import headrace

TOPICS = ("trades", "greeks", "signals", "positions")
SIMULATE = ("simulate", "--events", "20", "--rate", "0", "--json")
TOLD = "trades (1 records)"


class Cluster:
    """Somebody's cluster."""

    def __init__(self, servers: str) -> None:
        self.kafka = KafkaSettings(bootstrap_servers=servers)
        self.settings: Mapping[str, str] = {"HEADRACE_KAFKA__BOOTSTRAP_SERVERS": servers}

    def emit(self) -> None:
        producer = Producer({"bootstrap.servers": self.kafka.bootstrap_servers, "log_level": 0})
        producer.produce("trades", b"real", partition=0)
        assert producer.flush(PATIENCE_SECONDS) == 0

    def records(self, topic: str) -> int:
        with closing(TopicClient(self.kafka, topic)) as client:
            return sum(client.watermarks(partition).end for partition in range(client.identity().partitions))

    def everything(self) -> int:
        return sum(map(self.records, TOPICS))


@pytest.fixture
def unused() -> Iterator[Cluster]:
    with EmbeddedBroker() as broker:
        for topic in TOPICS:
            broker.ensure_topic(topic)
        yield Cluster(broker.bootstrap_servers)


@pytest.fixture
def used(unused: Cluster) -> Cluster:
    unused.emit()
    return unused


@pytest.mark.parametrize("command", [SIMULATE, ("demo",)])
@pytest.mark.parametrize("answer", ["n", ""])
def test_who_does_not_agree_sends_nothing(used: Cluster, command: tuple[str, ...], answer: str, tmp_path: Path) -> None:
    with headrace(tmp_path, *command, terminal=True, settings=used.settings) as running:
        wait_until(lambda: "[y/N]" in running.printed, "the question")
        running.type(answer)
        assert running.wait() == 130
    assert TOLD in running.printed
    assert str(used.kafka.bootstrap_servers) in running.printed
    assert "Nothing was sent." in running.printed
    assert used.everything() == 1
    assert list(tmp_path.iterdir()) == []


def test_who_agrees_sends(used: Cluster, tmp_path: Path) -> None:
    with headrace(tmp_path, *SIMULATE, terminal=True, settings=used.settings) as running:
        wait_until(lambda: "[y/N]" in running.printed, "the question")
        running.type("y")
        assert running.wait() == 0
    assert used.everything() > 20


def test_who_agreed_beforehand_is_not_asked(used: Cluster, tmp_path: Path) -> None:
    with headrace(tmp_path, *SIMULATE, "--yes", terminal=True, settings=used.settings) as running:
        assert running.wait() == 0
    assert TOLD not in running.printed


def test_topics_that_never_had_a_record_are_nobodys(unused: Cluster, tmp_path: Path) -> None:
    with headrace(tmp_path, *SIMULATE, terminal=True, settings=unused.settings) as running:
        assert running.wait() == 0
    assert "already" not in running.printed


def test_without_a_terminal_it_is_told_before_the_first_event(used: Cluster, tmp_path: Path) -> None:
    with headrace(tmp_path, *SIMULATE, terminal=False, settings=used.settings) as running:
        assert running.wait() == 0
    told, *progress = running.printed.splitlines()
    assert "WARNING: simulated events go among what is there already" in told
    assert TOLD in told
    assert all(json.loads(line) for line in progress)
    assert used.everything() > 20


def test_the_demo_without_a_terminal_tells_it_too(used: Cluster, tmp_path: Path) -> None:
    with headrace(tmp_path, "demo", terminal=False, settings=used.settings) as running:
        wait_until(lambda: TOLD in running.printed, "the warning")
    assert "the bots begin" not in running.printed.partition(TOLD)[0]
