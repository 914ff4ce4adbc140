"""The worker's consumer: it comes by its partitions through a group or by hand, and starts exactly where it is told.

Positions are given by whoever listens to the assignment; the group's own offsets are written for lag tools and
never read. An offset the broker does not have is an error, never a jump (`auto.offset.reset=error`).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import compress
from operator import not_
from typing import Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from msgspec import DecodeError

from headrace.connection import KafkaSettings
from headrace.errors import BrokerUnreachableError
from headrace.kafka.client import Properties, client_log, client_properties, new_consumer
from headrace.kafka.messages import is_passing, records_of
from headrace.kafka.outage import OutageErrors
from headrace.kafka.records import Records
from headrace.kafka.statistics import INTERVAL_MS, ClientObserver, parse_statistics


class PartitionListener(Protocol):
    """Told of rebalances, on the polling thread, from inside `poll` and `close`."""

    def assigned(self, partitions: Sequence[int]) -> Mapping[int, int]:
        """Partitions that now belong to this member, none if the group has no more of them for it.

        Returns:
            The position to read each from.
        """
        ...

    def revoked(self, partitions: Sequence[int]) -> None:
        """Partitions that go to another member when this returns."""
        ...

    def lost(self, partitions: Sequence[int]) -> None:
        """Partitions that may already belong to another member."""
        ...


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll brought: records, and for partitions read to their end the position of that end."""

    records: Records
    ends: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class GroupMember:
    """Partitions are those that a consumer group gives."""

    group_id: str


@dataclass(frozen=True, slots=True)
class ByHand:
    """Partitions are the named ones, whoever else reads them.

    Attributes:
        partitions: their numbers.
        group_id: a group without members that is told the positions, if any.
    """

    partitions: tuple[int, ...]
    group_id: str | None = None


Membership = GroupMember | ByHand


