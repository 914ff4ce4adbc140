"""Events of made-up kinds, and what a topic holds of them."""

from dataclasses import dataclass
from decimal import Decimal

from headrace import Event, EventId, Price, Symbol, Table, UtcTimestamp
from headrace.clock import SystemClock
from headrace.connection import KafkaSettings
from headrace.kafka.reader import TopicReader
from headrace.kafka.topics import TopicClient
from headrace.testing.brokers import BrokerHandle

Place = tuple[int, int]


@dataclass(frozen=True)
class Stored:
    """A record as the topic has it."""

    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes | None]


def contract_for(topic: str) -> type[Event]:
    class Fill(Event, topic=topic, key="symbol", table=Table(name="fills"), schema_version=3):
        """One fill, of a made-up kind."""

        fill_id: EventId
        symbol: Symbol
        price: Price
        timestamp: UtcTimestamp

    return Fill


def contract_without_id(topic: str) -> type[Event]:
    class Tick(Event, topic=topic, key="number"):
        """An event that nothing names."""

        number: int

    return Tick


def fill(kind: type[Event], number: int, symbol: str = "SPY") -> Event:
    return kind(fill_id=f"fill-{number}", symbol=symbol, price=Decimal("4.25"), timestamp=SystemClock().now())


def stored(broker: BrokerHandle, topic: str) -> dict[Place, Stored]:
    """Every record of a topic by its place."""
    kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
    client, reader = TopicClient(kafka, topic), TopicReader(kafka, topic)
    found: dict[Place, Stored] = {}
    try:
        for partition in range(client.identity().partitions):
            for records in reader.read(partition, client.watermarks(partition)):
                for index, (offset, value) in enumerate(zip(records.offsets, records.values, strict=True)):
                    envelope = records.envelope(index)
                    found[partition, offset] = Stored(envelope.key, value, dict(envelope.headers))
    finally:
        reader.close()
        client.close()
    return found
