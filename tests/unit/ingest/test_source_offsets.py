from datetime import datetime
from threading import Event

import pytest

from headrace.errors import BrokerUnreachableError
from headrace.kafka.topics import TopicIdentity
from headrace.offsets import OffsetRange
from headrace.testing.manual_clock import ManualClock
from headrace.testing.memory_broker import MemoryBroker
from headrace.testing.waiting import wait_until
from headrace_ingest.batch import Batch, Span
from headrace_ingest.intake import Lease
from headrace_ingest.source_offsets import SourceOffsets
from headrace_ingest.standing import PartitionStanding


class _Topic:
    """A broker's topic whose partitions can be slow or unreachable."""

    def __init__(self) -> None:
        self.broker = MemoryBroker("numbers", partitions=2)
        self.away: set[int] = set()
        self.answering = Event()
        self.answering.set()

    def identity(self) -> TopicIdentity:
        return self.broker.identity()

    def watermarks(self, partition: int) -> OffsetRange:
        self.answering.wait()
        if partition in self.away:
            msg = "nobody answers"
            raise BrokerUnreachableError(msg)
        return self.broker.watermarks(partition)

    def positions_at(self, time: datetime, partitions: range) -> dict[int, int]:
        return self.broker.positions_at(time, partitions)


class _Asked:
    def __init__(self) -> None:
        self.topic = _Topic()
        self.clock = ManualClock()
        self.offsets = SourceOffsets(self.topic, seconds=5.0, clock=self.clock)
        self.leases = {p: Lease(p, 1, 0, 0) for p in (0, 1)}
        for partition in self.leases:
            self.offsets.ask(partition)

    @property
    def now(self) -> float:
        return self.clock.now().timestamp()

    def append(self, partition: int, count: int) -> None:
        for _ in range(count):
            self.topic.broker.append(b"x", partition=partition)

    def standing(self, *batches: Batch) -> list[PartitionStanding]:
        return list(self.offsets.standing(list(self.leases.values()), batches, paused=0, of=2).partitions)

    def ask_again(self) -> float:
        """Lets the interval pass and the loop turn until the answers are in; when they were asked for."""
        self.clock.advance(5.0)
        asked_at = self.now
        self.offsets.check(self.leases)
        wait_until(self._turned, "the broker was asked")
        return asked_at

    def _turned(self) -> bool:
        self.offsets.check(self.leases)
        return not self.offsets.asking


@pytest.fixture
def asked() -> _Asked:
    return _Asked()


def test_ends_are_known_from_the_claim_on(asked: _Asked) -> None:
    asked.append(1, 7)
    asked.offsets.ask(1)
    assert [p.end for p in asked.standing()] == [0, 7]


def test_the_broker_is_asked_beside_the_loop_which_never_waits(asked: _Asked) -> None:
    asked.topic.answering.clear()
    asked.append(0, 3)
    for _ in range(10):
        asked.clock.advance(5.0)
        asked.offsets.check(asked.leases)
    assert [p.end for p in asked.standing()] == [0, 0]
    asked.topic.answering.set()
    wait_until(lambda: asked.standing()[0].end == 3, "the answer is in")


def test_an_idle_partition_is_fresh_as_of_each_answer(asked: _Asked) -> None:
    for _ in range(3):
        asked_at = asked.ask_again()
        asked.clock.advance(1.0)
        assert [p.watermark for p in asked.standing()] == [asked_at, asked_at]


def test_a_broker_that_does_not_answer_makes_nothing_fresh(asked: _Asked) -> None:
    last = asked.ask_again()
    asked.topic.away = {0, 1}
    asked.ask_again()
    assert [p.watermark for p in asked.standing()] == [last, last]
    assert asked.offsets.answered_at == last


def test_a_partition_without_a_leader_does_not_hide_the_others(asked: _Asked) -> None:
    before = asked.now
    asked.topic.away = {0}
    asked.offsets.compare(asked.leases)
    asked_at = asked.ask_again()
    assert [p.watermark for p in asked.standing()] == [before, asked_at]


def test_what_was_read_beyond_the_last_answer_counts_as_there(asked: _Asked) -> None:
    asked.leases[0].position = 9
    (first, _) = asked.standing()
    assert (first.end, first.lease.durable) == (9, 0)


def test_before_the_first_commit_the_first_record_that_waits_says_how_old_all_is(asked: _Asked) -> None:
    asked.append(0, 5)
    asked.ask_again()
    flying, collected = Batch(), Batch()
    flying.account({0: Span(0, 2, oldest_ms=1_700_000_000_000)}, 0.0)
    collected.account({0: Span(2, 5, oldest_ms=1_700_000_009_000), 1: Span(0, 0)}, 0.0)
    first, second = asked.standing(flying, collected)
    assert (first.waiting_since, first.watermark) == (1_700_000_000, 1_700_000_000)
    assert second.waiting_since is None
    assert second.watermark is not None


def test_a_waiting_record_from_the_future_is_of_now(asked: _Asked) -> None:
    batch = Batch()
    batch.account({0: Span(0, 2, oldest_ms=99_000_000_000_000)}, 0.0)
    assert asked.standing(batch)[0].waiting_since == asked.now
