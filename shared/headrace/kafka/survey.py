"""What a cluster tells of itself, for diagnosis. Nothing is changed, no group is joined, no record is read."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event
from typing import TypeVar

from confluent_kafka import KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin._acl import AclOperation
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.admin._metadata import ClusterMetadata
from confluent_kafka.admin._resource import ResourceType

from headrace.clock import Deadline, SystemClock
from headrace.connection import KafkaSettings
from headrace.errors import AccessDeniedError, HeadraceError, PermanentError, TransientError
from headrace.kafka.client import ClientErrors, client_properties, new_admin
from headrace.kafka.topics import EMBEDDED_PREFIX

_ASK_AGAIN_SECONDS = 0.1
_TURN_SECONDS = 1.0

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that answered.

    Attributes:
        id: its own name for itself.
        brokers: ids of those that are up.
        seconds: how long the answer took.
        settings: of one broker by Kafka's names; None if this user may not read them.
    """

    id: str
    brokers: tuple[int, ...]
    seconds: float
    settings: Mapping[str, str] | None

    @property
    def is_embedded(self) -> bool:
        """Whether it is librdkafka's mock cluster, which knows neither rights nor settings."""
        return self.id.startswith(EMBEDDED_PREFIX)


@dataclass(frozen=True, slots=True)
class Copies:
    """One partition: whether it has a leader, how many copies it should have, and how many are in sync."""

    led: bool
    replicas: int
    in_sync: int


@dataclass(frozen=True, slots=True)
class TopicSurvey:
    """What a cluster tells of a topic.

    Attributes:
        copies: of each partition.
        operations: what this user may do, such as `READ`; None where the broker does not tell.
        settings: by Kafka's names; None if this user may not read them, or where there are none.
        newest: the latest timestamp of a record; None if there is none.
    """

    copies: Mapping[int, Copies]
    operations: frozenset[str] | None
    settings: Mapping[str, str] | None
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class GroupSurvey:
    """What a cluster tells of a consumer group, also of one that does not exist yet."""

    operations: frozenset[str] | None
    members: int


class ClusterSurvey:
    """Asks a cluster. Use from one thread.

    Every request takes at most `request_timeout_seconds` and raises BrokerUnreachableError, AccessDeniedError or
    TopicMissingError.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._timeout = kafka.request_timeout_seconds
        self._errors = ClientErrors()
        self._admin = new_admin(client_properties(kafka) | {"error_cb": self._errors})
        self._clock = SystemClock()
        self._pause = Event()

    def cluster(self) -> Cluster:
        """The cluster itself."""
        asked_at = self._clock.monotonic()
        metadata = self._metadata()
        seconds = self._clock.monotonic() - asked_at
        found = Cluster(str(metadata.cluster_id), tuple(sorted(metadata.brokers)), seconds, None)
        if found.is_embedded or not found.brokers:
            return found
        settings = self._settings(ConfigResource(ResourceType.BROKER, str(found.brokers[0])))
        return Cluster(found.id, found.brokers, seconds, settings)

    def _metadata(self) -> ClusterMetadata:
        """Asks in short turns: librdkafka logs in again and again, and a refused login is final."""
        deadline = Deadline.after(self._timeout, self._clock)
        while True:
            try:
                return self._admin.list_topics(timeout=min(_TURN_SECONDS, self._timeout))
            except KafkaException as error:
                failure = self._failure(error, "asking for the cluster")
                if isinstance(failure, PermanentError) or deadline.expired():
                    raise failure from None

    def topic(self, name: str, *, embedded: bool) -> TopicSurvey:
        """One topic that exists.

        Args:
            name: of the topic.
            embedded: it lies on the mock cluster, which does not answer most questions.
        """
        doing = f"looking up topic {name}"
        try:
            listed = self._admin.list_topics(name, timeout=self._timeout).topics[name].partitions
        except KafkaException as error:
            raise self._failure(error, doing) from None
        copies = {p: Copies(found.leader >= 0, len(found.replicas), len(found.isrs)) for p, found in listed.items()}
        if embedded:
            return TopicSurvey(copies, None, None, None)
        asked = self._admin.describe_topics(
            TopicCollection([name]), include_authorized_operations=True, request_timeout=self._timeout
        )
        return TopicSurvey(
            copies=copies,
            operations=_named(self._result(asked[name], doing).authorized_operations),
            settings=self._settings(ConfigResource(ResourceType.TOPIC, name)),
            newest=self._newest(name, [p for p, found in copies.items() if found.led]),
        )

    def group(self, name: str) -> GroupSurvey:
        """One consumer group; not on the mock cluster.

        A cluster that has had no group yet first makes the topic that keeps them: asks again while it does.
        """
        deadline = Deadline.after(self._timeout, self._clock)
        while True:
            asked = self._admin.describe_consumer_groups(
                [name], include_authorized_operations=True, request_timeout=self._timeout
            )
            try:
                found = self._result(asked[name], f"looking up consumer group {name}")
            except TransientError:
                if deadline.expired():
                    raise
                self._pause.wait(_ASK_AGAIN_SECONDS)
            else:
                return GroupSurvey(_named(found.authorized_operations), len(found.members))

    def _settings(self, resource: ConfigResource) -> Mapping[str, str] | None:
        asked = self._admin.describe_configs([resource], request_timeout=self._timeout)
        try:
            found = self._result(asked[resource], "reading settings")
        except AccessDeniedError:
            return None
        return {name: entry.value for name, entry in found.items() if entry.value is not None}

    def _newest(self, topic: str, partitions: Iterable[int]) -> datetime | None:
        latest: OffsetSpec = OffsetSpec.max_timestamp()  # type: ignore[no-untyped-call]  # it has no annotations
        asked = {TopicPartition(topic, p): latest for p in partitions}
        if not asked:
            return None
        try:
            answers = self._admin.list_offsets(asked, request_timeout=self._timeout).values()
            newest = max(answer.result().timestamp for answer in answers)
        except KafkaException:
            return None  # brokers before 3.0 do not know, and nothing rests on it
        return datetime.fromtimestamp(newest / 1000, UTC) if newest >= 0 else None

    def _result(self, future: "Future[_Answer]", doing: str) -> _Answer:
        try:
            return future.result()
        except KafkaException as error:
            raise self._failure(error, doing) from None

    def _failure(self, error: KafkaException, doing: str) -> HeadraceError:
        self._admin.poll(0)  # lets a refused login reach the error callback, which explains the time-out
        return self._errors.translate(error.args[0], doing)


def _named(operations: Iterable[AclOperation] | None) -> frozenset[str] | None:
    return None if operations is None else frozenset(operation.name for operation in operations)
