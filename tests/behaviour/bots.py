"""Where the producers' suite runs: on brokers, and with the client that keeps what it is sent."""

import uuid
from dataclasses import dataclass, field
from typing import Any, Protocol

from headrace import AsyncEventProducer, EventProducer
from headrace.offsets import Address
from headrace.testing import AsyncCaptureProducer, CaptureBroker, CaptureProducer
from headrace.testing.brokers import BrokerHandle, TopicRecord


class Bots(Protocol):
    """Makes topics, and producers to them."""

    def new_topic(self) -> str:
        """Creates one of a new name."""
        ...

    def records(self, topic: str) -> dict[Address, TopicRecord]:
        """Every record of a topic by its place."""
        ...

    def producer(self, **arguments: Any) -> EventProducer:
        """With these arguments and a broker."""
        ...

    def async_producer(self, **arguments: Any) -> AsyncEventProducer:
        """With these arguments and a broker."""
        ...


@dataclass(frozen=True)
class BrokerBots:
    """Producers of the house."""

    handle: BrokerHandle

    def new_topic(self) -> str:
        return self.handle.new_topic()

    def records(self, topic: str) -> dict[Address, TopicRecord]:
        return self.handle.records(topic)

    def producer(self, **arguments: Any) -> EventProducer:
        return EventProducer(self.handle.bootstrap_servers, **arguments)

    def async_producer(self, **arguments: Any) -> AsyncEventProducer:
        return AsyncEventProducer(self.handle.bootstrap_servers, **arguments)


@dataclass(frozen=True)
class CapturedBots:
    """Producers of the testing kit."""

    topics: set[str] = field(default_factory=set)
    broker: CaptureBroker = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "broker", CaptureBroker(self.topics))

    def new_topic(self) -> str:
        self.topics.add(name := f"test-{uuid.uuid4().hex}")
        return name

    def records(self, topic: str) -> dict[Address, TopicRecord]:
        return {
            (partition, offset): TopicRecord(record.key, record.value, dict(record.headers))
            for partition, offset, record in self.broker.captured
            if record.topic == topic
        }

    def producer(self, **arguments: Any) -> EventProducer:
        return CaptureProducer(broker=self.broker, **arguments)

    def async_producer(self, **arguments: Any) -> AsyncEventProducer:
        return AsyncCaptureProducer(broker=self.broker, **arguments)
