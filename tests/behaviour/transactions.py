"""What transactional producers leave in a topic."""

from collections.abc import Iterable

from confluent_kafka import KafkaError, Message, Producer

from headrace.connection import KafkaSettings
from headrace.kafka.topics import TopicClient
from headrace.offsets import Address
from headrace.testing.memory_broker import StoredRecord
from headrace.testing.waiting import PATIENCE_SECONDS, wait_until
from tests.behaviour.world import World


def await_markers(kafka: KafkaSettings, topic: str, sent: Iterable[Address]) -> None:
    """Returns when the end of the transaction that `sent` these has reached their partitions.

    The broker answers when the end is decided, before every partition has been told.
    """
    last = dict(sorted(sent))
    client = TopicClient(kafka, topic)
    try:
        wait_until(lambda: all(client.watermarks(p).end > at + 1 for p, at in last.items()), "the markers are there")
    finally:
        client.close()


class Transactions:
    """A transactional producer on partition 0 of a world's topic."""

    def __init__(self, world: World) -> None:
        self._topic = world.cluster
        self._producer = Producer(
            {
                "bootstrap.servers": world.cluster.handle.bootstrap_servers,
                "transactional.id": f"tx-{world.topic.name}",
                "log_level": 0,
            }
        )
        self._producer.init_transactions(PATIENCE_SECONDS)
        self.sent: dict[Address, StoredRecord] = {}

    def begin(self, *values: bytes, key: bytes | None = None) -> None:
        self.sent = {}
        self._producer.begin_transaction()
        for value in values:
            self._producer.produce(self._topic.name, value, key, partition=0, on_delivery=self._report)
        assert self._producer.flush(PATIENCE_SECONDS) == 0

    def _report(self, error: KafkaError | None, message: Message) -> None:
        assert error is None, error
        offset = message.offset()
        assert offset is not None
        self.sent[0, offset] = StoredRecord(offset, message.value(), message.key(), (), message.timestamp()[1])

    def commit(self) -> None:
        self._producer.commit_transaction(PATIENCE_SECONDS)
        await_markers(self._topic.kafka(), self._topic.name, self.sent)
        self._topic.records |= self.sent

    def abort(self) -> None:
        self._producer.abort_transaction(PATIENCE_SECONDS)
        await_markers(self._topic.kafka(), self._topic.name, self.sent)
