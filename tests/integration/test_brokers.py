"""What the design leans on of a broker, on the embedded one and on a real Kafka."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from headrace.clock import Deadline, SystemClock
from headrace.errors import BrokerUnreachableError
from headrace.kafka.embedded import KEPT_BYTES_PER_PARTITION, PARTITIONS, EmbeddedBroker
from headrace.testing.brokers import BrokerHandle
from headrace.testing.kafka_server import KafkaServer
from headrace.testing.shared_kafka import KafkaAddress, SharedKafka
from headrace.testing.waiting import PATIENCE_SECONDS

CHILD = """
import sys
from confluent_kafka import Consumer, Producer
servers, topic = sys.argv[1:]
producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True})
for number in range(100):
    producer.produce(topic, str(number).encode(), partition=number % 4, headers=[("n", b"1")])
assert producer.flush(60) == 0
consumer = Consumer({
    "bootstrap.servers": servers, "group.id": "child-" + topic, "auto.offset.reset": "earliest",
    "partition.assignment.strategy": "cooperative-sticky", "session.timeout.ms": 6000,
})
consumer.subscribe([topic])
read = []
while len(read) < 100:
    read += [m for m in consumer.consume(100, 1.0) if m.error() is None]
consumer.commit(asynchronous=False)
consumer.close()
assert {int(m.value()) for m in read} == set(range(100)) and read[0].headers() == [("n", b"1")]
print("done")
"""


@contextmanager
def a_consumer(broker: BrokerHandle, **properties: object) -> Iterator[Consumer]:
    named = {name.replace("_", "."): value for name, value in properties.items()}
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "group.id": f"group-{uuid.uuid4().hex}",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "session.timeout.ms": 6000,
            "partition.assignment.strategy": "cooperative-sticky",
            "log_level": 0,
            **named,
        }
    )
    try:
        yield consumer
    finally:
        consumer.close()


def produce(broker: BrokerHandle, topic: str, values: list[bytes], partition: int = 0) -> list[Message]:
    delivered: list[Message] = []

    def report(error: KafkaError | None, message: Message) -> None:
        assert error is None, error
        delivered.append(message)

    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "enable.idempotence": True, "log_level": 0})
    for value in values:
        producer.produce(topic, value, partition=partition, on_delivery=report)
    assert producer.flush(PATIENCE_SECONDS) == 0
    return delivered


def read(consumer: Consumer, count: int) -> list[Message]:
    deadline = Deadline.after(PATIENCE_SECONDS, SystemClock())
    found: list[Message] = []
    while len(found) < count and not deadline.expired():
        found += consumer.consume(count - len(found), 0.2)
    assert len(found) == count
    return found


def test_delivery_reports_name_the_offsets_that_watermarks_then_cover(broker: BrokerHandle) -> None:
    topic = broker.new_topic()

    reports = produce(broker, topic, [b"a", b"b", b"c"], partition=2)

    assert [(m.partition(), m.offset()) for m in reports] == [(2, 0), (2, 1), (2, 2)]
    with a_consumer(broker) as consumer:
        assert consumer.get_watermark_offsets(TopicPartition(topic, 2), timeout=PATIENCE_SECONDS) == (0, 3)
        assert consumer.get_watermark_offsets(TopicPartition(topic, 1), timeout=PATIENCE_SECONDS) == (0, 0)


def test_reading_to_the_end_of_a_partition_is_reported(broker: BrokerHandle) -> None:
    topic = broker.new_topic()
    produce(broker, topic, [b"a"])

    with a_consumer(broker, enable_partition_eof=True) as consumer:
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        record, end = read(consumer, 2)

    assert record.value() == b"a"
    error = end.error()
    assert error is not None
    assert error.code() == KafkaError._PARTITION_EOF
    assert end.offset() == 1


def test_a_group_member_reads_from_the_positions_it_was_told(broker: BrokerHandle) -> None:
    topic = broker.new_topic()
    produce(broker, topic, [b"0", b"1", b"2"])

    def at_one(consumer: Consumer, partitions: list[TopicPartition]) -> None:
        start = {0: 1}
        consumer.incremental_assign([TopicPartition(topic, p.partition, start.get(p.partition, 0)) for p in partitions])

    with a_consumer(broker) as consumer:
        consumer.subscribe([topic], on_assign=at_one)
        records = read(consumer, 2)
        consumer.commit(offsets=[TopicPartition(topic, 0, 3)], asynchronous=False)
        committed = consumer.committed([TopicPartition(topic, 0)], timeout=PATIENCE_SECONDS)

    assert [(r.offset(), r.value()) for r in records] == [(1, b"1"), (2, b"2")]
    assert committed[0].offset == 3


def test_two_members_share_the_partitions_cooperatively(broker: BrokerHandle) -> None:
    topic = broker.new_topic()
    group = f"pair-{topic}"
    deadline = Deadline.after(PATIENCE_SECONDS, SystemClock())

    with a_consumer(broker, group_id=group) as first, a_consumer(broker, group_id=group) as second:
        members = (first, second)
        for member in members:
            member.subscribe([topic], on_assign=_assign_at_zero)
        while sorted(len(m.assignment()) for m in members) != [2, 2] and not deadline.expired():
            for member in members:
                member.poll(0.1)
        shares = [{p.partition for p in m.assignment()} for m in members]

    assert shares[0] | shares[1] == set(range(PARTITIONS))
    assert not shares[0] & shares[1]


def test_a_position_beyond_the_log_is_an_error_and_not_a_jump(broker: BrokerHandle) -> None:
    topic = broker.new_topic()
    produce(broker, topic, [b"a"])

    with a_consumer(broker) as consumer:
        consumer.assign([TopicPartition(topic, 0, 50)])
        (answer,) = read(consumer, 1)

    error = answer.error()
    assert error is not None
    assert error.code() == KafkaError._AUTO_OFFSET_RESET


def test_another_process_produces_and_consumes_in_a_group(broker: BrokerHandle) -> None:
    topic = broker.new_topic()

    child = subprocess.run(
        [sys.executable, "-c", CHILD, broker.bootstrap_servers, topic],
        check=False, capture_output=True, text=True, timeout=90,
    )  # fmt: skip

    assert (child.returncode, child.stdout) == (0, "done\n"), child.stderr


def test_embedded_broker_forgets_the_oldest_records_of_a_full_partition(embedded_broker: BrokerHandle) -> None:
    topic, size, count = embedded_broker.new_topic(), 10_000, 800

    produce(embedded_broker, topic, [bytes(size)] * count)

    with a_consumer(embedded_broker) as consumer:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=PATIENCE_SECONDS)
    assert high == count
    assert low > 0
    assert (high - low) * size <= KEPT_BYTES_PER_PARTITION


def test_embedded_broker_has_only_topics_of_four_plain_partitions(embedded_broker: BrokerHandle) -> None:
    with pytest.raises(ValueError, match="4 partitions"):
        embedded_broker.new_topic(partitions=2)


def test_stopped_embedded_broker_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    with EmbeddedBroker() as embedded:
        embedded.ensure_topic("trades")

    with pytest.raises(BrokerUnreachableError, match="it was stopped"):
        embedded.ensure_topic("greeks")
    assert capfd.readouterr() == ("", "")


def test_topics_are_created_with_settings_grown_emptied_and_deleted(kafka_broker: BrokerHandle) -> None:
    admin = kafka_broker.admin
    topic = kafka_broker.new_topic(partitions=1, max_message_bytes="2000")
    produce(kafka_broker, topic, [b"a", b"b", b"c"])

    assert not admin.create_topic(topic, 1)
    admin.create_partitions(topic, 3)
    admin.delete_records(topic, {0: 2})

    with a_consumer(kafka_broker) as consumer:
        assert len(consumer.list_topics(topic, timeout=PATIENCE_SECONDS).topics[topic].partitions) == 3
        assert consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=PATIENCE_SECONDS) == (2, 3)
    assert admin.delete_topic(topic)
    assert not admin.delete_topic(topic)


def test_producing_to_a_missing_topic_does_not_create_it(kafka_broker: BrokerHandle) -> None:
    with a_consumer(kafka_broker) as consumer:
        topic = consumer.list_topics("never-created", timeout=PATIENCE_SECONDS).topics["never-created"]
    assert topic.error is not None
    assert topic.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_started_kafka_also_asks_for_credentials(kafka: KafkaAddress) -> None:
    if kafka.sasl_bootstrap_servers is None:
        pytest.skip("the cluster that HEADRACE_TEST_BOOTSTRAP_SERVERS names has logins of its own")
    login = {
        "bootstrap.servers": kafka.sasl_bootstrap_servers,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": kafka.sasl_username,
        "log_level": 0,
    }

    assert Producer({**login, "sasl.password": kafka.sasl_password}).list_topics(timeout=PATIENCE_SECONDS).brokers
    with pytest.raises(KafkaException):
        Producer({**login, "sasl.password": "wrong"}).list_topics(timeout=1)


def test_kafka_that_cannot_start_shows_its_log(kafka: KafkaAddress) -> None:
    if not kafka.is_own:
        pytest.skip("a cluster was named instead of starting one")
    with pytest.raises(BrokerUnreachableError, match=r"(?s)could not be started.*num\.io\.threads"):
        KafkaServer({"num.io.threads": "0"}).start()


def test_without_java_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_TEST_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setenv("JAVA_HOME", "/nonexistent")
    monkeypatch.delenv("CI", raising=False)
    skips = SharedKafka().ask()
    monkeypatch.setenv("CI", "true")
    fails = SharedKafka().ask()

    assert [getattr(answer, "fails", None) for answer in (skips, fails)] == [False, True]
    assert "JAVA_HOME" in repr(skips)


def test_named_cluster_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_TEST_BOOTSTRAP_SERVERS", "broker.example:9092")

    assert SharedKafka().ask() == KafkaAddress("broker.example:9092", is_own=False)


def test_other_processes_of_a_run_are_told_the_same_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_TEST_BOOTSTRAP_SERVERS", "broker.example:9092")

    assert SharedKafka().serve().ask() == KafkaAddress("broker.example:9092", is_own=False)


def _assign_at_zero(consumer: Consumer, partitions: list[TopicPartition]) -> None:
    consumer.incremental_assign([TopicPartition(p.topic, p.partition, 0) for p in partitions])
