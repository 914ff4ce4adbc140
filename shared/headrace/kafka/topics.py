"""What a topic is: its identity, its partitions, and where each begins and ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Event

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition

from headrace.clock import Deadline, SystemClock
from headrace.connection import KafkaSettings
from headrace.errors import HeadraceError, TopicMissingError
from headrace.kafka.client import ClientErrors, client_properties, new_admin, new_consumer, translate
from headrace.offsets import OffsetRange

# librdkafka's mock cluster names itself so and knows no topic ids.
EMBEDDED_PREFIX = "mockCluster"
_NO_TOPIC_ID = "-"

_NOT_YET = frozenset(
    {
        KafkaError._UNKNOWN_PARTITION,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
    }
)
_ASK_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class TopicIdentity:
    """Which topic of which cluster; `topic_id` changes when a topic is deleted and created again."""

    name: str
    cluster_id: str
    topic_id: str
    partitions: int


class TopicClient:
    """Asks a cluster about one topic; never joins a group. Threads may ask at the same time.

    Every request takes at most `request_timeout_seconds` and raises BrokerUnreachableError,
    AccessDeniedError or TopicMissingError.
    """

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self._topic = topic
        self._timeout = kafka.request_timeout_seconds
        self._errors = ClientErrors()
        self._pause = Event()
        properties = client_properties(kafka) | {"error_cb": self._errors}
        self._admin = new_admin(properties)
        self._consumer = new_consumer(
            properties
            | {
                "group.id": "headrace-metadata",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "allow.auto.create.topics": False,
            }
        )

    def identity(self) -> TopicIdentity:
        """Cluster id, topic id and number of partitions as the cluster says now."""
        doing = f"looking up topic {self._topic}"
        try:
            metadata = self._consumer.list_topics(self._topic, timeout=self._timeout)
        except KafkaException as error:
            raise self._failure(error, doing) from None
        found = metadata.topics[self._topic]
        if found.error is not None:
            raise translate(found.error, doing)
        if not found.partitions:
            msg = f"{doing} failed: it has no partitions"
            raise TopicMissingError(msg)
        cluster_id = str(metadata.cluster_id)
        return TopicIdentity(self._topic, cluster_id, self._topic_id(cluster_id, doing), len(found.partitions))

    def _topic_id(self, cluster_id: str, doing: str) -> str:
        if cluster_id.startswith(EMBEDDED_PREFIX):
            return _NO_TOPIC_ID
        asked = self._admin.describe_topics(TopicCollection([self._topic]), request_timeout=self._timeout)
        try:
            return str(asked[self._topic].result().topic_id)
        except KafkaException as error:
            raise self._failure(error, doing) from None

    def watermarks(self, partition: int) -> OffsetRange:
        """First offset kept and the end of what committed transactions have made readable.

        A partition that was just added is unknown to this client at first, then without a leader: asks again.
        """
        asked = TopicPartition(self._topic, partition)
        deadline = Deadline.after(self._timeout, SystemClock())
        while True:
            try:
                return OffsetRange(*self._consumer.get_watermark_offsets(asked, timeout=self._timeout))
            except KafkaException as error:
                if error.args[0].code() not in _NOT_YET or deadline.expired():
                    doing = f"asking for the offsets of {self._topic}[{partition}]"
                    raise self._failure(error, doing) from None
            self._pause.wait(_ASK_AGAIN_SECONDS)
            self.identity()

    def positions_at(self, time: datetime, partitions: Sequence[int]) -> dict[int, int]:
        """Per partition the first offset with a timestamp at or after `time`, else the end."""
        millis = int(time.timestamp() * 1000)
        asked = [TopicPartition(self._topic, p, millis) for p in partitions]
        try:
            found = self._consumer.offsets_for_times(asked, timeout=self._timeout)
        except KafkaException as error:
            raise self._failure(error, f"looking up {time} in {self._topic}") from None
        return {t.partition: t.offset if t.offset >= 0 else self.watermarks(t.partition).end for t in found}

    def close(self) -> None:
        """Closes the connections."""
        self._consumer.close()

    def _failure(self, error: KafkaException, doing: str) -> HeadraceError:
        # Lets a refused login reach the error callback, which explains the time-out.
        self._admin.poll(0)
        self._consumer.poll(0)
        return self._errors.translate(error.args[0], doing)
