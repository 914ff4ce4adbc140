from collections.abc import Collection

import pytest

from headrace.clock import SystemClock
from headrace.kafka.sender import Delivery
from headrace_bots.pacing import AskPositions, Backlog, Pace, Positions, TopicPartition, no_positions

PLACE = ("trades", 0)


class Stopwatch(SystemClock):
    """Monotonic time that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


def deliver(backlog: Backlog, offset: int | None, error: str | None = None) -> None:
    backlog(Delivery("trades", None, b"", 0, offset, error))


def table_at(position: int) -> AskPositions:
    return lambda _places: {PLACE: position}


@pytest.mark.parametrize(
    ("seconds", "sent", "due"), [(0.0, 0, 0), (0.5, 0, 500), (0.5, 500, 0), (0.5, 700, 0), (2.0, 1999, 1)]
)
def test_events_fall_due_in_proportion_to_time(seconds: float, sent: int, due: int) -> None:
    assert Pace(1000.0).due(seconds, sent) == due


def test_unpaced_bots_are_always_due() -> None:
    assert Pace(None).due(0.0, 10**9) is None


def test_backlog_is_what_was_acknowledged_after_the_position() -> None:
    backlog = Backlog(table_at(40), limit=59)
    assert backlog.largest() == 0
    deliver(backlog, 99)
    deliver(backlog, 50)
    assert backlog.largest() == 60
    assert backlog.too_large()


def test_failed_records_are_no_backlog() -> None:
    backlog = Backlog(no_positions, limit=0)
    deliver(backlog, None, "timed out")
    assert not backlog.too_large()


def test_partition_unknown_to_the_table_counts_from_its_beginning() -> None:
    backlog = Backlog(no_positions, limit=5)
    deliver(backlog, 9)
    assert backlog.largest() == 10
    assert backlog.too_large()


def test_bots_without_a_limit_never_wait() -> None:
    backlog = Backlog(no_positions, limit=None)
    deliver(backlog, 10**6)
    assert not backlog.too_large()


def test_table_is_asked_no_more_often_than_the_interval_allows() -> None:
    clock, asked = Stopwatch(), []

    def positions(_places: Collection[TopicPartition]) -> Positions:
        asked.append(clock.seconds)
        return {PLACE: 100 * len(asked)}

    backlog = Backlog(positions, limit=0, every_seconds=0.2, clock=clock)
    deliver(backlog, 199)
    assert backlog.largest() == 100
    clock.seconds = 0.1
    assert backlog.largest() == 100
    clock.seconds = 0.3
    assert backlog.largest() == 0
    assert asked == [0.0, 0.3]


def test_tables_are_asked_for_every_partition_that_took_a_record() -> None:
    asked: list[set[TopicPartition]] = []

    def positions(places: Collection[TopicPartition]) -> Positions:
        asked.append(set(places))
        return dict.fromkeys(places, 10)

    backlog = Backlog(positions, limit=0)
    for partition in (0, 7):
        backlog(Delivery("trades", None, b"", partition, 9))
    assert backlog.largest() == 0
    assert asked == [{("trades", 0), ("trades", 7)}]
