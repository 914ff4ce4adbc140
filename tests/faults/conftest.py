"""Worlds for fault tests, and effects in which faults are planted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.testing.brokers import BrokerHandle
from tests.behaviour.topics import ClusterTopic, MemoryTopic
from tests.behaviour.world import World
from tests.faults.effects import Effects, recorded
from tests.faults.mutants import plant_from_environment


@pytest.fixture
def memory_world(tmp_path: Path) -> World:
    """A world on the broker in memory; two partitions."""
    return World("memory", MemoryTopic(2), tmp_path)


@pytest.fixture
def kafka_world(tmp_path: Path, kafka_broker: BrokerHandle) -> World:
    """A world on a real Kafka; four partitions."""
    return World("kafka", ClusterTopic(kafka_broker, 4), tmp_path)


@pytest.fixture
def effects(monkeypatch: pytest.MonkeyPatch) -> Iterator[Effects]:
    """The effects of every worker of the test."""
    with recorded(monkeypatch) as effects:
        yield effects


plant_from_environment()
