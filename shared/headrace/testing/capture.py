"""Producers for a bot's own tests: the real ones, with a broker in memory that keeps what it is sent.

Nothing is replaced but the client: what `EventProducer` and `AsyncEventProducer` decide, raise and promise is their own
code. The same behaviour suite runs on these and on the real ones.
"""

import threading
import time
import zlib
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from headrace.contracts import Event
from headrace.errors import BrokerUnreachableError, EventTooLargeError
from headrace.kafka.client import Properties
from headrace.kafka.embedded import PARTITIONS
from headrace.kafka.sender import Acknowledged, Delivery, OutgoingRecord
from headrace.producer import AsyncEventProducer, EventProducer

_SLICE_SECONDS = 0.2
_SERVERS = "captured:9092"


class Captured(NamedTuple):
    """A record that the broker in memory has acknowledged."""

    partition: int
    offset: int
    record: OutgoingRecord


class CaptureBroker:
    """Acknowledges records at once and keeps them, or does what a test tells it. Any thread may call it.

    Args:
        topics: those that exist; None for all that anybody sends to.
    """

    def __init__(self, topics: set[str] | None = None) -> None:
        self.topics = topics
        self._kept: list[Captured] = []
        self._ends: dict[tuple[str, int], int] = {}
        self._failures: deque[str] = deque()
        self._away = self._full = False
        self.changed = threading.Condition()

    @property
    def records(self) -> list[OutgoingRecord]:
        """What was acknowledged, in that order."""
        with self.changed:
            return [captured.record for captured in self._kept]

    @property
    def captured(self) -> list[Captured]:
        """The same with partitions and offsets."""
        with self.changed:
            return list(self._kept)

    def go_away(self) -> None:
        """From now on no broker answers: records stay in the producer's queue."""
        self._set(away=True)

    def come_back(self) -> None:
        """Answers again."""
        self._set(away=False)

    def fill_queues(self) -> None:
        """From now on the producers' queues have no room."""
        self._set(full=True)

    def make_room(self) -> None:
        """Undoes `fill_queues`."""
        self._set(full=False)

    def fail(self, code: str = "_MSG_TIMED_OUT", *, times: int = 1) -> None:
        """Fails the next deliveries.

        Args:
            code: librdkafka's name of the error.
            times: how many.
        """
        with self.changed:
            self._failures.extend([code] * times)

    # -- what the producers' clients see

    @property
    def away(self) -> bool:
        """Whether nothing is acknowledged at present."""
        return self._away

    @property
    def full(self) -> bool:
        """Whether queues have no room at present."""
        return self._full

    def deliver(self, record: OutgoingRecord, seconds: float) -> Delivery:
        """Takes a record that waited so long, or fails it."""
        with self.changed:
            if self.topics is not None and record.topic not in self.topics:
                return _failed(record, "UNKNOWN_TOPIC_OR_PART")
            if self._failures:
                return _failed(record, self._failures.popleft())
            partition = zlib.crc32(record.key or b"") % PARTITIONS
            offset = self._ends.get((record.topic, partition), 0)
            self._ends[record.topic, partition] = offset + 1
            self._kept.append(Captured(partition, offset, record))
        return Delivery(record.topic, record.key, record.value, partition, offset, seconds=seconds)

    def _set(self, *, away: bool | None = None, full: bool | None = None) -> None:
        with self.changed:
            self._away = self._away if away is None else away
            self._full = self._full if full is None else full
            self.changed.notify_all()


class _Queued(NamedTuple):
    record: OutgoingRecord
    hook: Callable[[Delivery], None] | None
    since: float


