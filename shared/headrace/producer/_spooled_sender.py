"""A sender whose queue is on disk: what it takes survives the process, and outages of any length."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from headrace.errors import EventTooLargeError, HeadraceError
from headrace.kafka.client import Properties
from headrace.kafka.sender import Delivery, OutgoingRecord, RecordSender
from headrace.kafka.sending import Connect
from headrace.producer._spool import Spool

_LARGEST_RECORD = 1_000_000
"""librdkafka's default for message.max.bytes."""

_OVERHEAD_BYTES = 512
"""What librdkafka counts on top of key, value and headers, rounded up."""

_SENT_PER_OFFER = 2
"""One more than comes in, so that a backlog shrinks while a bot emits."""

_SENT_PER_TURN = 200
"""Under one hold of the lock: an event loop may be waiting for it."""


class SpoolPlan(NamedTuple):
    """Where events wait.

    Attributes:
        folder: of this producer alone, on a local disk.
        limit_bytes: that it may have.
        synced_offers: whether a record outlives the machine, and not only the process, as soon as it is taken.
    """

    folder: Path
    limit_bytes: int
    synced_offers: bool


class SpooledSender:
    """Offers records to a spool, and from there in order to the broker; the interface of `RecordSender`.

    A record leaves the spool when the broker has acknowledged it. One that the broker refuses stays, and goes out
    again in the next process. After a crash records that were on their way go out again, too, under new offsets.
    """

    def __init__(
        self,
        properties: Properties,
        on_delivery: Callable[[Delivery], None],
        plan: SpoolPlan,
        connect: Connect = RecordSender,
    ) -> None:
        """Opens the spool; what is in it goes out first.

        Raises:
            ConfigError: a property is wrong, or the spool belongs to another process.
            StoreError: the spool is damaged, or its disk fails.
            AccessDeniedError: the spool's folder cannot be written.
        """
        self._largest = int(str(properties.get("message.max.bytes", _LARGEST_RECORD))) - _OVERHEAD_BYTES
        self._hook = on_delivery
        self._synced_offers = plan.synced_offers
        self._lock = threading.Lock()
        self._closing = False
        self._spool = Spool(plan.folder, plan.limit_bytes)
        self.left_over = len(self._spool)
        """Records that an earlier process left to this one."""
        try:
            # Nothing expires: how long an event may wait is the spool's limit.
            self._sender = connect({**properties, "delivery.timeout.ms": 0}, None)
        except HeadraceError:
            self._spool.close()
            raise

    @property
    def fatal(self) -> str | None:
        """Why this producer can send nothing any more, once that is so."""
        return self._sender.fatal

    @property
    def spooled_bytes(self) -> int:
        """On disk."""
        with self._lock:
            return self._spool.size

    def offer(self, record: OutgoingRecord) -> bool:
        """Takes a record into the spool; False when that has no room for it.

        Raises:
            EventTooLargeError: the record exceeds `message.max.bytes`.
            StoreError: the spool's disk is full or fails; the record was not taken.
        """
        size = (
            len(record.value or b"") + len(record.key or b"") + sum(len(k) + len(v or b"") for k, v in record.headers)
        )
        if size > self._largest:
            msg = f"a record of {size} bytes for topic {record.topic} exceeds the producer's message.max.bytes"
            raise EventTooLargeError(msg)
        with self._lock:
            if not self._spool.append(record):
                return False
            self._send_on(_SENT_PER_OFFER)
            handles = self._spool.unsynced() if self._synced_offers else []
        self._spool.sync_and_close(handles)
        return True

    def serve(self, seconds: float = 0.0) -> None:
        """Handles the outcomes that are there, waiting so long for the first, and sends on what has room then."""
        self._sender.serve(seconds)
        self._send_on_in_turns()
        with self._lock:
            handles = self._spool.unsynced()
        self._spool.sync_and_close(handles)

    def drain(self, seconds: float) -> int:
        """Hurries records out and handles outcomes; returns how many are in the spool still. Waits in slices."""
        self._sender.drain(seconds)
        self._send_on_in_turns()
        with self._lock:
            return len(self._spool)

    def close(self) -> None:
        """Disconnects; what is not acknowledged stays in the spool."""
        self._closing = True
        try:
            self._sender.close()
        finally:
            self._spool.close()

    def trouble(self, doing: str) -> HeadraceError | None:
        """What the brokers' connections suffer from at present, if anything, in our words."""
        return self._sender.trouble(doing)

    def _send_on_in_turns(self) -> None:
        going = True
        while going:
            with self._lock:
                going = self._send_on(_SENT_PER_TURN)

    def _send_on(self, most: int) -> bool:
        """Sends on at most so many records; False when none is left, or there is no room."""
        for _ in range(most):
            unsent = self._spool.next_unsent()
            if unsent is None:
                return False
            number, record = unsent
            try:
                if not self._sender.offer(record, partial(self._outcome, number)):
                    return False
            except HeadraceError as refusal:
                if self._sender.fatal is not None:
                    return False
                self._hook(Delivery(record.topic, record.key, record.value, None, None, str(refusal), "REFUSED"))
            self._spool.mark_sent()
        return True

    def _outcome(self, number: int, delivery: Delivery) -> None:
        if delivery.error is None:
            with self._lock:
                self._spool.acknowledge(number)
        elif self._closing:
            return
        self._hook(delivery)