class KafkaConsumer:
    """A reader of one topic. One thread owns it; callbacks run on that thread.

    Args:
        kafka: how to reach the cluster.
        topic: the topic.
        membership: how it comes by its partitions.
        queue_kib: how much librdkafka may prefetch, in KiB.
        observer: told what the client reports.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        topic: str,
        membership: Membership,
        *,
        queue_kib: int,
        observer: ClientObserver | None = None,
    ) -> None:
        self._topic = topic
        self._membership = membership
        self._observer = observer
        self._errors = OutageErrors(observer)
        self._failure: BaseException | None = None
        self._listener: PartitionListener | None = None
        self._consumer = new_consumer(
            {"statistics.interval.ms": 0 if observer is None else INTERVAL_MS}
            | client_properties(kafka)
            | _membership_properties(kafka, membership)
            | {
                "topic.metadata.refresh.interval.ms": int(kafka.metadata_refresh_seconds * 1000),
                "auto.offset.reset": "error",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "allow.auto.create.topics": False,
                "check.crcs": True,
                # The default of 1,000 ms puts a client that keeps its queue full to sleep for a second: 4x slower.
                "fetch.queue.backoff.ms": 5,
                "fetch.wait.max.ms": 100,
                "queued.min.messages": 200_000,
                "queued.max.messages.kbytes": queue_kib,
                # A response is unpacked whole, whatever the queue's limit: small ones bound what is held at once.
                "fetch.max.bytes": min(queue_kib * 1024, 8 * 1024 * 1024),
                "error_cb": self._errors,
                "on_commit": self._on_commit,
                "stats_cb": self._on_statistics,
            }
        )

    def subscribe(self, listener: PartitionListener) -> None:
        """Joins the group, whose partitions arrive through `listener` during `poll`; those named by hand arrive now.

        Raises:
            Exception: whatever the listener raised.
        """
        if isinstance(self._membership, ByHand):
            positions = listener.assigned(self._membership.partitions)
            self._listener = listener
            self._consumer.assign([TopicPartition(self._topic, p, at) for p, at in positions.items()])
            return
        self._consumer.subscribe(
            [self._topic],
            on_assign=self._guarded(partial(self._on_assign, listener)),
            on_revoke=self._guarded(partial(self._on_revoke, listener)),
            on_lost=self._guarded(partial(self._on_lost, listener)),
        )

    def poll(self, limit: int, timeout: float) -> Poll:
        """At most `limit` records, waiting at most `timeout` seconds for them.

        Raises:
            PositionLostError: a position is not on the broker.
            TopicMissingError: the topic was deleted.
            AccessDeniedError: rights or credentials are missing.
            ConfigError: brokers or group refuse the membership as it is set.
            AnotherWriterError, MemberIdInUseError: another member has this one's static id.
            Exception: whatever a listener raised; the records of that poll are not handed out.
        """
        try:
            messages = self._consumer.consume(limit, timeout)
        except KafkaException as error:
            raise self._errors.translate(error.args[0], f"reading topic {self._topic}") from None
        if self._failure is not None:
            raise self._failure
        ends: dict[int, int] = {}
        if any(map(Message.error, messages)):
            # An event's value() is readable text at a real offset: it must never reach the decoder.
            errors = list(map(Message.error, messages))
            self._sort_events(list(compress(messages, errors)), ends)
            messages = list(compress(messages, map(not_, errors)))
        return Poll(records_of(self._topic, messages), ends)

    def seek(self, partition: int, position: int) -> None:
        """Reads `partition` from `position` on; drops what was prefetched of it."""
        try:
            self._consumer.seek(TopicPartition(self._topic, partition, position))
        except KafkaException as error:
            raise self._errors.translate(error.args[0], f"seeking {self._topic}[{partition}] to {position}") from None

    def pause(self, partitions: Sequence[int]) -> None:
        """Stops delivery; polling goes on and keeps the membership alive."""
        self._consumer.pause(self._topic_partitions(partitions))

    def resume(self, partitions: Sequence[int]) -> None:
        """Takes delivery up again."""
        self._consumer.resume(self._topic_partitions(partitions))

    def commit(self, positions: Mapping[int, int]) -> None:
        """Tells the group, if there is one, where the table stands, for lag tools.

        A failure is logged and changes nothing.
        """
        if self._membership.group_id is None:
            return
        offsets = [TopicPartition(self._topic, p, position) for p, position in positions.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            self._on_commit(error.args[0], [])

    def close(self) -> None:
        """Lets go of the partitions. Revocation is told to the listener first, and raises what it raises."""
        try:
            if self._listener is not None and isinstance(self._membership, ByHand):
                self._listener.revoked(self._membership.partitions)
        finally:
            self._listener = None
            self._consumer.close()
        if self._failure is not None:
            raise self._failure

    def _on_assign(self, listener: PartitionListener, consumer: Consumer, given: Sequence[TopicPartition]) -> None:
        positions = listener.assigned([t.partition for t in given])
        consumer.incremental_assign([TopicPartition(self._topic, p, at) for p, at in positions.items()])

    def _on_revoke(self, listener: PartitionListener, consumer: Consumer, taken: Sequence[TopicPartition]) -> None:
        try:
            listener.revoked([t.partition for t in taken])
        finally:
            consumer.incremental_unassign(list(taken))

    def _on_lost(self, listener: PartitionListener, consumer: Consumer, taken: Sequence[TopicPartition]) -> None:
        try:
            listener.lost([t.partition for t in taken])
        finally:
            consumer.incremental_unassign(list(taken))

    def _guarded(
        self, callback: Callable[[Consumer, Sequence[TopicPartition]], None]
    ) -> Callable[[Consumer, list[TopicPartition]], None]:
        """A callback whose failure is raised by the poll that ran it.

        When a callback raises, confluent-kafka assigns the partitions all the same, at the group's offsets: the
        records of such a poll must not be used.
        """

        def run(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            if self._failure is not None:
                return
            try:
                callback(consumer, partitions)
            except BaseException as failure:
                self._failure = failure

        return run

    def _sort_events(self, events: Sequence[Message], ends: dict[int, int]) -> None:
        for event in events:
            error = event.error()
            if error is None:
                continue
            if error.code() == KafkaError._PARTITION_EOF:
                ends[int(event.partition() or 0)] = int(event.offset() or 0)
            elif is_passing(error):
                client_log.warning("reading %s: %s", self._topic, error.str())
            elif error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED or self._membership.group_id is not None:
                failure = self._errors.translate(error, f"reading topic {self._topic}")
                if not isinstance(failure, BrokerUnreachableError):
                    raise failure

    def _on_commit(self, error: KafkaError | None, _partitions: list[TopicPartition]) -> None:
        if error is None or error.code() == KafkaError._NO_OFFSET:
            return
        client_log.warning("committing offsets to the group failed: %s", error.str())
        if self._observer is not None:
            self._observer.commit_failed()

    def _on_statistics(self, text: str) -> None:
        # What cannot be read is not shown: it would come out of poll, and no record depends on it.
        with suppress(DecodeError):
            if self._observer is not None:
                statistics = parse_statistics(text)
                self._errors.statistics(statistics)
                self._observer.client_statistics(statistics)

    def _topic_partitions(self, partitions: Sequence[int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, p) for p in partitions]


def _membership_properties(kafka: KafkaSettings, membership: Membership) -> Properties:
    if isinstance(membership, ByHand):
        # librdkafka looks for the coordinator of some group even if nobody joins it; no right on it is needed.
        return {"group.id": membership.group_id or "headrace-none"}
    properties: Properties = {
        "group.id": membership.group_id,
        "group.protocol": kafka.group_protocol,
        "max.poll.interval.ms": kafka.max_poll_interval_ms,
    }
    if kafka.group_instance_id:
        properties["group.instance.id"] = kafka.group_instance_id
    if kafka.group_protocol == "consumer":
        return properties  # the brokers decide the rest, and librdkafka refuses it
    return properties | {
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": kafka.session_timeout_ms,
        "heartbeat.interval.ms": max(200, kafka.session_timeout_ms // 5),
        "max.poll.interval.ms": max(kafka.max_poll_interval_ms, kafka.session_timeout_ms),
    }
