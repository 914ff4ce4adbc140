"""One holder at a time, on a disk and on a store that exchanges objects conditionally."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from headrace.errors import InvariantError, MaintenanceHeldError
from headrace.lake.store import Store
from headrace.lake.upkeep.lease import TTL, read_record, take_lease
from headrace.testing.manual_clock import ManualClock

Make = Callable[[], Store]


@pytest.fixture(params=["disk", "objects"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """The same store, by each call as another process sees it."""
    (tmp_path / "t").mkdir()
    shared = Store("memory:///")
    return (lambda: shared) if request.param == "objects" else (lambda: Store(str(tmp_path)))


def test_a_second_holder_is_refused_until_the_first_gives_back(make: Make) -> None:
    clock = ManualClock()
    first = take_lease(make(), "t", "one/1", clock)

    with pytest.raises(MaintenanceHeldError, match="t is maintained by one/1 since 2026-01-01 00:00:00 UTC"):
        take_lease(make(), "t", "two/2", clock)
    first.release()

    assert take_lease(make(), "t", "two/2", clock).record.epoch == 2


def test_a_violation_keeps_everybody_away(make: Make) -> None:
    clock = ManualClock()
    first = take_lease(make(), "t", "one/1", clock)
    first.block("rows differ")
    first.release()

    with pytest.raises(InvariantError, match="rows differ"):
        take_lease(make(), "t", "two/2", clock)


def test_what_was_put_down_is_there_for_the_next(make: Make) -> None:
    clock = ManualClock()
    first = take_lease(make(), "t", "one/1", clock)
    first.renew(looked_for_orphans=clock.now())
    first.release()

    assert read_record(make(), "t").looked_for_orphans == clock.now()


def test_objects_of_a_holder_that_died_are_taken_over_and_the_dead_one_notices() -> None:
    store, clock = Store("memory:///"), ManualClock()
    dead = take_lease(store, "t", "one/1", clock)
    clock.advance(TTL / timedelta(seconds=1))

    taken = take_lease(store, "t", "two/2", clock)

    assert (taken.record.epoch, taken.record.holder) == (2, "two/2")
    with pytest.raises(MaintenanceHeldError, match="t is maintained by two/2"):
        dead.renew()
