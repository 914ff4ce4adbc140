"""What a bot imports: typed events in, acknowledged Kafka records out.

An event that `emit` took is acknowledged by the broker exactly once, or its loss is raised.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from headrace.contracts import Event
from headrace.errors import ConfigError
from headrace.kafka.sender import Delivery, RecordSender
from headrace.kafka.sender_properties import sender_properties
from headrace.kafka.sending import Connect
from headrace.producer._full_policy import FullPolicy, OnFull
from headrace.producer._health import ProducerHealth
from headrace.producer._outbox import Outbox, closing_beside
from headrace.producer._records import EventRecords
from headrace.producer._spooled_sender import SpoolPlan

Number = TypeVar("Number", int, float)

# librdkafka's default for message.max.bytes, which is also the brokers'.
_RECORD_BYTES = 1_000_000


class EventProducer:
    """Sends events to the topics that their contracts name.

        with EventProducer("localhost:9092", name="condor-7") as producer:
            producer.emit(Trade(...))

    Leaving the block waits for every acknowledgement. The producer is idempotent and asks all in-sync replicas
    (`acks=all`), so a retry never doubles or reorders. Any thread may emit. `on_delivery` gets the outcome of
    every event; it runs on whichever thread is inside `emit`, `flush` or `close`, never on a thread of its own,
    so it must be quick and must not call the producer.
    """

    def __init__(  # noqa: PLR0913  # one argument per decision that a bot may take, each with a safe default
        self,
        bootstrap_servers: str | None = None,
        *,
        name: str = "bot",
        on_full: OnFull = "block",
        block_seconds: float = 30.0,
        queue_records: int = 100_000,
        queue_bytes: int = 64 * 1024 * 1024,
        delivery_seconds: float = 120.0,
        close_seconds: float = 30.0,
        spool: str | Path | None = None,
        spool_bytes: int = 256 * 1024 * 1024,
        client: Mapping[str, object] | None = None,
        on_delivery: Callable[[Delivery], None] | None = None,
    ) -> None:
        """Connects in the background; without a broker `emit` still takes events until the queue is full.

        Args:
            bootstrap_servers: `host:port` of one or more brokers, by default
                `HEADRACE_KAFKA__BOOTSTRAP_SERVERS`. The other `HEADRACE_KAFKA__` variables for SASL and SSL
                count here as they do for workers.
            name: who sends; it is written into every record's `headrace-producer` header.
            on_full: whether `emit` waits for room in a full queue ("block") or refuses at once ("raise").
            block_seconds: how long "block" waits before it refuses after all.
            queue_records: events the queue holds, those on their way to the broker included.
            queue_bytes: bytes the queue holds.
            delivery_seconds: after so long without an acknowledgement an event has failed.
            close_seconds: how long leaving the `with` block, or `close()`, waits for acknowledgements.
            spool: a folder on a local disk, of this producer alone, that holds every event until it is acknowledged.
                Then `emit` returns when the event is on the disk, events outlive the process and wait for the broker
                as long as it takes, and `close` leaves there what is not acknowledged. After a crash an event may be
                sent again, under a new offset with the same event id.
            spool_bytes: that the spool may have; full, it is what a full queue is.
            client: further librdkafka properties by their own names.
            on_delivery: called once for every event with its outcome.

        Raises:
            ConfigError: no broker is named, or an argument or property cannot work.
        """
        self.name = name
        """Who sends."""
        self._records = EventRecords(name)
        self._outbox = outbox_of(
            bootstrap_servers,
            client,
            name=name,
            policy=FullPolicy(on_full, block_seconds),
            queue_records=queue_records,
            queue_bytes=queue_bytes,
            delivery_seconds=delivery_seconds,
            close_seconds=close_seconds,
            spool=SpoolPlan(Path(spool), spool_bytes, synced_offers=True) if spool else None,
            connect=self._connect,
            on_delivery=on_delivery,
        )

    # What stands between the queue and the brokers; the testing kit puts another in its place.
    _connect: Connect = RecordSender

    @property
    def pending(self) -> int:
        """Events taken and neither acknowledged nor failed yet."""
        return self._outbox.pending

    def emit(self, event: Event) -> None:
        """Takes an event for delivery; an event whose `emit` raises was not taken.

        Returns before the broker has it: `flush` waits for that.

        Raises:
            DeliveryError: earlier events failed; each such failure is raised once.
            QueueFullError: the queue had no room before the deadline.
            EventTooLargeError: the event is larger than a record may be.
            ConfigError: the producer is closed.
            TypeError: it is no event.
        """
        self._outbox.put_record(self._records.record_of(event))

    def health(self) -> ProducerHealth:
        """How it fares at this moment; any thread may ask, and nothing waits."""
        return self._outbox.health()

    def serve(self) -> None:
        """Handles outcomes that have arrived, for a bot that has nothing to emit for a while; does not wait.

        Raises:
            DeliveryError: events failed since this was last raised.
        """
        self._outbox.serve()

    def flush(self, timeout: float = 30.0) -> None:
        """Waits until every event taken so far is acknowledged, at most `timeout` seconds.

        Raises:
            DeliveryError: events failed since this was last raised, or are not acknowledged yet.
            BrokerUnreachableError: no broker answers; the events stay queued and a later flush may succeed.
            AccessDeniedError: the broker refuses the login; the events stay queued.
        """
        self._outbox.flush(timeout)

    def close(self) -> None:
        """Flushes, then gives up what is still not acknowledged and disconnects. A second call does nothing.

        Call it when no other thread emits any more.

        Raises:
            DeliveryError: events failed or were given up.
            BrokerUnreachableError: events were given up because no broker answers.
            AccessDeniedError: events were given up because the broker refuses the login.
        """
        self._outbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with closing_beside(error):
            self.close()


def outbox_of(  # noqa: PLR0913  # the decisions that a bot may take
    bootstrap_servers: str | None,
    client: Mapping[str, object] | None,
    *,
    name: str,
    policy: FullPolicy,
    queue_records: int,
    queue_bytes: int,
    delivery_seconds: float,
    close_seconds: float,
    spool: SpoolPlan | None,
    connect: Connect,
    on_delivery: Callable[[Delivery], None] | None,
) -> Outbox:
    """The outbox behind a producer with those arguments, which `EventProducer` explains.

    Raises:
        ConfigError: no broker is named, or an argument or property cannot work.
    """
    properties = sender_properties(
        bootstrap_servers,
        client,
        client_id=name,
        queue_buffering_max_messages=_at_least(1, "queue_records", queue_records),
        queue_buffering_max_kbytes=_at_least(_record_bytes(client), "queue_bytes", queue_bytes) // 1024,
        delivery_timeout_ms=int(_at_least(1, "delivery_seconds", delivery_seconds) * 1000),
    )
    return Outbox(
        properties, policy, on_delivery=on_delivery, close_seconds=close_seconds, spool=spool, connect=connect
    )


def _record_bytes(client: Mapping[str, object] | None) -> int:
    asked = str((client or {}).get("message.max.bytes", _RECORD_BYTES))
    return int(asked) if asked.isdecimal() else _RECORD_BYTES  # librdkafka says what is wrong with it


def _at_least(least: int, argument: str, value: Number) -> Number:
    if value < least:
        msg = f"{argument} is {value}: it must be at least {least}"
        raise ConfigError(msg)
    return value
