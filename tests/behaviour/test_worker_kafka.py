"""What only a real Kafka can do to a worker: transactions, rights, sizes, and not being there."""

from dataclasses import replace

import pytest

from headrace.clock import SystemClock
from headrace.errors import AccessDeniedError, BrokerUnreachableError, TopicMissingError
from headrace.kafka.reader import TopicReader
from headrace.offsets import OffsetRange
from headrace.testing.brokers import BrokerHandle
from headrace.testing.shared_kafka import KafkaAddress
from headrace.testing.waiting import wait_until
from tests.behaviour.topics import ClusterTopic
from tests.behaviour.transactions import Transactions
from tests.behaviour.world import World, fill, poison


def test_markers_and_aborted_records_are_gaps_and_committed_ones_land(kafka_world: World) -> None:
    world, transactions = kafka_world, Transactions(kafka_world)
    for number, end in enumerate((transactions.commit, transactions.abort, transactions.commit, transactions.abort)):
        transactions.begin(fill(2 * number), poison(number) if number == 2 else fill(2 * number + 1))
        end()
    world.drain()
    world.assert_exact()
    assert world.positions()[0] == 12
    ranges = [note["partitions"]["0"] for note in world.notes() if "partitions" in note]
    assert sum(found["gap_records"] for found in ranges) == 8
    assert len(world.landed()) == 3


def test_a_topic_that_ends_in_markers_is_drained_and_stays_so(kafka_world: World) -> None:
    world, transactions = kafka_world, Transactions(kafka_world)
    transactions.begin(fill(1))
    transactions.abort()
    world.drain()
    assert world.positions()[0] == 2
    world.drain()
    assert sum(note.get("kind") == "ingest" for note in world.notes()) == 1
    world.assert_exact()


def test_an_open_transaction_is_waited_for_and_not_skipped(kafka_world: World) -> None:
    world, transactions = kafka_world, Transactions(kafka_world)
    before = world.topic.append(fill(0), partition=0)
    transactions.begin(fill(1), fill(2))
    world.topic.append(fill(3), partition=0)
    with world.running() as worker:
        world.await_landing(before)
        assert world.positions()[0] == 1
        transactions.commit()
        world.await_landing(*world.topic.records)
        worker.stop()
    world.assert_exact()


def test_a_compacted_topic_lands_without_the_records_that_are_gone(
    kafka_world: World, kafka_broker: BrokerHandle
) -> None:
    compacted = ClusterTopic(
        kafka_broker, 1, cleanup_policy="compact", segment_ms="1", min_cleanable_dirty_ratio="0.01"
    )
    world = World("kafka", compacted, kafka_world.folder)
    reader = TopicReader(compacted.kafka(), compacted.name)

    def first_kept() -> int:
        compacted.append(fill(len(compacted.records)), key=b"same")  # what was appended last is never compacted
        found = next(reader.read(0, OffsetRange(0, len(compacted.records))))
        return found.offsets[0]

    wait_until(lambda: first_kept() > 0, "the first record is compacted away")
    reader.close()
    world.drain()
    landed = world.landed()
    assert (0, 0) not in landed
    assert landed.items() <= {a: r.value for a, r in compacted.records.items()}.items()
    ranges = [note["partitions"]["0"] for note in world.notes() if "partitions" in note]
    assert sum(found["gap_records"] for found in ranges) == world.positions()[0] - len(landed)
    world.assert_proved()


def test_a_record_of_ten_megabytes_goes_to_the_quarantine_whole(kafka_world: World, kafka_broker: BrokerHandle) -> None:
    world = World("kafka", ClusterTopic(kafka_broker, 1, max_message_bytes="20000000"), kafka_world.folder)
    world.topic.append(fill(1))
    large = world.topic.append(fill(2) + b" " * 10_000_000)
    world.topic.append(fill(3))
    world.drain()
    row = world.quarantined()[large]
    assert row["reason"] == "oversize"
    assert len(row["value"]) > 10_000_000
    assert world.landed().keys() == {(0, 0), (0, 2)}
    assert world.positions() == {0: 3}


def test_a_missing_topic_is_named_and_not_created(kafka_world: World) -> None:
    world = kafka_world
    world.contract = replace(world.contract, topic="no-such-topic")
    with pytest.raises(TopicMissingError, match="no-such-topic") as stopped:
        world.drain()
    assert stopped.value.exit_code == 66
    assert not world.root.exists() or not any(world.root.iterdir())


def test_a_deleted_topic_stops_a_running_worker(kafka_world: World) -> None:
    world = kafka_world
    running = world.running(kafka={"metadata_refresh_seconds": 0.2}).start()
    world.await_landing(world.topic.append(fill(1)))
    world.cluster.handle.admin.delete_topic(world.topic.name)
    with pytest.raises(TopicMissingError):
        running.join()


def test_wrong_credentials_are_said_to_be_wrong(kafka_world: World, kafka: KafkaAddress) -> None:
    login = {
        "bootstrap_servers": kafka.sasl_bootstrap_servers,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_username": kafka.sasl_username,
        "sasl_password": "wrong",
        "request_timeout_seconds": 3,
    }
    with pytest.raises(AccessDeniedError) as stopped:
        kafka_world.drain(kafka=login)
    assert stopped.value.exit_code == 77
    assert "wrong" not in str(stopped.value)
    kafka_world.topic.append(fill(1))
    kafka_world.drain(kafka=login | {"sasl_password": kafka.sasl_password, "request_timeout_seconds": 10})
    kafka_world.assert_exact()


def test_an_unreachable_broker_is_reported_within_the_configured_time(kafka_world: World) -> None:
    clock = SystemClock()
    began = clock.monotonic()
    with pytest.raises(BrokerUnreachableError) as stopped:
        kafka_world.drain(kafka={"bootstrap_servers": "127.0.0.1:1", "request_timeout_seconds": 1})
    assert stopped.value.exit_code == 69
    assert clock.monotonic() - began < kafka_world.topic.kafka().request_timeout_seconds


def test_the_group_hears_of_every_position_also_of_ranges_without_records(kafka_world: World) -> None:
    world, transactions = kafka_world, Transactions(kafka_world)
    with world.running() as worker:
        transactions.begin(fill(1), fill(2))
        transactions.abort()
        wait_until(lambda: world.positions().get(0) == 3, "the marker is passed")
        worker.stop()
    assert world.topic.group_offsets(world.topic.name)[0] == 3
