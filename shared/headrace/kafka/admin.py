"""Creating, growing and emptying topics. Headrace's workers never do: operators, demos and tests do."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.cimpl import NewPartitions, NewTopic

from headrace.clock import Deadline, SystemClock
from headrace.errors import BrokerUnreachableError, HeadraceError
from headrace.kafka.client import ClientErrors, Properties, new_admin

_UNKNOWN = KafkaError.UNKNOWN_TOPIC_OR_PART
# A cluster applies a change to its topics within milliseconds; asking every 20 ms costs it nothing.
_ASK_AGAIN_SECONDS = 0.02


class TopicAdmin:
    """Changes the topics of one cluster; a call returns when every client can see the change.

    Use from one thread at a time. Each call takes at most `timeout_seconds` and raises BrokerUnreachableError or
    AccessDeniedError.

    Args:
        properties: how to reach the cluster, as `headrace.kafka.client.client_properties` gives them.
        timeout_seconds: bound on each call.
    """

    def __init__(self, properties: Properties, timeout_seconds: float = 20.0) -> None:
        self._errors = ClientErrors()
        self._timeout = timeout_seconds
        self._client = new_admin(properties | {"error_cb": self._errors})

    def is_ready(self, wait_seconds: float) -> bool:
        """Whether the cluster has a broker that answers within `wait_seconds`."""
        try:
            return bool(self._client.list_topics(timeout=wait_seconds).brokers)
        except KafkaException:
            return False

    def create_topic(
        self,
        name: str,
        partitions: int,
        *,
        config: Mapping[str, str] | None = None,
        replication_factor: int = -1,
    ) -> bool:
        """Creates a topic unless there is one of that name.

        Args:
            name: the topic.
            partitions: how many; an existing topic keeps its own number.
            config: topic settings by Kafka's names, such as `cleanup.policy`.
            replication_factor: copies of each partition; -1 takes the cluster's default.

        Returns:
            Whether it was created by this call.
        """
        doing = f"creating topic {name}"
        topic = NewTopic(name, partitions, replication_factor, config=dict(config or {}))
        created = self._done(
            self._client.create_topics([topic], request_timeout=self._timeout)[name],
            doing,
            unless=KafkaError.TOPIC_ALREADY_EXISTS,
        )
        if created:
            self._until(lambda: self._led(name) == partitions, doing)
        return created

    def create_partitions(self, name: str, total: int) -> None:
        """Adds partitions to a topic until it has `total`."""
        doing = f"adding partitions to topic {name}"
        grown = self._client.create_partitions([NewPartitions(name, total)], request_timeout=self._timeout)
        self._done(grown[name], doing)
        self._until(lambda: self._led(name) == total, doing)

    def delete_topic(self, name: str) -> bool:
        """Deletes a topic with all it holds; returns whether there was one."""
        doing = f"deleting topic {name}"
        deleted = self._client.delete_topics([name], request_timeout=self._timeout)[name]
        if not self._done(deleted, doing, unless=_UNKNOWN):
            return False
        self._until(lambda: self._led(name) is None, doing)
        return True

    def delete_records(self, name: str, before: Mapping[int, int]) -> None:
        """Deletes the records of each partition that lie before an offset, as retention would."""
        asked = [TopicPartition(name, partition, offset) for partition, offset in before.items()]
        for future in self._client.delete_records(asked, request_timeout=self._timeout).values():
            self._done(future, f"deleting records of {name}")

    def _led(self, name: str) -> int | None:
        """How many partitions of a topic have a leader; None if there is no such topic."""
        try:
            topic = self._client.list_topics(timeout=self._timeout).topics.get(name)
        except KafkaException as error:
            raise self._translate(error, f"looking up topic {name}") from None
        if topic is None or topic.error is not None:
            return None
        return sum(partition.leader >= 0 for partition in topic.partitions.values())

    def _done(self, future: "Future[object]", doing: str, *, unless: int | None = None) -> bool:
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() == unless:
                return False
            raise self._translate(error, doing) from None
        return True

    def _until(self, holds: Callable[[], bool], doing: str) -> None:
        deadline = Deadline.after(self._timeout, SystemClock())
        pause = threading.Event()
        while not holds():
            if deadline.expired():
                msg = f"{doing} took longer than {self._timeout:g} s; the cluster may still carry it out"
                raise BrokerUnreachableError(msg)
            pause.wait(_ASK_AGAIN_SECONDS)

    def _translate(self, error: KafkaException, doing: str) -> HeadraceError:
        self._client.poll(0)  # lets a refused login reach the error callback, which explains the time-out
        return self._errors.translate(error.args[0], doing)
