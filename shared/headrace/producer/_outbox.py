"""A bounded queue of records in front of Kafka, with a policy for when it is full.

A record that `put` took is acknowledged, or its failure is raised by the next `put`, `flush` or `close`.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from headrace.clock import Deadline, SystemClock
from headrace.errors import ConfigError, DeliveryError, HeadraceError, QueueFullError
from headrace.kafka.client import Properties, client_log
from headrace.kafka.sender import Delivery, Headers, OutgoingRecord, RecordSender
from headrace.producer._spooled_sender import SpooledSender, SpoolPlan

OnFull = Literal["block", "raise"]

# How long one look for room may wait for the first outcome: short, because room may also come from elsewhere.
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class FullPolicy:
    """What happens to an event for which the queue has no room.

    Attributes:
        on_full: "block" waits up to `block_seconds` for room, "raise" does not wait.
    """

    on_full: OnFull
    block_seconds: float

    def __post_init__(self) -> None:
        if self.on_full not in ("block", "raise"):
            msg = f"on_full is {self.on_full!r}: choose 'block' or 'raise'"
            raise ConfigError(msg)
        if self.on_full == "block" and self.block_seconds <= 0:
            msg = f"block_seconds is {self.block_seconds}: give a positive time, or choose on_full='raise'"
            raise ConfigError(msg)

    def seconds(self) -> float:
        """How long to wait for room."""
        return self.block_seconds if self.on_full == "block" else 0.0


def close_beside(error: BaseException | None, close: Callable[[], None]) -> None:
    """Closes at the end of a `with` block; what went wrong in the block stays the error that is raised."""
    if error is None:
        close()
        return
    try:
        close()
    except HeadraceError as undelivered:
        error.add_note(f"while this was raised, closing the producer found: {undelivered}")


class Outbox:
    """Raw records to any topic; safe to use from several threads.

    `on_delivery` sees the outcome of every record, on whichever thread is inside a method of this object at
    that time; never on a thread of its own. It must be quick, and must not call this object. With a spool the queue
    is on disk, begins with what an earlier process left there, and keeps what `close` finds.
    """

    def __init__(
        self,
        properties: Properties,
        policy: FullPolicy,
        *,
        on_delivery: Callable[[Delivery], None] | None = None,
        close_seconds: float = 30.0,
        spool: SpoolPlan | None = None,
    ) -> None:
        self._policy = policy
        self._close_seconds = close_seconds
        self._hook = on_delivery
        self._clock = SystemClock()
        self._lock = threading.Lock()
        self._settled = self._failed = 0
        self._first_failure: Delivery | None = None
        self._closed = False
        self._sender: RecordSender | SpooledSender = (
            SpooledSender(properties, self._outcome, spool) if spool else RecordSender(properties, self._outcome)
        )
        self._spool = spool
        self._taken = self._sender.left_over

    @property
    def pending(self) -> int:
        """Records taken that have no outcome yet."""
        with self._lock:
            return self._taken - self._settled

    def put(self, topic: str, value: bytes | None, *, key: bytes | None = None, headers: Headers | None = None) -> None:
        """Takes a record; one whose `put` raises was not taken.

        Raises:
            DeliveryError: earlier records failed.
            QueueFullError: no room before the deadline.
            EventTooLargeError: the record is larger than the client sends.
        """
        record = OutgoingRecord(topic, value, key, headers or [])
        self.serve()
        deadline = Deadline.after(self._policy.seconds(), self._clock)
        while not self.offer(record):
            if deadline.expired():
                raise self.full(topic)
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
        # Counted first: its outcome may be handled by another thread before this one goes on.
        with self._lock:
            self._taken += 1
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
        return taken

    def serve(self) -> None:
        """Handles outcomes that have arrived; does not wait.

        Raises:
            DeliveryError: records failed since this was last raised.
        """
        self.handle(0.0)
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
        close_beside(error, self.close)

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

    def _outcome(self, delivery: Delivery) -> None:
        with self._lock:
            self._settled += 1
            if delivery.error is not None:
                self._failed += 1
                self._first_failure = self._first_failure or delivery
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
        waited = self._policy.seconds()
        trouble = self._sender.trouble("sending")
        return QueueFullError(
            f"no room for an event of topic {topic} after {waited:g} s: {self.pending} are pending"
            + (f"; {trouble}" if trouble else "")
        )
