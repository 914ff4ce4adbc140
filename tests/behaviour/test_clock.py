"""A worker whose wall clock is set forwards and backwards while it runs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from headrace.clock import SystemClock
from headrace.testing.manual_clock import ManualClock
from headrace.testing.waiting import wait_until
from tests.behaviour.running import Running
from tests.behaviour.world import World, fill, poison


class JumpingClock(SystemClock):
    """The machine's clock, with its wall clock set to whatever a test says."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self._ahead

    def set(self, now: datetime) -> None:
        self._ahead = now - super().now()


def test_a_wall_clock_that_jumps_loses_nothing_and_delays_nothing(strict_world: World) -> None:
    clock = JumpingClock()
    world, sent = replace(strict_world, clock=clock), 0
    today = clock.now().replace(hour=12)
    times = [today, today + timedelta(days=40), datetime(1970, 1, 2, tzinfo=UTC), today + timedelta(hours=1), today]
    with world.running() as running:
        for time in times:
            clock.set(time)
            records = [poison(n) if n % 10 == 3 else fill(n) for n in range(sent, sent + 30)]
            sent += 30
            world.await_landing(*world.topic.extend(records))
            assert running.alive
    world.assert_exact()
    ingested = {row["_ingested_at"].date() for row in world.rows()}
    assert {time.date() for time in times} <= ingested | {day + timedelta(days=1) for day in ingested}


def has_read(running: Running, records: int) -> bool:
    return running.worker._batch.records == records


@pytest.mark.parametrize("seconds", [3600, -3600, 40 * 86_400, -40 * 86_400])
def test_the_age_of_a_batch_is_time_that_passed_and_not_what_the_wall_clock_says(
    memory_world: World, seconds: float
) -> None:
    clock = ManualClock()
    world = replace(memory_world, clock=clock)
    with world.running(flush_seconds=5) as running:
        for number in (1, 2):
            world.topic.extend([fill(n) for n in range(10)])
            wait_until(partial(has_read, running, 10 * number), "they are read")
            clock.jump(seconds)
        world.topic.append(fill(99))
        wait_until(partial(has_read, running, 21), "the loop has turned since the clock jumped")
        assert world.rows() == []
        clock.advance(5)
        world.await_landing(*world.topic.records)
    world.assert_exact()
