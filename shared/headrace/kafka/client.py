"""What every Kafka client of the project shares: properties from settings, and errors in our words."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, libversion
from confluent_kafka.admin import AdminClient

from headrace.connection import KafkaSettings
from headrace.errors import (
    AccessDeniedError,
    AnotherWriterError,
    BrokerUnreachableError,
    ConfigError,
    HeadraceError,
    InvariantError,
    MemberIdInUseError,
    PositionLostError,
    TopicMissingError,
)
from headrace.kafka.statistics import ClientObserver

_Client = TypeVar("_Client", Consumer, AdminClient)
Properties = dict[str, Any]  # librdkafka takes text, numbers, flags, callbacks and a logger

# A guarantee rests on each of these, so `HEADRACE_KAFKA__CLIENT` may not set them.
_PROTECTED = frozenset(
    {
        "acks",
        "auto.offset.reset",
        "bootstrap.servers",
        "check.crcs",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.idempotence",
        "enable.partition.eof",
        "enable.ssl.certificate.verification",
        "isolation.level",
        "partition.assignment.strategy",
        "request.required.acks",
        "ssl.endpoint.identification.algorithm",
    }
)

# Each of these has a setting of its own, which knows what goes together.
_SETTINGS = {
    "group.id": "GROUP_ID",
    "group.instance.id": "GROUP_INSTANCE_ID",
    "group.protocol": "GROUP_PROTOCOL",
    "max.poll.interval.ms": "MAX_POLL_INTERVAL_MS",
    "session.timeout.ms": "SESSION_TIMEOUT_MS",
}

UNREACHABLE = frozenset(
    {KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._RESOLVE}
)
"""What librdkafka reports of connections that fail."""

# Brokers answer so while they start, stop, or hand a partition or a group to one another.
_UNSETTLED = frozenset(
    {
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.NOT_CONTROLLER,
        KafkaError.NOT_COORDINATOR,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.REQUEST_TIMED_OUT,
    }
)
_DENIED = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError._SSL,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
_MISSING = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION})
_OUT_OF_RANGE = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})
# A group of the other protocol that may not be migrated hides from one and contradicts the other.
_OTHER_PROTOCOL = frozenset(
    {
        KafkaError.GROUP_ID_NOT_FOUND,
        KafkaError.INCONSISTENT_GROUP_PROTOCOL,
        KafkaError.UNSUPPORTED_VERSION,
        KafkaError._UNSUPPORTED_FEATURE,
    }
)

_MEANINGS: tuple[tuple[frozenset[int], type[HeadraceError], str], ...] = (
    (_DENIED, AccessDeniedError, "Check HEADRACE_KAFKA__SASL_*, SSL_* and the ACLs of topic and group."),
    (UNREACHABLE, BrokerUnreachableError, "Check HEADRACE_KAFKA__BOOTSTRAP_SERVERS and that a broker listens."),
    (_UNSETTLED, BrokerUnreachableError, "The brokers are starting, stopping or electing a leader: try again."),
    (_MISSING, TopicMissingError, "Create the topic first; Headrace never creates one on a real cluster."),
    (
        _OUT_OF_RANGE,
        PositionLostError,
        "Records after the table's position are no longer on the broker: they were deleted by retention "
        "or the log was truncated. Nothing was skipped; see docs/operations.md, exit code 81.",
    ),
    (
        _OTHER_PROTOCOL,
        ConfigError,
        "The brokers, or the group as it is, do not go with HEADRACE_KAFKA__GROUP_PROTOCOL: consumer needs Kafka 4.0, "
        "and a group of the other protocol that is empty or may be migrated (docs/operations.md, Scale).",
    ),
    (
        frozenset({KafkaError.INVALID_SESSION_TIMEOUT}),
        ConfigError,
        "Set HEADRACE_KAFKA__SESSION_TIMEOUT_MS within the brokers' group.min.session.timeout.ms and "
        "group.max.session.timeout.ms.",
    ),
    (
        frozenset({KafkaError.GROUP_MAX_SIZE_REACHED}),
        ConfigError,
        "The brokers take no more members into the group: start fewer workers, or raise their group.max.size.",
    ),
    (
        frozenset({KafkaError.FENCED_INSTANCE_ID}),
        AnotherWriterError,
        "Another worker has joined the group under the same HEADRACE_KAFKA__GROUP_INSTANCE_ID: give each its own. "
        "Nothing is lost; what was not durable is read by the other.",
    ),
    (
        frozenset({KafkaError.UNRELEASED_INSTANCE_ID}),
        MemberIdInUseError,
        "A worker that was killed keeps its HEADRACE_KAFKA__GROUP_INSTANCE_ID until the brokers' "
        "group.consumer.session.timeout.ms is over: start again after that. If one runs under this id, give each its "
        "own.",
    ),
)

client_log = logging.getLogger("headrace.librdkafka")


def client_properties(kafka: KafkaSettings) -> Properties:
    """Properties for librdkafka for reaching the cluster, without those of a consumer or producer.

    Raises:
        ConfigError: no broker is named, a protected property is set, or the password file cannot be read.
    """
    if not kafka.bootstrap_servers:
        msg = "no broker is named: set HEADRACE_KAFKA__BOOTSTRAP_SERVERS to host:port of one or more brokers"
        raise ConfigError(msg)
    return connection_properties(kafka)


def connection_properties(kafka: KafkaSettings) -> Properties:
    """What `kafka` says of the connection, for librdkafka; a broker only if one is named.

    Raises:
        ConfigError: a protected property is set, or the password file cannot be read.
    """
    elsewhere = sorted(_SETTINGS.keys() & kafka.client.keys())
    if elsewhere:
        msg = f"HEADRACE_KAFKA__CLIENT sets {elsewhere[0]}: set HEADRACE_KAFKA__{_SETTINGS[elsewhere[0]]} instead"
        raise ConfigError(msg)
    refused = sorted(_PROTECTED & kafka.client.keys())
    if refused:
        msg = f"HEADRACE_KAFKA__CLIENT may not set {', '.join(refused)}: exactly once rests on them"
        raise ConfigError(msg)
    optional: Mapping[str, object | None] = {
        "bootstrap.servers": kafka.bootstrap_servers or None,
        "sasl.mechanism": kafka.sasl_mechanism,
        "sasl.username": kafka.sasl_username,
        "sasl.password": kafka.password(),
        "ssl.ca.location": kafka.ssl_ca_location and str(kafka.ssl_ca_location),
        "ssl.certificate.location": kafka.ssl_certificate_location and str(kafka.ssl_certificate_location),
        "ssl.key.location": kafka.ssl_key_location and str(kafka.ssl_key_location),
    }
    return {
        "security.protocol": kafka.security_protocol,
        "logger": client_log,
        # Critical lines only: librdkafka writes one per failed attempt to connect, tens a second while none answers.
        "log_level": 2,
        **{name: value for name, value in optional.items() if value is not None},
        **kafka.client,
    }


def librdkafka_version() -> str:
    """Version of the C library that is really loaded; a system package may bring one of its own."""
    return libversion()[0]


def check_properties(kafka: KafkaSettings) -> None:
    """Makes a client and lets it go, without an address to connect to.

    Raises:
        ConfigError: a property is protected, or librdkafka refuses one, or a file it names cannot be read.
    """
    properties = connection_properties(kafka)
    properties.pop("bootstrap.servers", None)
    new_admin(properties)


def new_consumer(properties: Properties) -> Consumer:
    """A consumer that connects in the background.

    Raises:
        ConfigError: librdkafka refuses a property, which the message names.
    """
    return _made(Consumer, properties)


def new_admin(properties: Properties) -> AdminClient:
    """A client for questions about a cluster and changes to it, which connects in the background.

    Raises:
        ConfigError: librdkafka refuses a property, which the message names.
    """
    return _made(AdminClient, properties)


def _made(make: Callable[[Properties], _Client], properties: Properties) -> _Client:
    try:
        return make(properties)
    except KafkaException as error:
        said = error.args[0].str().strip()
        msg = f"a Kafka client cannot be made: {said}. Check HEADRACE_KAFKA__CLIENT and the other HEADRACE_KAFKA__*."
        raise ConfigError(msg) from None


class ClientErrors:
    """Remembers what a client's background threads reported: a refused login otherwise looks like a time-out.

    An instance is the client's `error_cb`; librdkafka calls it on the thread that polls. It logs no connection that
    failed: who asked is told by the failure.

    Args:
        observer: told of every error too.
    """

    def __init__(self, observer: ClientObserver | None = None) -> None:
        self._observer = observer
        self._denied: KafkaError | None = None
        self._connection = ""
        self._logged: int | None = None

    def __call__(self, error: KafkaError) -> None:
        """Called by librdkafka."""
        if self._observer is not None:
            self._observer.client_error(error.name())
        if error.code() in _DENIED:
            self._denied = error
        if error.code() in UNREACHABLE:
            if error.code() != KafkaError._ALL_BROKERS_DOWN:  # which says nothing of why
                self._connection = error.str()
            return
        if error.code() == self._logged:
            return  # librdkafka reports every attempt to log in, many in a second
        self._logged = error.code()
        client_log.warning("%s: %s", error.name(), error.str())

    def translate(self, error: KafkaError, doing: str) -> HeadraceError:
        """`error` in our words, with what was being done and why the last connection failed, if one did."""
        failure = translate(self._denied or error, doing)
        if isinstance(failure, BrokerUnreachableError) and self._connection:
            return BrokerUnreachableError(f"{failure} The last connection that failed: {self._connection}")
        return failure


def translate(error: KafkaError, doing: str) -> HeadraceError:
    """A librdkafka error in our words.

    Args:
        error: what librdkafka reported.
        doing: the action that failed, such as "reading topic trades".
    """
    said = f"{doing} failed: {error.str()} ({error.name()})"
    code = _cause(error)
    for codes, failure, advice in _MEANINGS:
        if code in codes:
            return failure(f"{said}. {advice}")
    return InvariantError(said)


def _cause(error: KafkaError) -> int:
    """The code of what went wrong; of what ended a consumer for good, which librdkafka tells in the text alone."""
    code = int(error.code())
    if code != KafkaError._FATAL:
        return code
    known = (code for codes, _, _ in _MEANINGS for code in codes)
    return next((cause for cause in known if KafkaError(cause).str() in error.str()), code)
