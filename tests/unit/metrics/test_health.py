import pytest

from headrace.metrics.health import Health, State
from headrace.testing.manual_clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def health(clock: ManualClock) -> Health:
    return Health(clock, stall_seconds=300)


def test_a_process_that_starts_lives_and_is_neither_started_nor_ready(clock: ManualClock, health: Health) -> None:
    clock.advance(10_000)
    assert (health.live(), health.started(), health.ready()) == (True, False, False)
    health.enter(State.RUNNING)  # the loop has yet to turn
    assert (health.started(), health.ready()) == (False, False)


def test_a_loop_that_turns_is_started_alive_and_ready(clock: ManualClock, health: Health) -> None:
    health.enter(State.RUNNING)
    for _ in range(10):
        health.tick()
        clock.advance(299)
        assert (health.live(), health.started(), health.ready()) == (True, True, True)


def test_a_loop_that_stands_still_is_dead_and_wakes_again(clock: ManualClock, health: Health) -> None:
    health.enter(State.RUNNING)
    health.tick()
    clock.advance(300.1)
    assert (health.live(), health.started(), health.ready()) == (False, True, False)
    health.tick()
    assert (health.live(), health.ready()) == (True, True)


@pytest.mark.parametrize(
    ("state", "live"), [(State.DRAINING, True), (State.STOPPED, True), (State.FAILED, False)], ids=str
)
def test_whoever_stops_is_not_ready_and_only_who_failed_is_dead(health: Health, state: State, live: bool) -> None:
    health.enter(State.RUNNING)
    health.tick()
    health.enter(state)
    assert (health.live(), health.ready(), health.state) == (live, False, state)
