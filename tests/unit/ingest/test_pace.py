"""How long a batch may wait."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.lake.upkeep.debt import Debt
from headrace.metrics import ingest
from headrace.testing.manual_clock import ManualClock
from headrace.testing.waiting import wait_until
from headrace_ingest.flush import FlushPolicy
from headrace_ingest.metrics import WorkerMetrics
from headrace_ingest.pace import FlushPace, put_off
from tests.logged import capture_logs

SECONDS = st.floats(0.01, 1000)


@pytest.mark.parametrize(
    ("limit", "debt", "expected"),
    [(10, 0, 2), (10, 0.99, 2), (10, 1, 2), (10, 1.5, 3), (10, 5, 10), (10, 500, 10), (2, 5, 2), (1, 5, 2)],
)
def test_a_batch_waits_in_proportion_to_the_debt(limit: float, debt: float, expected: float) -> None:
    assert put_off(2, limit, debt) == expected


@given(SECONDS, SECONDS, st.floats(0, math.inf))
def test_a_batch_never_waits_for_longer_than_the_limit_nor_for_less_than_set(
    seconds: float, limit: float, debt: float
) -> None:
    assert seconds <= put_off(seconds, limit, debt) <= max(seconds, limit)


class Told:
    """A worker's pace and what maintenance says to it."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.says: Debt | None = None
        self.asked = 0
        self.metrics = WorkerMetrics("t", "t", self.clock, stall_seconds=60, partition_detail=True)
        self.pace = FlushPace(
            "t", FlushPolicy(rows=9, size=9, seconds=2, resident=9), limit=10, ask=self._ask, metrics=self.metrics
        )

    def _ask(self) -> Debt | None:
        self.asked += 1
        return self.says

    def debt(self, size: float) -> None:
        self.says = Debt(size, "because", self.clock.now() + timedelta(minutes=18))

    def hear(self) -> float:
        """What a batch may wait when the next answer has come."""
        before = self.asked
        self.clock.advance(10)
        wait_until(lambda: self._turned() and self.asked > before and not self.pace._asker.asking, "it is asked")
        return self.pace.policy.seconds

    def _turned(self) -> bool:
        self.pace.check()
        return True

    def shown(self) -> float | None:
        return self.metrics.registry.get_sample_value(ingest.FLUSH_AGE.name, {"table": "t"})


@pytest.fixture
def told() -> Told:
    return Told()


def test_flushes_are_put_off_while_there_is_debt_and_it_is_said_once(told: Told) -> None:
    assert told.shown() == 2

    seen = []
    with capture_logs() as lines:
        for size in (0.5, 1.5, 3, 50, 0.7):
            told.debt(size)
            seen.append((told.hear(), told.shown()))

    assert seen == [(2, 2), (3, 3), (6, 6), (10, 10), (2, 2)]
    assert lines == [
        {
            "event": "flushes_put_off",
            "table": "t",
            "seconds": 3,
            "debt": 1.5,
            "reason": "because",
        },
        {"event": "flushes_as_set", "table": "t", "seconds": 2},
    ]


def test_nobody_is_asked_between_two_questions(told: Told) -> None:
    for _ in range(100):
        told.clock.advance(0.09)
        told.pace.check()

    assert told.asked == 0


def test_what_lapses_before_it_is_read_again_means_nothing(told: Told) -> None:
    told.debt(50)
    assert told.hear() == 10
    told.clock.jump(18 * 60)

    told.pace.check()

    assert told.pace.policy.seconds == 2


def test_what_is_withdrawn_means_nothing(told: Told) -> None:
    told.debt(50)
    assert told.hear() == 10
    told.says = None

    assert told.hear() == 2
