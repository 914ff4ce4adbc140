"""What a test needs of a broker: its address, and topics of its own."""

import uuid
from typing import NamedTuple, TypeVar

from headrace.connection import KafkaSettings
from headrace.contracts import Event, contract_of
from headrace.kafka.admin import TopicAdmin
from headrace.kafka.embedded import PARTITIONS, EmbeddedBroker
from headrace.kafka.reader import TopicReader
from headrace.kafka.topics import TopicClient
from headrace.offsets import Address
from headrace.testing.shared_kafka import KafkaAddress
from headrace.testing.waiting import PATIENCE_SECONDS

__all__ = ["BrokerHandle", "TopicRecord"]

E = TypeVar("E", bound=Event)


class TopicRecord(NamedTuple):
    """A record as a topic has it."""

    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes | None]


class BrokerHandle:
    """A broker that tests share; each takes fresh topics, so they do not meet."""

    def __init__(self, broker: EmbeddedBroker | KafkaAddress) -> None:
        self._embedded = broker if isinstance(broker, EmbeddedBroker) else None
        self._topics: list[str] = []
        self.bootstrap_servers = broker.bootstrap_servers
        self.is_embedded = self._embedded is not None
        # Tests stop brokers and refuse logins on purpose: level 0 keeps librdkafka from writing about it to stderr.
        self.admin = TopicAdmin({"bootstrap.servers": self.bootstrap_servers, "log_level": 0}, PATIENCE_SECONDS)
        """Works on a real broker only."""

    def new_topic(self, partitions: int = PARTITIONS, **config: str) -> str:
        """Creates a topic of a new name.

        Args:
            partitions: how many.
            config: settings by Kafka's names with `_` for `.`, such as `cleanup_policy="compact"`.

        Returns:
            Its name.

        Raises:
            ValueError: the embedded broker cannot make such a topic.
        """
        name = f"test-{uuid.uuid4().hex}"
        if self._embedded is None:
            settings = {key.replace("_", "."): value for key, value in config.items()}
            self.admin.create_topic(name, partitions, config=settings, replication_factor=1)
        elif partitions != PARTITIONS or config:
            msg = f"topics of the embedded broker have {PARTITIONS} partitions and no settings"
            raise ValueError(msg)
        else:
            self._embedded.ensure_topic(name)
        self._topics.append(name)
        return name

    def create_topics(self, *kinds: type[Event]) -> None:
        """Creates the topics that these contracts name."""
        for kind in kinds:
            name = contract_of(kind).topic
            if self._embedded is None:
                self.admin.create_topic(name, PARTITIONS, replication_factor=1)
                self._topics.append(name)
            else:
                self._embedded.ensure_topic(name)

    def records(self, topic: str) -> dict[Address, TopicRecord]:
        """Every record of a topic by its place."""
        kafka = KafkaSettings(bootstrap_servers=self.bootstrap_servers)
        client, reader = TopicClient(kafka, topic), TopicReader(kafka, topic)
        found: dict[Address, TopicRecord] = {}
        try:
            for partition in range(client.identity().partitions):
                for records in reader.read(partition, client.watermarks(partition)):
                    for index, (offset, value) in enumerate(zip(records.offsets, records.values, strict=True)):
                        envelope = records.envelope(index)
                        found[partition, offset] = TopicRecord(envelope.key, value, dict(envelope.headers))
        finally:
            reader.close()
            client.close()
        return found

    def events(self, kind: type[E]) -> list[E]:
        """What the contract's topic holds, one partition after the other.

        Raises:
            RejectedError: a record is no such event.
        """
        records = sorted(self.records(contract_of(kind).topic).items())
        return [kind.from_wire(record.value or b"") for _, record in records]

    def delete_topics(self) -> None:
        """Deletes what `new_topic` made, for clusters that live on after the tests."""
        while self._topics:
            self.admin.delete_topic(self._topics.pop())
