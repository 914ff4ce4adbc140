"""Where the topics of tables end, for reads that are not to wait for quiet partitions."""

from typing import Self

from headrace.connection import KafkaSettings
from headrace.lake.store import Store
from headrace.read.commits import CommitLog
from headrace.read.lag import SourceClients
from headrace.read.proof.identity import check_topic


class BrokerEnds:
    """Asks the cluster; connections are kept until it is closed. One thread uses it.

    Args:
        root: of the lake.
        kafka: how to reach the cluster.
    """

    def __init__(self, root: str, kafka: KafkaSettings) -> None:
        self._store = Store(root)
        self._kafka = kafka
        self._clients: dict[str, SourceClients] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, table: str) -> dict[int, int]:
        """Per partition of the table's topic one after the last offset there is.

        Raises:
            ConfigError: there is no such table, or no broker is named.
            WrongTableError: no worker fills it.
            TopicRecreatedError: the topic is not the one that the table was filled from.
            TopicMissingError, AccessDeniedError, BrokerUnreachableError: it cannot be asked.
        """
        identity = CommitLog(self._store, table).identity
        if identity.topic not in self._clients:
            self._clients[identity.topic] = SourceClients(self._kafka, identity.topic)
        topic = self._clients[identity.topic].topic
        found = topic.identity()
        check_topic(found, identity)
        return {partition: topic.watermarks(partition).end for partition in range(found.partitions)}

    def close(self) -> None:
        """Closes the connections."""
        for clients in self._clients.values():
            clients.close()
        self._clients.clear()
