import time
from datetime import UTC, datetime, timedelta

from headrace.clock import Deadline, SystemClock
from headrace.testing.manual_clock import ManualClock


def test_system_clock_tells_aware_utc_and_the_machines_monotonic_time() -> None:
    before_wall, before = datetime.now(UTC), time.monotonic()
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    assert before_wall <= clock.now() <= datetime.now(UTC)
    assert before <= clock.monotonic() <= time.monotonic()


def test_deadline_is_one_budget_for_several_steps() -> None:
    clock = ManualClock()
    deadline = Deadline.after(10.0, clock)
    clock.advance(4.0)
    assert (deadline.remaining(), deadline.expired()) == (6.0, False)
    clock.advance(6.0)
    assert (deadline.remaining(), deadline.expired()) == (0.0, True)
    clock.advance(1.0)
    assert deadline.remaining() == 0.0


def test_deadline_of_nothing_is_over_at_once() -> None:
    assert Deadline.after(0.0, ManualClock()).expired()


def test_manual_clock_jumps_without_time_passing() -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    started = clock.monotonic()
    clock.jump(-86_400)
    assert (clock.now(), clock.monotonic()) == (datetime(2025, 12, 31, tzinfo=UTC), started)


def test_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    started = clock.monotonic()
    clock.advance(1.5)
    assert clock.now() == datetime(2026, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)
    assert clock.monotonic() - started == 1.5
