"""A broker inside this process: librdkafka's mock cluster, reachable by other processes over TCP.

It serves producers, consumers and consumer groups with nothing installed, for demos and quick tests. What it
does not do:

- every topic has 4 partitions, appears on first use and cannot be created, grown, configured or deleted;
- each partition keeps only its newest 5 MiB, as sent (compressed batches count compressed): whoever produces
  faster than it is read must wait for the readers, or their positions are gone;
- topics have no ids, so a topic that was made anew cannot be told from the old one;
- nothing survives `stop()`.
"""

from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException, Producer

from headrace.errors import BrokerUnreachableError
from headrace.kafka.client import client_log, translate

PARTITIONS = 4
"""Partitions of every topic; librdkafka has no property for it."""
KEPT_BYTES_PER_PARTITION = 5 * 1024 * 1024
"""Older batches go once a partition holds more than this."""

_ANSWER_SECONDS = 30.0


class EmbeddedBroker:
    """A mock cluster of one broker that lives as long as this object; a context manager.

    Its threads are librdkafka's own: it serves while Python is busy. Methods may be called from any thread.
    """

    def __init__(self) -> None:
        # Nothing polls this client, so its log lines would pile up: level 0 keeps it silent, also while it closes.
        self._host: Producer | None = Producer(
            {
                "bootstrap.servers": "replaced-by-the-mock-cluster:1",
                "test.mock.num.brokers": 1,
                "log_level": 0,
                "logger": client_log,
            }
        )
        brokers = self._host.list_topics(timeout=_ANSWER_SECONDS).brokers.values()
        self._bootstrap_servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    @property
    def bootstrap_servers(self) -> str:
        """`host:port` that clients of any process on this machine connect to."""
        return self._bootstrap_servers

    def ensure_topic(self, name: str) -> None:
        """Returns when the topic exists, which asking for it brings about.

        Raises:
            BrokerUnreachableError: the broker was stopped.
        """
        doing = f"creating topic {name} on the embedded broker"
        if self._host is None:
            msg = f"{doing} failed: it was stopped"
            raise BrokerUnreachableError(msg)
        try:
            topic = self._host.list_topics(name, timeout=_ANSWER_SECONDS).topics[name]
        except KafkaException as error:
            raise translate(error.args[0], doing) from None
        if topic.error is not None:
            raise translate(topic.error, doing)

    def stop(self) -> None:
        """Ends the broker and forgets what it held; a second call does nothing."""
        self._host = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
