"""Records on their way out: the only place that produces to Kafka.

Every record that `offer` took has exactly one outcome, and each outcome reaches `on_delivery` once.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from headrace.errors import (
    AccessDeniedError,
    BrokerUnreachableError,
    ConfigError,
    EventTooLargeError,
    HeadraceError,
)
from headrace.kafka.client import Properties, client_log, connection_properties, translate
from headrace.kafka.environment import BOOTSTRAP_SERVERS, connection_from_environment

Headers = list[tuple[str, bytes | None]]

# Small enough that Ctrl-C during a long wait feels immediate: librdkafka blocks outside the interpreter.
_SLICE_SECONDS = 0.2

# That an acknowledged event is in the topic, once and in order, rests on these.
_PROTECTED: Properties = {"acks": "all", "enable.idempotence": True}
# These have an argument of their own, are a second name of a protected one, or would accept a false broker.
_REFUSED = frozenset(
    {
        "bootstrap.servers",
        "delivery.timeout.ms",
        "dr_cb",
        "enable.ssl.certificate.verification",
        "error_cb",
        "message.timeout.ms",
        "metadata.broker.list",
        "on_delivery",
        "queue.buffering.max.kbytes",
        "queue.buffering.max.messages",
        "request.required.acks",
        "ssl.endpoint.identification.algorithm",
        "test.mock.num.brokers",
        "transactional.id",
    }
)
_DEFAULTS: Properties = {
    # A misspelt topic must fail, not come into being on a cluster that creates topics by itself.
    "allow.auto.create.topics": False,
    # How long a topic may look missing before it is: time for a new one to reach every broker.
    "topic.metadata.propagation.max.ms": 10_000,
    "compression.type": "lz4",
    "linger.ms": 5,
    # Critical lines only: librdkafka writes one per failed attempt to connect, ten a second while no broker answers.
    "log_level": 2,
    # The Java clients' choice of partition for a key, so that bots in other languages agree with ours.
    "partitioner": "murmur2_random",
}


class OutgoingRecord(NamedTuple):
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


def sender_properties(
    bootstrap_servers: str | None, client: Mapping[str, object] | None, **arguments: object
) -> Properties:
    """Librdkafka properties of a producer: environment, then `client`, then what no one may change.

    Args:
        bootstrap_servers: `host:port` of one or more brokers; None takes the environment's.
        client: further properties by librdkafka's names.
        arguments: properties that have an argument of their own, with `_` for `.`.

    Raises:
        ConfigError: no broker is named, the environment's variables contradict each other, or `client` sets a
            property that a guarantee rests on.
    """
    further = dict(client or {})
    connection = connection_from_environment(protocol_is_told="security.protocol" in further)
    chosen = connection_properties(connection) | _DEFAULTS
    if bootstrap_servers:
        chosen["bootstrap.servers"] = bootstrap_servers
    if "bootstrap.servers" not in chosen:
        msg = f"no broker is named: pass bootstrap_servers or set {BOOTSTRAP_SERVERS} to host:port"
        raise ConfigError(msg)
    refused = sorted(further.keys() & (_REFUSED | _PROTECTED.keys()))
    if refused:
        msg = (
            f"client= may not set {', '.join(refused)}: delivery without loss or doubles rests on it, "
            "or it has an argument of its own"
        )
        raise ConfigError(msg)
    own = {name.replace("_", "."): value for name, value in arguments.items()}
    return chosen | further | _PROTECTED | own


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
        on_acknowledged: Callable[[str, int, float], None] | None = None,
    ) -> None:
        """Connects in the background; an unreachable broker shows in `trouble`, not here.

        Args:
            properties: as `sender_properties` gives them.
            on_delivery: told every outcome.
            on_acknowledged: told topic, bytes and seconds of acknowledged records in place of `on_delivery`: that is
                half the work.

        Raises:
            ConfigError: librdkafka refuses a property; its value is not repeated, it may be a secret.
        """
        self._hook = on_delivery
        self._acknowledged = on_acknowledged
        self._denied: KafkaError | None = None
        self._unreachable: KafkaError | None = None
        self.fatal: str | None = None
        """Why this producer can send nothing any more, once that is so."""
        try:
            self._producer = Producer({**properties, "error_cb": self._error, "on_delivery": self._outcome})
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
            self._producer.produce(
                record.topic,
                value=record.value,
                key=record.key,
                headers=[*record.headers],
                on_delivery=on_delivery and partial(self._outcome, hook=on_delivery),
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

    def drain(self, seconds: float) -> int:
        """Hurries the queued records out and handles outcomes; returns how many records have none yet.

        Waits at most `seconds`, and in slices: call it again until the result is 0.
        """
        try:
            return self._producer.flush(min(seconds, _SLICE_SECONDS))
        except KafkaException as error:
            self._note_fatal(error)
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
        topic = message.topic() or ""
        if error is None:
            self._denied = self._unreachable = None
            if hook is None and self._acknowledged is not None:
                self._acknowledged(topic, len(message), message.latency() or 0.0)
                return
        told = hook or self._hook
        if told is None:
            return
        offset = message.offset()
        told(
            Delivery(
                topic,
                _as_bytes(message.key()),
                _as_bytes(message.value()),
                message.partition(),
                offset if error is None and offset is not None and offset >= 0 else None,
                error.str() if error else None,
                error.name() if error else None,
                message.latency(),
            )
        )

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
