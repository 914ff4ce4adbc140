"""A topic to be read without a group, by rebuilds and replays."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from headrace.connection import KafkaSettings
from headrace.kafka.reader import TopicReader
from headrace.kafka.records import Records
from headrace.kafka.topics import TopicClient, TopicIdentity
from headrace.lake.tables import recreated
from headrace.offsets import OffsetRange, SourceId


class TopicLog(Protocol):
    """What is asked of a topic. One thread uses it; every call may raise a HeadraceError."""

    def identity(self) -> TopicIdentity:
        """Which topic it is."""
        ...

    def watermarks(self, partition: int) -> OffsetRange:
        """The offsets that it has."""
        ...

    def positions_at(self, time: datetime, partitions: Sequence[int]) -> Mapping[int, int]:
        """Per partition the first offset with a Kafka timestamp at or after `time`, else the end."""
        ...

    def read(self, partition: int, wanted: OffsetRange) -> Iterator[Records]:
        """Its committed records, in order."""
        ...

    def is_compacted(self) -> bool:
        """Whether it removes single records by itself."""
        ...


def check_topic(topic: TopicLog, source: SourceId, where: str) -> None:
    """Makes sure that a topic is the one that the table at `where` was filled from.

    Raises:
        TopicRecreatedError: it was deleted and created again, or is on another cluster.
        HeadraceError: the cluster cannot be asked.
    """
    found = topic.identity()
    if (found.cluster_id, found.topic_id) != (source.cluster_id, source.topic_id):
        raise recreated(found.name, where)


class ClusterLog:
    """The topic on a cluster."""

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self._client = TopicClient(kafka, topic)
        self._reader = TopicReader(kafka, topic)

    def identity(self) -> TopicIdentity:
        """Which topic it is."""
        return self._client.identity()

    def watermarks(self, partition: int) -> OffsetRange:
        """The offsets that it has."""
        return self._client.watermarks(partition)

    def positions_at(self, time: datetime, partitions: Sequence[int]) -> Mapping[int, int]:
        """Per partition the first offset with a Kafka timestamp at or after `time`, else the end."""
        return self._client.positions_at(time, partitions)

    def read(self, partition: int, wanted: OffsetRange) -> Iterator[Records]:
        """Its committed records, in order."""
        return self._reader.read(partition, wanted)

    def is_compacted(self) -> bool:
        """Whether it removes single records by itself."""
        return self._reader.is_compacted()

    def close(self) -> None:
        """Closes the connections."""
        self._reader.close()
        self._client.close()
