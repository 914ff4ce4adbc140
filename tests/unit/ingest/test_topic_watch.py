from datetime import datetime
from threading import Event

import pytest

from headrace.errors import BrokerUnreachableError, TopicMissingError, TopicRecreatedError
from headrace.kafka.topics import TopicIdentity
from headrace.offsets import OffsetRange
from headrace.testing.manual_clock import ManualClock
from headrace.testing.memory_broker import MemoryBroker
from headrace.testing.waiting import wait_until
from headrace_ingest.topic_watch import TopicWatch


class _Topic:
    """A broker's topic that can be slow and can fail; counts how often it was asked."""

    def __init__(self) -> None:
        self.broker = MemoryBroker("numbers", partitions=2)
        self.failure: Exception | None = None
        self.answering = Event()
        self.answering.set()
        self.asked = 0

    def identity(self) -> TopicIdentity:
        self.asked += 1
        self.answering.wait()
        if self.failure is not None:
            raise self.failure
        return self.broker.identity()

    def watermarks(self, partition: int) -> OffsetRange:
        return self.broker.watermarks(partition)

    def positions_at(self, time: datetime, partitions: range) -> dict[int, int]:
        return self.broker.positions_at(time, partitions)


class _Watched:
    def __init__(self) -> None:
        self.topic = _Topic()
        self.clock = ManualClock()
        self.watch = TopicWatch(self.topic, self.topic.broker.identity(), seconds=30.0, clock=self.clock)

    def turn_until_asked(self, times: int) -> None:
        """Turns the loop, 30 s a turn; the answer to one question is read before the next is asked."""
        wait_until(lambda: self._turn() >= times, f"the topic is asked {times} times")

    def _turn(self) -> int:
        self.clock.advance(30.0)
        self.watch.check()
        return self.topic.asked


@pytest.fixture
def watched() -> _Watched:
    return _Watched()


def test_topic_is_not_asked_before_the_interval_is_over(watched: _Watched) -> None:
    watched.clock.advance(29.9)
    watched.watch.check()
    with pytest.raises(TimeoutError):
        wait_until(lambda: watched.topic.asked > 0, "it is asked", seconds=0.1)
    watched.clock.advance(0.1)
    watched.watch.check()
    wait_until(lambda: watched.topic.asked == 1, "it is asked")


def test_recreated_topic_stops_the_worker(watched: _Watched) -> None:
    watched.turn_until_asked(2)
    watched.topic.broker.recreate("another-id")
    with pytest.raises(TopicRecreatedError, match="numbers was deleted and created again"):
        watched.turn_until_asked(1_000)


def test_deleted_topic_stops_the_worker(watched: _Watched) -> None:
    watched.topic.failure = TopicMissingError("gone")
    with pytest.raises(TopicMissingError):
        watched.turn_until_asked(1_000)


def test_unreachable_broker_is_asked_again_later(watched: _Watched) -> None:
    watched.topic.failure = BrokerUnreachableError("nobody there")
    watched.turn_until_asked(2)
    watched.topic.failure = None
    watched.topic.broker.recreate("another-id")
    with pytest.raises(TopicRecreatedError):
        watched.turn_until_asked(1_000)


def test_added_partitions_are_no_failure(watched: _Watched) -> None:
    watched.topic.broker.add_partitions(2)
    watched.turn_until_asked(3)
    assert watched.watch.partitions == 4


def test_slow_broker_is_asked_once_and_blocks_nobody(watched: _Watched) -> None:
    watched.topic.answering.clear()
    try:
        for _ in range(5):
            watched.clock.advance(30.0)
            watched.watch.check()
        wait_until(lambda: watched.topic.asked == 1, "it is asked")
    finally:
        watched.topic.answering.set()
    assert watched.topic.asked == 1
