"""What a producer is told of the cluster and of itself, and what no one may change of it."""

from collections.abc import Mapping

from headrace.errors import ConfigError
from headrace.kafka.client import Properties, connection_properties
from headrace.kafka.environment import BOOTSTRAP_SERVERS, connection_from_environment

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
    # The Java clients' choice of partition for a key, so that bots in other languages agree with ours.
    "partitioner": "murmur2_random",
}


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
