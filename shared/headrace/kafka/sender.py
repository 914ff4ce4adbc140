"""Records on their way out: the only place that produces to Kafka.

Every record that `offer` took has exactly one outcome, and each outcome reaches `on_delivery` once.
"""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from headrace.errors import (
    AccessDeniedError,
    BrokerUnreachableError,
    ConfigError,
    EventTooLargeError,
    HeadraceError,
)
from headrace.kafka.client import Properties, client_log, translate

Headers = list[tuple[str, bytes | None]]

# Small enough that Ctrl-C during a long wait feels immediate: librdkafka blocks outside the interpreter.
_SLICE_SECONDS = 0.2

# What `produce` takes where nothing is named.
_ANY_PARTITION, _NOW = -1, 0


class OutgoingRecord(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A record that has no place yet."""

    topic: str
    value: bytes | None
    key: bytes | None
    headers: Headers


class Delivery(NamedTuple):
    """What became of one record.

    Attributes:
        partition: None when the record never got one.
        offset: None when it was not acknowledged, or when only a repetition was and the broker no longer knew
            where the first copy lies.
        error: None when the broker acknowledged the record, else why not. After a time-out or a purge of a
            record in flight the record may still be in the topic.
        code: librdkafka's name of the error, from a closed set.
        seconds: from the client's queue to this outcome; None for a record that was never in it.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None
    offset: int | None
    error: str | None = None
    code: str | None = None
    seconds: float | None = None


class Acknowledged(NamedTuple):
    """That the broker has records of one topic: the bytes of their values, and how long after each was queued."""

    topic: str
    size: int
    seconds: Sequence[float]


class RecordSender:
    """An idempotent producer of raw records with a bounded queue that never waits by itself.

    Any thread may call any method. The hooks run on the thread inside `serve` or `drain`; what they raise comes out
    of that call.
    """

    left_over = 0
    """Records that an earlier process left to this one."""
    spooled_bytes: int | None = None
    """On disk; None where there is no spool."""

    def __init__(
        self,
        properties: Properties,
        on_delivery: Callable[[Delivery], None] | None,
        on_acknowledged: Callable[[Acknowledged], None] | None = None,
    ) -> None:
        """Connects in the background; an unreachable broker shows in `trouble`, not here.

        Args:
            properties: as `sender_properties` gives them.
            on_delivery: told every outcome.
            on_acknowledged: told of acknowledged records in place of `on_delivery`, all of a topic that one call
                brought at once: that is a fifth of the work.

        Raises:
            ConfigError: librdkafka refuses a property; its value is not repeated, it may be a secret.
        """
        self._hook = on_delivery
        self._acknowledged = on_acknowledged
        self._arrived: list[Message] = []
        self._telling = threading.Lock()
        self._denied: KafkaError | None = None
        self._unreachable: KafkaError | None = None
        self.fatal: str | None = None
        """Why this producer can send nothing any more, once that is so."""
        try:
            told = self._outcome if on_acknowledged is None else self._arrives
            self._producer = Producer({**properties, "error_cb": self._error, "on_delivery": told})
        except KafkaException as error:
            msg = f"the producer's properties are wrong: {error.args[0].str()}"
            raise ConfigError(msg) from None

    def offer(self, record: OutgoingRecord, on_delivery: Callable[[Delivery], None] | None = None) -> bool:
        """Queues a record; False when the queue has no room for it. Does not wait.

        Args:
            record: to send.
            on_delivery: told of this record's outcome in place of the hook for all.

        Raises:
            EventTooLargeError: the record exceeds `message.max.bytes`.
            HeadraceError: the client refuses the record; see also `fatal`.
        """
        try:
            # By position: the client looks for each name that it could be given, a fifth of the time of a call.
            self._producer.produce(
                record.topic,
                record.value,
                record.key,
                _ANY_PARTITION,
                on_delivery and partial(self._outcome, hook=on_delivery),
                None,
                _NOW,
                record.headers,  # type: ignore[arg-type]  # it takes texts, too, and changes nothing
            )
        except BufferError:
            return False
        except KafkaException as error:
            raise self._refusal(error.args[0], record.topic, len(record.value or b"")) from None
        return True

    def serve(self, seconds: float = 0.0) -> None:
        """Handles the outcomes that are there; with `seconds`, waits so long for the first."""
        try:
            self._producer.poll(seconds)
        except KafkaException as error:
            self._note_fatal(error)
        finally:
            self._tell_acknowledged()

    def drain(self, seconds: float) -> int:
        """Hurries the queued records out and handles outcomes; returns how many records have none yet.

        Waits at most `seconds`, and in slices: call it again until the result is 0.
        """
        try:
            return self._producer.flush(min(seconds, _SLICE_SECONDS))
        except KafkaException as error:
            self._note_fatal(error)
        finally:
            self._tell_acknowledged()
        return len(self._producer)

    def close(self) -> None:
        """Gives up every record that has no outcome yet, reporting each as failed, and disconnects.

        Nothing but a second `close` may follow.
        """
        try:
            if len(self._producer):
                self._producer.purge()
                self.serve()
        finally:
            self._producer.close()

    def trouble(self, doing: str) -> HeadraceError | None:
        """What the brokers' connections suffer from at present, if anything, in our words."""
        error = self._denied or self._unreachable
        return translate(error, doing) if error else None

    def _note_fatal(self, error: KafkaException) -> None:
        # A fatal error does not go to error_cb: it comes out of whatever call handles events at that time.
        if not error.args[0].fatal():
            raise error
        self.fatal = error.args[0].str()

    def _error(self, error: KafkaError) -> None:
        # librdkafka calls this from poll or flush, for every attempt to connect; one line per outage is enough.
        if isinstance(found := translate(error, "keeping a connection"), AccessDeniedError):
            if self._denied is None:
                client_log.warning("%s", found)
            self._denied = error
        elif isinstance(found, BrokerUnreachableError):
            if self._unreachable is None:
                client_log.warning("%s", found)
            self._unreachable = error

    def _outcome(
        self, error: KafkaError | None, message: Message, hook: Callable[[Delivery], None] | None = None
    ) -> None:
        if error is None:
            self._denied = self._unreachable = None
        told = hook or self._hook
        if told is None:
            return
        offset = message.offset()
        told(
            Delivery(
                message.topic() or "",
                _as_bytes(message.key()),
                _as_bytes(message.value()),
                message.partition(),
                offset if error is None and offset is not None and offset >= 0 else None,
                error.str() if error else None,
                error.name() if error else None,
                message.latency(),
            )
        )

    def _arrives(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self._arrived.append(message)
        else:
            self._outcome(error, message)

    def _tell_acknowledged(self) -> None:
        if self._acknowledged is None or not self._arrived:
            return
        self._denied = self._unreachable = None
        with self._telling:
            arrived = self._arrived.copy()
            del self._arrived[: len(arrived)]  # callbacks on other threads append meanwhile
        topics = set(map(Message.topic, arrived))
        for topic in topics:
            records = arrived if len(topics) == 1 else [message for message in arrived if message.topic() == topic]
            seconds = [latency or 0.0 for latency in map(Message.latency, records)]
            self._acknowledged(Acknowledged(topic or "", sum(map(len, records)), seconds))

    def _refusal(self, error: KafkaError, topic: str, size: int) -> HeadraceError:
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            return EventTooLargeError(
                f"a record of {size} bytes for topic {topic} exceeds the producer's message.max.bytes; it was not sent"
            )
        if error.fatal() or error.code() == KafkaError._FATAL:
            self.fatal = error.str()
        return translate(error, f"sending to topic {topic}")


def _as_bytes(payload: str | bytes | None) -> bytes | None:
    return payload.encode() if isinstance(payload, str) else payload
