"""What a bot can ask its producer, and what its own registry shows of it."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry

from headrace import ConfigError, Delivery, DeliveryError, EventProducer
from headrace.clock import SystemClock
from headrace.metrics import PRODUCER
from headrace.producer.metrics import register
from headrace.testing.brokers import BrokerHandle
from headrace.testing.waiting import wait_until
from tests.behaviour.bots import Bots
from tests.behaviour.fills import contract_for, fill

NOWHERE = "127.0.0.1:1"
QUIET = {"log_level": 0}


def shown(registry: CollectorRegistry) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.parametrize("heard", [False, True])
def test_acknowledged_events_are_counted_timed_and_dated(bots: Bots, heard: bool) -> None:
    topic = bots.new_topic()
    events = [fill(contract_for(topic), number) for number in range(100)]
    outcomes: list[Delivery] = []
    began = SystemClock().now()
    with bots.producer(on_delivery=outcomes.append if heard else None) as producer:
        assert producer.health().last_delivery is None
        for event in events:
            producer.emit(event)
        producer.flush()
        health = producer.health()
    assert (health.pending, health.pending_bytes, health.acknowledged, health.failed) == (0, 0, 100, 0)
    assert health.ok
    found = health.topics[topic]
    assert found.acknowledged_bytes == sum(len(event.to_wire()) for event in events)
    assert sum(found.delivery_counts) == 100
    assert found.delivery_seconds > 0
    assert health.last_delivery is not None
    assert began <= health.last_delivery <= SystemClock().now() + timedelta(seconds=1)
    assert len(outcomes) == (100 if heard else 0)
    assert all((outcome.seconds or 0) > 0 for outcome in outcomes)


def test_without_a_broker_the_queue_and_the_trouble_are_told() -> None:
    event = fill(contract_for("fills"), 1)
    producer = EventProducer(NOWHERE, queue_records=3, on_full="raise", close_seconds=0.0, client=QUIET)
    for _ in range(3):
        producer.emit(event)
    with pytest.raises(Exception, match="no room"):
        producer.emit(event)

    def troubled() -> bool:
        producer.serve()
        return not producer.health().ok

    wait_until(troubled, "the outage is seen")
    health = producer.health()
    assert (health.pending, health.limit_records, health.queue_full) == (3, 3, 1)
    assert health.pending_bytes == 3 * len(event.to_wire())
    assert health.limit_bytes == 64 * 1024 * 1024
    assert "HEADRACE_KAFKA__BOOTSTRAP_SERVERS" in (health.trouble or "")
    with pytest.raises(Exception, match="given up"):
        producer.close()
    health = producer.health()
    assert (health.pending, health.pending_bytes, health.failed) == (0, 0, 3)
    assert health.topics["fills"].failed == {"_PURGE_QUEUE": 3}


def test_a_spool_is_the_queue(tmp_path: Path) -> None:
    with EventProducer(NOWHERE, spool=tmp_path, spool_bytes=1 << 20, close_seconds=0.0, client=QUIET) as producer:
        for number in range(10):
            producer.emit(fill(contract_for("fills"), number))
        health = producer.health()
    on_disk = sum(file.stat().st_size for file in tmp_path.glob("*.spool"))
    assert (health.pending, health.pending_bytes) == (10, on_disk)
    assert (health.limit_records, health.limit_bytes) == (None, 1 << 20)


def test_registry_of_the_bot_shows_producers_of_all_kinds(bots: Bots, tmp_path: Path) -> None:
    topic = bots.new_topic()
    kind = contract_for(topic)
    registry = CollectorRegistry()

    async def bot() -> None:
        with bots.producer(name="spooled", spool=tmp_path) as spooled:
            async with bots.async_producer(name="quick") as quick:
                collector = register(spooled, quick, registry=registry)
                spooled.emit(fill(kind, 1))
                spooled.flush()
                for number in range(2, 5):
                    await quick.emit(fill(kind, number))
                await quick.flush()
                values = shown(registry)
                registry.unregister(collector)
        for name, count in (("spooled", 1), ("quick", 3)):
            of_topic = frozenset({("producer", name), ("topic", topic)})
            assert values["headrace_producer_acknowledged_records_total", of_topic] == count
            assert values["headrace_producer_delivery_duration_seconds_count", of_topic] == count
            last = frozenset({*of_topic, ("le", "+Inf")})
            assert values["headrace_producer_delivery_duration_seconds_bucket", last] == count
            assert values["headrace_producer_queue_records", frozenset({("producer", name)})] == 0

    asyncio.run(bot())
    assert shown(registry) == {}


def test_failures_are_counted_by_their_reason(kafka_broker: BrokerHandle) -> None:
    topic = kafka_broker.new_topic(1, max_message_bytes="200")
    registry = CollectorRegistry()
    producer = EventProducer(kafka_broker.bootstrap_servers, name="b")
    register(producer, registry=registry)
    producer.emit(fill(contract_for(topic), 1))
    with pytest.raises(DeliveryError):
        producer.flush()
    producer.close()
    labels = frozenset({("producer", "b"), ("topic", topic), ("code", "MSG_SIZE_TOO_LARGE")})
    assert shown(registry)["headrace_producer_delivery_failures_total", labels] == 1


def test_every_family_of_the_catalogue_is_shown_by_its_type() -> None:
    registry = CollectorRegistry()
    with EventProducer(NOWHERE, client=QUIET) as producer:
        register(producer, registry=registry)
        told = generate_latest(registry).decode()
    for metric in PRODUCER:
        assert f"# TYPE {metric.name} {metric.kind}" in told


def test_producers_of_one_name_are_refused() -> None:
    with (
        EventProducer(NOWHERE, name="twin", client=QUIET) as one,
        EventProducer(NOWHERE, name="twin", client=QUIET) as other,
        pytest.raises(ConfigError, match="two producers are named 'twin'"),
    ):
        register(one, other, registry=CollectorRegistry())
