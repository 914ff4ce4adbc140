"""What consumers make of librdkafka's messages: records as columns, and which errors among them mean nothing."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import cast

from confluent_kafka import KafkaError, Message

from headrace.kafka.records import Envelope, Header, Records

_millis = itemgetter(1)
# A message that is not an event always has both.
_partition = cast("Callable[[Message], int]", Message.partition)
offset_of = cast("Callable[[Message], int]", Message.offset)

_PASSING = frozenset(
    {
        KafkaError._MAX_POLL_EXCEEDED,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REBALANCE_IN_PROGRESS,  # of a group that has members of both protocols
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
    }
)


def records_of(topic: str, messages: Sequence[Message]) -> Records:
    """The records of `messages`, none of which may be an event: no bytecode runs per record."""
    return Records(
        topic=topic,
        partitions=list(map(_partition, messages)),
        offsets=list(map(offset_of, messages)),
        timestamps=list(map(_millis, map(Message.timestamp, messages))),
        values=list(map(Message.value, messages)),
        envelope=lambda index: _envelope(messages[index]),
    )


def is_passing(error: KafkaError) -> bool:
    """Whether librdkafka, which reports `error` beside the records, mends it by itself."""
    return error.code() in _PASSING or (error.retriable() and not error.fatal())


def _envelope(message: Message) -> Envelope:
    headers = cast("Sequence[Header]", message.headers() or ())
    return Envelope(message.key(), tuple(headers))
