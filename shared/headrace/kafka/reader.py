"""Reading part of a topic without a group: for proofs and look-ups, never for ingest."""

from collections.abc import Generator

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from headrace.clock import Deadline, SystemClock
from headrace.connection import KafkaSettings
from headrace.errors import BrokerUnreachableError
from headrace.kafka.client import ClientErrors, client_properties, new_admin, new_consumer
from headrace.kafka.messages import is_passing, offset_of, records_of
from headrace.kafka.records import Records
from headrace.offsets import OffsetRange

_BATCH = 10_000
# A partition that ends gives no full batch: verify waits this long twice for each.
_POLL_SECONDS = 0.1


class TopicReader:
    """Reads ranges of one topic's partitions, committed records only. Use from one thread."""

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self._topic = topic
        self._timeout = kafka.request_timeout_seconds
        self._clock = SystemClock()
        self._errors = ClientErrors()
        properties = client_properties(kafka) | {"error_cb": self._errors}
        self._admin = new_admin(properties)
        self._consumer = new_consumer(
            properties
            | {
                "group.id": "headrace-reader",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "allow.auto.create.topics": False,
                "check.crcs": True,
                "queued.max.messages.kbytes": 32_768,
            }
        )

    def read(self, partition: int, wanted: OffsetRange) -> Generator[Records, None, None]:
        """The committed records of `wanted`, in order; ends early where the partition ends.

        Raises:
            PositionLostError: the broker has deleted `wanted.start` or more.
            BrokerUnreachableError: nothing came for `request_timeout_seconds`.
            AccessDeniedError, TopicMissingError: as the name says.
        """
        self._consumer.assign([TopicPartition(self._topic, partition, wanted.start)])
        position = wanted.start
        deadline = Deadline.after(self._timeout, self._clock)
        try:
            while position < wanted.end:
                messages = self._consumer.consume(_BATCH, timeout=_POLL_SECONDS)
                good, ended = self._split(messages, partition, wanted)
                if good:
                    position = offset_of(good[-1]) + 1
                    yield records_of(self._topic, good)
                    deadline = Deadline.after(self._timeout, self._clock)
                if ended:
                    return
                if deadline.expired():
                    msg = f"reading {self._topic}[{partition}] failed: nothing came for {self._timeout:g} s"
                    raise BrokerUnreachableError(msg)
        finally:
            self._consumer.unassign()

    def _split(self, messages: list[Message], partition: int, wanted: OffsetRange) -> tuple[list[Message], bool]:
        """Records of `wanted`, without error objects; and whether the partition ended or went beyond it."""
        ended = False
        good = []
        if messages and not any(map(Message.error, messages)) and offset_of(messages[-1]) < wanted.end:
            return messages, False
        for message in messages:
            error = message.error()
            if error is None:
                ended |= offset_of(message) >= wanted.end
                if offset_of(message) in wanted:
                    good.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                ended = True
            elif not is_passing(error):  # else the deadline decides how long it is waited for
                raise self._errors.translate(error, f"reading {self._topic}[{partition}] at {wanted.start}")
        return good, ended

    def is_compacted(self) -> bool:
        """Whether the topic's settings let the broker remove single records; False where it does not tell."""
        resource = ConfigResource(ResourceType.TOPIC, self._topic)
        try:
            answer = self._admin.describe_configs([resource], request_timeout=self._timeout)[resource].result()
        except KafkaException:
            return False  # the right to read settings is often not granted, and nothing rests on them
        policy = answer.get("cleanup.policy")
        return policy is not None and "compact" in str(policy.value)

    def close(self) -> None:
        """Closes the connections."""
        self._consumer.close()
