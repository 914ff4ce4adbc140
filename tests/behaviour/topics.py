"""Topics that tests fill, on each broker behind one interface."""

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol, TypedDict, Unpack, cast

from confluent_kafka import Consumer as KafkaClient
from confluent_kafka import KafkaError, Message, Producer, TopicPartition

from headrace.connection import KafkaSettings
from headrace.contracts import Contract
from headrace.kafka.records import Header
from headrace.offsets import Address
from headrace.read.proof.broker import Broker
from headrace.read.proof.canonical import ValueCodec
from headrace.read.proof.identity import TableIdentity
from headrace.read.proof.ledger import Ledger
from headrace.read.proof.truth import Truth
from headrace.settings import Settings
from headrace.testing.brokers import BrokerHandle
from headrace.testing.memory_broker import MemoryBroker, StoredRecord
from headrace.testing.waiting import PATIENCE_SECONDS
from headrace_ingest.wiring import Ends, kafka_ends


class Sent(TypedDict, total=False):
    """What a record is sent with beside its value, as `MemoryBroker.append` takes it."""

    key: bytes | None
    headers: Sequence[Header]
    partition: int | None
    timestamp_ms: int | None


class Topic(Protocol):
    """A topic that a test fills, whatever broker holds it."""

    name: str

    @property
    def partitions(self) -> int:
        """How many there are now."""
        ...

    @property
    def records(self) -> dict[Address, StoredRecord]:
        """What can be read of it."""
        ...

    def append(self, value: bytes | None, **more: Unpack[Sent]) -> Address:
        """Appends one record; keyword arguments as `MemoryBroker.append` takes them."""
        ...

    def extend(self, values: Sequence[bytes | None]) -> list[Address]:
        """Appends many over all partitions, in turn."""
        ...

    def ends(
        self, settings: Settings, contract: Contract, group: str, partitions: tuple[int, ...] | None = None
    ) -> Ends:
        """The Kafka side of a new worker; with `partitions` it reads these by hand."""
        ...

    def group_offsets(self, group: str) -> dict[int, int]:
        """What the group knows of its positions."""
        ...

    def truth(self, folder: Path) -> Callable[[TableIdentity, ValueCodec | None], Truth]:
        """What a proof compares with."""
        ...

    def kafka(self) -> KafkaSettings:
        """How to reach the broker, for settings."""
        ...

    def add_partitions(self, count: int) -> None:
        """Adds empty partitions; not on the embedded broker, like what follows."""
        ...

    def delete_before(self, partition: int, offset: int) -> None:
        """Deletes old records, as retention does."""
        ...

    def recreate(self) -> None:
        """Deletes the topic and creates it again, empty."""
        ...


class MemoryTopic:
    """On the broker in memory."""

    def __init__(self, partitions: int, name: str = "memory") -> None:
        self.name = name
        self.broker = MemoryBroker(self.name, partitions=partitions)
        self._groups = {self.name: self.broker}

    @property
    def partitions(self) -> int:
        return self.broker.identity().partitions

    @property
    def records(self) -> dict[Address, StoredRecord]:
        return self.broker.records()

    def append(self, value: bytes | None, **more: Unpack[Sent]) -> Address:
        return self.broker.append(value, **more)

    def extend(self, values: Sequence[bytes | None]) -> list[Address]:
        return [self.broker.append(value) for value in values]

    def ends(
        self, settings: Settings, contract: Contract, group: str, partitions: tuple[int, ...] | None = None
    ) -> Ends:
        if group not in self._groups:
            self._groups[group] = self.broker.another_group()
        member = self._groups[group].consumer
        return Ends(self.broker, lambda _observer, _id: member(partitions), partitions)

    def group_offsets(self, group: str) -> dict[int, int]:
        return dict(self._groups[group].committed)

    def truth(self, folder: Path) -> Callable[[TableIdentity, ValueCodec | None], Truth]:
        ledger = folder / "ledger.jsonl"
        ledger.write_text("".join(_ledger_line(self.name, a, r.value) for a, r in self.records.items()))
        return lambda _identity, _codec: Ledger(ledger, self.name)

    def kafka(self) -> KafkaSettings:
        return KafkaSettings()

    def add_partitions(self, count: int) -> None:
        self.broker.add_partitions(count)

    def delete_before(self, partition: int, offset: int) -> None:
        self.broker.delete_before(partition, offset)

    def recreate(self) -> None:
        self.broker.recreate(f"{self.broker.topic_id}-again")


