"""Events into a topic, and what the broker acknowledged of them: tables are filled by workers alone.

A module of its own: whoever only reads needs no Kafka client.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Lock

from headrace.contracts import Event
from headrace.kafka.sender import Delivery
from headrace.producer import EventProducer


@dataclass(frozen=True, slots=True)
class Appended:
    """Events that the broker has.

    Attributes:
        events: how many.
        positions: per partition of the topic the position after the last of them: a table that stands there holds all.
            Empty where the producer was handed in.
    """

    events: int
    positions: Mapping[int, int]


class _Positions:
    """Takes outcomes as they come, from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.found: dict[int, int] = {}

    def take(self, delivery: Delivery) -> None:
        """Counts what was acknowledged; failures are raised by the producer."""
        if delivery.error is None and delivery.partition is not None and delivery.offset is not None:
            with self._lock:
                self.found[delivery.partition] = max(self.found.get(delivery.partition, 0), delivery.offset + 1)


def send(events: Iterable[Event], producer: EventProducer | None, *, seconds: float) -> Appended:
    """Emits events and waits until all are acknowledged.

    Args:
        events: of any contracts.
        producer: stays open; None for one of the environment's cluster that lives as long as this call.
        seconds: to wait for the acknowledgements.

    Raises:
        DeliveryError: some were not acknowledged.
        BrokerUnreachableError, AccessDeniedError: the same, because no broker answers or it refuses the login.
        QueueFullError, EventTooLargeError: one was not taken; those before it were.
        ConfigError: no broker is named.
    """
    if producer is not None:
        return Appended(_emit(events, producer, seconds), {})
    positions = _Positions()
    with EventProducer(name="headrace-read", on_delivery=positions.take, close_seconds=seconds) as own:
        count = _emit(events, own, seconds)
    return Appended(count, positions.found)


def _emit(events: Iterable[Event], producer: EventProducer, seconds: float) -> int:
    count = 0
    for event in events:
        producer.emit(event)
        count += 1
    producer.flush(seconds)
    return count