class CaptureSender:
    """The client of one producer; the interface of `headrace.kafka.sender.RecordSender`."""

    left_over = 0
    spooled_bytes: int | None = None
    fatal: str | None = None

    def __init__(
        self,
        broker: CaptureBroker,
        properties: Properties,
        on_delivery: Callable[[Delivery], None] | None,
        on_acknowledged: Callable[[Acknowledged], None] | None = None,
    ) -> None:
        self._broker = broker
        self._hook = on_delivery
        self._acknowledged = on_acknowledged
        self._largest = int(str(properties.get("message.max.bytes", 1_000_000)))
        self._most = int(str(properties["queue.buffering.max.messages"]))
        self._most_bytes = int(str(properties["queue.buffering.max.kbytes"])) * 1024
        self._bytes = 0
        self._queue: deque[_Queued] = deque()

    def offer(self, record: OutgoingRecord, on_delivery: Callable[[Delivery], None] | None = None) -> bool:
        """Queues a record; False when there is no room for it.

        Raises:
            EventTooLargeError: the record exceeds `message.max.bytes`.
        """
        size = _size(record)
        if size > self._largest:
            msg = f"a record of {size} bytes for topic {record.topic} exceeds the producer's message.max.bytes"
            raise EventTooLargeError(msg)
        with self._broker.changed:
            if self._broker.full or len(self._queue) >= self._most or self._bytes + size > self._most_bytes:
                return False
            self._queue.append(_Queued(record, on_delivery, time.monotonic()))
            self._bytes += size
            self._broker.changed.notify_all()
        return True

    def serve(self, seconds: float = 0.0) -> None:
        """Delivers what is queued, waiting so long for the first, and tells outcomes."""
        with self._broker.changed:
            self._broker.changed.wait_for(lambda: self._queue and not self._broker.away, seconds)
        while not self._broker.away and (found := self._next()) is not None:
            self._tell(self._broker.deliver(found.record, time.monotonic() - found.since), found.hook)

    def drain(self, seconds: float) -> int:
        """The same; returns how many have no outcome yet."""
        self.serve(min(seconds, _SLICE_SECONDS) if self._queue else 0.0)
        return len(self._queue)

    def close(self) -> None:
        """Fails what is still queued."""
        while (found := self._next()) is not None:
            self._tell(_failed(found.record, "_PURGE_QUEUE"), found.hook)

    def trouble(self, doing: str) -> BrokerUnreachableError | None:
        """That nobody answers, while that is so."""
        if not self._broker.away:
            return None
        return BrokerUnreachableError(f"{doing} failed: the broker in memory was told to go away")

    def _next(self) -> _Queued | None:
        with self._broker.changed:
            if not self._queue:
                return None
            found = self._queue.popleft()
            self._bytes -= _size(found.record)
            return found

    def _tell(self, delivery: Delivery, hook: Callable[[Delivery], None] | None) -> None:
        if delivery.error is None and hook is None and self._acknowledged is not None:
            self._acknowledged(Acknowledged(delivery.topic, len(delivery.value or b""), [delivery.seconds or 0.0]))
        elif (told := hook or self._hook) is not None:
            told(delivery)


class CaptureProducer(EventProducer):
    """An `EventProducer` that needs no broker: `events` has what it took, `broker.records` what was sent of it.

    Takes the arguments of `EventProducer`, and `broker` if several producers shall share one. Each event is read back
    as a worker would read it.
    """

    def __init__(self, *, broker: CaptureBroker | None = None, **arguments: Any) -> None:
        self.broker = broker or CaptureBroker()
        """Keeps the records, and does what a test tells it."""
        self._connect = partial(CaptureSender, self.broker)
        self.events: list[Event] = []
        """What `emit` took, in that order."""
        super().__init__(**{"bootstrap_servers": _SERVERS, **arguments})

    def emit(self, event: Event) -> None:
        """As `EventProducer.emit`.

        Raises:
            RejectedError: the event was built around validation, and a worker would put it into the quarantine.
        """
        type(event).from_wire(event.to_wire())
        super().emit(event)
        self.events.append(event)


class AsyncCaptureProducer(AsyncEventProducer):
    """The same for bots on asyncio, in place of `AsyncEventProducer`."""

    def __init__(self, *, broker: CaptureBroker | None = None, **arguments: Any) -> None:
        self.broker = broker or CaptureBroker()
        """Keeps the records, and does what a test tells it."""
        self._connect = partial(CaptureSender, self.broker)
        self.events: list[Event] = []
        """What `emit` took, in that order."""
        super().__init__(**{"bootstrap_servers": _SERVERS, **arguments})

    async def emit(self, event: Event) -> None:
        """As `AsyncEventProducer.emit`.

        Raises:
            RejectedError: the event was built around validation, and a worker would put it into the quarantine.
        """
        type(event).from_wire(event.to_wire())
        await super().emit(event)
        self.events.append(event)


def _size(record: OutgoingRecord) -> int:
    return len(record.value or b"") + len(record.key or b"")


def _failed(record: OutgoingRecord, code: str) -> Delivery:
    return Delivery(record.topic, record.key, record.value, None, None, "the test wanted it so", code)