class ClusterTopic:
    """On the embedded broker or a real Kafka."""

    def __init__(self, handle: BrokerHandle, partitions: int, **config: str) -> None:
        self.handle = handle
        self.partitions = partitions
        self.name = handle.new_topic(partitions, **config)
        self.records: dict[Address, StoredRecord] = {}
        self._turn = 0
        self._producer: Producer | None = None

    def append(self, value: bytes | None, **more: Unpack[Sent]) -> Address:
        delivered = self._send([(value, more)])
        return next(iter(delivered))

    def extend(self, values: Sequence[bytes | None]) -> list[Address]:
        return self._send([(value, {}) for value in values])

    def _send(self, sent: Sequence[tuple[bytes | None, Sent]]) -> list[Address]:
        done: list[Address] = []

        def report(error: KafkaError | None, message: Message, headers: tuple[Header, ...]) -> None:
            assert error is None, error
            address = (cast("int", message.partition()), cast("int", message.offset()))
            millis = message.timestamp()[1]
            self.records[address] = StoredRecord(address[1], message.value(), message.key(), headers, millis)
            done.append(address)

        if self._producer is None:
            self._producer = Producer(
                {
                    "bootstrap.servers": self.handle.bootstrap_servers,
                    "enable.idempotence": True,
                    "message.max.bytes": 20_000_000,
                    "linger.ms": 0,
                    "log_level": 0,
                }
            )
        for value, more in sent:
            partition = more.get("partition")
            if partition is None:
                partition, self._turn = self._turn % self.partitions, self._turn + 1
            headers = tuple(more.get("headers", ()))
            self._producer.produce(
                self.name,
                value,
                more.get("key"),
                partition,
                headers=list(headers),
                on_delivery=partial(report, headers=headers),  # a report carries no headers
                timestamp=more.get("timestamp_ms") or 0,  # 0 is now
            )
        assert self._producer.flush(PATIENCE_SECONDS) == 0, "the broker did not acknowledge what the test produced"
        return done

    def ends(
        self, settings: Settings, contract: Contract, group: str, partitions: tuple[int, ...] | None = None
    ) -> Ends:
        return kafka_ends(settings, contract, group, partitions)

    def group_offsets(self, group: str) -> dict[int, int]:
        client = KafkaClient({"bootstrap.servers": self.handle.bootstrap_servers, "group.id": group, "log_level": 0})
        try:
            asked = [TopicPartition(self.name, p) for p in range(self.partitions)]
            return {t.partition: t.offset for t in client.committed(asked, timeout=PATIENCE_SECONDS) if t.offset >= 0}
        finally:
            client.close()

    def truth(self, folder: Path) -> Callable[[TableIdentity, ValueCodec | None], Truth]:
        return lambda identity, codec: Broker(self.kafka(), identity, codec.canonical if codec else None)

    def kafka(self) -> KafkaSettings:
        return KafkaSettings(
            bootstrap_servers=self.handle.bootstrap_servers,
            request_timeout_seconds=PATIENCE_SECONDS / 2,
            client={"log_level": "0"},
        )

    def add_partitions(self, count: int) -> None:
        self.partitions += count
        self.handle.admin.create_partitions(self.name, self.partitions)
        self._producer = None

    def delete_before(self, partition: int, offset: int) -> None:
        self.handle.admin.delete_records(self.name, {partition: offset})
        self.records = {a: r for a, r in self.records.items() if a[0] != partition or a[1] >= offset}

    def recreate(self) -> None:
        self.handle.admin.delete_topic(self.name)
        self.handle.admin.create_topic(self.name, self.partitions, replication_factor=1)
        self.records, self._producer = {}, None


def _ledger_line(topic: str, address: Address, value: bytes | None) -> str:
    digest = "null" if value is None else hashlib.blake2b(value, digest_size=16).hexdigest()
    return json.dumps({"topic": topic, "partition": address[0], "offset": address[1], "digest": digest}) + "\n"
