"""A bounded queue of records in front of Kafka, with a policy for when it is full.

A record that `put` took is acknowledged, or its failure is raised by the next `put`, `flush` or `close`.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from headrace.clock import Deadline, SystemClock
from headrace.errors import ConfigError, DeliveryError, HeadraceError, QueueFullError
from headrace.kafka.client import Properties, client_log
from headrace.kafka.sender import Acknowledged, Delivery, Headers, OutgoingRecord, RecordSender
from headrace.kafka.sending import Connect, Sender
from headrace.producer._full_policy import FullPolicy
from headrace.producer._health import ProducerHealth, TopicTally
from headrace.producer._spooled_sender import SpooledSender, SpoolPlan

# How long one look for room may wait for the first outcome: short, because room may also come from elsewhere.
_LOOK_SECONDS = 0.05

# A `put` handles outcomes if none has for so long: to ask for them costs a tenth of it, even where there are none.
_TURN_SECONDS = 0.001


@contextmanager
def closing_beside(error: BaseException | None) -> Iterator[None]:
    """Closing at the end of a `with` block; what went wrong in the block stays the error that is raised."""
    try:
        yield
    except HeadraceError as undelivered:
        if error is None:
            raise
        error.add_note(f"while this was raised, closing the producer found: {undelivered}")


class Outbox:
    """Raw records to any topic; safe to use from several threads.

    `on_delivery` sees the outcome of every record, on whichever thread is inside a method of this object at
    that time; never on a thread of its own. It must be quick, and must not call this object. With a spool the queue
    is on disk, begins with what an earlier process left there, and keeps what `close` finds.
    """

    def __init__(  # noqa: PLR0913  # what a bot decides, and the seam to the client
        self,
        properties: Properties,
        policy: FullPolicy,
        *,
        on_delivery: Callable[[Delivery], None] | None = None,
        close_seconds: float = 30.0,
        spool: SpoolPlan | None = None,
        connect: Connect = RecordSender,
    ) -> None:
        self._policy = policy
        self._close_seconds = close_seconds
        self._hook = on_delivery
        self._clock = SystemClock()
        self._lock = threading.Lock()
        self._settled = self._failed = self._pending_bytes = self._refused = 0
        self._tallies: defaultdict[str, TopicTally] = defaultdict(TopicTally)
        self._first_failure: Delivery | None = None
        self._serve_at = float("-inf")
        self._closed = False
        self._sender: Sender = (
            SpooledSender(properties, self._outcome, spool, connect)
            if spool
            else connect(properties, self._outcome, None if on_delivery else self._acknowledged)
        )
        self._spool = spool
        # Where they are not told, librdkafka's defaults.
        self._limit_records = int(str(properties.get("queue.buffering.max.messages", 100_000)))
        self._limit_bytes = int(str(properties.get("queue.buffering.max.kbytes", 1_048_576))) * 1024
        self._taken = self._sender.left_over

    @property
    def pending(self) -> int:
        """Records taken that have no outcome yet."""
        with self._lock:
            return self._taken - self._settled

    def health(self) -> ProducerHealth:
        """How things stand; handles no outcomes."""
        spooled_bytes = self._sender.spooled_bytes
        trouble = self._sender.trouble("sending")
        with self._lock:
            return ProducerHealth(
                pending=self._taken - self._settled,
                pending_bytes=self._pending_bytes if spooled_bytes is None else spooled_bytes,
                limit_records=None if self._spool else self._limit_records,
                limit_bytes=self._spool.limit_bytes if self._spool else self._limit_bytes,
                queue_full=self._refused,
                trouble=str(trouble) if trouble else None,
                fatal=self._sender.fatal,
                topics={topic: tally.health() for topic, tally in self._tallies.items()},
            )

    def put(self, topic: str, value: bytes | None, *, key: bytes | None = None, headers: Headers | None = None) -> None:
        """Takes a record; one whose `put` raises was not taken.

        Raises:
            DeliveryError: earlier records failed.
            QueueFullError: no room before the deadline.
            EventTooLargeError: the record is larger than the client sends.
        """
        self.put_record(OutgoingRecord(topic, value, key, headers or []))

    def put_record(self, record: OutgoingRecord) -> None:
        """The same as `put`."""
        now = time.monotonic()
        if now >= self._serve_at or self._first_failure is not None:
            self._serve_at = now + _TURN_SECONDS
            self.serve()
        if self.offer(record):
            return
        deadline = Deadline.after(self._policy.seconds(), self._clock)
        while not self.offer(record):
            if deadline.expired():
                raise self.full(record.topic)
            self._sender.serve(min(_LOOK_SECONDS, deadline.remaining()))

    def offer(self, record: OutgoingRecord) -> bool:
        """Takes a record if there is room for it; neither waits nor handles outcomes.

        Raises:
            ConfigError: this outbox is closed.
            DeliveryError: the client can send no more.
            EventTooLargeError: the record is larger than the client sends.
        """
        if self._closed:
            msg = "the producer is closed: it takes no more events"
            raise ConfigError(msg)
        size = len(record.value or b"")
        # Counted first: its outcome may be handled by another thread before this one goes on.
        with self._lock:
            self._taken += 1
            self._pending_bytes += size
        taken = False
        try:
            taken = self._sender.offer(record)
        except HeadraceError:
            self._raise_fatal(record.topic)
            raise
        finally:
            if not taken:
                with self._lock:
                    self._taken -= 1
                    self._pending_bytes -= size
        return taken

    def serve(self) -> None:
        """Handles outcomes that have arrived; does not wait.

        Raises:
            DeliveryError: records failed since this was last raised.
        """
        if not self._closed:
            self._sender.serve()
        if self._first_failure is not None:
            self.raise_failures()

    def flush(self, seconds: float) -> None:
        """Returns when every record taken so far is acknowledged.

        Raises:
            DeliveryError: records failed since the last raise, or have no outcome yet.
            BrokerUnreachableError: records have no outcome and no broker answers; they stay queued.
            AccessDeniedError: records have no outcome and the broker refuses the login.
        """
        self._settle(seconds)
        self.raise_failures()
        self.raise_pending(seconds, "they stay queued")

    def close(self) -> None:
        """Flushes, then gives up what has no outcome, or leaves it in the spool; a second call does nothing.

        Call it when no other thread is inside a method of this object.

        Raises:
            DeliveryError: records failed or were given up.
            BrokerUnreachableError: records were given up because no broker answers.
            AccessDeniedError: records were given up because the broker refuses the login.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._settle(self._close_seconds)
            self.raise_failures()
            if self._spool is None:
                self.raise_pending(self._close_seconds, "they were given up")
            elif self.pending:
                client_log.warning("%d events stay in the spool %s", self.pending, self._spool.folder)
        finally:
            self._sender.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with closing_beside(error):
            self.close()

    def handle(self, seconds: float) -> int:
        """Handles outcomes, waiting at most `seconds` for the first; raises none of them, and returns how many."""
        before = self._settled
        if not self._closed:
            self._sender.serve(seconds)
        return self._settled - before

    def _settle(self, seconds: float) -> None:
        deadline = Deadline.after(seconds, self._clock)
        self.handle(0.0)
        while self.pending and not deadline.expired():
            self._sender.drain(deadline.remaining())

    def _acknowledged(self, records: Acknowledged) -> None:
        with self._lock:
            self._settled += len(records.seconds)
            self._pending_bytes -= records.size
            self._tallies[records.topic].acknowledge(records.size, records.seconds, time.time())

    def _outcome(self, delivery: Delivery) -> None:
        size = len(delivery.value or b"")
        if delivery.error is None:
            self._acknowledged(Acknowledged(delivery.topic, size, [delivery.seconds or 0.0]))
        else:
            with self._lock:
                self._settled += 1
                self._pending_bytes -= size
                self._failed += 1
                self._first_failure = self._first_failure or delivery
                self._tallies[delivery.topic].failed[delivery.code or ""] += 1
        if self._hook is not None:
            self._hook(delivery)

    def raise_failures(self) -> None:
        """Raises what has failed since the last raise.

        Raises:
            DeliveryError: the first failure, and how many there are.
        """
        if self._first_failure is None:
            return
        with self._lock:
            first, failed, pending = self._first_failure, self._failed, self._taken - self._settled
            self._first_failure, self._failed = None, 0
        if first is None:
            return
        fatal = self._sender.fatal
        msg = (
            f"{failed} events were not acknowledged; the first, for topic {first.topic}, because of "
            f"{first.error} ({first.code}); {pending} more are pending"
            + (f"; the producer can send no more: {fatal}" if fatal else "")
        )
        raise DeliveryError(
            msg, topic=first.topic, failed=failed, pending=pending, fatal=fatal is not None
        ) from self._sender.trouble("sending")

    def raise_pending(self, seconds: float, fate: str) -> None:
        """Raises if records have no outcome after a wait of `seconds`; `fate` is what becomes of them.

        Raises:
            DeliveryError: the brokers answer, but not for them.
            BrokerUnreachableError: no broker answers.
            AccessDeniedError: the broker refuses the login.
        """
        pending = self.pending
        if not pending:
            return
        trouble = self._sender.trouble(f"waiting {seconds:g} s for {pending} events ({fate})")
        if trouble is not None:
            raise trouble
        msg = f"{pending} events were not acknowledged within {seconds:g} s; {fate}"
        raise DeliveryError(msg, topic=None, failed=0, pending=pending)

    def _raise_fatal(self, topic: str) -> None:
        fatal = self._sender.fatal
        if fatal is not None:
            msg = f"the producer can send no more: {fatal}; close it and make a new one"
            raise DeliveryError(msg, topic=topic, failed=0, pending=self.pending, fatal=True) from None

    def full(self, topic: str) -> QueueFullError:
        """What to raise for a record that found no room in time."""
        with self._lock:
            self._refused += 1
        waited = self._policy.seconds()
        trouble = self._sender.trouble("sending")
        return QueueFullError(
            f"no room for an event of topic {topic} after {waited:g} s: {self.pending} are pending"
            + (f"; {trouble}" if trouble else "")
        )
